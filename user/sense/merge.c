// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Adds up what several CPUs counted for one address. The index is cleared, not freed, between
 * intervals: its size follows the largest interval seen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "sense/merge.h"

#define FIRST_SIZE 1024

void merge_clear(struct merge *merge)
{
	if (merge->count)
		memset(merge->index, 0, merge->index_size * sizeof(*merge->index));
	merge->count = 0;
}

void merge_free(struct merge *merge)
{
	free(merge->samples);
	free(merge->index);
	*merge = (struct merge){ 0 };
}

static size_t find(const struct merge *merge, const struct table_entry *entry)
{
	size_t mask = merge->index_size - 1;
	size_t at = address_hash(&entry->address) & mask;

	while (merge->index[at]) {
		const struct table_entry *there = &merge->samples[merge->index[at] - 1].entry;

		if (address_equal(&there->address, &entry->address) &&
		    there->prefix_len == entry->prefix_len)
			break;
		at = (at + 1) & mask;
	}
	return at;
}

/* Doubles both arrays and indexes anew. */
static int grow(struct merge *merge)
{
	size_t capacity = merge->capacity ? merge->capacity * 2 : FIRST_SIZE;
	struct sample *samples = realloc(merge->samples, capacity * sizeof(*samples));
	uint32_t *index;

	if (!samples)
		return -ENOMEM;
	merge->samples = samples;
	index = calloc(capacity * 2, sizeof(*index));
	if (!index)
		return -ENOMEM;
	free(merge->index);
	merge->index = index;
	merge->index_size = capacity * 2;
	merge->capacity = capacity;
	for (size_t i = 0; i < merge->count; i++)
		merge->index[find(merge, &merge->samples[i].entry)] = i + 1;
	return 0;
}

static uint8_t add8(uint8_t a, uint8_t b)
{
	return a + b > 0xff ? 0xff : a + b;
}

static uint16_t add16(uint16_t a, uint16_t b)
{
	return a + b > 0xffff ? 0xffff : a + b;
}

static uint32_t add32(uint32_t a, uint32_t b)
{
	return a + b < a ? UINT32_MAX : a + b;
}

static void add(struct table_entry *sum, const struct table_entry *entry)
{
	unsigned int hosts = 0;

	sum->bytes += entry->bytes;
	if (entry->packets > sum->packets) { /* the larger part tells where it went last */
		sum->last_peer = entry->last_peer;
		sum->last_port = entry->last_port;
		sum->last_protocol = entry->last_protocol;
		if (sum->prefix_len == PREFIX_LEN_FULL)
			sum->last_address = entry->last_address;
	}
	sum->packets = add32(sum->packets, entry->packets);
	sum->answers = add32(sum->answers, entry->answers);
	sum->udp = add32(sum->udp, entry->udp);
	sum->icmp = add32(sum->icmp, entry->icmp);
	sum->syn = add32(sum->syn, entry->syn);
	sum->established = add16(sum->established, entry->established);
	sum->dropped = add32(sum->dropped, entry->dropped);
	sum->malformed = add16(sum->malformed, entry->malformed);
	sum->fragments = add16(sum->fragments, entry->fragments);
	sum->syn_ack = add16(sum->syn_ack, entry->syn_ack);
	sum->stray = add16(sum->stray, entry->stray);
	sum->odd_flags = add16(sum->odd_flags, entry->odd_flags);
	sum->sensitive = add8(sum->sensitive, entry->sensitive);
	sum->amplifier = add16(sum->amplifier, entry->amplifier);
	sum->other = add16(sum->other, entry->other);
	sum->protocols |= entry->protocols;
	sum->assumed |= entry->assumed;
	for (int kind = 0; kind < TRY_KINDS; kind++) {
		sum->hosts[kind] |= entry->hosts[kind];
		sum->ports[kind] |= entry->ports[kind];
		hosts += __builtin_popcountll(sum->hosts[kind]);
	}
	sum->targets |= entry->targets;
	sum->distinct_targets = __builtin_popcountll(sum->targets);
	sum->distinct_hosts = hosts < 127 ? hosts : 127;
	if (sum->prefix_len != PREFIX_LEN_FULL)
		sum->members |= entry->members;
	if (entry->restricted_tries) {
		sum->restricted_port = entry->restricted_port;
		sum->restricted_udp = entry->restricted_udp;
		sum->restricted_tries = add8(sum->restricted_tries, entry->restricted_tries);
	}
}

int merge_add(struct merge *merge, const struct table_entry *entry, uint32_t ifindex)
{
	size_t at;

	if (merge->count == merge->capacity) {
		int err = grow(merge);

		if (err)
			return err;
	}
	at = find(merge, entry);
	if (merge->index[at]) {
		add(&merge->samples[merge->index[at] - 1].entry, entry);
		return 0;
	}
	merge->samples[merge->count] = (struct sample){ .entry = *entry, .ifindex = ifindex };
	merge->index[at] = ++merge->count;
	return 0;
}
