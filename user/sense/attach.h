/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The XDP link of one interface: made, or taken over from an earlier run by its pin, and checked.
 * Somebody else's program is named and never thrown out.
 */
#ifndef FWGEN_SENSE_ATTACH_H
#define FWGEN_SENSE_ATTACH_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define ATTACH_PROGRAM "fwgen_xdp" /* the program's name tells ours from others' */

struct attachment {
	int link_fd;		     /* -1 or owned */
	int ifindex;		     /* 0: its interface is gone */
	char interface[IF_NAMESIZE]; /* the configuration's name: where it is attached, and again */
	char name[IF_NAMESIZE];	     /* what it is called now */
	const char *pin_dir;	     /* the caller's; NULL: no pins */
	char pin[PATH_MAX];	     /* "": not pinned */
	bool generic;
};

/*
 * Attaches prog_fd. pin_dir may be NULL; otherwise it must live as long as the attachment. Returns
 * 0, or -errno and a text: -ENODEV, -EBUSY, -EOPNOTSUPP, -EPERM, ...; *out is untouched then.
 */
int attach_open(const char *interface, bool generic, int prog_fd, const char *pin_dir,
		struct attachment *out, char error[512]);
/* keep: the pin holds the link; otherwise the program is detached and the pin removed. */
void attach_close(struct attachment *attachment, bool keep);
/*
 * 0 when the link still holds this program on the interface that it should be on; then ->name is
 * what that is called. Otherwise -errno and a text.
 */
int attach_verify(struct attachment *attachment, uint32_t prog_id, char why[160]);

/*
 * After attach_verify failed: puts prog_fd on the interface that has the configuration's name now,
 * else back on the one that had it, and takes it off any other. Returns 0, or -errno and a text:
 * -ENODEV no such interface, -EBUSY somebody else's program is there, -ECANCELED the pin is gone:
 * that is how fwgen off takes one interface out.
 */
int attach_again(struct attachment *attachment, int prog_fd, char why[160]);
/* Whether the link's pin is gone: that is how fwgen off takes one interface out. */
bool attach_released(const struct attachment *attachment);
/* The name of a loaded program, "?" when it cannot be asked; 16 bytes. */
void attach_program_name(uint32_t id, char *name);

#endif
