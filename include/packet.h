/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of a packet once it is parsed (parse.h), and how its bytes are read: only behind a
 * check against the end, as the BPF verifier wants it, and only as bytes or packed views, since a
 * frame is aligned to nothing.
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

/* IANA protocol numbers. The libc and the kernel each have a header for them; both at once clash.
 */
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

/* IPv6 extension headers with a length of their own, as bits: 0, 43, 44, 51, 60 and 135, 139, 140.
 */
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
	PACKET_CUT = 1 << 4, /* a capture ends before the ports: the packet itself is good */
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
	__u32 bytes;	   /* of the whole frame on the wire */
	__u32 classes;	   /* enum packet_class */
	__u16 source_port; /* host order; 0 where there is none */
	__u16 destination_port;
	__u8 protocol; /* the upper-layer protocol, or the extension header that stopped the walk */
	__u8 tcp_flags; /* TCP that carries its flags only */
	__u8 icmp_type;
	__u8 flags;	      /* enum packet_flag */
	__u16 network_offset; /* of the IP header, from the frame's start */
	__u16 upper_offset;   /* of what IP carries */
	__u32 interface;      /* where it was seen, for who knows; parsing leaves 0 */
};

/*
 * Unaligned reads; the caller has checked the bound. clang builds a packed view from single bytes
 * for BPF, where the kernel allows unaligned loads on the machines that have them.
 */
#ifdef __bpf__
#define PACKET_VIEW(type, p) (*(const type __attribute__((may_alias)) *)(p))
#else
struct packet_view16 {
	__u16 value;
} __attribute__((packed, may_alias));
struct packet_view32 {
	__u32 value;
} __attribute__((packed, may_alias));
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

#endif
