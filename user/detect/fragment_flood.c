/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * More pieces of datagrams than any honest host sends unasked. Fragments of an exchange that the
 * other side takes part in (NFS over UDP sends little else) are not counted.
 */
#include "detect/detector.h"

static uint64_t count(const struct table_entry *entry)
{
	return entry->fragments;
}

/* No mark: they are UDP, ICMP or plain packets too, and cross those. */
const struct detector_ops fragment_flood_ops = {
	.count = count,
	.classes = CLASS_FRAGMENT,
};
