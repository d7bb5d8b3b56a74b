// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random frames, layer by layer: each layer is right most of the time and wrong in one of the ways
 * that matter, then the whole is sometimes cut or changed. No parser here: whether a frame is
 * well-formed is not remembered.
 */
#include "frames.h"
#include <stdio.h>
#include <string.h>

#define VLAN		0x8100
#define QINQ		0x88a8
#define SERIES_ONE_IN	400 /* frames; one gives about a hundred, cut at every length */
#define ADDRESSES	24  /* in the pool of each family */
#define EXTENSIONS_MOST 10

/* splitmix64 (Steele, Lea and Flood, 2014) */
static uint64_t next64(struct frames *frames)
{
	uint64_t z = frames->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint32_t frames_random(struct frames *frames, uint32_t below)
{
	return (uint32_t)((next64(frames) >> 32) * below >> 32);
}

static int one_in(struct frames *frames, uint32_t n)
{
	return frames_random(frames, n) == 0;
}

void frames_begin(struct frames *frames, uint64_t seed)
{
	frames->state = seed;
	frames->cut = 0;
}

static void put_random(struct frames *frames, struct frame *frame, size_t length)
{
	for (size_t i = 0; i < length; i++)
		frame_put8(frame, (uint8_t)next64(frames));
}

/* ---- above IP ------------------------------------------------------------------------------- */

static uint16_t random_port(struct frames *frames)
{
	static const uint16_t known[] = { 22, 53, 80, 123, 443, 1900, 3389, 11211 };

	if (one_in(frames, 2))
		return known[frames_random(frames, sizeof(known) / sizeof(*known))];
	return (uint16_t)frames_random(frames, 65536);
}

static uint8_t random_tcp_flags(struct frames *frames)
{
	static const uint8_t usual[] = { 0x02, 0x02, 0x10, 0x10, 0x18, 0x12, 0x04,
					 0x11, 0x14, 0x00, 0x29, 0x03, 0x06, 0xc2 };

	if (one_in(frames, 5))
		return (uint8_t)frames_random(frames, 256);
	return usual[frames_random(frames, sizeof(usual))];
}

static uint8_t random_upper(struct frames *frames, int ipv6)
{
	static const uint8_t others[] = { 2, 4, 41, 47, 50, 59, 89, 103, 112, 132, 136, 255 };
	uint32_t kind = frames_random(frames, 16);

	if (kind < 7)
		return 6;
	if (kind < 11)
		return 17;
	if (kind < 13)
		return ipv6 ? 58 : 1;
	if (kind == 13)
		return ipv6 ? 1 : 58;
	if (kind == 14)
		return (uint8_t)frames_random(frames, 256);
	return others[frames_random(frames, sizeof(others))];
}

static void put_upper(struct frames *frames, struct frame *frame, uint8_t protocol)
{
	if (protocol == 6) {
		frame_tcp(frame, random_port(frames), random_port(frames),
			  random_tcp_flags(frames));
		if (one_in(frames, 20)) /* a data offset that cannot be */
			frame->bytes[frame->length - 8] = (uint8_t)frames_random(frames, 256);
	} else if (protocol == 17) {
		frame_udp(frame, random_port(frames), random_port(frames), 8);
		frame_pad(frame, 8);
	} else {
		static const uint8_t types[] = { 0, 3, 8, 11, 128, 129, 135 };

		frame_put8(frame, types[frames_random(frames, sizeof(types))]);
		put_random(frames, frame, 7);
	}
	if (one_in(frames, 50))
		frame_pad(frame, frames_random(frames, 1200));
	else
		put_random(frames, frame, frames_random(frames, 12));
}

/* A length field: right most of the time. */
static uint16_t some_length(struct frames *frames, uint32_t right)
{
	switch (frames_random(frames, 24)) {
	case 0:
		return 0;
	case 1:
		return (uint16_t)frames_random(frames, 65536);
	case 2:
		return (uint16_t)(right + 1 + frames_random(frames, 30));
	case 3:
	case 4:
		return (uint16_t)frames_random(frames, right + 1);
	default:
		return (uint16_t)right;
	}
}

static void set16(struct frame *frame, uint32_t at, uint16_t value)
{
	frame->bytes[at] = (uint8_t)(value >> 8);
	frame->bytes[at + 1] = (uint8_t)value;
}

/* ---- IP ------------------------------------------------------------------------------------- */

static uint32_t random_address4(struct frames *frames)
{
	switch (frames_random(frames, 16)) {
	case 0:
	case 1:
	case 2:
		return (uint32_t)next64(frames);
	case 3: /* groups */
		return 0xef000000 + frames_random(frames, ADDRESSES);
	case 4:
	case 5:
	case 6:
	case 7: /* neighbours */
		return 0xc6120000 + frames_random(frames, 4096);
	default:
		return 0xc0000200 + frames_random(frames, ADDRESSES);
	}
}

static void put_address6(struct frames *frames, struct frame *frame)
{
	switch (frames_random(frames, 8)) {
	case 0:
		put_random(frames, frame, 16);
		return;
	case 1: /* one /64, many hosts */
		frame_put32(frame, 0x20010db8);
		frame_put32(frame, 0x00640000);
		put_random(frames, frame, 8);
		return;
	case 2: /* an IPv4 address in IPv6's clothes, or none at all */
		frame_pad(frame, 8);
		frame_put32(frame, one_in(frames, 2) ? 0xffff : 0);
		frame_put32(frame, 0xc0000200 + frames_random(frames, ADDRESSES));
		return;
	case 3: /* a group */
		frame_put32(frame, 0xff020000);
		frame_pad(frame, 8);
		frame_put32(frame, frames_random(frames, ADDRESSES));
		return;
	default:
		frame_put32(frame, 0x20010db8);
		frame_pad(frame, 8);
		frame_put32(frame, frames_random(frames, ADDRESSES));
	}
}

static uint16_t random_fragment(struct frames *frames)
{
	switch (frames_random(frames, 16)) {
	case 0:
		return 0x2000; /* the first */
	case 1:
		return (uint16_t)(0x2000 | (1 + frames_random(frames, 0x1fff)));
	case 2:
		return (uint16_t)(1 + frames_random(frames, 0x1fff)); /* the last */
	case 3:
		return (uint16_t)frames_random(frames, 65536);
	case 4:
		return 0x8000;
	case 5:
		return 0;
	default:
		return 0x4000;
	}
}

static void put_ipv4(struct frames *frames, struct frame *frame)
{
	uint32_t start = frame->length, options = 0;
	uint8_t protocol = random_upper(frames, 0);
	uint16_t fragment = random_fragment(frames);
	uint32_t source = random_address4(frames), destination = random_address4(frames);

	frame_ipv4(frame, source, destination, protocol, fragment, 0);
	if (one_in(frames, 6)) {
		options = frames_random(frames, 11);
		put_random(frames, frame, options * 4);
	}
	frame->bytes[start] = (uint8_t)(0x45 + options);
	if (one_in(frames, 60)) /* another version or header length */
		frame->bytes[start] = (uint8_t)frames_random(frames, 256);
	if ((fragment & 0x2000) && one_in(frames, 2)) /* a tiny fragment */
		put_random(frames, frame, 8 * frames_random(frames, 3));
	else
		put_upper(frames, frame, protocol);
	set16(frame, start + 2, some_length(frames, frame->length - start));
}

static uint8_t random_extension(struct frames *frames)
{
	static const uint8_t headers[] = { 0, 43, 44, 44, 51, 60, 60, 135, 139, 140 };

	return headers[frames_random(frames, sizeof(headers))];
}

/* One extension header of type `type`, in front of `next`. */
static void put_extension(struct frames *frames, struct frame *frame, uint8_t type, uint8_t next)
{
	static const uint16_t offsets[] = {
		0x0000, 0x0000, 0x0001, 0x0001, 0x0008, 0x0009, 0xfff8
	};
	uint32_t units = one_in(frames, 3) ? frames_random(frames, 4) : 0;

	frame_put8(frame, next);
	if (type == 44) {
		frame_put8(frame, 0);
		frame_put16(frame, one_in(frames, 8) ? (uint16_t)frames_random(frames, 65536)
						     : offsets[frames_random(frames, 7)]);
		frame_put32(frame, 0x1234);
		return;
	}
	if (one_in(frames, 40)) { /* longer than there is */
		frame_put8(frame, (uint8_t)frames_random(frames, 256));
		put_random(frames, frame, 6);
		return;
	}
	if (type == 51) { /* 4-byte units, without the first two; RFC 4302 */
		frame_put8(frame, (uint8_t)(1 + units));
		put_random(frames, frame, 4 * (units + 3) - 2);
		return;
	}
	frame_put8(frame, (uint8_t)units);
	put_random(frames, frame, 8 * (units + 1) - 2);
}

static void put_ipv6(struct frames *frames, struct frame *frame)
{
	static const unsigned char unset[16];
	uint32_t start = frame->length, count;
	uint8_t types[EXTENSIONS_MOST], protocol = random_upper(frames, 1);

	count = one_in(frames, 2) ? 0 : frames_random(frames, EXTENSIONS_MOST + 1);
	for (uint32_t i = 0; i < count; i++)
		types[i] = random_extension(frames);
	frame_ipv6(frame, unset, unset, count ? types[0] : protocol, 0);
	frame->length = start + 8;
	put_address6(frames, frame);
	put_address6(frames, frame);
	if (one_in(frames, 60))
		frame->bytes[start] = (uint8_t)frames_random(frames, 256);
	for (uint32_t i = 0; i < count; i++)
		put_extension(frames, frame, types[i], i + 1 < count ? types[i + 1] : protocol);
	if (!one_in(frames, 10))
		put_upper(frames, frame, protocol);
	set16(frame, start + 4, some_length(frames, frame->length - start - 40));
}

/* ---- below IP ------------------------------------------------------------------------------- */

static void put_payload(struct frames *frames, struct frame *frame, int ipv6)
{
	if (ipv6)
		put_ipv6(frames, frame);
	else
		put_ipv4(frames, frame);
}

static void put_link(struct frames *frames, struct frame *frame)
{
	static const uint16_t not_ip[] = { 0x0806, 0x88cc, 0x9100, 0x0026, 0x8863, 0x0000 };
	uint32_t tags = one_in(frames, 3) ? frames_random(frames, 6) : 0;
	int ipv6 = one_in(frames, 2);
	uint16_t type = ipv6 ? 0x86dd : 0x0800;

	put_random(frames, frame, 12);
	for (uint32_t i = 0; i < tags; i++) {
		frame_put16(frame, one_in(frames, 3) ? QINQ : VLAN);
		frame_put16(frame, (uint16_t)frames_random(frames, 65536));
	}
	switch (frames_random(frames, 40)) {
	case 0:
	case 1:
		frame_put16(frame, 0x8864); /* PPPoE session */
		frame_put32(frame, 0x11000001);
		frame_put16(frame, 42);
		frame_put16(frame, one_in(frames, 5) ? 0xc021 : ipv6 ? 0x57 : 0x21);
		break;
	case 2: /* MPLS, the bottom of the stack */
		frame_put16(frame, 0x8847);
		frame_put32(frame, 0x00010140);
		break;
	case 3:
		frame_put16(frame, not_ip[frames_random(frames, 6)]);
		break;
	case 4: /* the other family's type */
		frame_put16(frame, ipv6 ? 0x0800 : 0x86dd);
		break;
	default:
		frame_put16(frame, type);
	}
	put_payload(frames, frame, ipv6);
}

static void mutate(struct frames *frames, struct frame *frame)
{
	uint32_t changes = 1 + frames_random(frames, 4);

	while (changes--)
		frame->bytes[frames_random(frames, frame->length)] ^=
			(uint8_t)(1 << frames_random(frames, 8));
}

void frames_next(struct frames *frames, struct frame *out)
{
	if (frames->cut) {
		*out = frames->whole;
		out->length = frames->cut++;
		if (frames->cut > frames->whole.length)
			frames->cut = 0;
		return;
	}
	frame_begin(out);
	if (one_in(frames, 50)) {
		put_random(frames, out, 14 + frames_random(frames, 100));
		return;
	}
	put_link(frames, out);
	if (out->length < 60 && one_in(frames, 2)) /* as the wire pads it */
		frame_pad(out, 60 - out->length);
	if (one_in(frames, 12))
		mutate(frames, out);
	if (one_in(frames, 15))
		out->length = 14 + frames_random(frames, out->length - 13);
	if (one_in(frames, SERIES_ONE_IN) && out->length < 300) {
		frames->whole = *out;
		frames->cut = 14;
	}
}
