/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/clock: moments, their text, durations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "base/clock.h"

static void moment_now_reads_both_clocks(void **state)
{
	struct timespec before, after;
	struct moment now, later;
	time_t wall = time(NULL);

	(void)state;
	clock_gettime(CLOCK_BOOTTIME, &before);
	now = moment_now();
	later = moment_now();
	clock_gettime(CLOCK_BOOTTIME, &after);
	assert_true(now.boot_ns >= before.tv_sec * NS_PER_SECOND + before.tv_nsec);
	assert_true(now.boot_ns <= after.tv_sec * NS_PER_SECOND + after.tv_nsec);
	assert_true(later.boot_ns >= now.boot_ns);
	assert_in_range(now.wall_ns / NS_PER_SECOND, wall - 1, time(NULL));
}

static void moment_plus_moves_both_clocks(void **state)
{
	struct moment m = moment_plus((struct moment){ 10, 1000 }, -3);

	(void)state;
	assert_true(m.boot_ns == 7 && m.wall_ns == 997);
	m = moment_plus((struct moment){ INT64_MAX - 1, 5 }, 100);
	assert_true(m.boot_ns == INT64_MAX && m.wall_ns == 105);
	m = moment_plus((struct moment){ INT64_MIN + 1, 5 }, -100);
	assert_true(m.boot_ns == INT64_MIN && m.wall_ns == -95);
}

static void moment_text_round_trip(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 1769860800123000000, "2026-01-31T12:00:00.123Z" },
		{ 1709251199999000000, "2024-02-29T23:59:59.999Z" },
		{ -1000000, "1969-12-31T23:59:59.999Z" },
		{ 951782400000000000, "2000-02-29T00:00:00.000Z" },
	};
	char buf[MOMENT_TEXT];
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		moment_format((struct moment){ .wall_ns = cases[i].ns }, buf);
		assert_string_equal(buf, cases[i].text);
		assert_int_equal(wall_parse(buf, &ns), 0);
		assert_true(ns == cases[i].ns);
	}
	/* Finer than milliseconds is cut, never rounded into the next one. */
	moment_format((struct moment){ .wall_ns = 1999999 }, buf);
	assert_string_equal(buf, "1970-01-01T00:00:00.001Z");
}

static void wall_parse_fractions(void **state)
{
	int64_t ns;

	(void)state;
	assert_int_equal(wall_parse("1970-01-01T00:00:01Z", &ns), 0);
	assert_true(ns == NS_PER_SECOND);
	assert_int_equal(wall_parse("1970-01-01T00:00:01.5Z", &ns), 0);
	assert_true(ns == 1500 * NS_PER_MS);
	assert_int_equal(wall_parse("1970-01-01T00:00:00.123456789Z", &ns), 0);
	assert_true(ns == 123456789);
}

static void wall_parse_refuses(void **state)
{
	static const char *const cases[] = {
		"",
		"2026-01-31",
		"2026-01-31T12:00:00",
		"2026-01-31 12:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:60Z",
		"2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00+00:00",
		"2026-01-01T00:00:00Zx",
		"26-01-01T00:00:00Z",
		"2026-1-1T00:00:00Z",
		"9999-01-01T00:00:00Z",
		"2026-01-01T00:00:00.1234567890Z",
	};
	int64_t ns = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (wall_parse(cases[i], &ns) != -EINVAL)
			fail_msg("%s is not a time", cases[i]);
		assert_true(ns == 42);
	}
}

static void duration_units(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} cases[] = { { "90", 90 },   { "90s", 90 },   { "10m", 600 },
		      { "2h", 7200 }, { "1d", 86400 }, { "9223372036", 9223372036 } };
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(duration_parse(cases[i].text, &ns), 0);
		assert_true(ns == cases[i].seconds * NS_PER_SECOND);
	}
}

static void duration_refuses(void **state)
{
	static const char *const cases[] = { "",	   "s",	      "0",
					     "0m",	   "-5",      "+5",
					     "5x",	   "5ms",     "1.5h",
					     " 5",	   "5 ",      "5M",
					     "9223372037", "106752d", "99999999999999999999999" };
	int64_t ns = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (duration_parse(cases[i], &ns) != -EINVAL)
			fail_msg("%s is not a duration", cases[i]);
		assert_true(ns == 42);
	}
}

static void test_spans(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0 s" },
		{ -5, "0 s" },
		{ 1, "1 s" },
		{ 59 * NS_PER_SECOND, "59 s" },
		{ 60 * NS_PER_SECOND, "1 min" },
		{ 599999999999, "10 min" },
		{ 605 * NS_PER_SECOND, "10 min 5 s" },
		{ 3600 * NS_PER_SECOND, "1 h" },
		{ 3659 * NS_PER_SECOND, "1 h" },
		{ 86400 * NS_PER_SECOND, "1 d" },
		{ 90061 * NS_PER_SECOND, "1 d 1 h" },
		{ INT64_MAX, "106751 d 23 h" },
	};
	char buf[SPAN_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(span_format(cases[i].ns, buf), cases[i].text);
}

static void test_local_times(void **state)
{
	struct moment now = { .wall_ns = 1769860800 * NS_PER_SECOND }; /* 12:00:00 UTC */
	char buf[MOMENT_TEXT];

	(void)state;
	setenv("TZ", "Etc/GMT-2", 1); /* two hours ahead */
	tzset();
	assert_string_equal(local_format(now, now, buf), "14:00:00");
	assert_string_equal(local_format(moment_plus(now, 36000 * NS_PER_SECOND), now, buf),
			    "2026-02-01 00:00:00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spans),
		cmocka_unit_test(test_local_times),
		cmocka_unit_test(moment_now_reads_both_clocks),
		cmocka_unit_test(moment_plus_moves_both_clocks),
		cmocka_unit_test(moment_text_round_trip),
		cmocka_unit_test(wall_parse_fractions),
		cmocka_unit_test(wall_parse_refuses),
		cmocka_unit_test(duration_units),
		cmocka_unit_test(duration_refuses),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
