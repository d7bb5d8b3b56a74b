/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes that no connection begins with. Three numbers:
 *  - impossible flags (NULL, FIN, XMAS, SYN+FIN, SYN+RST): no stack sends them, each counts;
 *  - flows that begin with an ACK, a FIN or a RST. Idle connections and restarts of either side
 *    leave some in peace: only a flood of them counts. As a scan, spread over ports or hosts, they
 *    are found like any other, by port_scan and host_sweep;
 *  - IP protocols tried, beside TCP, UDP and ICMP. Few hosts speak one, hardly any two.
 */
#include "detect/detector.h"

#define STRAY_TIMES    30 /* limits of flows without a beginning: 900 in 10 s by default */
#define PROTOCOL_LEAST 3  /* so many may be in use in peace */
#define PROTOCOL_SHARE 8  /* limit of protocols: more than 3 in 10 s by default */

static uint64_t protocols(const struct spread *spread)
{
	return spread->protocols;
}

static uint64_t protocols_limit(uint64_t count)
{
	count /= PROTOCOL_SHARE;
	return count > PROTOCOL_LEAST ? count : PROTOCOL_LEAST;
}

static const struct detector_ops protocols_ops = {
	.distinct = protocols,
	.limit = protocols_limit,
	.what = "IP protocols tried",
	.classes = CLASS_ALL,
	.bits = PROTOCOL_BITS,
};

static uint64_t stray(const struct table_entry *entry)
{
	return entry_excess(entry, entry->stray);
}

static uint64_t stray_limit(uint64_t count)
{
	return count * STRAY_TIMES;
}

static const struct detector_ops stray_ops = {
	.count = stray,
	.also = &protocols_ops,
	.limit = stray_limit,
	.what = "packets of connections that never began",
	.classes = CLASS_TCP,
};

static uint64_t odd_flags(const struct table_entry *entry)
{
	return entry->odd_flags;
}

static void mark(uint64_t limit, struct wake_marks *marks)
{
	mark_lower(&marks->odd_flags, limit + 1);
}

const struct detector_ops stealth_scan_ops = {
	.count = odd_flags,
	.also = &stray_ops,
	.classes = CLASS_TCP | CLASS_SYN,
	.mark = mark,
};
