// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attaching, adopting, verifying the XDP link. A bpf_link and not a netlink attach: it cannot be
 * replaced by another program by mistake, it outlives the daemon through its pin, and its program
 * can be exchanged without a packet in between (BPF_LINK_UPDATE).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "sense/attach.h"

static int link_info(int link_fd, struct bpf_link_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(link_fd, info, &len) ? -errno : 0;
}

/* The name of a loaded program, "?" when it cannot be asked. */
static void program_name(uint32_t id, char name[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	snprintf(name, BPF_OBJ_NAME_LEN, "?");
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		snprintf(name, BPF_OBJ_NAME_LEN, "%s", info.name);
	close(fd);
}

/* The id of whatever XDP program is on the interface, 0 for none. */
static uint32_t program_on(int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query(ifindex, 0, &query))
		return 0;
	if (query.prog_id)
		return query.prog_id;
	if (query.drv_prog_id)
		return query.drv_prog_id;
	return query.skb_prog_id ? query.skb_prog_id : query.hw_prog_id;
}

static bool is_generic(int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	return !bpf_xdp_query(ifindex, 0, &query) && query.attach_mode == XDP_ATTACHED_SKB;
}

/*
 * A link that an earlier run pinned, now with our program. Returns its descriptor, or -ENOENT when
 * there is none of use (the pin of a vanished interface or of the other mode is removed).
 */
static int adopt(const struct attachment *wanted, int prog_fd)
{
	struct bpf_link_info info;
	int fd;

	if (!wanted->pin[0])
		return -ENOENT;
	fd = bpf_obj_get(wanted->pin);
	if (fd < 0)
		return -ENOENT;
	if (link_info(fd, &info) || info.type != BPF_LINK_TYPE_XDP ||
	    (int)info.xdp.ifindex != wanted->ifindex ||
	    is_generic(wanted->ifindex) != wanted->generic || bpf_link_update(fd, prog_fd, NULL)) {
		log_warning("failed to adopt link %s: it is not on %s any more, attaching anew",
			    wanted->pin, wanted->interface);
		bpf_link_detach(fd);
		unlink(wanted->pin);
		close(fd);
		return -ENOENT;
	}
	return fd;
}

static int explain(const struct attachment *wanted, int err, char error[512])
{
	const char *name = wanted->interface;
	char program[BPF_OBJ_NAME_LEN];
	uint32_t id = program_on(wanted->ifindex);

	if (id && (err == -EBUSY || err == -EEXIST)) {
		program_name(id, program);
		snprintf(error, 512,
			 "failed to attach to %s: the XDP program \"%s\" (id %u) is already there; "
			 "remove it with what put it there (or: ip link set dev %s xdp off, "
			 "bpftool link detach), or choose another interface",
			 name, program, id, name);
		return -EBUSY;
	}
	if (err == -EOPNOTSUPP || err == -EINVAL || err == -ERANGE) { /* ERANGE: its MTU */
		snprintf(error, 512,
			 "failed to attach to %s: its driver has no native XDP for it as it is set "
			 "up "
			 "(%s); use --sensor xdp-generic",
			 name, strerror(-err));
		return -EOPNOTSUPP;
	}
	snprintf(error, 512, "failed to attach to %s: %s", name, strerror(-err));
	return err;
}

int attach_open(const char *interface, bool generic, int prog_fd, const char *pin_dir,
		struct attachment *out, char error[512])
{
	struct attachment new = { .link_fd = -1, .generic = generic };
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);

	new.ifindex = if_nametoindex(interface);
	if (!new.ifindex) {
		snprintf(error, 512,
			 "failed to attach to %s: no such interface (ip link lists them)",
			 interface);
		return -ENODEV;
	}
	snprintf(new.interface, sizeof(new.interface), "%s", interface);
	if (pin_dir)
		snprintf(new.pin, sizeof(new.pin), "%s/link-%s", pin_dir, interface);

	new.link_fd = adopt(&new, prog_fd);
	if (new.link_fd < 0) {
		if (program_on(new.ifindex))
			return explain(&new, -EBUSY, error);
		new.link_fd = bpf_link_create(prog_fd, new.ifindex, BPF_XDP, &options);
		if (new.link_fd < 0)
			return explain(&new, -errno, error);
		if (new.pin[0] && bpf_obj_pin(new.link_fd, new.pin)) {
			log_warning(
				"failed to pin the link of %s at %s: %m; it ends with this process",
				interface, new.pin);
			new.pin[0] = '\0';
		}
	}
	*out = new;
	return 0;
}

void attach_close(struct attachment *attachment, bool keep)
{
	if (attachment->link_fd < 0)
		return;
	if (!keep || !attachment->pin[0]) {
		/* fails when the interface is gone, and the link with it */
		bpf_link_detach(attachment->link_fd);
		if (attachment->pin[0])
			unlink(attachment->pin);
	}
	close(attachment->link_fd);
	attachment->link_fd = -1;
}

int attach_verify(const struct attachment *attachment, uint32_t prog_id, char why[160])
{
	struct bpf_link_info info;
	int err = link_info(attachment->link_fd, &info);

	if (err) {
		snprintf(why, 160, "the link of %s cannot be read: %s", attachment->interface,
			 strerror(-err));
		return err;
	}
	if ((int)info.xdp.ifindex != attachment->ifindex) {
		snprintf(why, 160, "the program was detached from %s, or the interface is gone",
			 attachment->interface);
		return -ENODEV;
	}
	if (info.prog_id != prog_id) {
		snprintf(why, 160, "another program (id %u) runs on the link of %s", info.prog_id,
			 attachment->interface);
		return -EBUSY;
	}
	return 0;
}
