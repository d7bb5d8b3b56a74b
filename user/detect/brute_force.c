/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New connections to services that people log in to, one for each few passwords. Handshakes that
 * came to their end only: the address is not forged then, so the finding is proven.
 */
#include "detect/detector.h"

static uint64_t count(const struct table_entry *entry)
{
	return entry->sensitive;
}

/* No mark: nobody logs in hundreds of times within one interval. */
const struct detector_ops brute_force_ops = {
	.count = count,
	.classes = CLASS_ALL,
	.proves = true,
};
