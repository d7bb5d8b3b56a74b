/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many hosts on few ports: one service looked for everywhere (31 hosts and 6 ports, say), or pings,
 * which have no port. More than two hosts for each port, four where there are many: peer-to-peer
 * has hardly more than one. TCP is judged by itself: a bot that sweeps for telnet asks its peers
 * over UDP at the same time. Over UDP nothing tells whether a try was answered, and peers like to
 * use the port that their program comes with (22 hosts on 7 ports in 10 s): more is asked of it.
 * Dead hosts are a part of those that a crawler or an office goes to: they are weighed against the
 * connections that were established. Who makes one for each try may try half as many more.
 */
#include "detect/detector.h"

#define HOSTS_PER_PORT	   2
#define HOSTS_ROUGH	   60 /* above so many the bitmaps' estimates are rough */
#define ROUGH_PER_PORT	   4
#define CONNECTIONS_WEIGH  2 /* so many weigh as much as a host that failed */
#define UDP_HOSTS_PER_PORT 8
#define UDP_HOSTS_COUNTED  2 /* one in so many */

static uint64_t swept_tcp(const struct spread *spread)
{
	uint64_t hosts = spread->hosts[TRY_TCP];
	uint64_t per_port = hosts <= HOSTS_ROUGH ? HOSTS_PER_PORT : ROUGH_PER_PORT;
	uint64_t failed = spread_failed(hosts, spread->tries[TRY_TCP], spread->late);

	if (!failed || hosts <= per_port * spread->ports[TRY_TCP])
		return 0;
	return failed * failed / (failed + spread->established / CONNECTIONS_WEIGH);
}

static uint64_t swept_other(const struct spread *spread)
{
	uint64_t hosts = spread->hosts[TRY_OTHER], ports = spread->ports[TRY_OTHER];

	if (!ports) /* pings */
		return spread_failed(hosts, spread->tries[TRY_OTHER], 0);
	if (hosts <= UDP_HOSTS_PER_PORT * ports)
		return 0;
	return spread_failed(hosts, spread->tries[TRY_OTHER], 0) / UDP_HOSTS_COUNTED;
}

static uint64_t distinct(const struct spread *spread)
{
	uint64_t tcp = swept_tcp(spread), other = swept_other(spread);

	return tcp > other ? tcp : other;
}

/* A quarter: what was tried in intervals before adds to what is tried in this one. */
static void mark(uint64_t limit, struct wake_marks *marks)
{
	mark_lower(&marks->hosts, spread_bits_above(limit / 4, TRY_HOST_BITS));
}

const struct detector_ops host_sweep_ops = {
	.distinct = distinct,
	.classes = CLASS_SYN | CLASS_TCP | CLASS_UDP | CLASS_ICMP,
	.bits = TRY_HOST_BITS,
	.mark = mark,
};
