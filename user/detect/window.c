/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting windows by slices. An interval's counts are dated at its start, the earliest that they
 * can be, so that no limit fires for packets that were not all within its window. Not here: what is
 * counted (the detectors), and windows of distinct ports and hosts (spread.c).
 */
#include "detect/window.h"

#include <string.h>

#define AGE_FUTURE 192 /* ages are below twice WINDOW_LIVE + 1, the rest of the circle is ahead */

void window_shape_init(struct window_shape *shape, uint64_t count, int64_t window_ns)
{
	*shape = (struct window_shape){ .count = count, .window_ns = window_ns };
	shape->tick_ns = window_ns / WINDOW_TICKS;
	if (shape->tick_ns < 1)
		shape->tick_ns = 1;
	while (shape->count >> shape->shift > INT16_MAX)
		shape->shift++;
}

static int64_t longest(const struct window_shape *shape)
{
	return shape->tick_ns * (WINDOW_LIVE + 1);
}

uint64_t window_share(const struct window_shape *shape, const struct window_time *time)
{
	int64_t duration = time->end_ns - time->start_ns;

	if (duration <= longest(shape))
		return 1;
	return (uint64_t)((duration + longest(shape) - 1) / longest(shape));
}

bool window_worth(const struct window_shape *shape, const struct window_time *time, uint64_t n)
{
	double duration = (double)(time->end_ns - time->start_ns);

	return (double)n * 128 * (double)shape->window_ns > (double)shape->count * duration;
}

uint8_t window_tick(const struct window_shape *shape, int64_t ns)
{
	return (uint8_t)((uint64_t)ns / (uint64_t)shape->tick_ns);
}

uint8_t window_age(uint8_t now, uint8_t start)
{
	uint8_t age = (uint8_t)(now - start);

	return age >= AGE_FUTURE ? 0 : age;
}

bool window_over(const struct window_shape *shape, const struct window_time *time)
{
	return time->end_ns - time->before_ns > longest(shape);
}

bool window_apart(uint8_t newest, uint8_t start)
{
	uint8_t distance = (uint8_t)(start - newest);

	return distance >= WINDOW_SPACE && distance < AGE_FUTURE;
}

void window_advance(struct window *window, const struct window_shape *shape,
		    const struct window_time *time)
{
	uint8_t now = window_tick(shape, time->end_ns);

	if (window_over(shape, time)) {
		memset(window->slice, 0, sizeof(window->slice));
		window->rest = 0;
		return;
	}
	for (int i = 0; i < WINDOW_SLICES; i++) {
		if (window_age(now, window->start[i]) > WINDOW_LIVE)
			window->slice[i] = 0;
	}
}

uint64_t window_past(const struct window *window, const struct window_shape *shape)
{
	uint64_t sum = 0;

	for (int i = 0; i < WINDOW_SLICES; i++)
		sum += window->slice[i];
	return sum << shape->shift;
}

/*
 * The rest of a unit is kept and carried into the next slice: an hour of intervals that are each
 * less than a unit must add up. Above 16 bits its low end is dropped, 1/65536 of a unit at a time.
 */
static uint64_t whole_units(struct window *window, const struct window_shape *shape, uint64_t n)
{
	unsigned int drop = shape->shift > 16 ? shape->shift - 16 : 0;
	uint64_t parts = (n >> drop) + window->rest;

	window->rest = (uint16_t)(parts & ((1ULL << (shape->shift - drop)) - 1));
	return parts >> (shape->shift - drop);
}

void window_add(struct window *window, const struct window_shape *shape,
		const struct window_time *time, uint64_t n)
{
	uint64_t units = whole_units(window, shape, n);
	uint8_t start = window_tick(shape, time->start_ns);

	if (!units)
		return;
	if (!window->slice[0]) {
		window->start[0] = start;
	} else if (!window->slice[WINDOW_SLICES - 1] && window_apart(window->start[0], start)) {
		memmove(window->start + 1, window->start, sizeof(window->start) - 1);
		memmove(window->slice + 1, window->slice,
			sizeof(window->slice) - sizeof(window->slice[0]));
		window->start[0] = start;
		window->slice[0] = 0;
	} else if ((uint8_t)(window->start[0] - start) <= WINDOW_LIVE) {
		window->start[0] = start; /* a little earlier: another interface's interval */
	}
	units += window->slice[0];
	window->slice[0] = units > UINT16_MAX ? UINT16_MAX : (uint16_t)units;
}

void window_take_back(struct window *window, const struct window_shape *shape, uint64_t n)
{
	uint64_t units = n >> shape->shift;

	for (int i = 0; units && i < WINDOW_SLICES; i++) {
		uint16_t most = window->slice[i];
		uint16_t taken = units < most ? (uint16_t)units : most;

		window->slice[i] -= taken;
		units -= taken;
	}
}

bool window_empty(const struct window *window)
{
	unsigned int any = window->rest;

	for (int i = 0; i < WINDOW_SLICES; i++)
		any |= window->slice[i];
	return !any;
}

/* Multiplies by 2^(from - to), keeping to 16 bits. */
static uint16_t rescale(uint16_t units, unsigned int from, unsigned int to)
{
	uint64_t n = units;

	if (to >= from)
		return (uint16_t)(to - from > 15 ? 0 : n >> (to - from));
	if (from - to > 16)
		return UINT16_MAX;
	n <<= from - to;
	return n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
}

void window_convert(struct window *window, const struct window_shape *from,
		    const struct window_shape *to, int64_t now_ns)
{
	uint8_t now_from = window_tick(from, now_ns), now_to = window_tick(to, now_ns);
	int64_t age;

	for (int i = 0; i < WINDOW_SLICES; i++) {
		if (!window->slice[i])
			continue;
		age = window_age(now_from, window->start[i]) * from->tick_ns;
		age = (age + to->tick_ns - 1) / to->tick_ns;
		if (age > WINDOW_LIVE)
			window->slice[i] = 0;
		else
			window->slice[i] = rescale(window->slice[i], from->shift, to->shift);
		window->start[i] = (uint8_t)(now_to - age);
	}
	if (from->shift != to->shift)
		window->rest = 0;
}
