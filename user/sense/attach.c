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
#include "sense/link_pin.h"

static int link_info(int link_fd, struct bpf_link_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(link_fd, info, &len) ? -errno : 0;
}

void attach_program_name(uint32_t id, char *name)
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

/* The pin under the name that the interface has now: it may have had another in the run before. */
static void take_pin(struct attachment *new, const struct link_pin *old)
{
	if (strcmp(old->path, new->pin) && rename(old->path, new->pin)) {
		memcpy(new->pin, old->path, sizeof(new->pin));
		return;
	}
	if (strcmp(old->interface, new->interface))
		log_warning("%s was called %s in the run before: its link is taken over",
			    new->interface, old->interface);
}

/*
 * A link that an earlier run pinned, now with our program. Returns its descriptor, or -ENOENT when
 * there is none of use (the pin of a vanished interface or of the other mode is removed).
 */
static int adopt(struct attachment *wanted, int prog_fd)
{
	struct bpf_link_info info;
	struct link_pin pin;
	int fd;

	if (!wanted->pin_dir || link_pin_find(wanted->pin_dir, wanted->ifindex, &pin))
		return -ENOENT;
	fd = bpf_obj_get(pin.path);
	if (fd < 0)
		return -ENOENT;
	if (link_info(fd, &info) || info.type != BPF_LINK_TYPE_XDP ||
	    (int)info.xdp.ifindex != wanted->ifindex ||
	    is_generic(wanted->ifindex) != wanted->generic || bpf_link_update(fd, prog_fd, NULL)) {
		log_warning("failed to adopt link %s: it is not on %s any more, attaching anew",
			    pin.path, wanted->interface);
		bpf_link_detach(fd);
		unlink(pin.path);
		close(fd);
		return -ENOENT;
	}
	take_pin(wanted, &pin);
	return fd;
}

static int explain(const struct attachment *wanted, int err, char error[512])
{
	const char *name = wanted->interface;
	char program[BPF_OBJ_NAME_LEN];
	uint32_t id = program_on(wanted->ifindex);

	if (id && (err == -EBUSY || err == -EEXIST)) {
		attach_program_name(id, program);
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

/* A link on the interface. */
static int create(struct attachment *attachment, int prog_fd)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = attachment->generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	int fd = bpf_link_create(prog_fd, attachment->ifindex, BPF_XDP, &options);

	if (fd < 0)
		return -errno;
	attachment->link_fd = fd;
	return 0;
}

/* In the place of an earlier link of the same interface. */
static void pin(struct attachment *attachment)
{
	if (!attachment->pin[0])
		return;
	unlink(attachment->pin);
	if (!bpf_obj_pin(attachment->link_fd, attachment->pin))
		return;
	log_warning("failed to pin the link of %s at %s: %m; it ends with this process",
		    attachment->interface, attachment->pin);
	attachment->pin[0] = '\0';
}

/* What it is called, and where its pin belongs. */
static void set_name(struct attachment *attachment, const char *name)
{
	snprintf(attachment->name, sizeof(attachment->name), "%s", name);
	if (!attachment->pin_dir || link_pin_name(attachment->pin_dir, attachment->ifindex,
						  attachment->interface, attachment->pin))
		attachment->pin[0] = '\0';
}

int attach_open(const char *interface, bool generic, int prog_fd, const char *pin_dir,
		struct attachment *out, char error[512])
{
	struct attachment new = { .link_fd = -1, .generic = generic, .pin_dir = pin_dir };
	int err;

	new.ifindex = (int)if_nametoindex(interface);
	if (!new.ifindex) {
		snprintf(error, 512,
			 "failed to attach to %s: no such interface (ip link lists them)",
			 interface);
		return -ENODEV;
	}
	snprintf(new.interface, sizeof(new.interface), "%s", interface);
	set_name(&new, interface);

	new.link_fd = adopt(&new, prog_fd);
	if (new.link_fd < 0) {
		if (program_on(new.ifindex))
			return explain(&new, -EBUSY, error);
		err = create(&new, prog_fd);
		if (err)
			return explain(&new, err, error);
		pin(&new);
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

/* Somebody exchanged the link's program. */
static int put_back(const struct attachment *attachment, int prog_fd)
{
	struct bpf_link_info info;

	if (link_info(attachment->link_fd, &info) || (int)info.xdp.ifindex != attachment->ifindex ||
	    !info.xdp.ifindex)
		return -ENOENT;
	return bpf_link_update(attachment->link_fd, prog_fd, NULL) ? -errno : 0;
}

bool attach_released(const struct attachment *attachment)
{
	return attachment->pin[0] && access(attachment->pin, F_OK) && errno == ENOENT;
}

static bool is_ours(int ifindex)
{
	char name[BPF_OBJ_NAME_LEN];
	uint32_t id = program_on(ifindex);

	if (!id)
		return false;
	attach_program_name(id, name);
	return !strcmp(name, ATTACH_PROGRAM);
}

/*
 * The interface that should be watched: the one that has the configuration's name now, else the one
 * that had it, as long as it is here. Names that two watched interfaces have exchanged change
 * nothing: both are watched. Returns 0 when there is none.
 */
static int place(const struct attachment *attachment)
{
	int named = (int)if_nametoindex(attachment->interface);
	char name[IF_NAMESIZE];

	if (named && (named == attachment->ifindex || !is_ours(named)))
		return named;
	return link_pin_current_name(attachment->ifindex, name) ? attachment->ifindex : 0;
}

/* An interface that went to another namespace took the program along. */
static int lose(struct attachment *attachment, char why[160])
{
	bpf_link_detach(attachment->link_fd);
	attachment->ifindex = 0; /* the number may become another's */
	memcpy(attachment->name, attachment->interface, sizeof(attachment->name));
	snprintf(why, 160, "there is no interface %s", attachment->interface);
	return -ENODEV;
}

/* A link of its own, on the interface new->ifindex, takes the place of the old one. */
static int replace(struct attachment *attachment, struct attachment *new, int prog_fd,
		   char why[160])
{
	char error[512], name[IF_NAMESIZE];
	int err;

	if (!link_pin_current_name(new->ifindex, name))
		return lose(attachment, why);
	err = program_on(new->ifindex) ? -EBUSY : create(new, prog_fd);
	if (err) {
		err = explain(new, err, error);
		snprintf(why, 160, "%.159s", error);
		return err;
	}
	set_name(new, name);
	pin(new);
	if (strcmp(attachment->pin, new->pin))
		unlink(attachment->pin);
	bpf_link_detach(attachment->link_fd);
	close(attachment->link_fd);
	*attachment = *new;
	return 0;
}

int attach_again(struct attachment *attachment, int prog_fd, char why[160])
{
	struct attachment new = *attachment;

	if (attach_released(attachment)) {
		snprintf(why, 160, "fwgen off took it out");
		return -ECANCELED;
	}
	new.ifindex = place(attachment);
	if (!new.ifindex)
		return lose(attachment, why);
	if (new.ifindex == attachment->ifindex && !put_back(attachment, prog_fd))
		return 0;
	return replace(attachment, &new, prog_fd, why);
}

int attach_verify(struct attachment *attachment, uint32_t prog_id, char why[160])
{
	struct bpf_link_info info;
	int err = link_info(attachment->link_fd, &info);

	if (err) {
		snprintf(why, 160, "the link of %s cannot be read: %s", attachment->interface,
			 strerror(-err));
		return err;
	}
	if (!info.xdp.ifindex || (int)info.xdp.ifindex != attachment->ifindex ||
	    !link_pin_current_name(attachment->ifindex, attachment->name)) {
		snprintf(why, 160, "the program was detached from %s, or the interface is gone",
			 attachment->interface);
		return -ENODEV;
	}
	if (info.prog_id != prog_id) {
		snprintf(why, 160, "another program (id %u) runs on the link of %s", info.prog_id,
			 attachment->interface);
		return -EBUSY;
	}
	if (place(attachment) != attachment->ifindex) {
		snprintf(why, 160, "%s is another interface now", attachment->interface);
		return -EXDEV;
	}
	return 0;
}
