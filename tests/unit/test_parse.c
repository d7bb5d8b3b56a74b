// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * include/parse.h: each header form by hand, then what must hold for any frame, on 100,000
 * generated ones. Every frame lies in a buffer that ends where it does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/frames.h"
#include "parse.h"
#include "unit/parse_cases.h"

#define FRAMES 100000

static unsigned char nibble(char c)
{
	return (unsigned char)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void from_hex(struct frame *frame, const char *hex)
{
	frame_begin(frame);
	for (; *hex; hex += 2)
		frame_put8(frame, (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1])));
}

/* From a buffer of its own, so that the sanitizer sees a read behind the end. */
static enum packet_status parse(const struct frame *frame, uint32_t length, struct packet *out)
{
	unsigned char *data = malloc(length + !length);
	enum packet_status status;

	assert_non_null(data);
	memcpy(data, frame->bytes, length);
	status = packet_parse(data, data + length, length, out);
	free(data);
	return status;
}

/* ---- each form ------------------------------------------------------------------------------ */

static void check_addresses(const struct packet *packet)
{
	static const unsigned char mapped[] = { 0xff, 0xff, 0xc0, 0, 2, 1 };
	static const unsigned char six[] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };

	if (packet->flags & PACKET_IPV6) {
		assert_memory_equal(packet->source.bytes, six, 16);
		assert_int_equal(packet->destination.bytes[15], 2);
		return;
	}
	assert_memory_equal(packet->source.bytes + 10, mapped, 6);
	assert_true(packet->source.halves[0] == 0 && packet->source.shorts[4] == 0);
	assert_int_equal(packet->destination.bytes[12], 0xcb);
	assert_int_equal(packet->destination.bytes[15], 1);
}

/* Whoever looks into the headers once more finds them. */
static void check_offsets(const struct frame *frame, const struct packet *packet)
{
	assert_int_equal(frame->bytes[packet->network_offset] >> 4,
			 packet->flags & PACKET_IPV6 ? 6 : 4);
	assert_true(packet->upper_offset >=
		    packet->network_offset + (packet->flags & PACKET_IPV6 ? 40 : 20));
	if (packet->source_port)
		assert_int_equal(packet_read16(frame->bytes + packet->upper_offset),
				 packet->source_port);
	if (packet->icmp_type)
		assert_int_equal(frame->bytes[packet->upper_offset], packet->icmp_type);
}

static void check_case(const struct parse_case *c)
{
	struct frame frame;
	struct packet packet;
	uint32_t ports;

	from_hex(&frame, c->frame);
	if (parse(&frame, frame.length, &packet) != c->status)
		fail_msg("%s: wrong status", c->name);
	if (c->status != PACKET_IP)
		return;
	ports = c->port ? 40000u << 16 | c->port : 0;
	if (packet.flags != c->flags || packet.classes != c->classes ||
	    packet.protocol != c->protocol ||
	    ((uint32_t)packet.source_port << 16 | packet.destination_port) != ports ||
	    (packet.tcp_flags | packet.icmp_type) != (int)c->detail)
		fail_msg("%s: flags %x, classes %x, protocol %u, ports %u and %u, detail %u",
			 c->name, packet.flags, packet.classes, packet.protocol, packet.source_port,
			 packet.destination_port, packet.tcp_flags | packet.icmp_type);
	assert_int_equal(packet.bytes, frame.length);
	check_addresses(&packet);
	check_offsets(&frame, &packet);
}

#define CHECK_ALL(cases)                                            \
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) \
	check_case(&cases[i])

static void link_layers(void **state)
{
	(void)state;
	CHECK_ALL(link_cases);
}

static void ipv4_forms(void **state)
{
	(void)state;
	CHECK_ALL(ipv4_cases);
}

static void ipv6_forms(void **state)
{
	(void)state;
	CHECK_ALL(ipv6_cases);
}

/* A capture cut short: the length is the wire's, and what is missing is no fault of the packet. */
static void cut_capture_keeps_wire_length(void **state)
{
	static const struct {
		const char *frame;
		uint32_t headers, class;
	} cut[] = { { ETH4("0028", "4000", "06") TCP("10"), 14, CLASS_TCP },
		    { ETH4("001c", "4000", "11") UDP, 8, CLASS_UDP },
		    { ETH4("001c", "4000", "01") PING4, 4, CLASS_ICMP } };
	struct frame frame;
	struct packet packet;

	(void)state;
	from_hex(&frame, ETH4("0428", "0000", "06") TCP("10"));
	assert_int_equal(packet_parse(frame.bytes, frame.bytes + frame.length, 14 + 0x428, &packet),
			 PACKET_IP);
	assert_int_equal(packet.bytes, 14 + 0x428);
	assert_int_equal(packet.flags, 0);
	assert_int_equal(packet.classes, CLASS_TCP);
	assert_int_equal(packet.destination_port, 80);
	for (size_t i = 0; i < sizeof(cut) / sizeof(*cut); i++) {
		const unsigned char *end;

		from_hex(&frame, cut[i].frame);
		end = frame.bytes + 34 + cut[i].headers;
		assert_int_equal(packet_parse(frame.bytes, end, frame.length, &packet), PACKET_IP);
		assert_int_equal(packet.flags, 0);
		assert_int_equal(packet_parse(frame.bytes, end - 1, frame.length, &packet),
				 PACKET_IP);
		assert_int_equal(packet.flags, PACKET_CUT);
		assert_int_equal(packet.classes, cut[i].class);
		assert_true(!packet.source_port && !packet.tcp_flags && !packet.icmp_type);
		/* that is all that was on the wire: malformed */
		frame.bytes[17] = (unsigned char)(20 + cut[i].headers - 1);
		assert_int_equal(packet_parse(frame.bytes, end - 1, frame.length, &packet),
				 PACKET_IP);
		assert_int_equal(packet.flags, PACKET_MALFORMED);
	}
}

/* ---- any frame ------------------------------------------------------------------------------- */

/* A frame that the fast path takes: the general one says the same. What it leaves, it left alone.
 */
static bool check_plain(const struct frame *frame)
{
	const unsigned char *end = frame->bytes + frame->length;
	struct packet plain = { .bytes = frame->length }, general = plain, untouched = plain;
	uint16_t type = packet_read16(frame->bytes + 12);

	if (!packet_parse_plain(frame->bytes, end, &plain)) {
		assert_memory_equal(&plain, &untouched, sizeof(plain));
		return false;
	}
	assert_int_equal(packet_parse_network(frame->bytes, end, type, ETH_HLEN, &general),
			 PACKET_IP);
	assert_memory_equal(&plain, &general, sizeof(plain));
	return true;
}

static void plain_path_is_the_general_one(void **state)
{
	struct frames frames;
	struct frame frame;
	int plain = 0;

	(void)state;
	frames_begin(&frames, FRAMES_SEED);
	for (int i = 0; i < FRAMES; i++) {
		frames_next(&frames, &frame);
		plain += check_plain(&frame);
	}
	assert_true(plain > FRAMES / 5);
}

/* What the words of packet.h promise of any packet. */
static void check_promises(const struct packet *packet)
{
	uint32_t protocol_class = packet->classes & ~(uint32_t)CLASS_FRAGMENT;
	bool later = packet->flags & PACKET_LATER_FRAGMENT;

	assert_int_equal(__builtin_popcount(protocol_class), 1);
	assert_int_equal(!(packet->classes & CLASS_FRAGMENT), !(packet->flags & PACKET_FRAGMENT));
	if (later)
		assert_true(packet->flags & PACKET_FRAGMENT);
	if (later || !(packet->protocol == PROTOCOL_TCP || packet->protocol == PROTOCOL_UDP))
		assert_true(!packet->source_port && !packet->destination_port);
	if (later || packet->protocol != PROTOCOL_TCP)
		assert_int_equal(packet->tcp_flags, 0);
	if (later || protocol_class != CLASS_ICMP)
		assert_int_equal(packet->icmp_type, 0);
	if (packet->protocol == PROTOCOL_TCP)
		assert_true(protocol_class & (CLASS_SYN | CLASS_TCP));
	else
		assert_false(protocol_class & (CLASS_SYN | CLASS_TCP));
}

static void promises_hold_for_any_frame(void **state)
{
	struct frames frames;
	struct frame frame;
	struct packet packet;
	int count[3] = { 0 };

	(void)state;
	frames_begin(&frames, FRAMES_SEED + 1);
	for (int i = 0; i < FRAMES; i++) {
		enum packet_status status;

		frames_next(&frames, &frame);
		status = parse(&frame, frame.length, &packet);
		count[status]++;
		assert_int_equal(packet.bytes, frame.length);
		if (status == PACKET_IP)
			check_promises(&packet);
	}
	for (int i = 0; i < 3; i++)
		assert_true(count[i] > FRAMES / 50);
}

/* Every length from nothing to the whole of each kind of frame; the sanitizer looks on. */
static void frames_cut_at_every_length(void **state)
{
	struct frames frames;
	struct frame frame;
	struct packet packet;

	(void)state;
	frames_begin(&frames, FRAMES_SEED + 2);
	for (int i = 0; i < 500; i++) {
		frames_next(&frames, &frame);
		for (uint32_t length = 0; length <= frame.length; length++)
			if (parse(&frame, length, &packet) == PACKET_IP)
				check_promises(&packet);
	}
}

static void insert_tags(struct frame *out, const struct frame *frame, int tags)
{
	frame_begin(out);
	frame_put(out, frame->bytes, 12);
	for (int i = 0; i < tags; i++)
		frame_put32(out, i & 1 ? 0x88a80123 : 0x81000456);
	frame_put(out, frame->bytes + 12, frame->length - 12);
}

/* Tags hide nothing: up to four the packet is the same, with a fifth there is none. */
static void tags_change_nothing(void **state)
{
	struct frames frames;
	struct frame frame, tagged;
	struct packet bare, packet;

	(void)state;
	frames_begin(&frames, FRAMES_SEED + 3);
	for (int i = 0; i < FRAMES / 10; i++) {
		uint16_t type;

		frames_next(&frames, &frame);
		type = packet_read16(frame.bytes + 12);
		if ((type != ETH_P_IP && type != ETH_P_IPV6) || frame.length > FRAME_MAX - 20)
			continue;
		for (int tags = 1; tags <= 4; tags++) {
			insert_tags(&tagged, &frame, tags);
			assert_int_equal(parse(&tagged, tagged.length, &packet),
					 parse(&frame, frame.length, &bare));
			assert_int_equal(packet.bytes, bare.bytes + 4 * (uint32_t)tags);
			packet.bytes = bare.bytes;
			if (packet.network_offset)
				packet.network_offset -= (uint16_t)(4 * tags);
			if (packet.upper_offset)
				packet.upper_offset -= (uint16_t)(4 * tags);
			assert_memory_equal(&packet, &bare, sizeof(bare));
		}
		insert_tags(&tagged, &frame, 5);
		assert_int_equal(parse(&tagged, tagged.length, &packet), PACKET_NOT_IP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link_layers),
		cmocka_unit_test(ipv4_forms),
		cmocka_unit_test(ipv6_forms),
		cmocka_unit_test(cut_capture_keeps_wire_length),
		cmocka_unit_test(plain_path_is_the_general_one),
		cmocka_unit_test(promises_hold_for_any_frame),
		cmocka_unit_test(frames_cut_at_every_length),
		cmocka_unit_test(tags_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
