/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many ports on few hosts. Counted are targets, a port of a host each, so that a scan of a few
 * ports on each of many hosts is one too. Peer-to-peer reaches as many targets, but each on a host
 * of its own (49 ports and 52 hosts over TCP, 308 and 240 over UDP): a scan has more than three for
 * each host.
 */
#include "detect/detector.h"

#define TARGETS_PER_HOST 3

static uint64_t distinct(const struct spread *spread)
{
	uint64_t hosts = spread->hosts[TRY_TCP] + spread->hosts[TRY_OTHER];

	if (spread->targets <= TARGETS_PER_HOST * hosts)
		return 0;
	return spread_failed(spread->targets, spread->tries[TRY_TCP] + spread->tries[TRY_OTHER],
			     spread->late);
}

/* A quarter: what was tried in intervals before adds to what is tried in this one. */
static void mark(uint64_t limit, struct wake_marks *marks)
{
	mark_lower(&marks->targets, spread_bits_above(limit / 4, TRY_TARGET_BITS));
}

const struct detector_ops port_scan_ops = {
	.distinct = distinct,
	.classes = CLASS_SYN | CLASS_TCP | CLASS_UDP,
	.bits = TRY_TARGET_BITS,
	.mark = mark,
};
