/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many ports on few hosts. Peer-to-peer reaches as many ports, but each on a host of its own (49
 * and 52 over TCP, 308 and 240 over UDP): a scan has more than three ports for each host. The
 * bitmap of hosts is full near 240, where its estimate may be a third too low: hence three and not
 * two.
 *
 * A scan that is spread thinly, each of some ports on each of as many hosts, has neither. It is
 * known by what it has instead: the same ports and hosts again and again. Peer-to-peer tries a port
 * of a host once, and a stack sends a SYN four times at most in 10 s: more than that for each port
 * and each host is a scan.
 */
#include "detect/detector.h"

#define PORTS_PER_HOST 3

#define GRID_LEAST 4   /* ports and hosts; fewer are one service's clients */
#define GRID_MOST  300 /* more than this the bitmaps cannot tell */
#define GRID_TRIES 5   /* for each port and each host */
#define GRID_TIMES 5   /* limit of tries: 100 in 10 s by default */

static uint64_t grid(const struct spread *spread)
{
	uint64_t most = spread->ports > spread->hosts ? spread->ports : spread->hosts;

	if (spread->ports < GRID_LEAST || spread->hosts < GRID_LEAST || most > GRID_MOST ||
	    spread->tcp_tries < GRID_TRIES * most)
		return 0;
	return spread_failed(spread, spread->tcp_tries);
}

static uint64_t grid_limit(uint64_t count)
{
	return count * GRID_TIMES;
}

static const struct detector_ops grid_ops = {
	.distinct = grid,
	.limit = grid_limit,
	.what = "tries of the same ports again",
	.classes = CLASS_SYN | CLASS_TCP,
};

static uint64_t distinct(const struct spread *spread)
{
	if (spread->ports <= PORTS_PER_HOST * spread->hosts)
		return 0;
	return spread_failed(spread, spread->ports);
}

static void mark(uint64_t limit, struct wake_marks *marks)
{
	mark_lower(&marks->ports, spread_bits_above(limit, PORT_BITS));
}

const struct detector_ops port_scan_ops = {
	.distinct = distinct,
	.also = &grid_ops,
	.classes = CLASS_SYN | CLASS_TCP | CLASS_UDP,
	.bits = PORT_BITS,
	.mark = mark,
};
