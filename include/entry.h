/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one packet adds to the entry of its source (or destination): counters, the ports and hosts
 * that were tried. Where the entry comes from is table.h's matter.
 */
#ifndef FWGEN_ENTRY_H
#define FWGEN_ENTRY_H

#include "hash.h"
#include "packet.h"

static __always_inline void saturate16(__u16 *counter)
{
	if (*counter != 0xffff)
		(*counter)++;
}

/* TCP flags that no stack sends in peace. */
static __always_inline int table_odd_flags(__u8 flags)
{
	__u8 control = flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK);

	return control == 0 || control == TCP_FIN ||
	       (control & (TCP_SYN | TCP_FIN)) == (TCP_SYN | TCP_FIN) ||
	       (control & (TCP_SYN | TCP_RST)) == (TCP_SYN | TCP_RST);
}

/* What a packet is counted for. */
struct table_subject {
	struct address address; /* whom it is counted for */
	struct address peer;	/* source: where it went; destination: whence it came */
	struct address member;	/* the full address behind a hot prefix */
	__u32 prefix_len;
};

/* What a packet brought that its source had not shown in this interval. */
enum table_news { NEWS_PORT = 1, NEWS_HOST = 2 };

static __always_inline int port_in(const __u64 *ports, __u16 port)
{
	return (ports[port / 64] >> (port % 64)) & 1;
}

/* Ports and hosts that were tried: SYNs, UDP that is no answer, echo requests. */
static __always_inline __u32 table_add_try(struct table_entry *entry,
					   const struct table_subject *subject,
					   const struct packet *packet, const struct hash_key *key)
{
	__u32 peer = subject->peer.words[0] ^ subject->peer.words[1] ^ subject->peer.words[2] ^
		     subject->peer.words[3];
	__u32 bit, news = 0;

	if (packet_likely(entry->last_peer == peer &&
			  entry->last_port == packet->destination_port && entry->distinct_hosts))
		return 0;
	entry->last_peer = peer;
	entry->last_port = packet->destination_port;
	entry->last_address = subject->peer;

	bit = (__u32)(hash_address(key, &subject->peer) >> 58);
	if (!((entry->hosts >> bit) & 1)) {
		entry->hosts |= 1ULL << bit;
		entry->distinct_hosts++;
		news = NEWS_HOST;
	}
	if (!(packet->classes & (CLASS_SYN | CLASS_UDP)))
		return news;
	bit = (__u32)(hash_number(key, packet->destination_port) >> 57);
	if (!((entry->ports[bit / 64] >> (bit % 64)) & 1)) {
		entry->ports[bit / 64] |= 1ULL << (bit % 64);
		entry->distinct_ports++;
		news |= NEWS_PORT;
	}
	return news;
}

/*
 * UDP from below the first comes from a service, to above the second goes back to a client (Linux'
 * ip_local_port_range begins there, IANA's dynamic ports higher): answers, not tries. What leaves
 * this side is not seen yet, which would tell for certain.
 */
#define TABLE_ANSWER_PORT    1024
#define TABLE_EPHEMERAL_PORT 32768
#define ICMP4_ECHO	     8
#define ICMP6_ECHO	     128

static __always_inline __u32 table_add_tcp(struct table_entry *entry,
					   const struct table_subject *subject,
					   const struct packet *packet,
					   const struct sensor_control *control)
{
	__u8 flags = packet->tcp_flags;

	entry->tcp++;
	if (packet->classes & CLASS_SYN) {
		entry->syn++;
		if (packet_unlikely(flags & (TCP_FIN | TCP_RST)))
			saturate16(&entry->odd_flags);
		if (packet_unlikely(packet->flags & PACKET_MALFORMED))
			return 0;
		if (packet_unlikely(port_in(control->sensitive_ports, packet->destination_port)))
			saturate16(&entry->sensitive);
		return table_add_try(entry, subject, packet, &control->bitmap_key);
	}
	if (packet_unlikely(packet->flags & (PACKET_LATER_FRAGMENT | PACKET_MALFORMED)))
		return 0;
	if (packet_likely((flags & (TCP_ACK | TCP_SYN | TCP_FIN | TCP_RST)) == TCP_ACK)) {
		entry->established++;
		return 0;
	}
	if (flags & TCP_RST)
		saturate16(&entry->rst);
	if ((flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		saturate16(&entry->syn_ack);
	if (table_odd_flags(flags))
		saturate16(&entry->odd_flags);
	return 0;
}

static __always_inline __u32 table_add_udp(struct table_entry *entry,
					   const struct table_subject *subject,
					   const struct packet *packet,
					   const struct sensor_control *control)
{
	entry->udp++;
	if (packet->flags & (PACKET_LATER_FRAGMENT | PACKET_MALFORMED))
		return 0;
	if (packet_unlikely(port_in(control->amplifier_ports, packet->source_port)))
		saturate16(&entry->amplifier);
	if (packet->source_port < TABLE_ANSWER_PORT ||
	    packet->destination_port >= TABLE_EPHEMERAL_PORT)
		return 0;
	return table_add_try(entry, subject, packet, &control->bitmap_key);
}

static __always_inline __u32 table_add_icmp(struct table_entry *entry,
					    const struct table_subject *subject,
					    const struct packet *packet,
					    const struct sensor_control *control)
{
	__u8 echo = packet->protocol == PROTOCOL_ICMP ? ICMP4_ECHO : ICMP6_ECHO;

	entry->icmp++;
	if (packet->icmp_type != echo)
		return 0;
	return table_add_try(entry, subject, packet, &control->bitmap_key);
}

/* Adds a packet to its entry. Returns what was new about it (enum table_news). */
static __always_inline __u32 table_add(struct table_entry *entry,
				       const struct table_subject *subject,
				       const struct packet *packet,
				       const struct sensor_control *control, int dropped)
{
	entry->packets++;
	entry->bytes += packet->bytes;
	entry->last_protocol = packet->protocol;
	if (packet_unlikely(dropped))
		entry->dropped++;
	if (packet_unlikely(packet->flags & (PACKET_FRAGMENT | PACKET_MALFORMED))) {
		if (packet->flags & PACKET_MALFORMED)
			saturate16(&entry->malformed);
		if (packet->flags & PACKET_FRAGMENT)
			saturate16(&entry->fragments);
	}
	if (packet_unlikely(entry->prefix_len != PREFIX_LEN_FULL))
		entry->members |= 1ULL
				  << (hash_address(&control->bitmap_key, &subject->member) >> 58);

	if (packet->classes & (CLASS_SYN | CLASS_TCP))
		return table_add_tcp(entry, subject, packet, control);
	if (packet->classes & CLASS_UDP)
		return table_add_udp(entry, subject, packet, control);
	if (packet->classes & CLASS_ICMP)
		return table_add_icmp(entry, subject, packet, control);
	saturate16(&entry->other);
	return 0;
}

#endif
