// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counts the IPv6 sources of an interval by /64 in a small table; a /64 with many single addresses
 * becomes hot. (/56 and /48 are counted by the program as soon as they are in the list; nothing
 * here chooses them yet.)
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/log.h"
#include "sense/hot_prefix.h"

#define IDLE_INTERVALS 240  /* a minute at the default interval */
#define COUNTERS       4096 /* /64s looked at in one interval; a shared counter only errs to hot */

static void set_lengths(struct hot_prefixes *hot)
{
	/* one length so far; the program looks at none while the list is empty */
	hot->control->hot_length[0] = 64;
	__atomic_store_n(&hot->control->hot_lengths, hot->count ? 1 : 0, __ATOMIC_RELEASE);
}

static void give_up(struct hot_prefixes *hot, unsigned int i)
{
	if (hot->map_fd >= 0 && bpf_map_delete_elem(hot->map_fd, &hot->items[i].prefix) &&
	    errno != ENOENT)
		log_warning("failed to take a prefix from the hot list: %m");
	hot->items[i] = hot->items[--hot->count];
}

static int index_of(const struct hot_prefixes *hot, const struct prefix *prefix)
{
	for (unsigned int i = 0; i < hot->count; i++)
		if (prefix_equal(&hot->items[i].prefix, prefix))
			return i;
	return -1;
}

bool hot_prefixes_has(const struct hot_prefixes *hot, const struct prefix *prefix)
{
	return index_of(hot, prefix) >= 0;
}

static void take_in(struct hot_prefixes *hot, const struct prefix *prefix)
{
	uint8_t one = 1;

	if (hot->count == HOT_PREFIXES_MAX || index_of(hot, prefix) >= 0)
		return;
	if (hot->map_fd >= 0 && bpf_map_update_elem(hot->map_fd, prefix, &one, BPF_ANY)) {
		log_warning("failed to put a prefix on the hot list: %m");
		return;
	}
	hot->items[hot->count].prefix = *prefix;
	hot->items[hot->count++].quiet = 0;
}

static struct prefix network_of(const struct sample *sample)
{
	struct prefix prefix = { .len = 64 };

	prefix.address = address_masked(&sample->entry.address, 64);
	return prefix;
}

static void age(struct hot_prefixes *hot, const struct sample *samples, size_t count)
{
	for (unsigned int i = 0; i < hot->count; i++)
		hot->items[i].quiet++;
	for (size_t i = 0; i < count; i++) {
		struct prefix prefix = { .address = samples[i].entry.address,
					 .len = samples[i].entry.prefix_len };
		int at = prefix.len == PREFIX_LEN_FULL ? -1 : index_of(hot, &prefix);

		if (at >= 0)
			hot->items[at].quiet = 0;
	}
	for (unsigned int i = hot->count; i-- > 0;)
		if (hot->items[i].quiet > IDLE_INTERVALS)
			give_up(hot, i);
}

void hot_prefixes_update(struct hot_prefixes *hot, const struct sample *samples, size_t count)
{
	uint16_t *counters;

	if (hot->count)
		age(hot, samples, count);
	if (count < HOT_PREFIX_ADDRESSES) {
		set_lengths(hot);
		return;
	}
	counters = calloc(COUNTERS, sizeof(*counters));
	if (!counters)
		return;
	for (size_t i = 0; i < count; i++) {
		struct prefix prefix;

		if (address_is_ipv4(&samples[i].entry.address) ||
		    samples[i].entry.prefix_len != PREFIX_LEN_FULL)
			continue;
		prefix = network_of(&samples[i]);
		if (++counters[address_hash(&prefix.address) % COUNTERS] == HOT_PREFIX_ADDRESSES)
			take_in(hot, &prefix);
	}
	free(counters);
	set_lengths(hot);
}
