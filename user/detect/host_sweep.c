/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many hosts on few ports: one service looked for everywhere (25 hosts and 6 ports, say), or pings,
 * which have no port. More than three hosts for each port, for the same reason as in port_scan.
 */
#include "detect/detector.h"

#define HOSTS_PER_PORT 3

static uint64_t distinct(const struct spread *spread)
{
	if (spread->hosts <= HOSTS_PER_PORT * spread->ports)
		return 0;
	return spread_failed(spread, spread->hosts);
}

static void mark(uint64_t limit, struct wake_marks *marks)
{
	mark_lower(&marks->hosts, spread_bits_above(limit, HOST_BITS));
}

const struct detector_ops host_sweep_ops = {
	.distinct = distinct,
	.classes = CLASS_SYN | CLASS_TCP | CLASS_UDP | CLASS_ICMP,
	.bits = HOST_BITS,
	.mark = mark,
};
