/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames of both directions for the tests of the data plane: those of frames.h, of which some
 * leave; and some of what arrives is a frame that left, turned round: an answer, the ACK that ends
 * a handshake, with the right or a wrong number, an ICMP error that quotes it.
 */
#ifndef FWGEN_TESTS_EXCHANGE_H
#define FWGEN_TESTS_EXCHANGE_H

#include <stdbool.h>
#include "frames.h"

#define EXCHANGE_REMEMBERED 16

struct exchange_frame {
	struct frame frame;
	bool leaves;
};

struct exchange {
	struct frames frames;
	struct frame left[EXCHANGE_REMEMBERED]; /* lately; of length 0: none yet */
};

/* The same seed gives the same frames. */
void exchange_begin(struct exchange *exchange, uint64_t seed);
void exchange_next(struct exchange *exchange, struct exchange_frame *out);

#endif
