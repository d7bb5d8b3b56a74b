/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Link layers of captures: whatever the frame begins with, the same packet comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pcap/dlt.h>
#include <stdlib.h>
#include <string.h>
#include "replay/link.h"

#define IP4_BYTES 40
#define IP6_BYTES 48

/* 192.0.2.1 port 4660 to 198.51.100.2 port 80, SYN. */
static const unsigned char ip4[IP4_BYTES] = {
	0x45, 0,    0, IP4_BYTES, 0, 0, 0, 0, 64, 6, 0, 0, 192,	 2, 0, 1, 198, 51, 100, 2,
	0x12, 0x34, 0, 80,	  0, 0, 0, 1, 0,  0, 0, 0, 0x50, 2, 0, 0, 0,   0,  0,	0,
};
/* 2001:db8::1 port 53 to 2001:db8::2 port 4660, UDP. */
static const unsigned char ip6[IP6_BYTES] = {
	0x60, 0, 0, 0, 0, 8, 17, 64, 0x20, 1,  0x0d, 0xb8, 0, 0, 0, 0,
	0,    0, 0, 0, 0, 0, 0,	 1,  0x20, 1,  0x0d, 0xb8, 0, 0, 0, 0,
	0,    0, 0, 0, 0, 0, 0,	 2,  0,	   53, 0x12, 0x34, 0, 8, 0, 0,
};

struct layer {
	int type;
	unsigned char header[32];
	size_t bytes;
	bool six; /* what it carries */
};

#define MACS 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2
#define SLL  0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0
/* From the reserved word on: interface, ARPHRD_ETHER, direction, address. */
#define SLL2 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0

static const struct layer layers[] = {
	{ DLT_EN10MB, { MACS, 8, 0 }, 14, false },
	{ DLT_EN10MB, { MACS, 0x86, 0xdd }, 14, true },
	{ DLT_EN10MB, { MACS, 0x81, 0, 0, 7, 8, 0 }, 18, false },
	{ DLT_LINUX_SLL, { SLL, 8, 0 }, 16, false },
	{ DLT_LINUX_SLL, { SLL, 0x86, 0xdd }, 16, true },
	{ DLT_LINUX_SLL, { SLL, 0x81, 0, 0, 7, 0x86, 0xdd }, 20, true },
	{ DLT_LINUX_SLL2, { 8, 0, SLL2 }, 20, false },
	{ DLT_LINUX_SLL2, { 0x86, 0xdd, SLL2 }, 20, true },
	{ DLT_LINUX_SLL2, { 0x88, 0xa8, SLL2, 0, 7, 0x81, 0, 0, 8, 8, 0 }, 28, false },
	{ DLT_RAW, { 0 }, 0, false },
	{ DLT_RAW, { 0 }, 0, true },
	{ DLT_IPV4, { 0 }, 0, false },
	{ DLT_IPV6, { 0 }, 0, true },
	{ DLT_NULL, { 2, 0, 0, 0 }, 4, false },
	{ DLT_NULL, { 0, 0, 0, 2 }, 4, false },
	{ DLT_NULL, { 30, 0, 0, 0 }, 4, true },
	{ DLT_NULL, { 0, 0, 0, 24 }, 4, true },
	{ DLT_LOOP, { 0, 0, 0, 28 }, 4, true },
	{ DLT_LOOP, { 0, 0, 0, 2 }, 4, false },
};
#define LAYERS (sizeof(layers) / sizeof(layers[0]))

/* The first `kept` bytes of such a frame, in memory that ends with them. */
static unsigned char *build(const struct layer *layer, size_t kept)
{
	unsigned char whole[128], *exact = malloc(kept ? kept : 1);
	size_t carried = layer->six ? IP6_BYTES : IP4_BYTES;

	assert_non_null(exact);
	memcpy(whole, layer->header, layer->bytes);
	memcpy(whole + layer->bytes, layer->six ? ip6 : ip4, carried);
	memcpy(exact, whole, kept);
	return exact;
}

static size_t size_of(const struct layer *layer)
{
	return layer->bytes + (layer->six ? IP6_BYTES : IP4_BYTES);
}

static enum packet_status parse(const struct layer *layer, const unsigned char *bytes, size_t kept,
				struct captured *frame, struct packet *out)
{
	*frame = (struct captured){ .data = bytes,
				    .end = bytes + kept,
				    .wire_bytes = (uint32_t)size_of(layer) };
	return link_parse(layer->type, frame, out);
}

static void every_layer_gives_the_packet(void **state)
{
	(void)state;
	for (size_t i = 0; i < LAYERS; i++) {
		const struct layer *layer = &layers[i];
		unsigned char *bytes = build(layer, size_of(layer));
		struct captured frame;
		struct packet packet;

		assert_true(link_known(layer->type));
		assert_int_equal(parse(layer, bytes, size_of(layer), &frame, &packet), PACKET_IP);
		assert_int_equal(packet.bytes, size_of(layer));
		assert_int_equal(packet.flags, layer->six ? PACKET_IPV6 : 0);
		assert_int_equal(packet.classes, layer->six ? CLASS_UDP : CLASS_SYN);
		assert_int_equal(packet.source_port, layer->six ? 53 : 0x1234);
		assert_int_equal(packet.destination_port, layer->six ? 0x1234 : 80);
		/* the offsets are where the headers are */
		assert_int_equal(frame.data[packet.network_offset], layer->six ? 0x60 : 0x45);
		assert_ptr_equal(frame.data + packet.upper_offset,
				 bytes + layer->bytes + (layer->six ? 40 : 20));
		free(bytes);
	}
}

/* Nothing past the end is read: with the sanitizer, this test finds out. */
static void frames_may_end_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < LAYERS; i++) {
		for (size_t kept = 0; kept < size_of(&layers[i]); kept++) {
			unsigned char *bytes = build(&layers[i], kept);
			struct captured frame;
			struct packet packet;
			enum packet_status status = parse(&layers[i], bytes, kept, &frame, &packet);

			if (kept < layers[i].bytes)
				assert_int_equal(status, PACKET_NOT_IP);
			else if (kept < layers[i].bytes + 20 && kept > layers[i].bytes)
				assert_int_not_equal(status, PACKET_IP);
			assert_int_equal(packet.bytes, size_of(&layers[i]));
			free(bytes);
		}
	}
}

static void others_are_not_ip(void **state)
{
	static const struct layer strange[] = {
		{ DLT_EN10MB, { MACS, 8, 6 }, 14, false }, /* ARP */
		{ DLT_LINUX_SLL, { SLL, 8, 6 }, 16, false },
		{ DLT_LINUX_SLL2, { 8, 6, SLL2 }, 20, false },
		{ DLT_NULL, { 7, 0, 0, 0 }, 4, false }, /* AppleTalk or what else */
		{ DLT_RAW, { 0x50 }, 1, false },	/* IP version 5 */
		{ DLT_IEEE802_11, { MACS, 8, 0 }, 14, false },
	};
	struct captured frame;
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		unsigned char *bytes = build(&strange[i], size_of(&strange[i]));

		assert_int_equal(parse(&strange[i], bytes, size_of(&strange[i]), &frame, &packet),
				 PACKET_NOT_IP);
		free(bytes);
	}
	assert_false(link_known(DLT_IEEE802_11));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_layer_gives_the_packet),
		cmocka_unit_test(frames_may_end_anywhere),
		cmocka_unit_test(others_are_not_ip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
