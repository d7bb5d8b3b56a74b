/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is this packet? One parser for XDP, AF_PACKET and captures, compiled by both compilers.
 *
 * Bytes are only read behind a check against the end, as the BPF verifier wants it, and only as
 * bytes or packed views, since a frame is aligned to nothing. Ethernet, up to four VLAN tags
 * (802.1Q, 802.1ad), PPPoE sessions (RFC 2516), IPv4 (RFC 791), IPv6 with its extension headers
 * (RFC 8200, RFC 7045), TCP, UDP, ICMP and ICMPv6. MPLS and the rest are "not IP".
 */
#ifndef FWGEN_PACKET_H
#define FWGEN_PACKET_H

#include <linux/if_ether.h>
#include "abi.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
/*
 * For the verifier's sake (the BPF program defines both; plain code pays nothing): a constant that
 * it knows is followed through the rest of the program in a path of its own, which multiplies to a
 * million steps. PACKET_OPAQUE makes a number unknown to it, PACKET_BOUND an offset it can bound.
 */
#ifndef PACKET_OPAQUE
#define PACKET_OPAQUE(x) (x)
#define PACKET_BOUND(x)	 (x)
#endif

#define packet_likely(x)   __builtin_expect(!!(x), 1)
#define packet_unlikely(x) __builtin_expect(!!(x), 0)

/* IANA protocol numbers. The libc and the kernel each have a header for them; both at once clash. */
enum protocol {
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_AH = 51,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_DESTINATION_OPTIONS = 60,
	PROTOCOL_MOBILITY = 135,
	PROTOCOL_HIP = 139,
	PROTOCOL_SHIM6 = 140,
};

/* IPv6 extension headers with a length of their own, as bits: 0, 43, 44, 51, 60 and 135, 139, 140. */
#define PACKET_EXTENSIONS_LOW  0x1008180000000001ULL
#define PACKET_EXTENSIONS_HIGH (1ULL << (135 - 128) | 1ULL << (139 - 128) | 1ULL << (140 - 128))

#define PACKET_VLAN_MAX	     4
#define PACKET_EXTENSION_MAX 8 /* IPv6 extension headers read; more are malformed */

enum packet_status {
	PACKET_IP,	  /* source and destination are known */
	PACKET_NOT_IP,	  /* no IPv4 or IPv6 inside */
	PACKET_TRUNCATED, /* IP, but the header is incomplete or contradicts itself: no source */
};

enum packet_flag {
	PACKET_IPV6 = 1 << 0,
	PACKET_FRAGMENT = 1 << 1,	/* first or later */
	PACKET_LATER_FRAGMENT = 1 << 2, /* carries no ports */
	PACKET_MALFORMED = 1 << 3,	/* lengths or fields that cannot be */
};

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
};

struct packet {
	struct address source;
	struct address destination;
	__u32 bytes;	/* of the whole frame on the wire */
	__u32 classes;	/* enum packet_class */
	__u16 source_port; /* host order; 0 where there is none */
	__u16 destination_port;
	__u8 protocol;	/* the upper-layer protocol, or the extension header that stopped the walk */
	__u8 tcp_flags; /* TCP that carries its flags only */
	__u8 icmp_type;
	__u8 flags; /* enum packet_flag */
};

/*
 * Unaligned reads; the caller has checked the bound. clang builds a packed view from single bytes
 * for BPF, where the kernel allows unaligned loads on the machines that have them.
 */
#ifdef __bpf__
#define PACKET_VIEW(type, p) (*(const type *)(p))
#else
struct packet_view16 {
	__u16 value;
} __attribute__((packed));
struct packet_view32 {
	__u32 value;
} __attribute__((packed));
#define PACKET_VIEW___u16(p) (((const struct packet_view16 *)(p))->value)
#define PACKET_VIEW___u32(p) (((const struct packet_view32 *)(p))->value)
#define PACKET_VIEW(type, p) PACKET_VIEW_##type(p)
#endif

static __always_inline __u16 packet_read16(const unsigned char *p)
{
	return __builtin_bswap16(PACKET_VIEW(__u16, p));
}

static __always_inline __u32 packet_read32_raw(const unsigned char *p)
{
	return PACKET_VIEW(__u32, p);
}

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "written for little-endian machines: packet_read16 and address words assume it"
#endif

#define PACKET_MAPPED_WORD 0xffff0000u /* bytes 8 to 11 of a v4-mapped address */

static __always_inline void packet_address4(struct address *out, const unsigned char *p)
{
	out->halves[0] = 0;
	out->words[2] = PACKET_MAPPED_WORD;
	out->words[3] = packet_read32_raw(p);
}

static __always_inline void packet_address6(struct address *out, const unsigned char *p)
{
	out->words[0] = packet_read32_raw(p);
	out->words[1] = packet_read32_raw(p + 4);
	out->words[2] = packet_read32_raw(p + 8);
	out->words[3] = packet_read32_raw(p + 12);
}

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
			out->flags |= PACKET_MALFORMED;
			out->classes |= (out->flags & PACKET_FRAGMENT) ? CLASS_SYN : CLASS_TCP;
			return;
		}
		out->source_port = packet_read16(p);
		out->destination_port = packet_read16(p + 2);
		out->tcp_flags = p[13] & 0x3f;
		if ((p[12] >> 4) < 5 || length < 20)
			out->flags |= PACKET_MALFORMED;
		out->classes |= (out->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN ? CLASS_SYN :
										    CLASS_TCP;
	} else if (out->protocol == PROTOCOL_UDP) {
		out->classes |= CLASS_UDP;
		if (out->flags & PACKET_LATER_FRAGMENT)
			return;
		if (length < 8 || p + 8 > end) {
			out->flags |= PACKET_MALFORMED;
			return;
		}
		out->source_port = packet_read16(p);
		out->destination_port = packet_read16(p + 2);
	} else if (out->protocol == PROTOCOL_ICMP || out->protocol == PROTOCOL_ICMPV6) {
		out->classes |= CLASS_ICMP;
		if (out->flags & PACKET_LATER_FRAGMENT)
			return;
		if (length < 4 || p + 4 > end) {
			out->flags |= PACKET_MALFORMED;
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

/* The fixed IPv6 header at p; upper is what follows it, extension headers included. */
static __always_inline enum packet_status packet_parse_ipv6(const unsigned char *p,
							    const unsigned char *end, __u32 l3,
							    struct packet *out,
							    struct packet_upper *upper)
{
	__u32 left;

	if (l3 < 40 || p + 40 > end || (p[0] >> 4) != 6)
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
		if (upper->length < 8 || p + 8 > end)
			break;
		header = packet_extension(p, out);
		out->flags = PACKET_OPAQUE(out->flags);
		if (header > upper->length)
			break;
		upper->offset += header;
		upper->length -= header;
	}
	if (packet_is_extension(out->protocol) && !(out->flags & PACKET_LATER_FRAGMENT))
		out->flags |= PACKET_MALFORMED;
}

/* The link layer: returns the Ethernet type of what starts at *offset, 0 when the frame ends first. */
static __always_inline __u16 packet_parse_link(const unsigned char *data, const unsigned char *end,
					       __u32 *offset)
{
	const unsigned char *p = data;
	__u16 type;

	if (p + ETH_HLEN > end)
		return 0;
	type = packet_read16(p + 12);
	p += ETH_HLEN;
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

/*
 * From the network layer on: type is its Ethernet type, l2 the offset where it starts. out is
 * zeroed by the caller, but for bytes.
 */
static __always_inline enum packet_status packet_parse_network(const void *data_, const void *end_,
							       __u16 type, __u32 l2,
							       struct packet *out)
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
		packet_parse_upper(p + 20, end, upper.length, out);
		return 1;
	}
	if (type == ETH_P_IPV6 && p + 40 <= end && l3 >= 40 && (p[0] >> 4) == 6 &&
	    !packet_is_extension(p[6])) {
		packet_parse_ipv6(p, end, l3, out, &upper);
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
