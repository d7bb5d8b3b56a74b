/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direction: is this packet an answer to something that the other side sent, the end of a
 * handshake, or did nobody ask for it? What leaves notes whom it was sent to (contact_note); what
 * arrives is held against that (contact_relation). One memory for all interfaces and sensors.
 *
 * Three things are noted in a two-generation bit filter with a secret hash: the flow (both
 * addresses, protocol, both ports), the pair (both addresses and the protocol: later fragments have
 * no ports), and the host whose packets leave here, since only for such a host does a missing note
 * say anything. A SYN-ACK is noted apart with the acknowledgement that it asks for: an ACK with
 * that number was sent by somebody who received the SYN-ACK, so his address is not forged.
 *
 * Bits are set without atomics: two CPUs that set bits of one word at once may lose one, which the
 * flow's next packet sets again.
 */
#ifndef FWGEN_CONTACT_H
#define FWGEN_CONTACT_H

#include "hash.h"
#include "packet.h"

/* What an arriving packet is to the host that it is for. */
enum relation {
	RELATION_UNASKED, /* the other side's packets are seen here, and none asked for this */
	RELATION_UNKNOWN, /* the other side's packets do not pass here: nothing can be said */
	RELATION_RELATED, /* asked for by nothing, between hosts that have a connection */
	RELATION_ANSWER,  /* of a flow that the other side takes part in */
	RELATION_COMPLETES, /* the ACK that ends a handshake: the address is not forged */
	RELATION_ASSUMED,   /* a flow's first ACK, where the SYN-ACK could not be seen */
};

enum contact_kind { CONTACT_FLOW = 0x100, CONTACT_PAIR = 0x200, CONTACT_HOST = 0x300 };

#define CONTACT_ECHO_REPLY4 0
#define CONTACT_ECHO4	    8
#define CONTACT_ECHO6	    128
#define CONTACT_ECHO_REPLY6 129

/* remote: who sends what arrives; local: whom it is for. ports: remote's << 16 | local's. */
static __always_inline __u64 contact_hash(const struct contacts *contacts,
					  const struct address *remote,
					  const struct address *local, __u32 ports, __u32 kind)
{
	__u64 h = hash_linear(&contacts->remote_key, remote) +
		  hash_linear(&contacts->local_key, local) + contacts->ports_key * ports +
		  contacts->kind_key * kind;

	return hash_unline(&contacts->local_key, h);
}

static __always_inline __u64 contact_host_hash(const struct contacts *contacts,
					       const struct address *host)
{
	return hash_unline(&contacts->local_key, hash_linear(&contacts->local_key, host) +
							 contacts->kind_key * CONTACT_HOST);
}

static __always_inline int contact_has(const struct contacts *contacts, __u64 hash)
{
	const struct contact_line *line =
		&contacts->lines[(hash >> 50) & (CONTACT_LINES - 1)];
	__u32 first = (hash >> 42) & (CONTACT_LINE_BITS - 1);
	__u32 second = (hash >> 34) & (CONTACT_LINE_BITS - 1);
	__u64 a = line->words[0][first / 64] >> (first % 64) &
		  line->words[0][second / 64] >> (second % 64);
	__u64 b = line->words[1][first / 64] >> (first % 64) &
		  line->words[1][second / 64] >> (second % 64);

	return (a | b) & 1;
}

/* Into the running generation; written only when it is news. */
static __always_inline void contact_set(struct contacts *contacts, __u64 hash)
{
	struct contact_line *line = &contacts->lines[(hash >> 50) & (CONTACT_LINES - 1)];
	__u32 first = (hash >> 42) & (CONTACT_LINE_BITS - 1);
	__u32 second = (hash >> 34) & (CONTACT_LINE_BITS - 1);
	__u32 generation = contacts->generation & 1;
	__u64 one = 1ULL << (first % 64), two = 1ULL << (second % 64);

	if (packet_likely((line->words[generation][first / 64] & one) &&
			  (line->words[generation][second / 64] & two)))
		return;
	line->words[generation][first / 64] |= one;
	line->words[generation][second / 64] |= two;
	contacts->noted++; /* about: CPUs may overwrite each other's */
}

/* A handshake that waits for its ACK: a slot by flow and acknowledgement number, with a tag. */
static __always_inline __u64 contact_handshake(const struct contacts *contacts, __u64 flow,
					       __u32 acknowledgement)
{
	return hash_finish(flow ^ (contacts->ports_key * acknowledgement));
}

static __always_inline __u32 contact_tag(__u64 handshake)
{
	return (__u32)handshake | 1;
}

static __always_inline __u32 contact_pending_index(__u64 handshake)
{
	return (handshake >> 40) & (CONTACT_PENDING - 1);
}

/* Sequence (at 4) or acknowledgement number (at 8) of a TCP header. Returns 0 when it is cut. */
static __always_inline int contact_tcp_number(const struct packet *packet, const void *data_,
					      const void *end_, __u32 at, __u32 *out)
{
	const unsigned char *p = (const unsigned char *)data_ + PACKET_BOUND(packet->upper_offset);

	if ((const void *)(p + 20) > end_)
		return 0;
	*out = __builtin_bswap32(packet_read32_raw(p + at));
	return 1;
}

static __always_inline __u32 contact_ports(const struct packet *packet)
{
	return (__u32)packet->source_port << 16 | packet->destination_port;
}

static __always_inline __u32 contact_ports_back(const struct packet *packet)
{
	return (__u32)packet->destination_port << 16 | packet->source_port;
}

/* The identifier of an echo request or reply, in the place of ports. */
static __always_inline __u32 contact_echo_id(const struct packet *packet, const void *data_,
					     const void *end_)
{
	const unsigned char *p = (const unsigned char *)data_ + PACKET_BOUND(packet->upper_offset);

	return (const void *)(p + 8) > end_ ? 0 : packet_read16(p + 4);
}

static __always_inline int contact_no_ports(const struct packet *packet)
{
	return packet->flags & (PACKET_LATER_FRAGMENT | PACKET_MALFORMED | PACKET_CUT);
}

static __always_inline int contact_is_echo(const struct packet *packet, __u8 echo4, __u8 echo6)
{
	return packet->icmp_type == (packet->protocol == PROTOCOL_ICMP ? echo4 : echo6);
}

/*
 * A packet that leaves. SYN-ACKs and RSTs are what a host sends to anybody: they note no flow, so
 * that a flood of SYNs or a scan does not fill the filter with its own answers.
 */
static __always_inline void contact_note(struct contacts *contacts, const struct packet *packet,
					 const void *data, const void *end)
{
	const struct address *local = &packet->source, *remote = &packet->destination;
	__u32 ports = contact_ports_back(packet), number;
	__u64 flow;

	contact_set(contacts, contact_host_hash(contacts, local));
	if (packet->classes & CLASS_ICMP) {
		if (contact_no_ports(packet) ||
		    !contact_is_echo(packet, CONTACT_ECHO4, CONTACT_ECHO6))
			return;
		ports = contact_echo_id(packet, data, end);
	}
	if (packet->classes & (CLASS_SYN | CLASS_TCP | CLASS_UDP | CLASS_ICMP) &&
	    !contact_no_ports(packet)) {
		flow = contact_hash(contacts, remote, local, ports,
				    CONTACT_FLOW | packet->protocol);
		if (packet->classes & (CLASS_SYN | CLASS_TCP)) {
			if (packet->tcp_flags & TCP_RST)
				return;
			if ((packet->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)) {
				if (contact_tcp_number(packet, data, end, 4, &number)) {
					flow = contact_handshake(contacts, flow, number + 1);
					contacts->pending[contact_pending_index(flow)] =
						contact_tag(flow);
				}
				return;
			}
		}
		contact_set(contacts, flow);
		if (packet->classes & CLASS_SYN)
			return; /* a connection is one when somebody answers */
	}
	contact_set(contacts,
		    contact_hash(contacts, remote, local, 0, CONTACT_PAIR | packet->protocol));
}

/* Whether packets of the host leave here, as far as is known: 0 while there is too little past. */
static __always_inline int contact_visible(const struct contacts *contacts,
					   const struct address *host)
{
	return !contacts->learning && contact_has(contacts, contact_host_hash(contacts, host));
}

/* TCP that is neither SYN nor of a known flow. Notes the flow, so that it is judged once. */
static __always_inline __u32 contact_new_tcp(struct contacts *contacts, const struct packet *packet,
					     const void *data, const void *end, __u64 flow)
{
	int acks = (packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST)) == TCP_ACK;
	__u32 number, relation;
	__u64 handshake;

	if (acks && contact_tcp_number(packet, data, end, 8, &number)) {
		handshake = contact_handshake(contacts, flow, number);
		if (contacts->pending[contact_pending_index(handshake)] == contact_tag(handshake)) {
			contact_set(contacts, flow);
			return RELATION_COMPLETES;
		}
	}
	if (contact_visible(contacts, &packet->destination))
		relation = RELATION_UNASKED;
	else
		relation = acks ? RELATION_ASSUMED : RELATION_UNKNOWN;
	/* a lone SYN-ACK or RST says nothing of what comes after it */
	if (!(packet->tcp_flags & (TCP_SYN | TCP_RST)))
		contact_set(contacts, flow);
	return relation;
}

/*
 * An ICMP error quotes the packet that it is about (RFC 792, RFC 4443): was that one sent from
 * here? A quoted header with options is not looked into.
 */
static __always_inline int contact_quotes_ours(const struct contacts *contacts,
					       const struct packet *packet, const void *data_,
					       const void *end_)
{
	const unsigned char *p = (const unsigned char *)data_ + PACKET_BOUND(packet->upper_offset);
	struct address remote;
	__u32 ports;
	__u8 protocol;

	if (packet->protocol == PROTOCOL_ICMP) {
		if ((const void *)(p + 8 + 20 + 4) > end_ || p[8] != 0x45)
			return 0;
		packet_address4(&remote, p + 8 + 16);
		protocol = p[8 + 9];
		p += 8 + 20;
	} else {
		if ((const void *)(p + 8 + 40 + 4) > end_)
			return 0;
		packet_address6(&remote, p + 8 + 24);
		protocol = p[8 + 6];
		p += 8 + 40;
	}
	if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP)
		return contact_has(contacts, contact_hash(contacts, &remote, &packet->destination,
							  0, CONTACT_PAIR | protocol));
	ports = (__u32)packet_read16(p + 2) << 16 | packet_read16(p);
	return contact_has(contacts, contact_hash(contacts, &remote, &packet->destination, ports,
						  CONTACT_FLOW | protocol));
}

static __always_inline int contact_is_error(const struct packet *packet)
{
	if (packet->protocol != PROTOCOL_ICMP)
		return packet->icmp_type < CONTACT_ECHO6;
	return packet->icmp_type == 3 || packet->icmp_type == 11 || packet->icmp_type == 12;
}

static __always_inline int contact_pair(const struct contacts *contacts,
					const struct packet *packet, __u8 protocol)
{
	return contact_has(contacts, contact_hash(contacts, &packet->source, &packet->destination,
						  0, CONTACT_PAIR | protocol));
}

/* What an arriving packet is. A SYN is never an answer: RELATION_UNASKED without a look. */
static __always_inline __u32 contact_relation(struct contacts *contacts,
					      const struct packet *packet, const void *data,
					      const void *end)
{
	__u32 ports = contact_ports(packet);
	__u64 flow;

	if (packet->classes & CLASS_SYN)
		return RELATION_UNASKED;
	if (packet_unlikely((packet->classes & CLASS_OTHER) || contact_no_ports(packet))) {
		if (contact_pair(contacts, packet, packet->protocol))
			return RELATION_ANSWER;
		return contact_visible(contacts, &packet->destination) ? RELATION_UNASKED
								       : RELATION_UNKNOWN;
	}
	if (packet->classes & CLASS_ICMP) {
		if (contact_is_error(packet)) {
			if (contact_quotes_ours(contacts, packet, data, end))
				return RELATION_ANSWER;
			return RELATION_UNASKED;
		}
		if (!contact_is_echo(packet, CONTACT_ECHO_REPLY4, CONTACT_ECHO_REPLY6))
			return RELATION_UNASKED;
		ports = contact_echo_id(packet, data, end);
	}
	flow = contact_hash(contacts, &packet->source, &packet->destination, ports,
			    CONTACT_FLOW | packet->protocol);
	if (packet_likely(contact_has(contacts, flow)))
		return RELATION_ANSWER;
	if (packet->classes & CLASS_TCP)
		return contact_new_tcp(contacts, packet, data, end, flow);
	if (!contact_visible(contacts, &packet->destination))
		return RELATION_UNKNOWN;
	if (packet->classes & CLASS_UDP && contact_pair(contacts, packet, PROTOCOL_TCP))
		return RELATION_RELATED;
	return RELATION_UNASKED;
}

#endif
