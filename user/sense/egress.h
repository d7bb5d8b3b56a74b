/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The classifier fwgen_egress on an interface's clsact egress hook: one filter, found again by its
 * place and its program's name. Others' filters there are never touched. Private to sense/, but for
 * egress_release_others.
 */
#ifndef FWGEN_SENSE_EGRESS_H
#define FWGEN_SENSE_EGRESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The filter's place. First of all, since a filter in front of it that says what becomes of a
 * packet would hide that packet; it leaves the verdict to those behind it. The handle tells who
 * made the clsact: a discipline that others made stays when the filter goes.
 */
#define EGRESS_PROGRAM	    "fwgen_egress"
#define EGRESS_PRIORITY	    1
#define EGRESS_HANDLE	    0xf36e0000
#define EGRESS_HANDLE_MADE  0xf36e0001 /* and the clsact is ours */
#define EGRESS_REASON_BYTES 160

struct egress {
	int ifindex; /* 0: not attached */
	uint32_t handle, prog_id;
	char reason[EGRESS_REASON_BYTES]; /* why what leaves is not seen, "": it is */
};

/*
 * Attaches prog_fd. An earlier run's filter is replaced in place, without a packet in between.
 * Returns 0, or -errno with egress->reason.
 */
int egress_attach(struct egress *egress, int ifindex, int prog_fd);
/* Whether the filter is there, with this program. */
bool egress_holds(const struct egress *egress);
/* keep: the filter stays, and notes what leaves for the XDP program that stays too. */
void egress_close(struct egress *egress, bool keep);
/* Removes the filter of any run from an interface. Returns how many (0 or 1), or -errno, logged. */
int egress_release(int ifindex);
/*
 * The same on all interfaces but those among names. Returns how many, or the first -errno (the rest
 * is still done).
 */
int egress_release_others(const char *const *names, unsigned int count);

#endif
