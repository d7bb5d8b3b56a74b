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
 * Who arrives can make the filter fill too: a flow that nothing was sent in is noted when it is
 * judged. That may take an eighth of the bits (CONTACT_ARRIVED_MAX), so that a flood cannot crowd
 * out what left. At a quarter userspace turns the generation (CONTACT_FULL).
 */
#ifndef FWGEN_CONTACT_H
#define FWGEN_CONTACT_H

#include "notes.h"

/* What an arriving packet is to the host that it is for. */
enum relation {
	RELATION_UNASKED, /* the other side's packets are seen here, and none asked for this */
	RELATION_UNKNOWN, /* the other side's packets do not pass here: nothing can be said */
	RELATION_RELATED, /* asked for by nothing, but likely of an exchange that was forgotten, or
			   * beside one */
	RELATION_ANSWER,  /* of a flow that the other side takes part in */
	RELATION_COMPLETES, /* the ACK that ends a handshake: the address is not forged */
	RELATION_ASSUMED,   /* a flow's first ACK, where the SYN-ACK could not be seen */
};

#define CONTACT_ECHO_REPLY4 0
#define CONTACT_ECHO4	    8
#define CONTACT_ECHO6	    128
#define CONTACT_ECHO_REPLY6 129
#define CONTACT_CLIENT_PORT 1024

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
	__u64 ends = contact_ends(contacts, remote, local), flow;
	__u32 ports = contact_ports_back(packet), number;

	contact_set(contacts, contact_host_hash(contacts, local));
	if (packet->classes & CLASS_ICMP) {
		if (contact_no_ports(packet) ||
		    !contact_is_echo(packet, CONTACT_ECHO4, CONTACT_ECHO6))
			return;
		ports = contact_echo_id(packet, data, end);
	}
	if (packet->classes & (CLASS_SYN | CLASS_TCP | CLASS_UDP | CLASS_ICMP) &&
	    !contact_no_ports(packet)) {
		flow = contact_hash(contacts, ends, ports, CONTACT_FLOW | packet->protocol);
		if (packet->classes & (CLASS_SYN | CLASS_TCP)) {
			if (packet->tcp_flags & TCP_RST)
				return;
			if ((packet->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)) {
				if (contact_tcp_number(packet, data, end, 4, &number))
					*contact_pending(contact_line(contacts, flow), flow) =
						contact_tag(contacts, flow, number + 1,
							    packet->interface);
				return;
			}
		}
		contact_set(contacts, flow);
		if (packet->classes & CLASS_SYN)
			return; /* a connection is one when somebody answers */
	}
	contact_set(contacts, contact_hash(contacts, ends, 0, CONTACT_PAIR | packet->protocol));
}

/* No note of it was found. That says something where the other host's packets leave here. */
static __always_inline __u32 contact_unasked(struct contacts *contacts, const struct packet *packet)
{
	if (!contacts->learning &&
	    contact_has(contacts, contact_host_hash(contacts, &packet->destination)))
		return RELATION_UNASKED;
	return RELATION_UNKNOWN;
}

static __always_inline int contact_pair(struct contacts *contacts, __u64 ends, __u8 protocol)
{
	return contact_has(contacts, contact_hash(contacts, ends, 0, CONTACT_PAIR | protocol));
}

/* Notes what arrived by itself, where there is room for that. Returns whether it did. */
static __always_inline int contact_arrived(struct contacts *contacts, __u64 hash)
{
	if (packet_unlikely(contacts->noted >= CONTACT_ARRIVED_MAX))
		return 0;
	contact_set(contacts, hash);
	return 1;
}

/*
 * TCP of a flow that nothing left in, neither SYN nor end of a handshake: of a connection that was
 * idle for longer than it is remembered, most often. Then it brings data, or is its end, or other
 * connections of the two hosts are known. Such a flow is judged once, since its other half may take
 * another way; what follows is likely wanted. Where no other half is seen at all, it is wanted.
 */
static __always_inline __u32 contact_new_tcp(struct contacts *contacts, const struct packet *packet,
					     __u64 ends, __u64 flow)
{
	__u32 relation = contact_unasked(contacts, packet);
	__u8 flags = packet->tcp_flags;
	__u64 stray;

	/* a lone SYN-ACK or RST, or flags that cannot be, say nothing of what comes after them */
	if ((flags & (TCP_SYN | TCP_RST | TCP_ACK)) != TCP_ACK)
		return relation;
	if (relation == RELATION_UNKNOWN) {
		if (contact_arrived(contacts, flow) && !(flags & TCP_FIN) && !contacts->learning)
			return RELATION_ASSUMED;
		return RELATION_UNKNOWN;
	}
	stray = contact_hash(contacts, ends, contact_ports(packet), CONTACT_STRAY);
	if (flags & (TCP_PSH | TCP_FIN) || contact_has(contacts, stray) ||
	    contact_pair(contacts, ends, PROTOCOL_TCP))
		return RELATION_RELATED;
	contact_arrived(contacts, stray);
	return RELATION_UNASKED;
}

/* The ACK that a SYN-ACK of this flow asked for, with the number that only its receiver knows. */
static __always_inline int contact_completes(const struct contacts *contacts,
					     const struct packet *packet, const void *data,
					     const void *end, __u64 flow, __u32 tag)
{
	__u32 number;

	return (packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST)) == TCP_ACK &&
	       contact_tcp_number(packet, data, end, 8, &number) &&
	       contact_is_tag(contacts, tag, flow, number);
}

static __always_inline __u32 contact_relation_tcp(struct contacts *contacts,
						  const struct packet *packet, const void *data,
						  const void *end, __u64 ends, __u64 flow)
{
	struct contact_line *line = contact_line(contacts, flow);
	__u32 *pending = contact_pending(line, flow);

	if (packet_unlikely(*pending) &&
	    contact_completes(contacts, packet, data, end, flow, *pending)) {
		__u32 other_way = (*pending ^ packet->interface) & CONTACT_TAG_INTERFACE;

		*pending = 0;
		contact_set(contacts, flow);
		/*
		 * Where it comes back by another interface than the SYN-ACK left by, somebody on
		 * this side of the network may have sent that one, and so know its number.
		 */
		return other_way ? RELATION_ASSUMED : RELATION_COMPLETES;
	}
	if (packet_likely(contact_line_has(line, flow)))
		return RELATION_ANSWER;
	return contact_new_tcp(contacts, packet, ends, flow);
}

/*
 * An ICMP error quotes the packet that it is about (RFC 792, RFC 4443): was that one sent from
 * here? A quoted header with options is not looked into.
 */
static __always_inline int contact_quotes_ours(struct contacts *contacts,
					       const struct packet *packet, const void *data_,
					       const void *end_)
{
	const unsigned char *p = (const unsigned char *)data_ + PACKET_BOUND(packet->upper_offset);
	struct address remote;
	__u64 ends, flow;
	__u32 ports;
	__u8 protocol;

	if (packet->protocol == PROTOCOL_ICMP) {
		if ((const void *)(p + 8 + 20 + 8) > end_ || p[8] != 0x45)
			return 0;
		packet_address4(&remote, p + 8 + 16);
		protocol = p[8 + 9];
		p += 8 + 20;
	} else {
		if ((const void *)(p + 8 + 40 + 8) > end_)
			return 0;
		packet_address6(&remote, p + 8 + 24);
		protocol = p[8 + 6];
		p += 8 + 40;
	}
	ends = contact_ends(contacts, &remote, &packet->destination);
	if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP)
		return contact_pair(contacts, ends, protocol);
	ports = (__u32)packet_read16(p + 2) << 16 | packet_read16(p);
	flow = contact_hash(contacts, ends, ports, CONTACT_FLOW | protocol);
	if (contact_has(contacts, flow))
		return 1;
	/* a SYN-ACK leaves no other trace */
	return protocol == PROTOCOL_TCP &&
	       contact_is_tag(contacts, *contact_pending(contact_line(contacts, flow), flow), flow,
			      __builtin_bswap32(packet_read32_raw(p + 4)) + 1);
}

static __always_inline int contact_is_error(const struct packet *packet)
{
	if (packet->protocol != PROTOCOL_ICMP)
		return packet->icmp_type < CONTACT_ECHO6;
	return packet->icmp_type == 3 || packet->icmp_type == 11 || packet->icmp_type == 12;
}

static __always_inline int contact_is_multicast(const struct address *address)
{
	if (address->words[2] == PACKET_MAPPED_WORD && !address->halves[0])
		return (address->bytes[12] & 0xf0) == 0xe0;
	return address->bytes[0] == 0xff;
}

/* Without ports, or of a protocol that has none. Tunnels are asked for by nothing that is seen. */
static __always_inline __u32 contact_portless(struct contacts *contacts,
					      const struct packet *packet, __u64 ends)
{
	__u32 relation;

	if (contact_pair(contacts, ends, packet->protocol))
		return RELATION_ANSWER;
	if (contact_is_multicast(&packet->destination))
		return RELATION_RELATED;
	relation = contact_unasked(contacts, packet);
	return relation == RELATION_UNKNOWN && packet->classes & CLASS_OTHER ? RELATION_RELATED
									     : relation;
}

/* What an arriving packet is. A SYN is never an answer: RELATION_UNASKED without a look. */
static __always_inline __u32 contact_relation(struct contacts *contacts,
					      const struct packet *packet, const void *data,
					      const void *end)
{
	__u32 ports = contact_ports(packet), relation;
	__u64 ends, flow;

	if (packet->classes & CLASS_SYN)
		return RELATION_UNASKED;
	ends = contact_ends(contacts, &packet->source, &packet->destination);
	if (packet_unlikely((packet->classes & CLASS_OTHER) || contact_no_ports(packet)))
		return contact_portless(contacts, packet, ends);
	if (packet->classes & CLASS_ICMP) {
		if (contact_is_error(packet)) {
			/* anybody on the way may send it, and forge as many as he likes */
			if (contact_quotes_ours(contacts, packet, data, end))
				return RELATION_RELATED;
			return RELATION_UNASKED;
		}
		if (!contact_is_echo(packet, CONTACT_ECHO_REPLY4, CONTACT_ECHO_REPLY6))
			return RELATION_UNASKED;
		ports = contact_echo_id(packet, data, end);
	}
	flow = contact_hash(contacts, ends, ports, CONTACT_FLOW | packet->protocol);
	if (packet->classes & CLASS_TCP)
		return contact_relation_tcp(contacts, packet, data, end, ends, flow);
	if (packet_likely(contact_has(contacts, flow)))
		return RELATION_ANSWER;
	if (packet->classes & CLASS_UDP && contact_is_multicast(&packet->destination))
		return RELATION_RELATED; /* a stream that its receivers joined */
	relation = contact_unasked(contacts, packet);
	/* media that a connection has arranged; never to a service */
	if (relation == RELATION_UNASKED && packet->destination_port >= CONTACT_CLIENT_PORT &&
	    contact_pair(contacts, ends, PROTOCOL_TCP))
		return RELATION_RELATED;
	return relation;
}

#endif
