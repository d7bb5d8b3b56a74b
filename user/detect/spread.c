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
	unsigned int ports = count_bits(bits->ports[0]) + count_bits(bits->ports[1]);

	return (struct spread){
		.ports = spread_distinct(ports, PORT_BITS),
		.hosts = spread_distinct(count_bits(bits->hosts), HOST_BITS),
		.tries = bits->tries,
		.tcp_tries = bits->tcp_tries,
		.established = bits->established,
		.protocols = spread_distinct(count_bits(bits->protocols), PROTOCOL_BITS),
	};
}

uint64_t spread_failed(const struct spread *spread, uint64_t distinct)
{
	uint64_t all = spread->tries + spread->established;

	if (!all)
		return 0;
	distinct = (distinct * spread->tries + all - 1) / all;
	return distinct < spread->tries ? distinct : spread->tries;
}

static bool slice_empty(const struct spread_window *window, int i)
{
	return !window->tries[i] && !window->established[i] && !window->protocols[i];
}

static void slice_clear(struct spread_window *window, int i)
{
	window->tries[i] = window->tcp_tries[i] = window->established[i] = 0;
	window->ports[i][0] = window->ports[i][1] = window->hosts[i] = 0;
	window->protocols[i] = 0;
}

void spread_advance(struct spread_window *window, const struct window_shape *shape,
		    const struct window_time *time)
{
	uint8_t now = window_tick(shape, time->end_ns);
	bool over = window_over(shape, time);

	for (int i = 0; i < WINDOW_SLICES; i++) {
		if (over || window_age(now, window->start[i]) > WINDOW_LIVE)
			slice_clear(window, i);
	}
}

#define SHIFT(array) memmove((array) + 1, (array), sizeof(array) - sizeof((array)[0]))

static void shift_slices(struct spread_window *window)
{
	SHIFT(window->start);
	SHIFT(window->tries);
	SHIFT(window->tcp_tries);
	SHIFT(window->established);
	SHIFT(window->protocols);
	SHIFT(window->ports);
	SHIFT(window->hosts);
	slice_clear(window, 0);
}

static void add16(uint16_t *sum, uint64_t n)
{
	n += *sum;
	*sum = n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
}

void spread_add(struct spread_window *window, const struct window_shape *shape,
		const struct window_time *time, const struct spread_bits *bits)
{
	uint8_t start = window_tick(shape, time->start_ns);

	if (!bits->tries && !bits->established && !bits->protocols)
		return;
	if (!slice_empty(window, 0) && slice_empty(window, WINDOW_SLICES - 1) &&
	    window_apart(window->start[0], start))
		shift_slices(window);
	if (slice_empty(window, 0)) {
		slice_clear(window, 0);
		window->start[0] = start;
	} else if ((uint8_t)(window->start[0] - start) <= WINDOW_LIVE) {
		window->start[0] = start; /* a little earlier: another interface's interval */
	}
	add16(&window->tries[0], bits->tries);
	add16(&window->tcp_tries[0], bits->tcp_tries);
	add16(&window->established[0], bits->established);
	window->ports[0][0] |= bits->ports[0];
	window->ports[0][1] |= bits->ports[1];
	window->hosts[0] |= bits->hosts;
	window->protocols[0] |= (uint16_t)bits->protocols;
}

void spread_take_back(struct spread_window *window, uint64_t tries)
{
	for (int i = 0; tries && i < WINDOW_SLICES; i++) {
		uint16_t most = window->tcp_tries[i];
		uint16_t n = tries < most ? (uint16_t)tries : most;

		window->tcp_tries[i] -= n;
		window->tries[i] -= n < window->tries[i] ? n : window->tries[i];
		tries -= n;
	}
}

void spread_past(const struct spread_window *window, struct spread_bits *bits)
{
	for (int i = 0; i < WINDOW_SLICES; i++) {
		bits->established += window->established[i];
		bits->protocols |= window->protocols[i];
		if (!window->tries[i])
			continue;
		bits->ports[0] |= window->ports[i][0];
		bits->ports[1] |= window->ports[i][1];
		bits->hosts |= window->hosts[i];
		bits->tries += window->tries[i];
		bits->tcp_tries += window->tcp_tries[i];
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
			slice_clear(window, i);
		window->start[i] = (uint8_t)(now_to - age);
	}
}
