/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is this packet? One parser for XDP, AF_PACKET and captures, compiled by both compilers.
 * Ethernet, up to four VLAN tags (802.1Q, 802.1ad), PPPoE sessions (RFC 2516), IPv4 (RFC 791), IPv6
 * with its extension headers (RFC 8200, RFC 7045), TCP, UDP, ICMP and ICMPv6. MPLS and the rest are
 * "not IP".
 */
#ifndef FWGEN_PARSE_H
#define FWGEN_PARSE_H

#include "packet.h"

/*
 * The upper-layer header at p, of which the IP length says that there are `length` bytes. A first
 * fragment too short for its TCP flags counts as a connection try: that is what it is good for
 * (RFC 1858, tiny fragments).
 */
static __always_inline void packet_parse_upper(const unsigned char *p, const unsigned char *end,
					       __u32 length, struct packet *out)
{
	if (out->flags & PACKET_FRAGMENT)
		out->classes = CLASS_FRAGMENT;

	if (out->protocol == PROTOCOL_TCP) {
		if (out->flags & PACKET_LATER_FRAGMENT) {
			out->classes |= CLASS_TCP;
			return;
		}
		if (length < 14 || p + 14 > end) {
			out->flags |= length < 14 ? PACKET_MALFORMED : PACKET_CUT;
			out->classes |= (out->flags & PACKET_FRAGMENT) ? CLASS_SYN : CLASS_TCP;
			return;
		}
		out->source_port = packet_read16(p);
		out->destination_port = packet_read16(p + 2);
		out->tcp_flags = p[13] & 0x3f;
		if ((p[12] >> 4) < 5 || length < 20)
			out->flags |= PACKET_MALFORMED;
		out->classes |=
			(out->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN ? CLASS_SYN : CLASS_TCP;
	} else if (out->protocol == PROTOCOL_UDP) {
		out->classes |= CLASS_UDP;
		if (out->flags & PACKET_LATER_FRAGMENT)
			return;
		if (length < 8 || p + 8 > end) {
			out->flags |= length < 8 ? PACKET_MALFORMED : PACKET_CUT;
			return;
		}
		out->source_port = packet_read16(p);
		out->destination_port = packet_read16(p + 2);
	} else if (out->protocol == PROTOCOL_ICMP || out->protocol == PROTOCOL_ICMPV6) {
		out->classes |= CLASS_ICMP;
		if (out->flags & PACKET_LATER_FRAGMENT)
			return;
		if (length < 4 || p + 4 > end) {
			out->flags |= length < 4 ? PACKET_MALFORMED : PACKET_CUT;
			return;
		}
		out->icmp_type = p[0];
	} else {
		out->classes |= CLASS_OTHER;
	}
}

/* What the network layer says of the upper one. */
struct packet_upper {
	__u32 offset; /* from the frame's start */
	__u32 length; /* by the IP header, at most what the frame holds */
};

/* The IPv4 header at p, of which the frame holds l3 bytes on the wire. upper is set but for l2. */
static __always_inline enum packet_status packet_parse_ipv4(const unsigned char *p,
							    const unsigned char *end, __u32 l3,
							    struct packet *out,
							    struct packet_upper *upper)
{
	__u32 header, total, fragment;

	if (p + 20 > end || (p[0] >> 4) != 4)
		return PACKET_TRUNCATED;
	header = (p[0] & 0xf) * 4;
	if (header < 20)
		return PACKET_TRUNCATED;

	packet_address4(&out->source, p + 12);
	packet_address4(&out->destination, p + 16);
	out->protocol = p[9];

	total = packet_read16(p + 2);
	if (total == 0) /* segmentation offload leaves it empty */
		total = l3;
	if (packet_unlikely(total < header || total > l3)) {
		out->flags |= PACKET_MALFORMED;
		total = l3;
	}
	fragment = packet_read16(p + 6);
	if (packet_unlikely(fragment & 0x3fff)) {
		out->flags |= PACKET_FRAGMENT;
		if (fragment & 0x1fff)
			out->flags |= PACKET_LATER_FRAGMENT;
	}
	upper->offset = header;
	upper->length = total > header ? total - header : 0;
	return PACKET_IP;
}

static __always_inline int packet_is_extension(__u8 protocol)
{
	__u64 set = protocol & 128 ? PACKET_EXTENSIONS_HIGH : PACKET_EXTENSIONS_LOW;

	return !(protocol & 64) && ((set >> (protocol & 63)) & 1);
}

/* Walks one extension header. Returns its length, 0 when it cannot be. */
static __always_inline __u32 packet_extension(const unsigned char *p, struct packet *out)
{
	__u32 fragment;

	if (packet_likely(out->protocol != PROTOCOL_FRAGMENT)) {
		__u32 unit = out->protocol == PROTOCOL_AH ? 4 : 8;
		__u32 fixed = out->protocol == PROTOCOL_AH ? 2 : 1;

		out->protocol = p[0];
		return (p[1] + fixed) * unit;
	}
	out->protocol = p[0];
	fragment = packet_read16(p + 2);
	if (fragment & 0xfff9) /* an atomic fragment (RFC 6946) is whole */
		out->flags |= PACKET_FRAGMENT;
	if (fragment & 0xfff8)
		out->flags |= PACKET_LATER_FRAGMENT;
	return 8;
}

/*
 * A v4-mapped source in an IPv6 header: the stack drops such packets (ip6_rcv_core in
 * net/ipv6/ip6_input.c), and counted they would be held against the IPv4 host.
 */
static __always_inline int packet_is_mapped(const unsigned char *address)
{
	return packet_unlikely(packet_read32_raw(address + 8) == PACKET_MAPPED_WORD) &&
	       !packet_read32_raw(address) && !packet_read32_raw(address + 4);
}

/* The fixed IPv6 header at p; upper is what follows it, extension headers included. */
static __always_inline enum packet_status packet_parse_ipv6(const unsigned char *p,
							    const unsigned char *end, __u32 l3,
							    struct packet *out,
							    struct packet_upper *upper)
{
	__u32 left;

	if (l3 < 40 || p + 40 > end || (p[0] >> 4) != 6 || packet_is_mapped(p + 8))
		return PACKET_TRUNCATED;
	packet_address6(&out->source, p + 8);
	packet_address6(&out->destination, p + 24);
	out->flags |= PACKET_IPV6;
	out->protocol = p[6];

	left = packet_read16(p + 4);
	if (packet_unlikely(left == 0)) /* a jumbogram or segmentation offload */
		left = l3 - 40;
	if (packet_unlikely(left > l3 - 40)) {
		out->flags |= PACKET_MALFORMED;
		left = l3 - 40;
	}
	upper->offset = 40;
	upper->length = left;
	return PACKET_IP;
}

/* Walks the extension headers: upper and out->protocol move to what follows them. */
static __always_inline void packet_walk_extensions(const unsigned char *data,
						   const unsigned char *end, struct packet *out,
						   struct packet_upper *upper)
{
	for (int i = 0; i < PACKET_EXTENSION_MAX; i++) {
		const unsigned char *p;
		__u32 header;

		if (!packet_is_extension(out->protocol) || (out->flags & PACKET_LATER_FRAGMENT))
			return;
		upper->offset = PACKET_OPAQUE(upper->offset);
		p = data + PACKET_BOUND(upper->offset);
		if (upper->length < 8)
			break;
		if (p + 8 > end) {
			out->flags |= PACKET_CUT;
			return;
		}
		header = packet_extension(p, out);
		out->flags = PACKET_OPAQUE(out->flags);
		if (header > upper->length) { /* what follows it is not there */
			out->flags |= PACKET_MALFORMED;
			upper->length = 0;
			return;
		}
		upper->offset += header;
		upper->length -= header;
	}
	if (packet_is_extension(out->protocol) && !(out->flags & PACKET_LATER_FRAGMENT))
		out->flags |= PACKET_MALFORMED;
}

/* VLAN tags and PPPoE from *offset on, where type says what is there: as packet_parse_link. */
static __always_inline __u16 packet_parse_tags(const unsigned char *data, const unsigned char *end,
					       __u16 type, __u32 *offset)
{
	const unsigned char *p = data + *offset;

	for (int i = 0; i < PACKET_VLAN_MAX; i++) {
		if (packet_likely(type != ETH_P_8021Q && type != ETH_P_8021AD))
			break;
		if (p + 4 > end)
			return 0;
		type = packet_read16(p + 2);
		p += 4;
	}
	if (packet_unlikely(type == ETH_P_PPP_SES)) {
		__u16 ppp;

		if (p + 8 > end)
			return 0;
		ppp = packet_read16(p + 6);
		type = ppp == 0x0021 ? ETH_P_IP : ppp == 0x0057 ? ETH_P_IPV6 : 0;
		p += 8;
	}
	*offset = p - data;
	return type;
}

/* The link layer: returns the Ethernet type of what starts at *offset, 0 when the frame ends first.
 */
static __always_inline __u16 packet_parse_link(const unsigned char *data, const unsigned char *end,
					       __u32 *offset)
{
	if (data + ETH_HLEN > end)
		return 0;
	*offset = ETH_HLEN;
	return packet_parse_tags(data, end, packet_read16(data + 12), offset);
}

/*
 * From the network layer on: type is its Ethernet type, l2 the offset where it starts. out is
 * zeroed by the caller, but for bytes.
 */
static __always_inline enum packet_status
packet_parse_network(const void *data_, const void *end_, __u16 type, __u32 l2, struct packet *out)
{
	const unsigned char *data = data_, *end = end_, *p;
	struct packet_upper upper = {};
	enum packet_status status;

	l2 = PACKET_OPAQUE(l2);
	p = data + PACKET_BOUND(l2);
	if (type == ETH_P_IP)
		status = packet_parse_ipv4(p, end, out->bytes - l2, out, &upper);
	else if (type == ETH_P_IPV6)
		status = packet_parse_ipv6(p, end, out->bytes - l2, out, &upper);
	else
		return PACKET_NOT_IP;
	if (status != PACKET_IP)
		return status;
	upper.offset += l2;
	if (out->flags & PACKET_IPV6)
		packet_walk_extensions(data, end, out, &upper);
	out->flags = PACKET_OPAQUE(out->flags);
	out->protocol = PACKET_OPAQUE(out->protocol);
	upper.offset = PACKET_OPAQUE(upper.offset);
	out->network_offset = l2;
	out->upper_offset = upper.offset;
	packet_parse_upper(data + PACKET_BOUND(upper.offset), end, upper.length, out);
	return PACKET_IP;
}

/*
 * The frames that make up a line rate: no tag, no option, no extension header, everything at a
 * fixed place. The same steps as above without their price (a test compares them). Returns whether
 * it was such a frame; otherwise out is as it was.
 */
static __always_inline int packet_parse_plain(const unsigned char *data, const unsigned char *end,
					      struct packet *out)
{
	const unsigned char *p = data + ETH_HLEN;
	struct packet_upper upper = {};
	__u32 l3 = out->bytes - ETH_HLEN;
	__u16 type;

	if (p + 20 > end)
		return 0;
	type = packet_read16(data + 12);
	if (type == ETH_P_IP && p[0] == 0x45) {
		packet_parse_ipv4(p, end, l3, out, &upper);
		out->network_offset = ETH_HLEN;
		out->upper_offset = ETH_HLEN + 20;
		packet_parse_upper(p + 20, end, upper.length, out);
		return 1;
	}
	if (type == ETH_P_IPV6 && p + 40 <= end && l3 >= 40 && (p[0] >> 4) == 6 &&
	    !packet_is_extension(p[6]) && !packet_is_mapped(p + 8)) {
		packet_parse_ipv6(p, end, l3, out, &upper);
		out->network_offset = ETH_HLEN;
		out->upper_offset = ETH_HLEN + 40;
		packet_parse_upper(p + 40, end, upper.length, out);
		return 1;
	}
	return 0;
}

/*
 * Parses an Ethernet frame. data to end are the bytes at hand, wire_bytes the frame's true length
 * (larger where a capture was cut). *out is written whole.
 */
static __always_inline enum packet_status packet_parse(const void *data, const void *end,
						       __u32 wire_bytes, struct packet *out)
{
	__u32 offset = 0;
	__u16 type;

	__builtin_memset(out, 0, sizeof(*out));
	out->bytes = wire_bytes;
	if (packet_likely(packet_parse_plain(data, end, out)))
		return PACKET_IP;
	type = packet_parse_link(data, end, &offset);
	return packet_parse_network(data, end, type, offset, out);
}

#endif
