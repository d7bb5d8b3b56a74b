/* SPDX-License-Identifier: GPL-2.0-or-later */
/* More UDP packets that nobody asked for from one source than any honest host sends. */
#include "detect/detector.h"

static uint64_t count(const struct table_entry *entry)
{
	return entry->udp;
}

static void mark(uint64_t limit, struct wake_marks *marks)
{
	mark_lower(&marks->udp, limit + 1);
}

const struct detector_ops udp_flood_ops = {
	.count = count,
	.classes = CLASS_UDP,
	.mark = mark,
};
