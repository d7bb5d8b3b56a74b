/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * More packets from one source than any honest host sends. Of an exchange that the other side takes
 * part in, one packet in 256 counts: a download is a hundred times what anybody sends unasked, but
 * it has a limit too.
 */
#include "detect/detector.h"

static uint64_t count(const struct table_entry *entry)
{
	uint64_t wanted = entry->answers;
	uint64_t handshakes = entry->syn < entry->established ? entry->syn : entry->established;
	uint64_t known = wanted + handshakes;

	return (entry->packets > known ? entry->packets - known : 0) + wanted / ANSWERS_PER_PACKET;
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
