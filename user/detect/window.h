/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A running count over the last `window` of time, in 32 bytes: up to eight slices, each with the
 * start of the first interval it holds.
 *
 * What is promised, for a limit of `count` within W, counted in intervals of length D:
 *  - never: it does not pass the limit unless more than count came within some W * 66/64. (The 2/64
 *    are for timers that are late: four intervals of 251 ms are still a second.)
 *  - always: it passes the limit when more than count * 129/128 came within W * 54/64 - D;
 * intervals longer than a slice (W * 9/64) have slices of their own, then it is W - D. (Limits
 * above 32767 count in units of 1/16384 of the limit or less, so to that precision.)
 *  - an interval longer than the window counts as the share that one window of it must have had.
 */
#ifndef FWGEN_DETECT_WINDOW_H
#define FWGEN_DETECT_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_SLICES 8
#define WINDOW_TICKS  64 /* time within a window is counted in 64ths of it */
#define WINDOW_LIVE   65 /* ticks of age up to which a slice counts */
#define WINDOW_SPACE  9	 /* ticks between slices: at most eight of them are alive at a time */

/* What all windows of one limit have in common. */
struct window_shape {
	uint64_t count;
	int64_t window_ns;
	int64_t tick_ns;
	unsigned int shift; /* slices count in units of 1 << shift, so that 16 bits do */
};

/* When an interval was, and when its source was seen before it (0: never). */
struct window_time {
	int64_t start_ns, end_ns, before_ns;
};

struct window {
	uint32_t next;		      /* the source's next window */
	uint16_t rest;		      /* what did not make a whole unit */
	uint8_t which;		      /* the limit it belongs to */
	uint8_t plan;		      /* of this plan */
	uint8_t start[WINDOW_SLICES]; /* ticks; newest slice first */
	uint16_t slice[WINDOW_SLICES];
};
_Static_assert(sizeof(struct window) == 32, "a million sources have a few of these each");

void window_shape_init(struct window_shape *shape, uint64_t count, int64_t window_ns);
/* How many windows an interval fills, at least 1: of n in it, one window had n / share or more. */
uint64_t window_share(const struct window_shape *shape, const struct window_time *time);
/* Whether n in this interval is enough to begin a window: 1/128 of the limit's own rate. */
bool window_worth(const struct window_shape *shape, const struct window_time *time, uint64_t n);

/* The three steps of an interval, in this order. */
void window_advance(struct window *window, const struct window_shape *shape,
		    const struct window_time *time);
uint64_t window_past(const struct window *window, const struct window_shape *shape);
void window_add(struct window *window, const struct window_shape *shape,
		const struct window_time *time, uint64_t n);

/* Whether it has nothing more to say. */
bool window_empty(const struct window *window);
/* Takes up to n back, the newest first: what was counted has turned out harmless. */
void window_take_back(struct window *window, const struct window_shape *shape, uint64_t n);
/* The same history under another limit. */
void window_convert(struct window *window, const struct window_shape *from,
		    const struct window_shape *to, int64_t now_ns);

/* Slices of any kind of window: ages and places, so that counts and bitmaps share the rules. */
uint8_t window_tick(const struct window_shape *shape, int64_t ns);
/* Ticks from start to now; a start in the future (another interface's interval) is age 0. */
uint8_t window_age(uint8_t now, uint8_t start);
/* Whether all slices are of the past: nothing came for longer than a window. */
bool window_over(const struct window_shape *shape, const struct window_time *time);
/* Whether an interval that starts at `start` needs a slice of its own beside the newest one. */
bool window_apart(uint8_t newest, uint8_t start);

#endif
