/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows of distinct ports and hosts. Same slices and same dating as window.c, with bitmaps in the
 * place of counts. Not here: what makes a spread a scan (port_scan.c, host_sweep.c).
 */
#include "detect/spread.h"

#include <string.h>

/* ln(x) for x from 1 to 256; libm's last digit may differ between machines, decisions may not. */
static double natural_log(double x)
{
	double y, square, term, sum = 0;
	int halvings = 0;

	while (x > 1.5) {
		x /= 2;
		halvings++;
	}
	y = (x - 1) / (x + 1);
	square = y * y;
	term = y;
	for (int i = 1; i < 30; i += 2) {
		sum += term / i;
		term *= square;
	}
	return 2 * sum + halvings * 0.69314718055994530942;
}

uint64_t spread_distinct(unsigned int bits_set, unsigned int bits)
{
	double empty = bits_set < bits ? (double)(bits - bits_set) : 0.5;

	return (uint64_t)((double)bits * natural_log((double)bits / empty));
}

unsigned int spread_bits_above(uint64_t count, unsigned int bits)
{
	unsigned int set = 1;

	while (set < bits && spread_distinct(set, bits) <= count)
		set++;
	return set;
}

uint64_t spread_reachable(uint64_t count, unsigned int bits)
{
	uint64_t most = spread_distinct(bits, bits) - 1;

	return count < most ? count : most;
}

static unsigned int count_bits(uint64_t word)
{
	return (unsigned int)__builtin_popcountll(word);
}

struct spread spread_estimate(const struct spread_bits *bits)
{
	struct spread spread = {
		.targets = spread_distinct(count_bits(bits->targets), TRY_TARGET_BITS),
		.protocols = spread_distinct(count_bits(bits->protocols), PROTOCOL_BITS),
		.late = bits->late,
		.established = bits->established,
	};

	for (int kind = 0; kind < TRY_KINDS; kind++) {
		spread.hosts[kind] = spread_distinct(count_bits(bits->hosts[kind]), TRY_HOST_BITS);
		spread.ports[kind] = spread_distinct(count_bits(bits->ports[kind]), TRY_PORT_BITS);
		spread.tries[kind] = bits->tries[kind];
	}
	return spread;
}

uint64_t spread_failed(uint64_t distinct, uint64_t tries, uint64_t late)
{
	distinct -= late < distinct ? late : distinct;
	return distinct < tries ? distinct : tries;
}

static bool slice_empty(const struct spread_window *window, int i)
{
	const struct spread_slice *slice = &window->slice[i];

	return !slice->tries[TRY_TCP] && !slice->tries[TRY_OTHER] && !slice->late &&
	       !slice->protocols && !window->established[i];
}

static void clear_slice(struct spread_window *window, int i)
{
	window->slice[i] = (struct spread_slice){ 0 };
	window->established[i] = 0;
}

void spread_advance(struct spread_window *window, const struct window_shape *shape,
		    const struct window_time *time)
{
	uint8_t now = window_tick(shape, time->end_ns);
	bool over = window_over(shape, time);

	for (int i = 0; i < WINDOW_SLICES; i++) {
		if (over || window_age(now, window->start[i]) > WINDOW_LIVE)
			clear_slice(window, i);
	}
}

#define SHIFT(array) memmove((array) + 1, (array), sizeof(array) - sizeof((array)[0]))

static void add16(uint16_t *sum, uint64_t n)
{
	n += *sum;
	*sum = n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
}

void spread_add(struct spread_window *window, const struct window_shape *shape,
		const struct window_time *time, const struct spread_bits *bits)
{
	uint8_t start = window_tick(shape, time->start_ns);
	struct spread_slice *slice = &window->slice[0];

	if (!bits->tries[TRY_TCP] && !bits->tries[TRY_OTHER] && !bits->late && !bits->protocols &&
	    !bits->established)
		return;
	if (!slice_empty(window, 0) && slice_empty(window, WINDOW_SLICES - 1) &&
	    window_apart(window->start[0], start)) {
		SHIFT(window->start);
		SHIFT(window->slice);
		SHIFT(window->established);
		clear_slice(window, 0);
	}
	if (slice_empty(window, 0)) {
		clear_slice(window, 0);
		window->start[0] = start;
	} else if ((uint8_t)(window->start[0] - start) <= WINDOW_LIVE) {
		window->start[0] = start; /* a little earlier: another interface's interval */
	}
	for (int kind = 0; kind < TRY_KINDS; kind++) {
		add16(&slice->tries[kind], bits->tries[kind]);
		slice->hosts[kind] |= bits->hosts[kind];
		slice->ports[kind] |= bits->ports[kind];
	}
	slice->targets |= bits->targets;
	slice->protocols |= (uint16_t)bits->protocols;
	add16(&slice->late, bits->late);
	add16(&window->established[0], bits->established);
}

void spread_take_back(struct spread_window *window, uint64_t tries)
{
	for (int i = 0; tries && i < WINDOW_SLICES; i++) {
		uint16_t most = window->slice[i].tries[TRY_TCP];
		uint16_t n = tries < most ? (uint16_t)tries : most;

		window->slice[i].tries[TRY_TCP] -= n;
		tries -= n;
	}
}

void spread_past(const struct spread_window *window, struct spread_bits *bits)
{
	for (int i = 0; i < WINDOW_SLICES; i++) {
		const struct spread_slice *slice = &window->slice[i];

		bits->late += slice->late;
		bits->established += window->established[i];
		bits->protocols |= slice->protocols;
		for (int kind = 0; kind < TRY_KINDS; kind++) {
			if (!slice->tries[kind])
				continue;
			bits->hosts[kind] |= slice->hosts[kind];
			bits->ports[kind] |= slice->ports[kind];
			bits->tries[kind] += slice->tries[kind];
		}
		if (slice->tries[TRY_TCP] || slice->tries[TRY_OTHER])
			bits->targets |= slice->targets;
	}
}

void spread_convert(struct spread_window *window, const struct window_shape *from,
		    const struct window_shape *to, int64_t now_ns)
{
	uint8_t now_from = window_tick(from, now_ns), now_to = window_tick(to, now_ns);
	int64_t age;

	for (int i = 0; i < WINDOW_SLICES; i++) {
		age = window_age(now_from, window->start[i]) * from->tick_ns;
		age = (age + to->tick_ns - 1) / to->tick_ns;
		if (age > WINDOW_LIVE)
			clear_slice(window, i);
		window->start[i] = (uint8_t)(now_to - age);
	}
}
