/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * More ICMP or ICMPv6 packets that nobody asked for from one source than any honest host sends,
 * whatever their type.
 */
#include "detect/detector.h"

static uint64_t count(const struct table_entry *entry)
{
	return entry->icmp;
}

static void mark(uint64_t limit, struct wake_marks *marks)
{
	mark_lower(&marks->icmp, limit + 1);
}

const struct detector_ops icmp_flood_ops = {
	.count = count,
	.classes = CLASS_ICMP,
	.mark = mark,
};
