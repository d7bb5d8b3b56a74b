// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The frames. Their Ethernet destination is nobody's: what passes up a live wire is given up at
 * the stack's first look, so that the stack hides as little as possible of a program's cost.
 */
#include <string.h>
#include "bench.h"

static const unsigned char ethernet[14] = { 2, 0, 0, 0, 0, 0xfe, 2, 0, 0, 0, 0, 1, 8, 0 };
static const unsigned char ipv4[20] = { 0x45, 0, 0,  46, 0, 0, 0,   0, 64, 17,
					0,    0, 10, 0,	 0, 1, 192, 0, 2,  1 };
static const unsigned char ipv6[40] = { 0x60, 0, 0, 0, 0, 8, 17, 64, 0x20, 1, 0xd,  0xb8, 0,   0,
					0,    0, 0, 0, 0, 0, 0,	 0,  0,	   1, 0x20, 1,	  0xd, 0xb8,
					0,    1, 0, 0, 0, 0, 0,	 0,  0,	   0, 0,    1 };
static const unsigned char udp[8] = { 0x30, 0x39, 0, 80, 0, 8, 0, 0 };
static const unsigned char syn[20] = { 0x30, 0x39, 0,	 80, 0,	   0, 0, 1, 0, 0,
				       0,    0,	   0x50, 2,  0x10, 0, 0, 0, 0, 0 };

size_t frame_build(enum frame_kind kind, unsigned char frame[FRAME_BYTES])
{
	memset(frame, 0, FRAME_BYTES);
	memcpy(frame, ethernet, sizeof(ethernet));
	if (kind == FRAME_UDP6) {
		frame[12] = 0x86;
		frame[13] = 0xdd;
		memcpy(frame + 14, ipv6, sizeof(ipv6));
		memcpy(frame + 54, udp, sizeof(udp));
		return 62;
	}
	memcpy(frame + 14, ipv4, sizeof(ipv4));
	if (kind == FRAME_SYN || kind == FRAME_ACK) {
		frame[23] = 6;
		memcpy(frame + 34, syn, sizeof(syn));
		frame[47] = kind == FRAME_SYN ? 0x02 : 0x10;
	} else {
		memcpy(frame + 34, udp, sizeof(udp));
		frame[39] = 26; /* the IP length says 46, of which 20 are the header */
	}
	return 60;
}
