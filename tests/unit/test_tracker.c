/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of sources: found again, forgotten when silent, bounded, and who has to make room. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "base/address.h"
#include "base/clock.h"
#include "detect/detect.h"
#include "detect/tracker.h"

#define SECOND	 NS_PER_SECOND
#define START_NS (1000 * SECOND)

static struct address source_number(uint32_t n)
{
	return address_from_ipv4(__builtin_bswap32(0x0a000000u + n));
}

static struct source *enter(struct tracker *tracker, uint32_t n, int64_t now_ns)
{
	struct address address = source_number(n);
	struct source *source;

	assert_int_equal(tracker_enter(tracker, &address, 128, now_ns, &source), 0);
	return source;
}

static struct source *find(const struct tracker *tracker, uint32_t n)
{
	struct address address = source_number(n);

	return tracker_find(tracker, &address, 128);
}

static void test_finds_again(void **state)
{
	struct tracker tracker;
	struct address address = source_number(1);
	struct source *source, *prefix;

	(void)state;
	assert_int_equal(tracker_init(&tracker, 100), 0);
	source = enter(&tracker, 1, START_NS);
	source->packets = 5;
	assert_ptr_equal(enter(&tracker, 1, START_NS), source);
	assert_ptr_equal(find(&tracker, 1), source);
	assert_null(find(&tracker, 2));
	/* the prefix with the same base is another source */
	assert_int_equal(tracker_enter(&tracker, &address, 120, START_NS, &prefix), 0);
	assert_ptr_not_equal(prefix, source);
	assert_int_equal(tracker.sources.used, 2);
	tracker_done(&tracker);
}

static void test_many_sources_are_all_there(void **state)
{
	struct tracker tracker;
	uint32_t cursor = 0, seen = 0;

	(void)state;
	assert_int_equal(tracker_init(&tracker, 5000), 0);
	for (uint32_t i = 0; i < 5000; i++)
		enter(&tracker, i, START_NS)->packets = i;
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(find(&tracker, i)->packets, i);
	while (tracker_next(&tracker, &cursor))
		seen++;
	assert_int_equal(seen, 5000);
	assert_int_equal(tracker.evicted, 0);
	tracker_done(&tracker);
}

static void test_forgets_the_silent(void **state)
{
	struct tracker tracker;
	struct spread_window *spread;
	struct window *window;

	(void)state;
	assert_int_equal(tracker_init(&tracker, 100), 0);
	tracker.keep_window_ns[0] = 120 * SECOND;
	tracker.keep_tries_ns = 1800 * SECOND;
	enter(&tracker, 1, START_NS);
	assert_int_equal(tracker_add_window(&tracker, enter(&tracker, 2, START_NS), 0, &window), 0);
	assert_int_equal(tracker_add_spread(&tracker, enter(&tracker, 3, START_NS), 0, &spread), 0);
	tracker_sweep(&tracker, 100, START_NS + 59 * SECOND);
	assert_int_equal(tracker.sources.used, 3);
	tracker_sweep(&tracker, 100, START_NS + 61 * SECOND);
	assert_null(find(&tracker, 1));
	assert_non_null(find(&tracker, 2));
	tracker_sweep(&tracker, 100, START_NS + 121 * SECOND);
	assert_null(find(&tracker, 2));
	assert_int_equal(tracker.windows.used, 0);
	assert_non_null(find(&tracker, 3));
	tracker_sweep(&tracker, 100, START_NS + 1801 * SECOND);
	assert_null(find(&tracker, 3));
	assert_int_equal(tracker.spreads.used, 0);
	tracker_done(&tracker);
}

/* A flood of one-packet sources must not push out a slow scan, a heavy sender or a known attacker.
 */
static void test_flood_evicts_the_least_interesting(void **state)
{
	struct tracker tracker;
	struct spread_window *spread;
	struct window *window;
	int64_t now_ns = START_NS;

	(void)state;
	assert_int_equal(tracker_init(&tracker, 1000), 0);
	tracker.keep_tries_ns = 1800 * SECOND;
	assert_int_equal(tracker_add_spread(&tracker, enter(&tracker, 1, now_ns), 0, &spread), 0);
	find(&tracker, 1)->tried = 3;
	enter(&tracker, 2, now_ns)->packets = 100000;
	enter(&tracker, 3, now_ns)->fired = 1;
	assert_int_equal(tracker_add_window(&tracker, enter(&tracker, 4, now_ns), 0, &window), 0);
	find(&tracker, 4)->packets = 300;
	for (uint32_t i = 10; i < 200000; i++) {
		struct source *source;

		now_ns += SECOND / 10000;
		source = enter(&tracker, i, now_ns);
		source->packets = 1;
		source->tried = 2;
		assert_int_equal(tracker_add_window(&tracker, source, 0, &window), 0);
	}
	assert_int_equal(tracker.sources.used, 1000);
	assert_int_equal(tracker.evicted, 200000 - 10 + 4 - 1000);
	assert_non_null(find(&tracker, 1));
	assert_non_null(find(&tracker, 4));
	assert_non_null(find(&tracker, 2));
	assert_non_null(find(&tracker, 3));
	assert_non_null(find(&tracker, 199999)); /* and the newest is in */
	tracker_done(&tracker);
}

static void test_windows_are_bounded(void **state)
{
	struct tracker tracker;
	struct source *source, *first;
	struct spread_window *spread;
	struct window *window;
	uint32_t max;

	(void)state;
	assert_int_equal(tracker_init(&tracker, 1000), 0);
	max = tracker.spreads.max;
	assert_true(max < 1000);
	first = enter(&tracker, 0, START_NS);
	first->fired = 1;
	for (uint32_t i = 0; i < 1000; i++) {
		source = enter(&tracker, i, START_NS);
		assert_int_equal(tracker_add_spread(&tracker, source, 0, &spread), 0);
		assert_int_equal(tracker_add_window(&tracker, source, 1, &window), 0);
		assert_int_equal(window->which, 1);
	}
	assert_int_equal(tracker.spreads.used, max);
	assert_int_equal(tracker.evicted, 1000 - max);
	assert_ptr_equal(find(&tracker, 0), first);
	/* no source but this one has any: it keeps them, and is refused more */
	tracker_done(&tracker);
	assert_int_equal(tracker_init(&tracker, 1), 0);
	source = enter(&tracker, 0, START_NS);
	for (uint32_t i = 0; i < tracker.spreads.max; i++)
		assert_int_equal(tracker_add_spread(&tracker, source, (uint8_t)i, &spread), 0);
	assert_int_equal(tracker_add_spread(&tracker, source, 0, &spread), -ENOSPC);
	assert_int_equal(tracker.refused, 1);
	assert_int_equal(tracker.sources.used, 1);
	tracker_done(&tracker);
}

static bool keep_odd(void *context, struct window *window)
{
	(void)context;
	return window->which % 2;
}

static bool keep_none(void *context, struct spread_window *window)
{
	(void)context;
	(void)window;
	return false;
}

static void test_filter(void **state)
{
	struct tracker tracker;
	struct source *source;
	struct spread_window *spread;
	struct window *window;

	(void)state;
	assert_int_equal(tracker_init(&tracker, 10), 0);
	source = enter(&tracker, 1, START_NS);
	for (uint8_t i = 0; i < 5; i++)
		assert_int_equal(tracker_add_window(&tracker, source, i, &window), 0);
	assert_int_equal(tracker_add_spread(&tracker, source, 0, &spread), 0);
	tracker_filter(&tracker, source, keep_odd, keep_none, NULL);
	assert_int_equal(tracker.windows.used, 2);
	assert_int_equal(tracker.spreads.used, 0);
	assert_int_equal(source->spreads, 0);
	window = tracker_window(&tracker, source->windows);
	assert_int_equal(window->which, 3);
	assert_int_equal(tracker_window(&tracker, window->next)->which, 1);
	tracker_done(&tracker);
}

/* ---- a million sources through the whole of detection ---------------------------------------- */

/*
 * One in 20 tries several ports, one in 5 sends SYNs that nobody answers, one in 10 UDP, one in 50
 * logs in or sends what cannot be; the rest are clients.
 */
static void fill_sample(struct sample *sample, uint32_t n)
{
	struct table_entry *entry = &sample->entry;

	*sample = (struct sample){ 0 };
	entry->address = source_number(n);
	entry->prefix_len = 128;
	entry->packets = 40;
	entry->bytes = 40000;
	entry->answers = 35;
	entry->established = entry->syn = 5;
	entry->ports[TRY_TCP] = entry->hosts[TRY_TCP] = entry->targets = 1;
	entry->distinct_targets = entry->distinct_hosts = 1;
	if (n % 5 == 0)
		entry->established = 0;
	if (n % 20 == 0)
		entry->ports[TRY_TCP] = entry->targets = 7;
	if (n % 10 == 1) {
		entry->udp = 20;
		entry->answers -= 20;
	}
	if (n % 50 == 2)
		entry->sensitive = 1;
	if (n % 50 == 3)
		entry->odd_flags = entry->malformed = 1;
}

static double now_seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void test_a_million_sources_fit(void **state)
{
	enum { BATCH = 10000, ROUNDS = 2 };
	static struct sample samples[BATCH];
	struct config *config = config_defaults();
	struct finding_list findings = { 0 };
	struct traffic traffic = { .start = { .boot_ns = START_NS } };
	struct tracker_status status;
	struct detect *detect;
	double spent = 0, since;

	(void)state;
	assert_int_equal(detect_new(config, &detect), 0);
	for (int round = 0; round < ROUNDS; round++) {
		traffic.end.boot_ns = traffic.start.boot_ns + SECOND / 4;
		for (uint32_t n = 0; n < TRACKER_SOURCES_MAX; n += BATCH) {
			for (uint32_t i = 0; i < BATCH; i++)
				fill_sample(&samples[i], n + i);
			since = now_seconds();
			assert_int_equal(
				detect_samples(detect, &traffic, samples, BATCH, &findings), 0);
			spent += now_seconds() - since;
		}
		traffic.start = traffic.end;
	}
	assert_int_equal(detect_tracked(detect), TRACKER_SOURCES_MAX);
	detect_tracker(detect, &status);
	assert_int_equal(status.evicted + status.refused, 0);
	assert_int_equal(findings.count, 0);
	print_message("%.0f bytes a source at a million, %.0f ns a sample\n",
		      (double)detect_memory_bytes(detect) / TRACKER_SOURCES_MAX,
		      spent * 1e9 / ROUNDS / TRACKER_SOURCES_MAX);
	assert_true(detect_memory_bytes(detect) <= 256ull * TRACKER_SOURCES_MAX);
	finding_list_free(&findings);
	detect_free(&detect);
	config_free(&config);
}

/* Sources that have done this and that, long ago: windows that hold nothing are not kept for it. */
static void test_empty_windows_are_freed(void **state)
{
	enum { SOURCES = 5000, KINDS = 4, PAUSE = 60 };
	static struct sample samples[SOURCES];
	struct config *config = config_defaults();
	struct finding_list findings = { 0 };
	struct traffic traffic = { .start = { .boot_ns = START_NS } };
	struct detect *detect;
	uint64_t first = 0;

	(void)state;
	assert_int_equal(detect_new(config, &detect), 0);
	for (uint32_t second = 0; second < KINDS * PAUSE; second++) {
		bool now = second % PAUSE == 0;

		traffic.end.boot_ns = traffic.start.boot_ns + SECOND;
		for (uint32_t n = 0; n < SOURCES; n++) {
			struct table_entry *entry = &samples[n].entry;

			fill_sample(&samples[n], n);
			entry->syn = entry->established = 0;
			entry->answers = entry->packets;
			if (now) /* SYN, UDP, ICMP, bytes */
				*(uint32_t *[]){ &entry->syn, &entry->udp, &entry->icmp,
						 &entry->packets }[second / PAUSE] = 100000;
			entry->hosts[TRY_TCP] = entry->targets = 0;
		}
		findings.count = 0;
		assert_int_equal(detect_samples(detect, &traffic, samples, SOURCES, &findings), 0);
		if (second == PAUSE - 1)
			first = detect_memory_bytes(detect);
		traffic.start = traffic.end;
	}
	assert_int_equal(detect_memory_bytes(detect), first);
	finding_list_free(&findings);
	detect_free(&detect);
	config_free(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_again),
		cmocka_unit_test(test_many_sources_are_all_there),
		cmocka_unit_test(test_forgets_the_silent),
		cmocka_unit_test(test_flood_evicts_the_least_interesting),
		cmocka_unit_test(test_windows_are_bounded),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_a_million_sources_fit),
		cmocka_unit_test(test_empty_windows_are_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
