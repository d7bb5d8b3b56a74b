// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attaching, adopting, verifying the XDP link. A bpf_link and not a netlink attach: it cannot be
 * replaced by another program by mistake, it outlives the daemon through its pin, and its program
 * can be exchanged without a packet in between (BPF_LINK_UPDATE).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "sense/attach.h"

#define PIN_PREFIX "link-" /* and the interface's name */

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

int attach_open(const char *interface, bool generic, int prog_fd, const char *pin_dir,
		struct attachment *out, char error[512])
{
	struct attachment new = { .link_fd = -1, .generic = generic };
	int err;

	new.ifindex = if_nametoindex(interface);
	if (!new.ifindex) {
		snprintf(error, 512,
			 "failed to attach to %s: no such interface (ip link lists them)",
			 interface);
		return -ENODEV;
	}
	snprintf(new.interface, sizeof(new.interface), "%s", interface);
	if (pin_dir)
		snprintf(new.pin, sizeof(new.pin), "%s/" PIN_PREFIX "%s", pin_dir, interface);

	new.link_fd = adopt(&new, prog_fd);
	if (new.link_fd < 0) {
		if (program_on(new.ifindex))
			return explain(&new, -EBUSY, error);
		err = create(&new, prog_fd);
		if (err)
			return explain(&new, err, error);
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

/* Somebody exchanged the link's program. */
static int put_back(const struct attachment *attachment, int prog_fd)
{
	struct bpf_link_info info;

	if (link_info(attachment->link_fd, &info) || (int)info.xdp.ifindex != attachment->ifindex ||
	    !info.xdp.ifindex)
		return -ENOENT;
	return bpf_link_update(attachment->link_fd, prog_fd, NULL) ? -errno : 0;
}

/* The new link's pin takes the place of the old one's. */
static void pin_anew(struct attachment *attachment)
{
	unlink(attachment->pin);
	if (!bpf_obj_pin(attachment->link_fd, attachment->pin))
		return;
	log_warning("failed to pin the link of %s at %s: %m; it ends with this process",
		    attachment->interface, attachment->pin);
	attachment->pin[0] = '\0';
}

bool attach_released(const struct attachment *attachment)
{
	return attachment->pin[0] && access(attachment->pin, F_OK) && errno == ENOENT;
}

int attach_again(struct attachment *attachment, int prog_fd, char why[160])
{
	struct attachment new = *attachment;
	char error[512];
	int err;

	if (attach_released(attachment)) {
		snprintf(why, 160, "fwgen off took it out");
		return -ECANCELED;
	}
	if (!put_back(attachment, prog_fd))
		return 0;
	new.ifindex = if_nametoindex(new.interface);
	if (!new.ifindex) {
		snprintf(why, 160, "there is no interface %s", new.interface);
		return -ENODEV;
	}
	err = program_on(new.ifindex) ? -EBUSY : create(&new, prog_fd);
	if (err) {
		err = explain(&new, err, error);
		snprintf(why, 160, "%.159s", error);
		return err;
	}
	if (new.pin[0])
		pin_anew(&new);
	close(attachment->link_fd);
	*attachment = new;
	return 0;
}

static bool is_among(const char *name, const char *const *names, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

static int release(const char *pin_dir, const char *pin)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", pin_dir, pin) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = bpf_obj_get(path);
	/* the pin first: whoever misses the link is to see that it was taken out */
	if (unlink(path)) {
		int err = -errno;

		if (fd >= 0)
			close(fd);
		return err;
	}
	if (fd >= 0) {
		bpf_link_detach(fd);
		close(fd);
	}
	return 0;
}

int attach_links(const char *pin_dir, const char *const *names, unsigned int count, bool others,
		 bool remove)
{
	DIR *dir = opendir(pin_dir);
	struct dirent *entry;
	int found = 0, first = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		int err;

		if (strncmp(entry->d_name, PIN_PREFIX, sizeof(PIN_PREFIX) - 1) ||
		    is_among(entry->d_name + sizeof(PIN_PREFIX) - 1, names, count) == others)
			continue;
		err = remove ? release(pin_dir, entry->d_name) : 0;
		found += !err;
		first = first ? first : err;
	}
	closedir(dir);
	return first ? first : found;
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
