/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers that nobody asked for: from ports of services that amplify, or SYN-ACKs. The questions
 * were forged in this network's name; who answers is a victim too, but his packets are the flood.
 */
#include "detect/detector.h"

static uint64_t count(const struct table_entry *entry)
{
	return entry_excess(entry, (uint64_t)entry->amplifier + entry->syn_ack);
}

/* SYN-ACKs have no mark of their own: a flood of them crosses that of packets. */
static void mark(uint64_t limit, struct wake_marks *marks)
{
	mark_lower(&marks->udp, limit + 1);
}

const struct detector_ops reflection_ops = {
	.count = count,
	.classes = CLASS_UDP | CLASS_TCP,
	.mark = mark,
};
