/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interval table: counts every packet for its source at a cost that does not grow with the
 * number of sources. The same functions run in XDP on BPF maps and in userspace on plain memory.
 *
 * A bucket holds eight sources. While it has room a new source is written at its first packet. In a
 * full bucket a miss takes a vote from one slot, in turn, and takes the slot over on its last vote
 * (the vote of Elastic Sketch, Yang et al., SIGCOMM 2018): a flood of random sources touches one
 * cache line a packet and cannot push out a source that sends more than its share.
 *
 * One CPU writes a table at a time; nobody else does until its epoch is over.
 */
#ifndef FWGEN_TABLE_H
#define FWGEN_TABLE_H

#include "entry.h"

/* Loops that almost never go round: unrolled they only push warm code out of the cache. */
#ifdef __clang__
#define TABLE_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define TABLE_ROLLED
#endif

/* For clearing structures in words: without may_alias a compiler may move the clearing behind the
 * counting that follows it, since their types differ. */
typedef __u64 __attribute__((may_alias)) table_word;

#define TABLE_LANES 0x0001000100010001ULL
#define TABLE_HIGHS 0x8000800080008000ULL

/* Where the parts of a hash go: 16 bits bucket, 16 bits tag. */
static __always_inline __u32 table_bucket_index(__u64 hash, __u32 mask)
{
	return (__u32)(hash >> 48) & mask;
}

static __always_inline __u16 table_tag(__u64 hash)
{
	return (__u16)(hash >> 32) | 1; /* an empty slot's tag is 0 and must never match */
}

static __always_inline void table_reset_totals(struct table_totals *totals, __u32 epoch)
{
	table_word *word = (table_word *)totals->estimator;

	totals->packets = 0;
	totals->bytes = 0;
	totals->tcp = 0;
	totals->udp = 0;
	totals->icmp = 0;
	totals->other = 0;
	totals->dropped = 0;
	totals->dropped_bytes = 0;
	totals->malformed = 0;
	totals->not_ip = 0;
	totals->misses = 0;
	totals->replaced = 0;
	totals->wakes = 0;
	totals->wakes_lost = 0;
	TABLE_ROLLED
	for (int i = 0; i < ESTIMATOR_REGISTERS / 8; i++)
		word[i] = 0;
	/* dirty[] is cleared by the reader, after the grace period */
	totals->epoch = epoch;
}

/* Every frame, before anything else is counted. */
static __always_inline void table_begin(struct table_totals *totals, __u32 epoch)
{
	if (packet_unlikely(totals->epoch != epoch))
		table_reset_totals(totals, epoch);
}

/* Everything about the packet that is not by source. */
static __always_inline void table_count_totals(struct table_totals *totals,
					       const struct packet *packet, int dropped)
{
	totals->packets++;
	totals->bytes += packet->bytes;
	if (packet->classes & (CLASS_SYN | CLASS_TCP))
		totals->tcp++;
	else if (packet->classes & CLASS_UDP)
		totals->udp++;
	else if (packet->classes & CLASS_ICMP)
		totals->icmp++;
	else
		totals->other++;
	if (packet_unlikely(packet->flags & PACKET_MALFORMED))
		totals->malformed++;
	if (packet_unlikely(dropped)) {
		totals->dropped++;
		totals->dropped_bytes += packet->bytes;
	}
}

/* A bucket: where its two parts are. */
struct table_bucket {
	struct table_header *header;
	struct table_entries *entries;
};

static __always_inline void table_reset_bucket(struct table_header *header,
					       struct table_totals *totals, __u32 index,
					       __u32 epoch)
{
	table_word *word = (table_word *)header;

	for (int i = 1; i < 4; i++)
		word[i] = 0;
	header->valid = 0;
	header->cursor = 0;
	header->epoch = epoch;
	totals->dirty[(index / 64) % (TABLE_BUCKETS_MAX / 64)] |= 1ULL << (index % 64);
}

/*
 * HyperLogLog (Flajolet et al., 2007) without a count of leading zeros, which BPF has not: the
 * register says how many trailing zeros are not news, and almost no packet has more.
 */
static __always_inline void table_estimate(struct table_totals *totals, __u64 hash)
{
	__u64 spread = hash_finish(hash);
	__u8 *reg = &totals->estimator[spread % ESTIMATOR_REGISTERS];
	__u32 bits = (__u32)(spread >> 9) & 0x7fffff;
	__u32 rank = *reg & 31;

	if (packet_likely(bits & ((1U << rank) - 1)))
		return;
	/* at least `rank` zeros: the rank is the position of the first one bit, from 1 */
	TABLE_ROLLED
	for (int i = 0; i < 23; i++) {
		if (rank >= 23 || (bits >> rank) & 1)
			break;
		rank++;
	}
	*reg = rank + 1;
}

static __always_inline void table_entry_init(struct table_entry *entry,
					     const struct table_subject *subject)
{
	table_word *word = (table_word *)entry;

	entry->address = subject->address;
	for (int i = 2; i < 16; i++)
		word[i] = 0;
	entry->prefix_len = subject->prefix_len;
}

static __always_inline void table_set_tag(struct table_header *header, __u32 slot, __u16 tag)
{
	__u32 shift = (slot >> 1) * 16;
	__u64 *word = &header->tags[slot & 1];

	*word = (*word & ~(0xffffULL << shift)) | ((__u64)tag << shift);
}

/* Bit 15 of each lane that is zero; lanes above a zero lane may be wrong, so callers compare. */
static __always_inline __u64 table_zero_lanes(__u64 x)
{
	return (x - TABLE_LANES) & ~x & TABLE_HIGHS;
}

/* The slot of the subject, or BUCKET_ENTRIES. A slot on its first packet becomes an entry. */
static __always_inline __u32 table_find(const struct table_bucket *bucket, __u64 hash,
					const struct table_subject *subject, __u32 bytes)
{
	__u64 lanes = TABLE_LANES * table_tag(hash);
	__u64 match = table_zero_lanes(bucket->header->tags[1] ^ lanes) |
		      table_zero_lanes(bucket->header->tags[0] ^ lanes) >> 8;

	TABLE_ROLLED
	for (int i = 0; i < BUCKET_ENTRIES; i++) {
		struct table_entry *entry;
		__u32 slot;

		if (!match)
			break;
		/* the lowest set bit is 8 * slot + 7; the multiplication moves slot to the top byte
		 */
		slot = ((((match & -match) >> 7) * 0x0001020304050607ULL) >> 56) & 7;
		match &= match - 1;
		entry = &bucket->entries->slot[slot];
		if (packet_unlikely(!((bucket->header->valid >> slot) & 1))) {
			__u64 word = bucket->header->tags[slot & 1];

			if ((__u16)(word >> ((slot >> 1) * 16)) != table_tag(hash))
				continue; /* a lane above a true match */
			table_entry_init(entry, subject);
			entry->packets = 1;
			entry->bytes = bytes; /* the first one's length is not kept */
			bucket->header->valid |= 1 << slot;
			return slot;
		}
		if (packet_likely(entry->address.halves[1] == subject->address.halves[1] &&
				  entry->address.halves[0] == subject->address.halves[0]))
			return slot;
	}
	return BUCKET_ENTRIES;
}

/* A miss: takes an empty slot, or a vote from one in turn. The slot taken, or BUCKET_ENTRIES. */
static __always_inline __u32 table_take(const struct table_bucket *bucket,
					struct table_totals *totals, __u64 hash,
					const struct table_subject *subject)
{
	__u32 slot = bucket->header->cursor & 7;

	totals->misses++;
	table_estimate(totals, hash);
	bucket->header->cursor++;
	if (bucket->header->votes[slot] > 1) {
		bucket->header->votes[slot]--;
		return BUCKET_ENTRIES;
	}
	table_set_tag(bucket->header, slot, table_tag(hash));
	if (bucket->header->votes[slot] == 0) {
		table_entry_init(&bucket->entries->slot[slot], subject);
		bucket->header->valid |= 1 << slot;
		return slot;
	}
	totals->replaced++;
	bucket->header->valid &= ~(1 << slot);
	return BUCKET_ENTRIES;
}

/*
 * The subject's entry in its bucket, for table_add to count the packet in; or NULL when the packet
 * only weakened another's vote or took a slot that is not yet an entry.
 */
static __always_inline struct table_entry *
table_claim(const struct table_bucket *bucket, struct table_totals *totals, __u32 index,
	    __u32 epoch, __u64 hash, const struct table_subject *subject, __u32 bytes)
{
	__u32 slot;

	if (packet_unlikely(bucket->header->epoch != epoch))
		table_reset_bucket(bucket->header, totals, index, epoch);
	slot = table_find(bucket, hash, subject, bytes);
	if (slot >= BUCKET_ENTRIES)
		slot = table_take(bucket, totals, hash, subject);
	slot = PACKET_OPAQUE(slot);
	if (slot >= BUCKET_ENTRIES)
		return (struct table_entry *)0;
	if (packet_likely(bucket->header->votes[slot] != 0xff))
		bucket->header->votes[slot]++;
	return &bucket->entries->slot[slot];
}

/* Whether a count that just became n wakes: at the mark, and at each power of two above it. */
static __always_inline int table_mark(__u32 n, __u32 mark)
{
	return n >= mark && (n == mark || !(n & (n - 1)));
}

/* Bits of what was tried: few enough to wake at every third, since earlier intervals add to them.
 */
static __always_inline int table_mark_bits(__u32 n, __u32 mark)
{
	return n >= mark && (n - mark) % 3 == 0;
}

/*
 * Whether this packet took its source over a mark. Handshakes that came to their end are taken off
 * the SYNs: then a source at the mark may wake more than once, but for each time it has to complete
 * one.
 */
static __always_inline int table_wakes(const struct table_entry *entry, const struct packet *packet,
				       __u32 news, const struct wake_marks *marks)
{
	__u32 completed;

	if (packet_unlikely(news)) {
		if ((news & NEWS_TARGET) &&
		    table_mark_bits(entry->distinct_targets, marks->targets))
			return 1;
		if ((news & NEWS_HOST) && table_mark_bits(entry->distinct_hosts, marks->hosts))
			return 1;
	}
	if (packet_unlikely(entry->packets >= marks->packets) &&
	    (table_mark(entry->packets, marks->packets) || entry->packets == marks->packets_limit))
		return 1;
	if (packet->classes & CLASS_SYN) {
		completed = entry->assumed ? 0 : entry->established;
		return entry->syn > completed && table_mark(entry->syn - completed, marks->syn);
	}
	if (packet->classes & CLASS_UDP)
		return table_mark(entry->udp, marks->udp);
	if (packet->classes & CLASS_ICMP)
		return table_mark(entry->icmp, marks->icmp);
	return packet_unlikely(entry->odd_flags) && table_odd_flags(packet->tcp_flags) &&
	       packet->classes & CLASS_TCP && table_mark(entry->odd_flags, marks->odd_flags);
}

/* The packet as a sample: what the packets of an attack have in common is worked out from these. */
static __always_inline void packet_sample_fill(struct packet_sample *out,
					       const struct packet *packet, __u32 relation,
					       const void *data_, const void *end_)
{
	const unsigned char *p =
		(const unsigned char *)data_ + PACKET_BOUND(packet->network_offset);

	out->source = packet->source;
	out->destination = packet->destination;
	out->bytes = packet->bytes > 0xffff ? 0xffff : (__u16)packet->bytes;
	out->source_port = packet->source_port;
	out->destination_port = packet->destination_port;
	out->protocol = packet->protocol;
	out->tcp_flags = packet->tcp_flags;
	out->icmp_type = packet->icmp_type;
	out->relation = (__u8)relation;
	out->ttl = 0;
	if ((const void *)(p + 9) <= end_)
		out->ttl = packet->flags & PACKET_IPV6 ? p[7] : p[8];
}

#endif
