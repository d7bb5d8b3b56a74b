/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a source tries: the hosts, ports and both together that its packets went to, as bits of
 * keyed hashes. Which packets are tries is entry.h's matter.
 */
#ifndef FWGEN_TRY_H
#define FWGEN_TRY_H

#include "contact.h"

/* What a packet is counted for. */
struct table_subject {
	struct address address; /* whom it is counted for */
	struct address peer;	/* source: where it went; destination: whence it came */
	struct address member;	/* the full address behind a hot prefix */
	__u32 prefix_len;
	__u32 is_destination; /* 1: counted for whom it went to */
};

/* What a packet brought that its source had not shown in this interval. */
enum table_news { NEWS_TARGET = 1, NEWS_HOST = 2 };

static __always_inline __u32 table_fold(const struct address *a)
{
	return a->words[0] ^ a->words[1] ^ a->words[2] ^ a->words[3];
}

/* Ports and hosts that were tried: SYNs, TCP out of nowhere, UDP that is no answer, echo requests.
 */
static __always_inline __u32 table_add_try(struct table_entry *entry,
					   const struct table_subject *subject,
					   const struct packet *packet, const struct hash_key *key)
{
	__u32 kind = packet->classes & (CLASS_SYN | CLASS_TCP) ? TRY_TCP : TRY_OTHER;
	__u32 peer = table_fold(&subject->peer) ^ kind, bit, news = 0;
	__u64 host;

	if (packet_likely(entry->last_peer == peer &&
			  entry->last_port == packet->destination_port && entry->distinct_hosts))
		return 0;
	entry->last_peer = peer;
	entry->last_port = packet->destination_port;
	if (packet_likely(entry->prefix_len == PREFIX_LEN_FULL))
		entry->last_address = subject->peer;

	host = hash_linear(key, &subject->peer);
	bit = (__u32)(hash_unline(key, host) >> 58);
	if (!((entry->hosts[kind] >> bit) & 1)) {
		entry->hosts[kind] |= 1ULL << bit;
		if (entry->distinct_hosts < 127)
			entry->distinct_hosts++;
		news = NEWS_HOST;
	}
	if (packet->classes & CLASS_ICMP)
		return news;
	bit = (__u32)(hash_number(key, packet->destination_port) >> 59);
	entry->ports[kind] |= 1U << bit;
	bit = (__u32)(hash_unline(key, host + key->finish * packet->destination_port) >> 58);
	if (!((entry->targets >> bit) & 1)) {
		entry->targets |= 1ULL << bit;
		entry->distinct_targets++;
		news |= NEWS_TARGET;
	}
	return news;
}

/* What a packet is about, where it is no try: the next try sets its bits again. */
static __always_inline void table_note_peer(struct table_entry *entry,
					    const struct table_subject *subject,
					    const struct packet *packet)
{
	__u32 peer = ~table_fold(&subject->peer);

	if (packet_likely(entry->last_peer == peer && entry->last_port == packet->destination_port))
		return;
	entry->last_peer = peer;
	entry->last_port = packet->destination_port;
	if (packet_likely(entry->prefix_len == PREFIX_LEN_FULL))
		entry->last_address = subject->peer;
}

/* What was tried and has come to a connection is no try any more. */
static __always_inline void table_take_try(struct table_entry *entry,
					   const struct table_subject *subject,
					   const struct packet *packet, const struct hash_key *key)
{
	__u64 host = hash_linear(key, &subject->peer);
	__u32 bit = (__u32)(hash_unline(key, host + key->finish * packet->destination_port) >> 58);

	if ((entry->targets >> bit) & 1) {
		entry->targets &= ~(1ULL << bit);
		entry->distinct_targets--;
	}
	bit = (__u32)(hash_unline(key, host) >> 58);
	/* the only host: other ports of it may have been tried */
	if ((entry->hosts[TRY_TCP] >> bit) & 1 &&
	    (!entry->targets || entry->hosts[TRY_TCP] & (entry->hosts[TRY_TCP] - 1))) {
		entry->hosts[TRY_TCP] &= ~(1ULL << bit);
		entry->distinct_hosts--;
	}
}

#endif
