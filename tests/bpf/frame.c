// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bytes of a frame, put one after another, well-formed unless the test wants otherwise.
 * Checksums stay zero: nothing in the data plane looks at them.
 */
#include "frames.h"
#include <stdio.h>
#include <string.h>

void frame_begin(struct frame *frame)
{
	frame->length = 0;
}

void frame_put(struct frame *frame, const void *bytes, size_t length)
{
	if (length > FRAME_MAX - frame->length)
		length = FRAME_MAX - frame->length;
	memcpy(frame->bytes + frame->length, bytes, length);
	frame->length += (uint32_t)length;
}

void frame_put8(struct frame *frame, uint8_t value)
{
	frame_put(frame, &value, 1);
}

void frame_put16(struct frame *frame, uint16_t value)
{
	frame_put8(frame, (uint8_t)(value >> 8));
	frame_put8(frame, (uint8_t)value);
}

void frame_put32(struct frame *frame, uint32_t value)
{
	frame_put16(frame, (uint16_t)(value >> 16));
	frame_put16(frame, (uint16_t)value);
}

void frame_pad(struct frame *frame, size_t length)
{
	while (length--)
		frame_put8(frame, 0);
}

void frame_ethernet(struct frame *frame, uint16_t type)
{
	frame_pad(frame, 12);
	frame_put16(frame, type);
}

void frame_ipv4(struct frame *frame, uint32_t source, uint32_t destination, uint8_t protocol,
		uint16_t fragment, uint16_t payload)
{
	frame_put16(frame, 0x4500);
	frame_put16(frame, (uint16_t)(20 + payload));
	frame_put16(frame, 0x4711);
	frame_put16(frame, fragment);
	frame_put8(frame, 64);
	frame_put8(frame, protocol);
	frame_put16(frame, 0);
	frame_put32(frame, source);
	frame_put32(frame, destination);
}

void frame_ipv6(struct frame *frame, const void *source, const void *destination, uint8_t next,
		uint16_t payload)
{
	frame_put32(frame, 0x60000000);
	frame_put16(frame, payload);
	frame_put8(frame, next);
	frame_put8(frame, 64);
	frame_put(frame, source, 16);
	frame_put(frame, destination, 16);
}

void frame_tcp(struct frame *frame, uint16_t source, uint16_t destination, uint8_t flags)
{
	frame_put16(frame, source);
	frame_put16(frame, destination);
	frame_put32(frame, 1);
	frame_put32(frame, 0);
	frame_put8(frame, 0x50);
	frame_put8(frame, flags);
	frame_put16(frame, 1024);
	frame_put32(frame, 0);
}

void frame_udp(struct frame *frame, uint16_t source, uint16_t destination, uint16_t payload)
{
	frame_put16(frame, source);
	frame_put16(frame, destination);
	frame_put16(frame, (uint16_t)(8 + payload));
	frame_put16(frame, 0);
}

void frame_tcp4(struct frame *frame, uint32_t source, uint16_t port, uint8_t flags)
{
	frame_begin(frame);
	frame_ethernet(frame, 0x0800);
	frame_ipv4(frame, source, 0xcb007101, 6, 0x4000, 20);
	frame_tcp(frame, 40000, port, flags);
}

void frame_udp4(struct frame *frame, uint32_t source, uint16_t source_port, uint16_t port)
{
	frame_begin(frame);
	frame_ethernet(frame, 0x0800);
	frame_ipv4(frame, source, 0xcb007101, 17, 0x4000, 8);
	frame_udp(frame, source_port, port, 0);
}

void frame_tcp6(struct frame *frame, const void *source, uint16_t port, uint8_t flags)
{
	static const unsigned char destination[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };

	frame_begin(frame);
	frame_ethernet(frame, 0x86dd);
	frame_ipv6(frame, source, destination, 6, 20);
	frame_tcp(frame, 40000, port, flags);
}

void frame_print(const struct frame *frame)
{
	fprintf(stderr, "%u bytes:", frame->length);
	for (uint32_t i = 0; i < frame->length; i++)
		fprintf(stderr, "%s%02x", i % 32 ? "" : "\n  ", frame->bytes[i]);
	fprintf(stderr, "\n");
}
