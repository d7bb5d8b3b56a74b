/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many distinct ports and hosts a source has tried within a window: the union of its entries'
 * bitmaps, kept by slices as in window.h. Only sources that try more than one get such a record.
 */
#ifndef FWGEN_DETECT_SPREAD_H
#define FWGEN_DETECT_SPREAD_H

#include "abi.h"
#include "detect/window.h"

/* What one interval, or a window of them, has tried. */
struct spread_bits {
	uint64_t ports[PORT_BITS / 64];
	uint64_t hosts;
	uint64_t tries; /* without an established exchange: no more ports or hosts than these count
			 */
};

/* The same as numbers: estimates, not yet held against the tries. */
struct spread {
	uint64_t ports, hosts, tries;
};

struct spread_window {
	uint32_t next; /* the source's next window, of another length */
	uint8_t which;
	uint8_t plan;
	uint8_t reserved[2];
	uint8_t start[WINDOW_SLICES]; /* ticks; newest slice first; live while tries is not 0 */
	uint16_t tries[WINDOW_SLICES];
	uint64_t ports[WINDOW_SLICES][PORT_BITS / 64];
	uint64_t hosts[WINDOW_SLICES];
};

void spread_advance(struct spread_window *window, const struct window_shape *shape,
		    const struct window_time *time);
void spread_add(struct spread_window *window, const struct window_shape *shape,
		const struct window_time *time, const struct spread_bits *bits);
void spread_take_back(struct spread_window *window, uint64_t tries);
/* Adds all slices to *bits. */
void spread_past(const struct spread_window *window, struct spread_bits *bits);
void spread_convert(struct spread_window *window, const struct window_shape *from,
		    const struct window_shape *to, int64_t now_ns);

struct spread spread_estimate(const struct spread_bits *bits);
/*
 * Linear counting (Whang et al., 1990): -m ln(empty / m) for a bitmap of m bits. A full one counts
 * as half a bit empty, which is the most that it can say: 709 for 128 bits, 310 for 64.
 */
uint64_t spread_distinct(unsigned int bits_set, unsigned int bits);
/* The fewest bits set whose estimate passes count; all of them when none does. */
unsigned int spread_bits_above(uint64_t count, unsigned int bits);
/* count, or where a full bitmap cannot pass it, the most that a full one passes. */
uint64_t spread_reachable(uint64_t count, unsigned int bits);

#endif
