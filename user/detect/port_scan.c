/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many ports on few hosts. Peer-to-peer reaches as many ports, but each on a host of its own (49
 * and 52 over TCP, 308 and 240 over UDP): a scan has more than three ports for each host. The
 * bitmap of hosts is full near 240, where its estimate may be a third too low: hence three and not
 * two.
 */
#include "detect/detector.h"

#define PORTS_PER_HOST 3

static uint64_t distinct(const struct spread *spread)
{
	if (spread->ports <= PORTS_PER_HOST * spread->hosts)
		return 0;
	return spread->ports < spread->tries ? spread->ports : spread->tries;
}

static void mark(uint64_t limit, struct wake_marks *marks)
{
	mark_lower(&marks->ports, spread_bits_above(limit, PORT_BITS));
}

const struct detector_ops port_scan_ops = {
	.distinct = distinct,
	.classes = CLASS_SYN | CLASS_UDP,
	.bits = PORT_BITS,
	.mark = mark,
};
