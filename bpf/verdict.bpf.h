/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is the packet's source blocked, for this class of packet, until when; and if not, is its
 * destination under a limit? Ordinary traffic pays one line of the filter when addresses are
 * blocked, one bit of the areas when prefixes are; hash lookups happen only behind them.
 */
#ifndef FWGEN_VERDICT_BPF_H
#define FWGEN_VERDICT_BPF_H

#include "capture.bpf.h"
#include "filter.h"
#include "maps.bpf.h"
#include "packet.h"
#include "table.h"

enum verdict {
	VERDICT_PASS,
	VERDICT_BLOCKED,    /* by a block of its source */
	VERDICT_OVER_LIMIT, /* of its destination, which says nothing about its source */
};

static __always_inline int filter_has(const struct prefix_set *set, const struct address *address)
{
	struct filter_bits at =
		filter_bits(set, hash_address_straight(&verdict_control.filter_key, address));
	__u32 index = at.line; /* of which an address is taken: the bits stay in registers */
	const struct filter_line *line = bpf_map_lookup_elem(&filters, &index);

	if (!line)
		return 0;
	return !(~line->words[at.word] & at.bits);
}

/* Whether there are prefixes, shorter than an address, near this one. */
static __always_inline int area_has(const struct prefix_set *set, const struct address *address,
				    __u32 family)
{
	__u32 area = filter_area(address, family);
	__u32 at = filter_area_line(set, family, area);
	const struct filter_line *line = bpf_map_lookup_elem(&filters, &at);

	return line && line->words[area / 64 % 8] >> (area % 64) & 1;
}

static __always_inline int in_force(const struct block *block, const struct packet *packet,
				    __u64 now)
{
	return block && block->classes & packet->classes && now < block->deadline_jiffies;
}

/* The block of this prefix of the packet's source, or of its port, that is in force, or NULL. */
static __always_inline struct block *prefix_block(const struct prefix_set *set,
						  const struct packet *packet,
						  const struct address *address, __u32 len,
						  __u64 now)
{
	struct block_key key = { .len = len };
	struct block *block;

	if (packet_likely(!filter_has(set, address)))
		return 0;
	key.address = *address;
	block = bpf_map_lookup_elem(&blocks, &key);
	if (in_force(block, packet, now))
		return block;
	if (packet_likely(!verdict_control.port_blocks))
		return 0;
	key.port = packet->destination_port;
	key.protocol = packet->protocol;
	block = bpf_map_lookup_elem(&blocks, &key);
	return in_force(block, packet, now) ? block : 0;
}

static __always_inline int drops(const struct block *block)
{
	return block && block->action == BLOCK_DROP;
}

/*
 * The block of the packet's source, the longest prefix first, or NULL. Only one that is in force
 * for such a packet: a block of one class on the address does not hide a block of its network. Nor
 * does a limit hide a drop, or what it lets pass would pass, and iptables has no such order.
 */
static __always_inline struct block *source_block(const struct packet *packet, __u64 now)
{
	const struct verdict_control *control = &verdict_control;
	const struct prefix_set *set = &control->blocks[*(volatile __u32 *)&control->version & 1];
	__u32 family = packet->flags & PACKET_IPV6 ? 1 : 0, count = set->count[family];
	struct block *block, *found = 0;

	if (set->addresses[family]) {
		found = prefix_block(set, packet, &packet->source, PREFIX_LEN_FULL, now);
		if (packet_unlikely(drops(found)))
			return found;
	}
	if (packet_likely(!count || !area_has(set, &packet->source, family)))
		return found;
	TABLE_ROLLED
	for (__u32 i = 0; i < SET_LENGTHS; i++) {
		const struct address *mask = &set->masks[family][i];
		struct address address;

		if (i >= count)
			break;
		address.halves[0] = packet->source.halves[0] & mask->halves[0];
		address.halves[1] = packet->source.halves[1] & mask->halves[1];
		block = prefix_block(set, packet, &address, set->lengths[family][i], now);
		if (drops(block))
			return block;
		if (!found)
			found = block;
	}
	return found;
}

/* The limit of what is sent to the packet's destination: to this port, or to all of them. */
static __always_inline struct block *destination_block(const struct packet *packet, __u64 now)
{
	struct block_key key = { .address = packet->destination,
				 .len = PREFIX_LEN_FULL,
				 .port = packet->destination_port,
				 .protocol = packet->protocol,
				 .kind = BLOCK_DESTINATION };
	struct block *block;

	if (!(packet->classes & (CLASS_SYN | CLASS_UDP | CLASS_ICMP)) ||
	    !(verdict_control.destination_blocks >> filter_destination(&packet->destination) & 1))
		return 0;
	block = bpf_map_lookup_elem(&blocks, &key);
	if (in_force(block, packet, now))
		return block;
	key.port = 0;
	block = bpf_map_lookup_elem(&blocks, &key);
	return in_force(block, packet, now) ? block : 0;
}

/*
 * Whether a limited packet is over the rate: the virtual scheduling algorithm (ITU-T I.371, A.2.1),
 * with a second's worth as its tolerance. One time for all CPUs, moved by those packets only that
 * pass; two that look at once may both pass, and the time moves for both. An atomic addition
 * without its result is all that this needs, and all that Linux 5.10 has.
 */
static __always_inline int over_limit(struct block *block, __u64 now)
{
	__u64 ticks = now * LIMIT_TICKS, second = (__u64)verdict_control.hz * LIMIT_TICKS;
	__u64 cost = second / block->limit_pps, time = *(volatile __u64 *)&block->limit_time;

	if (time + second < ticks) {
		time = ticks - second;
		*(volatile __u64 *)&block->limit_time = time;
	}
	if (time + cost > ticks)
		return 1;
	__sync_fetch_and_add(&block->limit_time, cost);
	return 0;
}

/* Whether the source may not be dropped. An IPv6 prefix may cover the mapped form of IPv4. */
static __always_inline int is_protected(const struct packet *packet)
{
	struct protected_key key = { .len = PREFIX_LEN_FULL,
				     .words = { packet->source.words[0], packet->source.words[1],
						packet->source.words[2],
						packet->source.words[3] } };
	const __u8 *len = bpf_map_lookup_elem(&protected_set, &key);

	return len && (*len >= PREFIX_LEN_MAPPED || packet->flags & PACKET_IPV6);
}

/* Whether the block stops the packet, or would: then it is counted. */
static __always_inline int stops(struct block *block, struct xdp_md *ctx,
				 const struct packet *packet, __u64 now)
{
	__u32 index = block->hits;
	struct block_hits *hits;

	if (packet_unlikely(block->overlaps_protected) && is_protected(packet))
		return 0;
	if (block->action == BLOCK_LIMIT && !over_limit(block, now))
		return 0;
	hits = bpf_map_lookup_elem(&block_hits, &index);
	if (!hits)
		return 0;
	hits->packets++;
	hits->bytes += packet->bytes;
	if (packet_unlikely(verdict_control.capture))
		capture(ctx, packet, block->rule_id, now);
	return 1;
}

static __always_inline enum verdict verdict(struct xdp_md *ctx, const struct packet *packet)
{
	const struct verdict_control *control = &verdict_control;
	__u64 now = bpf_jiffies64();
	struct block *block = source_block(packet, now);

	if (packet_unlikely(block) && stops(block, ctx, packet, now))
		return control->observe ? VERDICT_PASS : VERDICT_BLOCKED;
	if (packet_likely(!control->destination_blocks))
		return VERDICT_PASS;
	block = destination_block(packet, now);
	if (block && stops(block, ctx, packet, now))
		return control->observe ? VERDICT_PASS : VERDICT_OVER_LIMIT;
	return VERDICT_PASS;
}

#endif
