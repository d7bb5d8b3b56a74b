/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is the packet's source blocked, for this class of packet, until when? Ordinary traffic pays one
 * line of the filter for each prefix length in use; a hash lookup happens only behind it.
 */
#ifndef FWGEN_VERDICT_BPF_H
#define FWGEN_VERDICT_BPF_H

#include "maps.bpf.h"
#include "packet.h"
#include "table.h"

static __always_inline int filter_has(const struct prefix_set *set, __u64 hash)
{
	__u32 line = set->filter_base + ((__u32)(hash >> 32) & set->filter_mask);
	__u32 first = (hash >> 46) & (FILTER_LINE_BITS - 1);
	__u32 second = (hash >> 55) & (FILTER_LINE_BITS - 1);
	const struct filter_line *bits = bpf_map_lookup_elem(&filters, &line);

	if (!bits)
		return 0;
	return (bits->words[first / 64] >> (first % 64)) &
	       (bits->words[second / 64] >> (second % 64)) & 1;
}

/* classes 0: the set is none of blocks, what is in it counts. */
static __always_inline int in_force(const struct block *block, __u32 classes, __u64 now)
{
	return block && (!classes || ((block->classes & classes) && now < block->deadline_jiffies));
}

/*
 * The set's value that covers the address, the longest prefix first, or NULL. For blocks (classes
 * not 0) only one that is in force for such a packet: a block of one class on the address does not
 * hide a block of its network. ports: there are blocks of one port, look for the packet's.
 */
static __always_inline void *set_find(const struct prefix_set *set, void *map,
				      const struct hash_key *filter_key,
				      const struct packet *packet, __u32 family, __u32 classes,
				      __u32 ports, __u64 now)
{
	const struct address *address = &packet->source;
	__u32 count = set->count[family];

	TABLE_ROLLED
	for (__u32 i = 0; i < SET_LENGTHS; i++) {
		struct block_key key = {};
		struct block *block;

		if (i >= count)
			break;
		key.address.halves[0] = address->halves[0] & set->masks[family][i].halves[0];
		key.address.halves[1] = address->halves[1] & set->masks[family][i].halves[1];
		if (packet_likely(!filter_has(set, hash_address(filter_key, &key.address))))
			continue;
		key.len = set->lengths[family][i];
		block = bpf_map_lookup_elem(map, &key);
		if (in_force(block, classes, now))
			return block;
		if (packet_likely(!ports))
			continue;
		key.port = packet->destination_port;
		key.protocol = packet->protocol;
		block = bpf_map_lookup_elem(map, &key);
		if (in_force(block, classes, now))
			return block;
	}
	return 0;
}

/* Whether a limited packet is over what this CPU's share of the rate allows. */
static __always_inline int over_limit(struct block_hits *hits, const struct block *block,
				      const struct verdict_control *control, __u64 now)
{
	/* tokens are 1/HZ of a packet; a packet costs HZ for each CPU that shares the rate */
	__u64 cost = (__u64)control->hz * control->cpus;
	__u64 most = (__u64)block->limit_pps * control->hz;
	__u64 passed = now - hits->last_jiffies;

	if (most < cost)
		most = cost;
	if (passed > control->hz)
		passed = control->hz;
	hits->tokens += passed * block->limit_pps;
	if (hits->tokens > most)
		hits->tokens = most;
	hits->last_jiffies = now;
	if (hits->tokens < cost)
		return 1;
	hits->tokens -= cost;
	return 0;
}

/* 1: the packet is to be dropped. */
static __always_inline int verdict(const struct packet *packet)
{
	__u32 zero = 0, family = packet->flags & PACKET_IPV6 ? 1 : 0, version;
	struct verdict_control *control = &verdict_control;
	struct block_hits *hits;
	struct block *block;
	__u64 now;

	version = *(volatile __u32 *)&control->version & 1;
	now = bpf_jiffies64();
	block = set_find(&control->blocks[version], &blocks, &control->filter_key, packet, family,
			 packet->classes, control->port_blocks, now);
	if (packet_likely(!block))
		return 0;
	if (packet_unlikely(block->overlaps_protected) &&
	    set_find(&control->protected_set[version], &protected_set, &control->filter_key, packet,
		     family, 0, 0, 0))
		return 0;
	zero = block->hits;
	hits = bpf_map_lookup_elem(&block_hits, &zero);
	if (!hits)
		return 0;
	if (block->action == BLOCK_LIMIT && !over_limit(hits, block, control, now))
		return 0;
	hits->packets++;
	hits->bytes += packet->bytes;
	return !control->observe;
}

#endif
