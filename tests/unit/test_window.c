/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting windows and windows of distinct ports and hosts, against the promises in window.h: by
 * example, and on random traffic against a list of every packet's true time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/clock.h"
#include "detect/spread.h"
#include "detect/window.h"

#define MS	 NS_PER_MS
#define SECOND	 NS_PER_SECOND
#define START_NS (1000 * NS_PER_SECOND + 123456789)

/* One limit's window, fed as detect/ feeds it. Returns the running count after the interval. */
struct counter {
	struct window_shape shape;
	struct window window;
	bool begun;
	int64_t now_ns;
};

static uint64_t feed(struct counter *counter, int64_t duration_ns, uint64_t n)
{
	struct window_time time = { counter->now_ns, counter->now_ns + duration_ns,
				    counter->now_ns };
	uint64_t share = window_share(&counter->shape, &time), past;

	counter->now_ns = time.end_ns;
	window_advance(&counter->window, &counter->shape, &time);
	past = window_past(&counter->window, &counter->shape);
	if (share > 1)
		return (n + share - 1) / share;
	if (n && (counter->begun || window_worth(&counter->shape, &time, n))) {
		window_add(&counter->window, &counter->shape, &time, n);
		counter->begun = true;
	}
	return past + n;
}

static struct counter counter_of(uint64_t count, int64_t window_ns)
{
	struct counter counter = { .now_ns = START_NS };

	window_shape_init(&counter.shape, count, window_ns);
	return counter;
}

static void test_counts_within_window(void **state)
{
	struct counter counter = counter_of(1000, SECOND);

	(void)state;
	assert_int_equal(feed(&counter, 250 * MS, 100), 100);
	assert_int_equal(feed(&counter, 250 * MS, 100), 200);
	assert_int_equal(feed(&counter, 250 * MS, 100), 300);
	assert_int_equal(feed(&counter, 250 * MS, 100), 400);
	/* the first one is now a whole window back */
	assert_int_equal(feed(&counter, 250 * MS, 100), 400);
	assert_int_equal(feed(&counter, 250 * MS, 0), 300);
	assert_int_equal(feed(&counter, 2 * SECOND, 0), 0);
	assert_int_equal(feed(&counter, 250 * MS, 7), 7);
}

/* A timer that is a millisecond late each time must not cost a quarter of the window. */
static void test_late_timers_do_not_shrink_window(void **state)
{
	struct counter counter = counter_of(1000, SECOND);
	uint64_t total = 0;

	(void)state;
	for (int i = 0; i < 20; i++)
		total = feed(&counter, 252 * MS, 100);
	assert_int_equal(total, 400);
	counter = counter_of(1000, SECOND);
	assert_int_equal(feed(&counter, 1010 * MS, 500), 500);
}

static void test_interval_longer_than_window_counts_its_share(void **state)
{
	struct counter counter = counter_of(200, SECOND);

	(void)state;
	/* ten windows: one of them had at least a tenth */
	assert_int_equal(feed(&counter, 10 * SECOND, 1000), 100);
	assert_true(feed(&counter, 10 * SECOND, 2100) > 200);
	/* nothing of it is left for the next */
	assert_int_equal(feed(&counter, 250 * MS, 10), 10);
}

static void test_silence_empties_window(void **state)
{
	struct counter counter = counter_of(1000, SECOND);
	struct window_time time;

	(void)state;
	feed(&counter, 250 * MS, 900);
	/* 256 ticks later the slice's start reads the same: only the source's own time tells */
	counter.now_ns += 4 * SECOND;
	time = (struct window_time){ counter.now_ns, counter.now_ns + 250 * MS,
				     counter.now_ns - 4 * SECOND };
	window_advance(&counter.window, &counter.shape, &time);
	assert_int_equal(window_past(&counter.window, &counter.shape), 0);
}

static void test_take_back(void **state)
{
	struct counter counter = counter_of(1000, SECOND);

	(void)state;
	feed(&counter, 250 * MS, 10);
	feed(&counter, 250 * MS, 30);
	window_take_back(&counter.window, &counter.shape, 25);
	assert_int_equal(window_past(&counter.window, &counter.shape), 15);
	/* beyond the newest slice: from the one before it */
	window_take_back(&counter.window, &counter.shape, 9);
	assert_int_equal(window_past(&counter.window, &counter.shape), 6);
	assert_false(window_empty(&counter.window));
	assert_int_equal(feed(&counter, 250 * MS, 1), 7);
	window_take_back(&counter.window, &counter.shape, 25);
	assert_true(window_empty(&counter.window));
	assert_int_equal(feed(&counter, 250 * MS, 1), 1);
}

/* Each interval brings less than one unit of the slices: they must add up all the same. */
static void test_small_parts_add_up(void **state)
{
	struct counter counter = counter_of(1000000000, 3600 * SECOND);
	uint64_t sent = 0, total = 0;

	(void)state;
	assert_true(1ULL << counter.shape.shift > 10000);
	counter.begun = true; /* a window that is there counts everything */
	for (int i = 0; i < 30000; i++) {
		sent += 10000;
		total = feed(&counter, 50 * MS, 10000);
	}
	assert_in_range(total, sent - sent / 1000, sent);
}

static void test_convert_keeps_history(void **state)
{
	struct counter counter = counter_of(1000, 10 * SECOND);
	struct window_shape wider, narrower;
	struct window copy;

	(void)state;
	for (int i = 0; i < 8; i++)
		feed(&counter, SECOND, 50);
	window_shape_init(&wider, 1000000, 60 * SECOND);
	copy = counter.window;
	window_convert(&copy, &counter.shape, &wider, counter.now_ns);
	assert_in_range(window_past(&copy, &wider), 400 - (8 << wider.shift), 400);
	window_shape_init(&narrower, 1000, 2 * SECOND);
	copy = counter.window;
	window_convert(&copy, &counter.shape, &narrower, counter.now_ns);
	assert_in_range(window_past(&copy, &narrower), 50, 150);
}

/* ---- property: random traffic against the true times ------------------------------------- */

#define PACKETS_MAX 4096

struct truth {
	int64_t at_ns[PACKETS_MAX];
	uint64_t n[PACKETS_MAX];
	size_t count;
};

static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % bound;
}

/* What really came in (end - span, end]. */
static uint64_t true_count(const struct truth *truth, int64_t end_ns, int64_t span_ns)
{
	uint64_t sum = 0;

	for (size_t i = truth->count; i-- > 0 && truth->at_ns[i] > end_ns - span_ns;) {
		if (truth->at_ns[i] <= end_ns)
			sum += truth->n[i];
	}
	return sum;
}

static uint64_t busiest(const struct truth *truth, int64_t span_ns)
{
	uint64_t most = 0, now;

	for (size_t i = 0; i < truth->count; i++) {
		now = true_count(truth, truth->at_ns[i], span_ns);
		if (now > most)
			most = now;
	}
	return most;
}

/* Up to three bursts at random times of the interval, sometimes close to the limit. */
static uint64_t send(struct truth *truth, int64_t start_ns, int64_t duration_ns, uint64_t count)
{
	uint64_t bursts = random_below(4), sum = 0;
	int64_t at_ns = start_ns;

	for (uint64_t i = 0; i < bursts && truth->count < PACKETS_MAX; i++) {
		int64_t left_ns = start_ns + duration_ns - at_ns;
		uint64_t n = 1 + random_below(random_below(3) ? count / 6 + 1 : count + 1);

		at_ns += 1 + (int64_t)random_below((uint64_t)left_ns);
		if (at_ns > start_ns + duration_ns)
			break;
		truth->at_ns[truth->count] = at_ns;
		truth->n[truth->count++] = n;
		sum += n;
	}
	return sum;
}

struct tally {
	unsigned int fired, quiet, due;
};

static void try_random(int64_t window_ns, uint64_t count, int64_t least_ns, int64_t most_ns,
		       struct tally *tally)
{
	static struct truth truth;
	struct counter counter = counter_of(count, window_ns);
	int64_t tick_ns = counter.shape.tick_ns, longest_ns = 0, sure_ns;
	uint64_t unit = count > INT16_MAX ? count / 16384 + 1 : 0;

	truth.count = 0;
	for (int i = 0; i < 60; i++) {
		int64_t duration_ns =
			least_ns + (int64_t)random_below((uint64_t)(most_ns - least_ns + 1));
		uint64_t n = send(&truth, counter.now_ns, duration_ns, count);
		uint64_t total = feed(&counter, duration_ns, n);

		if (duration_ns > longest_ns)
			longest_ns = duration_ns;
		if (total > count && duration_ns <= 66 * tick_ns)
			assert_true(true_count(&truth, counter.now_ns, 66 * tick_ns) + unit >
				    count);
		else if (total > count)
			assert_true(busiest(&truth, 66 * tick_ns) > count);
		tally->fired += total > count;
		tally->quiet += total <= count;

		sure_ns = (least_ns >= 9 * tick_ns ? 64 : 54) * tick_ns - longest_ns;
		if (sure_ns > 0 &&
		    true_count(&truth, counter.now_ns, sure_ns) > count + count / 128 + 8 * unit) {
			tally->due++;
			assert_true(total > count);
		}
	}
}

static void test_random_traffic_keeps_the_promises(void **state)
{
	static const int64_t windows_ns[] = { SECOND / 2, SECOND, 10 * SECOND, 900 * SECOND,
					      3600 * SECOND };
	static const uint64_t counts[] = { 1, 20, 200, 32768, 5000000000 };
	struct tally tally = { 0 };

	(void)state;
	random_state = 88172645463325252ULL;
	for (int round = 0; round < 2000; round++) {
		int64_t window_ns = windows_ns[random_below(5)];
		uint64_t count = counts[random_below(5)];
		int64_t least_ns = 50 * MS + (int64_t)random_below(500) * MS;
		int64_t most_ns = least_ns + (int64_t)random_below(1000) * MS;

		if (!random_below(10))
			most_ns = 10 * SECOND; /* late drains */
		/* a long window is only tested by long intervals, or nothing leaves it */
		if (window_ns > 100 * SECOND && random_below(4)) {
			least_ns = window_ns / 40;
			most_ns = window_ns / 7;
		}
		try_random(window_ns, count, least_ns, most_ns, &tally);
	}
	/* the test itself must have seen all three cases often */
	assert_true(tally.fired > 10000);
	assert_true(tally.quiet > 10000);
	assert_true(tally.due > 5000);
}

/* ---- distinct ports, hosts and targets ------------------------------------------------------ */

static void test_estimate_is_near(void **state)
{
	static const unsigned int sizes[] = { PROTOCOL_BITS, TRY_PORT_BITS, TRY_TARGET_BITS };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned int bits = sizes[i];

		assert_int_equal(spread_distinct(0, bits), 0);
		assert_int_equal(spread_distinct(1, bits), 1);
		for (unsigned int n = 2; n <= bits; n++)
			assert_true(spread_distinct(n, bits) >= n &&
				    spread_distinct(n, bits) > spread_distinct(n - 1, bits));
	}
	/* -64 ln(32/64), -64 ln(8/64), -32 ln(16/32) */
	assert_int_equal(spread_distinct(32, TRY_TARGET_BITS), 44);
	assert_int_equal(spread_distinct(56, TRY_HOST_BITS), 133);
	assert_int_equal(spread_distinct(16, TRY_PORT_BITS), 22);
	assert_int_equal(spread_distinct(32, TRY_PORT_BITS), 133);
	assert_int_equal(spread_distinct(64, TRY_HOST_BITS), 310);
}

/* Over many draws the estimates are right on average, up to twice what there are bits. */
static void test_estimate_inverts_collisions(void **state)
{
	static const unsigned int truths[] = { 20, 60, 120 };

	(void)state;
	random_state = 88172645463325252ULL;
	for (size_t t = 0; t < sizeof(truths) / sizeof(truths[0]); t++) {
		unsigned int n = truths[t];
		uint64_t hosts = 0, targets = 0, ports = 0;

		for (int round = 0; round < 400; round++) {
			struct spread_bits bits = { .tries = { n, 1 } };
			struct spread spread;

			for (unsigned int i = 0; i < n; i++) {
				bits.hosts[TRY_TCP] |= 1ULL << random_below(TRY_HOST_BITS);
				bits.targets |= 1ULL << random_below(TRY_TARGET_BITS);
				if (i < n / 2)
					bits.ports[TRY_OTHER] |= 1U << random_below(TRY_PORT_BITS);
			}
			spread = spread_estimate(&bits);
			hosts += spread.hosts[TRY_TCP];
			targets += spread.targets;
			ports += spread.ports[TRY_OTHER];
			assert_int_equal(spread.hosts[TRY_OTHER] + spread.ports[TRY_TCP], 0);
			assert_int_equal(spread.tries[TRY_TCP], n);
			assert_int_equal(spread.tries[TRY_OTHER], 1);
		}
		assert_in_range(hosts / 400, n * 95 / 100, n * 106 / 100);
		assert_in_range(targets / 400, n * 95 / 100, n * 106 / 100);
		assert_in_range(ports / 400, n * 93 / 200, n * 108 / 200);
	}
}

static void test_bits_above_is_the_crossing(void **state)
{
	(void)state;
	for (uint64_t count = 1; count < 310; count++) {
		unsigned int set = spread_bits_above(count, TRY_TARGET_BITS);

		assert_true(spread_distinct(set, TRY_TARGET_BITS) > count);
		assert_true(spread_distinct(set - 1, TRY_TARGET_BITS) <= count);
	}
	/* beyond what a bitmap can tell, a full one must do */
	assert_int_equal(spread_bits_above(5000, TRY_TARGET_BITS), TRY_TARGET_BITS);
	assert_true(spread_distinct(TRY_TARGET_BITS, TRY_TARGET_BITS) >
		    spread_reachable(5000, TRY_TARGET_BITS));
	assert_int_equal(spread_reachable(20, TRY_TARGET_BITS), 20);
}

static void test_union_over_slices(void **state)
{
	struct window_shape shape;
	struct spread_window window = { 0 };
	struct window_time time = { START_NS, START_NS, START_NS };
	struct spread_bits bits, past;

	(void)state;
	window_shape_init(&shape, 0, 900 * SECOND);
	/* a target each ten seconds; after 600 s no more: they leave the window, oldest first */
	for (int i = 0; i < 1600; i++) {
		time.before_ns = time.end_ns;
		time.start_ns = time.end_ns;
		time.end_ns += SECOND;
		spread_advance(&window, &shape, &time);
		bits = (struct spread_bits){ .hosts = { 1 }, .tries = { i < 600 } };
		bits.established = 3 * (i < 600);
		bits.targets = 1ULL << i / 10 % 64;
		bits.ports[TRY_TCP] = 1U << i / 10 % 32;
		spread_add(&window, &shape, &time, &bits);
		past = (struct spread_bits){ 0 };
		spread_past(&window, &past);
		if (i == 319) {
			assert_int_equal(__builtin_popcountll(past.targets), 32);
			assert_int_equal(past.ports[TRY_TCP], UINT32_MAX);
		}
		if (i == 599) {
			assert_int_equal(past.tries[TRY_TCP], 600);
			assert_int_equal(past.established, 1800);
		}
		if (i == 1200) { /* 300 s to 600 s are within 900 s; up to a slice more is gone */
			assert_in_range(past.tries[TRY_TCP], 170, 320);
			assert_in_range(__builtin_popcountll(past.targets), 17, 32);
			assert_int_equal(past.established, 3 * past.tries[TRY_TCP]);
		}
	}
	assert_int_equal(past.tries[TRY_TCP], 0);
	assert_int_equal(past.targets + past.ports[TRY_TCP] + past.hosts[TRY_TCP], 0);
	assert_int_equal(past.established, 0);
	/* the slices that are used again remember nothing */
	bits = (struct spread_bits){ .ports = { 1, 4 },
				     .hosts = { 2, 8 },
				     .targets = 5,
				     .tries = { 1, 3 },
				     .late = 2,
				     .established = 9 };
	spread_add(&window, &shape, &time, &bits);
	spread_past(&window, &past);
	assert_memory_equal(&past, &bits, sizeof(bits));
}

/* Connections alone keep slices of their own, and a new limit's window has them as well. */
static void test_connections_in_slices(void **state)
{
	struct window_time time = { START_NS, START_NS + SECOND, START_NS };
	struct spread_bits bits = { .established = 5 }, past = { 0 };
	struct spread_window window = { 0 };
	struct window_shape shape, shorter;

	(void)state;
	window_shape_init(&shape, 0, 100 * SECOND);
	for (int i = 0; i < 6; i++) {
		spread_add(&window, &shape, &time, &bits);
		time.start_ns += 15 * SECOND;
		time.end_ns += 15 * SECOND;
	}
	spread_past(&window, &past);
	assert_int_equal(past.established, 30);
	assert_int_equal(window.established[5], 5);
	/* the last one began 16 s ago, those before 31 and 46 */
	window_shape_init(&shorter, 0, 40 * SECOND);
	spread_convert(&window, &shape, &shorter, time.end_ns);
	past = (struct spread_bits){ 0 };
	spread_past(&window, &past);
	assert_int_equal(past.established, 10);
}

/* Handshakes that ended late take tries back from the slices that have them, TCP's only. */
static void test_take_back_tries(void **state)
{
	struct window_shape shape;
	struct spread_window window = { 0 };
	struct window_time time = { START_NS, START_NS + SECOND, START_NS };
	struct spread_bits bits = { .hosts = { 1, 1 }, .targets = 1, .tries = { 3, 2 } }, past;

	(void)state;
	window_shape_init(&shape, 0, 10 * SECOND);
	for (int i = 0; i < 3; i++) {
		spread_add(&window, &shape, &time, &bits);
		time.start_ns += 2 * SECOND;
		time.end_ns += 2 * SECOND;
	}
	spread_take_back(&window, 7);
	past = (struct spread_bits){ 0 };
	spread_past(&window, &past);
	assert_int_equal(past.tries[TRY_TCP], 2);
	assert_int_equal(past.tries[TRY_OTHER], 6);
	assert_int_equal(past.hosts[TRY_TCP], 1);
	spread_take_back(&window, 100);
	past = (struct spread_bits){ 0 };
	spread_past(&window, &past);
	assert_int_equal(past.tries[TRY_TCP], 0);
	assert_int_equal(past.tries[TRY_OTHER], 6);
	assert_int_equal(past.hosts[TRY_TCP], 0); /* where all has succeeded no bit means a try */
	assert_int_equal(past.targets, 1);
}

/* What came to a connection late is taken off; no more failed than were tried. */
static void test_how_many_failed(void **state)
{
	(void)state;
	assert_int_equal(spread_failed(60, 100, 0), 60);
	assert_int_equal(spread_failed(60, 100, 25), 35);
	assert_int_equal(spread_failed(60, 30, 0), 30);
	assert_int_equal(spread_failed(60, 30, 40), 20);
	assert_int_equal(spread_failed(60, 100, 60), 0);
	assert_int_equal(spread_failed(60, 100, 1000), 0);
	assert_int_equal(spread_failed(60, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_within_window),
		cmocka_unit_test(test_late_timers_do_not_shrink_window),
		cmocka_unit_test(test_interval_longer_than_window_counts_its_share),
		cmocka_unit_test(test_silence_empties_window),
		cmocka_unit_test(test_take_back),
		cmocka_unit_test(test_small_parts_add_up),
		cmocka_unit_test(test_convert_keeps_history),
		cmocka_unit_test(test_random_traffic_keeps_the_promises),
		cmocka_unit_test(test_estimate_is_near),
		cmocka_unit_test(test_estimate_inverts_collisions),
		cmocka_unit_test(test_bits_above_is_the_crossing),
		cmocka_unit_test(test_union_over_slices),
		cmocka_unit_test(test_connections_in_slices),
		cmocka_unit_test(test_take_back_tries),
		cmocka_unit_test(test_how_many_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
