/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for the tests of the data plane: what a gateway sees, what it should never see, and what
 * an attacker sends. The same seed gives the same frames.
 */
#ifndef FWGEN_TESTS_FRAMES_H
#define FWGEN_TESTS_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX   2048
#define FRAMES_SEED 20260731

struct frame {
	uint32_t length;
	unsigned char bytes[FRAME_MAX];
};

struct frames {
	uint64_t state;
	struct frame whole; /* being truncated at every length */
	uint32_t cut;	    /* its next length; 0: none */
};

void frames_begin(struct frames *frames, uint64_t seed);
/* At least 14 bytes: BPF_PROG_TEST_RUN takes no less. */
void frames_next(struct frames *frames, struct frame *out);
/* A number below `below`, from the same sequence. */
uint32_t frames_random(struct frames *frames, uint32_t below);
void frame_print(const struct frame *frame);

/* ---- frames made by hand ------------------------------------------------------------------ */

void frame_begin(struct frame *frame);
void frame_put(struct frame *frame, const void *bytes, size_t length);
void frame_put8(struct frame *frame, uint8_t value);
void frame_put16(struct frame *frame, uint16_t value);
void frame_put32(struct frame *frame, uint32_t value);
/* Zero bytes. */
void frame_pad(struct frame *frame, size_t length);
/* Two zero MAC addresses and the type. */
void frame_ethernet(struct frame *frame, uint16_t type);
/*
 * IPv4 without options; total_length covers `payload` bytes. fragment is the field of flags and
 * offset. Addresses in host order.
 */
void frame_ipv4(struct frame *frame, uint32_t source, uint32_t destination, uint8_t protocol,
		uint16_t fragment, uint16_t payload);
void frame_ipv6(struct frame *frame, const void *source, const void *destination, uint8_t next,
		uint16_t payload);
void frame_tcp(struct frame *frame, uint16_t source, uint16_t destination, uint8_t flags);
void frame_udp(struct frame *frame, uint16_t source, uint16_t destination, uint16_t payload);
/* A whole TCP segment over IPv4 and IPv6. */
void frame_tcp4(struct frame *frame, uint32_t source, uint16_t port, uint8_t flags);
void frame_udp4(struct frame *frame, uint32_t source, uint16_t source_port, uint16_t port);
void frame_tcp6(struct frame *frame, const void *source, uint16_t port, uint8_t flags);

#endif
