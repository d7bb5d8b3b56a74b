/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames in words, over IPv4 or IPv6, for tests of what an arriving packet is. */
#ifndef FWGEN_TESTS_CONTACT_FRAMES_H
#define FWGEN_TESTS_CONTACT_FRAMES_H

#include <string.h>
#include "base/address.h"
#include "bpf/frames.h"
#include "contact.h"
#include "parse.h"

static int six; /* the family in use */

/*
 * OURS and OTHER_OURS are this side's, the others are far away; GROUP is multicast, BEFORE_GROUP
 * and BEHIND_GROUP are its neighbours.
 */
enum host { OURS = 1, OTHER_OURS, FAR, OTHER_FAR, ROUTER, GROUP, BEFORE_GROUP, BEHIND_GROUP };

static uint32_t four(uint32_t host)
{
	switch (host) {
	case GROUP:
		return 0xef0000fb;
	case BEFORE_GROUP:
		return 0xdfffffff;
	case BEHIND_GROUP:
		return 0xf0000000;
	}
	return 0xc0000200 + host;
}

static void put_host(unsigned char out[16], uint32_t host)
{
	static const unsigned char prefix[16] = { 0x20, 0x01, 0x0d, 0xb8 };

	memcpy(out, prefix, 16);
	if (host >= GROUP && host <= BEHIND_GROUP)
		out[0] = host == GROUP ? 0xff : 0xfe;
	for (int i = 0; i < 4; i++)
		out[15 - i] = (unsigned char)(host >> (8 * i));
}

static void put_ip(struct frame *frame, uint32_t from, uint32_t to, uint8_t protocol,
		   uint16_t fragment, uint16_t payload)
{
	unsigned char source[16], destination[16];

	if (!six) {
		frame_ipv4(frame, four(from), four(to), protocol, fragment, payload);
		return;
	}
	put_host(source, from);
	put_host(destination, to);
	if (!fragment) {
		frame_ipv6(frame, source, destination, protocol, payload);
		return;
	}
	frame_ipv6(frame, source, destination, PROTOCOL_FRAGMENT, (uint16_t)(payload + 8));
	frame_put8(frame, protocol);
	frame_put8(frame, 0);
	frame_put16(frame, (uint16_t)((fragment & 0x1fff) << 3 | (fragment & 0x2000 ? 1 : 0)));
	frame_put32(frame, 7);
}

static struct frame begin(void)
{
	struct frame frame;

	frame_begin(&frame);
	frame_ethernet(&frame, six ? 0x86dd : 0x0800);
	return frame;
}

/* What a connection's packets have in common; numbers are those of the next packet. */
struct flow {
	uint32_t from, to;
	uint16_t from_port, to_port;
	uint32_t sequence, acknowledgement;
};

static void put_tcp(struct frame *frame, const struct flow *flow, uint8_t flags)
{
	frame_put16(frame, flow->from_port);
	frame_put16(frame, flow->to_port);
	frame_put32(frame, flow->sequence);
	frame_put32(frame, flow->acknowledgement);
	frame_put8(frame, 0x50);
	frame_put8(frame, flags);
	frame_put32(frame, 0);
	frame_put16(frame, 0);
}

static struct frame tcp(struct flow flow, uint8_t flags)
{
	struct frame frame = begin();

	put_ip(&frame, flow.from, flow.to, PROTOCOL_TCP, 0, 20);
	put_tcp(&frame, &flow, flags);
	return frame;
}

static struct frame udp(uint32_t from, uint16_t from_port, uint32_t to, uint16_t to_port)
{
	struct frame frame = begin();

	put_ip(&frame, from, to, PROTOCOL_UDP, 0, 8);
	frame_udp(&frame, from_port, to_port, 0);
	return frame;
}

/* fragment: the field of IPv4; 0x2000 the first one, an offset a later one. */
static struct frame udp_fragment(uint32_t from, uint32_t to, uint16_t fragment)
{
	struct frame frame = begin();

	put_ip(&frame, from, to, PROTOCOL_UDP, fragment, 16);
	if (fragment & 0x1fff) {
		frame_pad(&frame, 16);
	} else {
		frame_udp(&frame, 5000, 6000, 1400);
		frame_pad(&frame, 8);
	}
	return frame;
}

static uint8_t icmp_protocol(void)
{
	return six ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;
}

static struct frame echo(uint32_t from, uint32_t to, int reply, uint16_t id)
{
	struct frame frame = begin();

	put_ip(&frame, from, to, icmp_protocol(), 0, 8);
	if (six)
		frame_put8(&frame, reply ? CONTACT_ECHO_REPLY6 : CONTACT_ECHO6);
	else
		frame_put8(&frame, reply ? CONTACT_ECHO_REPLY4 : CONTACT_ECHO4);
	frame_put8(&frame, 0);
	frame_put16(&frame, 0);
	frame_put16(&frame, id);
	frame_put16(&frame, 1);
	return frame;
}

/* Destination unreachable, from a router; quotes the frame from its IP header on. */
static struct frame unreachable(const struct frame *about, uint32_t to, uint32_t quoted)
{
	struct frame frame = begin();

	put_ip(&frame, ROUTER, to, icmp_protocol(), 0, (uint16_t)(8 + quoted));
	frame_put8(&frame, six ? 1 : 3);
	frame_pad(&frame, 7);
	frame_put(&frame, about->bytes + 14, quoted);
	return frame;
}

static struct frame other(uint32_t from, uint32_t to, uint8_t protocol)
{
	struct frame frame = begin();

	put_ip(&frame, from, to, protocol, 0, 8);
	frame_pad(&frame, 8);
	return frame;
}

#endif
