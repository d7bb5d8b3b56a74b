// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random frames of both directions: some of what arrives is made of what has left, which takes a
 * parser. Whether it answers that is not remembered.
 */
#include "exchange.h"
#include <string.h>
#include "contact.h"
#include "parse.h"

#define LEAVES_MIN (ETH_HLEN + 40) /* BPF_PROG_TEST_RUN makes no skb of less than an IP header */

void exchange_begin(struct exchange *exchange, uint64_t seed)
{
	memset(exchange, 0, sizeof(*exchange));
	frames_begin(&exchange->frames, seed);
}

static bool parses(const struct frame *frame, struct packet *out)
{
	return packet_parse(frame->bytes, frame->bytes + frame->length, frame->length, out) ==
	       PACKET_IP;
}

/* The generator's are all the same. */
static void set_tcp_numbers(struct frames *frames, struct frame *frame)
{
	struct packet packet;
	uint32_t at;

	if (!parses(frame, &packet) || packet.protocol != PROTOCOL_TCP)
		return;
	at = packet.upper_offset + 4u;
	for (uint32_t i = at; i < at + 8 && i < frame->length; i++)
		frame->bytes[i] = (unsigned char)frames_random(frames, 256);
}

static void swap_bytes(struct frame *frame, uint32_t a, uint32_t b, uint32_t count)
{
	for (uint32_t i = 0; i < count && a + i < frame->length && b + i < frame->length; i++) {
		unsigned char byte = frame->bytes[a + i];

		frame->bytes[a + i] = frame->bytes[b + i];
		frame->bytes[b + i] = byte;
	}
}

/* A SYN-ACK's ACK, mostly with the number that it asked for. */
static void complete(struct frames *frames, struct frame *frame, uint32_t upper)
{
	uint32_t number = packet_read32_raw(frame->bytes + upper + 4);

	number = __builtin_bswap32(__builtin_bswap32(number) + (frames_random(frames, 8) ? 1 : 2));
	memcpy(frame->bytes + upper + 8, &number, sizeof(number));
	frame->bytes[upper + 13] = TCP_ACK;
}

static void turn_round(struct frames *frames, struct frame *frame)
{
	struct packet packet;
	uint32_t ip, upper;

	if (!parses(frame, &packet))
		return;
	ip = packet.network_offset, upper = packet.upper_offset;
	if (packet.flags & PACKET_IPV6)
		swap_bytes(frame, ip + 8, ip + 24, 16);
	else
		swap_bytes(frame, ip + 12, ip + 16, 4);
	if (packet.source_port || packet.destination_port)
		swap_bytes(frame, upper, upper + 2, 2);
	if ((packet.tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		complete(frames, frame, upper);
	if (packet.icmp_type == CONTACT_ECHO4 || packet.icmp_type == CONTACT_ECHO6)
		frame->bytes[upper] = packet.icmp_type == CONTACT_ECHO4 ? CONTACT_ECHO_REPLY4
									: CONTACT_ECHO_REPLY6;
}

/* An ICMP error about the frame, for who sent it; or about one with another port. */
static void make_error(struct frames *frames, struct frame *frame)
{
	struct frame about = *frame;
	struct packet packet;
	uint32_t quoted;

	if (!parses(frame, &packet))
		return;
	if (!frames_random(frames, 4) && packet.upper_offset < about.length)
		about.bytes[packet.upper_offset] ^= 1;
	quoted = about.length - packet.network_offset;
	if (quoted > 64)
		quoted = 64;
	frame_begin(frame);
	frame_ethernet(frame, packet.flags & PACKET_IPV6 ? 0x86dd : 0x0800);
	if (packet.flags & PACKET_IPV6) {
		frame_ipv6(frame, packet.destination.bytes, packet.source.bytes, PROTOCOL_ICMPV6,
			   (uint16_t)(8 + quoted));
		frame_put32(frame, 0x01000000);
	} else {
		frame_ipv4(frame, 0xc0000201, __builtin_bswap32(packet.source.words[3]),
			   PROTOCOL_ICMP, 0, (uint16_t)(8 + quoted));
		frame_put32(frame, 0x03010000);
	}
	frame_pad(frame, 4);
	frame_put(frame, about.bytes + packet.network_offset, quoted);
}

/* Of what leaves over TCP a third are SYN-ACKs, or hardly a handshake came to its end. */
static void make_leave(struct exchange *exchange, struct exchange_frame *out,
		       struct frame *remembered)
{
	struct packet packet;

	if (parses(&out->frame, &packet) && packet.tcp_flags &&
	    !frames_random(&exchange->frames, 3))
		out->frame.bytes[packet.upper_offset + 13] = TCP_SYN | TCP_ACK;
	out->leaves = true;
	*remembered = out->frame;
}

void exchange_next(struct exchange *exchange, struct exchange_frame *out)
{
	struct frames *frames = &exchange->frames;
	struct frame *remembered = &exchange->left[frames_random(frames, EXCHANGE_REMEMBERED)];
	uint32_t what = frames_random(frames, 16);

	out->leaves = false;
	frames_next(frames, &out->frame);
	set_tcp_numbers(frames, &out->frame);
	if (what < 4 && out->frame.length >= LEAVES_MIN) {
		make_leave(exchange, out, remembered);
	} else if (what >= 8 && what < 14 && remembered->length) {
		out->frame = *remembered;
		turn_round(frames, &out->frame);
	} else if (what == 14 && remembered->length) {
		out->frame = *remembered;
		make_error(frames, &out->frame);
	}
}
