/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many hosts on few ports: one service looked for everywhere (25 hosts and 6 ports, say), or pings,
 * which have no port. How many hosts for each port: over UDP peer-to-peer has reached 31 hosts on
 * 10 ports, so six. Over TCP it has a port of its own for nearly each host, and two are enough,
 * four where there are so many that the estimates are rough: a bot that looks for cameras also
 * speaks UDP to its own kind, each at another port.
 */
#include "detect/detector.h"

#define HOSTS_ROUGH 60

static uint64_t hosts_per_port(const struct spread *spread)
{
	if (2 * spread->tcp_tries <= spread->tries)
		return 6;
	return spread->hosts <= HOSTS_ROUGH ? 2 : 4;
}

static uint64_t distinct(const struct spread *spread)
{
	if (spread->hosts <= hosts_per_port(spread) * spread->ports)
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
