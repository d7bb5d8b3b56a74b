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

/*
 * Behind a block no handshake comes to its end, so who goes on is known by what is dropped of him.
 * Anybody may have sent that: it keeps up a block that rests on proof, a little at a time, and
 * makes none.
 */
static uint64_t count_dropped(const struct table_entry *entry)
{
	return entry->syn < entry->dropped ? entry->syn : entry->dropped;
}

static const struct detector_ops goes_on_ops = {
	.count = count_dropped,
	.what = "connections tried while blocked",
	.classes = CLASS_SYN,
	.renews_only = true,
};

/* No mark: nobody logs in hundreds of times within one interval. */
const struct detector_ops brute_force_ops = {
	.count = count,
	.also = &goes_on_ops,
	.classes = CLASS_ALL,
	.proves = true,
};
