/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many distinct ports and hosts a source has tried within a window: the union of its entries'
 * bitmaps, kept by slices as in window.h. Only sources that try more than one get such a record.
 */
#ifndef FWGEN_DETECT_SPREAD_H
#define FWGEN_DETECT_SPREAD_H

#include "abi.h"
#include "detect/window.h"

#define PROTOCOL_BITS 16 /* of table_entry.protocols */

/* What one interval, or a window of them, has tried: bitmaps like table_entry's. */
struct spread_bits {
	uint64_t hosts[TRY_KINDS];
	uint64_t targets;
	uint32_t ports[TRY_KINDS];
	uint32_t protocols;	   /* IP protocols tried */
	uint64_t tries[TRY_KINDS]; /* without an established exchange */
	uint64_t late; /* connections of an earlier try, whose bits are in the bitmaps as well */
	uint64_t established; /* connections, all of them */
};

/* The same as numbers. Those of hosts, targets, ports and protocols are estimates. */
struct spread {
	uint64_t hosts[TRY_KINDS], targets, ports[TRY_KINDS], protocols, tries[TRY_KINDS], late;
	uint64_t established;
};

struct spread_slice {
	uint64_t hosts[TRY_KINDS];
	uint64_t targets;
	uint32_t ports[TRY_KINDS];
	uint16_t tries[TRY_KINDS];
	uint16_t late;
	uint16_t protocols;
};

struct spread_window {
	uint32_t next; /* the source's next window, of another length */
	uint8_t which;
	uint8_t plan;
	uint8_t reserved[2];
	uint8_t start[WINDOW_SLICES]; /* ticks; newest slice first */
	uint16_t established[WINDOW_SLICES];
	struct spread_slice slice[WINDOW_SLICES];
};

void spread_advance(struct spread_window *window, const struct window_shape *shape,
		    const struct window_time *time);
void spread_add(struct spread_window *window, const struct window_shape *shape,
		const struct window_time *time, const struct spread_bits *bits);
/* That many tries of TCP, newest first, have come to an established exchange after all. */
void spread_take_back(struct spread_window *window, uint64_t tries);
/* Adds all slices to *bits. */
void spread_past(const struct spread_window *window, struct spread_bits *bits);
void spread_convert(struct spread_window *window, const struct window_shape *from,
		    const struct window_shape *to, int64_t now_ns);

struct spread spread_estimate(const struct spread_bits *bits);
/*
 * How many of so many distinct hosts or targets have failed, as far as the bitmaps can say: what
 * came to a connection late is taken off, and there are no more than tries.
 */
uint64_t spread_failed(uint64_t distinct, uint64_t tries, uint64_t late);
/*
 * Linear counting (Whang et al., 1990): -m ln(empty / m) for a bitmap of m bits. A full one counts
 * as half a bit empty, which is the most that it can say: 310 for 64 bits, 133 for 32.
 */
uint64_t spread_distinct(unsigned int bits_set, unsigned int bits);
/* The fewest bits set whose estimate passes count; all of them when none does. */
unsigned int spread_bits_above(uint64_t count, unsigned int bits);
/* count, or where a full bitmap cannot pass it, the most that a full one passes. */
uint64_t spread_reachable(uint64_t count, unsigned int bits);

#endif
