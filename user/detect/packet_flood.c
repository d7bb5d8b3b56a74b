/* SPDX-License-Identifier: GPL-2.0-or-later */
/* More packets from one source than any honest host sends, whatever they are. */
#include "detect/detector.h"

static uint64_t count(const struct table_entry *entry)
{
	return entry->packets;
}

static void mark(uint64_t limit, struct wake_marks *marks)
{
	mark_lower(&marks->packets, limit + 1);
	mark_lower(&marks->packets_limit, limit + 1);
}

const struct detector_ops packet_flood_ops = {
	.count = count,
	.classes = CLASS_ALL,
	.mark = mark,
};
