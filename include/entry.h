/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one packet adds to the entry of its source (or destination): counters, the ports and hosts
 * that were tried. Where the entry comes from is table.h's matter.
 */
#ifndef FWGEN_ENTRY_H
#define FWGEN_ENTRY_H

#include "try.h"

static __always_inline void saturate16(__u16 *counter)
{
	if (*counter != 0xffff)
		(*counter)++;
}

static __always_inline void saturate8(__u8 *counter)
{
	if (*counter != 0xff)
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

static __always_inline int port_in(const __u64 *ports, __u16 port)
{
	return (ports[port / 64] >> (port % 64)) & 1;
}

/*
 * Where nothing is known of the other side, ports must do: UDP from below the first comes from a
 * service, from below to above the second it goes back to a client (Linux' ip_local_port_range
 * begins there, IANA's dynamic ports higher).
 */
#define TABLE_SERVICE_PORT   1024
#define TABLE_EPHEMERAL_PORT 32768
/* The ports of traceroute: each probe goes to the next one (traceroute(8)). */
#define TABLE_TRACE_FIRST 33434
#define TABLE_TRACE_LAST  33534
#define ICMP4_ECHO	  8
#define ICMP6_ECHO	  128

/* Of a size that answers to questions have when they are asked for their size. */
#define TABLE_AMPLIFIED_BYTES 400

/*
 * Whether a packet that is likely wanted, but not known to be, passes for an answer: seven in eight
 * do. Which ones is secret, or an attacker would put what is surely wanted in their places.
 */
#define TABLE_LIKELY_BITS 3

static __always_inline int table_likely(struct table_entry *entry,
					const struct sensor_control *control)
{
	if (!(hash_number(&control->bitmap_key, entry->packets) >> (64 - TABLE_LIKELY_BITS)))
		return 0;
	entry->answers++;
	return 1;
}

static __always_inline __u32 table_add_syn(struct table_entry *entry,
					   const struct table_subject *subject,
					   const struct packet *packet,
					   const struct sensor_control *control)
{
	entry->syn++;
	if (packet_unlikely(packet->tcp_flags & (TCP_FIN | TCP_RST)))
		saturate16(&entry->odd_flags);
	if (packet_unlikely(packet->flags & (PACKET_MALFORMED | PACKET_CUT)))
		return 0;
	return table_add_try(entry, subject, packet, &control->bitmap_key);
}

/*
 * A port that is for some only; for whom is not known here. Not before a handshake is complete or,
 * where there is none, a packet came that nobody asked for. Nothing wakes for it: the end of the
 * interval is soon enough to close a port.
 */
static __always_inline void table_add_restricted(struct table_entry *entry,
						 const struct packet *packet,
						 const struct sensor_control *control, int udp)
{
	if (packet_likely(!control->restricted) ||
	    !port_in(control->restricted_ports[udp], packet->destination_port))
		return;
	entry->restricted_port = packet->destination_port;
	entry->restricted_udp = udp;
	saturate8(&entry->restricted_tries);
}

/*
 * Mail and databases: machines log in there by themselves, again and again, so one connection in
 * four counts; which ones is secret.
 */
static __always_inline int table_counts_login(const struct packet *packet,
					      const struct hash_key *key)
{
	switch (packet->destination_port) {
	case 25:
	case 110:
	case 143:
	case 465:
	case 587:
	case 993:
	case 995:
	case 3306:
	case 5432:
		return !(hash_number(key, packet->source_port) >> 62);
	}
	return 1;
}

static __always_inline void table_add_established(struct table_entry *entry,
						  const struct table_subject *subject,
						  const struct packet *packet,
						  const struct sensor_control *control,
						  __u32 relation)
{
	saturate16(&entry->established);
	if (packet_unlikely(relation == RELATION_ASSUMED))
		entry->assumed = 1;
	else
		entry->answers++;
	table_take_try(entry, subject, packet, &control->bitmap_key);
	table_note_peer(entry, subject, packet);
	if (packet_unlikely(port_in(control->sensitive_ports, packet->destination_port)) &&
	    table_counts_login(packet, &control->bitmap_key))
		saturate8(&entry->sensitive);
	table_add_restricted(entry, packet, control, 0);
}

/*
 * From a service to its client, the end of an idle connection most likely: no scan looks there,
 * and one that leaves from a service's port is not found by the ports that it tries.
 */
static __always_inline int table_to_client(const struct packet *packet)
{
	return packet->destination_port >= TABLE_SERVICE_PORT &&
	       packet->source_port < packet->destination_port;
}

/* TCP that is no SYN. */
static __always_inline __u32 table_add_tcp(struct table_entry *entry,
					   const struct table_subject *subject,
					   const struct packet *packet,
					   const struct sensor_control *control, __u32 relation)
{
	__u8 flags = packet->tcp_flags;

	if (packet_likely(relation == RELATION_ANSWER)) {
		entry->answers++;
		if (packet_likely(flags & (TCP_ACK | TCP_RST)))
			return 0;
	}
	if (packet_unlikely(packet->flags &
			    (PACKET_LATER_FRAGMENT | PACKET_MALFORMED | PACKET_CUT)))
		return 0;
	if (packet_unlikely(table_odd_flags(flags))) {
		saturate16(&entry->odd_flags);
		return table_add_try(entry, subject, packet, &control->bitmap_key);
	}
	if (relation == RELATION_COMPLETES || relation == RELATION_ASSUMED) {
		table_add_established(entry, subject, packet, control, relation);
		return 0;
	}
	if (relation == RELATION_RELATED) {
		if (!table_likely(entry, control))
			saturate16(&entry->stray);
		return 0;
	}
	if (relation != RELATION_UNASKED && !subject->is_destination) {
		entry->answers++;
		return 0;
	}
	if ((flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)) {
		saturate16(&entry->syn_ack);
		table_note_peer(entry, subject, packet);
		return 0;
	}
	saturate16(&entry->stray);
	if (flags & TCP_RST || (table_to_client(packet) && !subject->is_destination)) {
		table_note_peer(entry, subject, packet);
		return 0;
	}
	return table_add_try(entry, subject, packet, &control->bitmap_key);
}

/* Returns whether it looks like an answer, not like a question from such a port. */
static __always_inline int table_add_amplified(struct table_entry *entry,
					       const struct table_subject *subject,
					       const struct packet *packet,
					       const struct sensor_control *control, __u32 relation)
{
	int large = packet->bytes >= TABLE_AMPLIFIED_BYTES;

	if (packet_likely(!port_in(control->amplifier_ports, packet->source_port)))
		return 0;
	if (relation == RELATION_UNASKED || large || subject->is_destination)
		saturate16(&entry->amplifier);
	return large;
}

/* Services that honest hosts ask many servers for over UDP: names, time, QUIC; and traceroute. */
static __always_inline int table_asks_service(const struct packet *packet)
{
	if (packet->destination_port >= TABLE_TRACE_FIRST &&
	    packet->destination_port <= TABLE_TRACE_LAST)
		return 1;
	switch (packet->destination_port) {
	case 53:
	case 80:
	case 123:
	case 443:
	case 853:
		return 1;
	}
	return 0;
}

static __always_inline __u32 table_add_udp(struct table_entry *entry,
					   const struct table_subject *subject,
					   const struct packet *packet,
					   const struct sensor_control *control, __u32 relation)
{
	int to_client = packet->source_port < TABLE_SERVICE_PORT ||
			(packet->destination_port >= TABLE_EPHEMERAL_PORT &&
			 packet->source_port < TABLE_EPHEMERAL_PORT);
	int later = packet->flags & (PACKET_LATER_FRAGMENT | PACKET_MALFORMED | PACKET_CUT);
	int answers = 0;

	if (packet_likely(relation == RELATION_ANSWER)) {
		entry->answers++;
		return 0;
	}
	if (!later)
		answers = table_add_amplified(entry, subject, packet, control, relation);
	if (!subject->is_destination &&
	    (relation == RELATION_RELATED ||
	     (relation == RELATION_UNKNOWN && !later && packet->source_port < TABLE_SERVICE_PORT &&
	      packet->destination_port >= TABLE_SERVICE_PORT))) {
		if (!table_likely(entry, control))
			entry->udp++;
		return 0;
	}
	entry->udp++;
	if (later || (relation == RELATION_UNKNOWN && to_client))
		return 0;
	table_add_restricted(entry, packet, control, 1);
	if (!subject->is_destination && (answers || table_asks_service(packet))) {
		table_note_peer(entry, subject, packet);
		return 0;
	}
	return table_add_try(entry, subject, packet, &control->bitmap_key);
}

static __always_inline __u32 table_add_icmp(struct table_entry *entry,
					    const struct table_subject *subject,
					    const struct packet *packet,
					    const struct sensor_control *control, __u32 relation)
{
	__u8 echo = packet->protocol == PROTOCOL_ICMP ? ICMP4_ECHO : ICMP6_ECHO;

	if (relation == RELATION_ANSWER) {
		entry->answers++;
		return 0;
	}
	/* an error about what left, or an echo reply of which nothing is known */
	if ((relation == RELATION_RELATED || relation == RELATION_UNKNOWN) &&
	    !contact_no_ports(packet) && !subject->is_destination && table_likely(entry, control))
		return 0;
	entry->icmp++;
	if (packet->icmp_type != echo || contact_no_ports(packet))
		return 0;
	return table_add_try(entry, subject, packet, &control->bitmap_key);
}

/* Routers speak several protocols to their neighbours, all of them to groups. */
static __always_inline __u32 table_add_other(struct table_entry *entry,
					     const struct table_subject *subject,
					     const struct packet *packet,
					     const struct sensor_control *control, __u32 relation)
{
	__u64 hash;

	if (relation == RELATION_ANSWER) {
		entry->answers++;
		return 0;
	}
	if (relation == RELATION_RELATED && table_likely(entry, control))
		return 0;
	saturate16(&entry->other);
	if (relation == RELATION_RELATED)
		return 0;
	table_note_peer(entry, subject, packet);
	hash = hash_number(&control->bitmap_key, packet->protocol);
	entry->protocols |= 1U << (hash >> 60);
	return 0;
}

/* Adds a packet to its entry. Returns what was new about it (enum table_news). */
static __always_inline __u32 table_add(struct table_entry *entry,
				       const struct table_subject *subject,
				       const struct packet *packet,
				       const struct sensor_control *control, __u32 relation,
				       int dropped)
{
	entry->packets++;
	entry->bytes += packet->bytes;
	entry->last_protocol = packet->protocol;
	if (packet_unlikely(dropped))
		entry->dropped++;
	if (packet_unlikely(packet->flags & (PACKET_FRAGMENT | PACKET_MALFORMED))) {
		if (packet->flags & PACKET_MALFORMED)
			saturate16(&entry->malformed);
		if (packet->flags & PACKET_FRAGMENT && relation != RELATION_ANSWER)
			saturate16(&entry->fragments);
	}
	if (packet_unlikely(entry->prefix_len != PREFIX_LEN_FULL))
		entry->members |= 1U
				  << (hash_address(&control->bitmap_key, &subject->member) >> 59);

	if (packet->classes & CLASS_SYN)
		return table_add_syn(entry, subject, packet, control);
	if (packet->classes & CLASS_TCP)
		return table_add_tcp(entry, subject, packet, control, relation);
	if (packet->classes & CLASS_UDP)
		return table_add_udp(entry, subject, packet, control, relation);
	if (packet->classes & CLASS_ICMP)
		return table_add_icmp(entry, subject, packet, control, relation);
	return table_add_other(entry, subject, packet, control, relation);
}

#endif
