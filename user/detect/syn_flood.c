/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYNs whose exchange never got established. Not all SYNs: a load generator opens hundreds of
 * connections a second and completes them.
 */
#include "detect/detector.h"

static void mark(uint64_t limit, struct wake_marks *marks)
{
	mark_lower(&marks->syn, limit + 1);
}

const struct detector_ops syn_flood_ops = {
	.count = entry_unanswered,
	.classes = CLASS_SYN,
	.answerable = true,
	.mark = mark,
};
