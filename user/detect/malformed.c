/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets that cannot be: lengths that contradict each other, headers that end too soon. */
#include "detect/detector.h"

static uint64_t count(const struct table_entry *entry)
{
	return entry->malformed;
}

const struct detector_ops malformed_ops = {
	.count = count,
	.classes = CLASS_ALL,
};
