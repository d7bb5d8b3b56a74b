/* SPDX-License-Identifier: GPL-2.0-or-later */
/* More bytes from one source than any honest host sends. Frames are counted with their Ethernet
 * header. */
#include "detect/detector.h"

#define FRAME_BYTES 1518 /* full-sized, with a VLAN tag; larger ones wait for the drain */

static uint64_t count(const struct table_entry *entry)
{
	return entry->bytes;
}

/* The data plane has no mark for bytes: so many packets are the fewest that carry them. */
static void mark(uint64_t limit, struct wake_marks *marks)
{
	mark_lower(&marks->packets, limit / FRAME_BYTES + 1);
}

const struct detector_ops byte_flood_ops = {
	.count = count,
	.classes = CLASS_ALL,
	.mark = mark,
};
