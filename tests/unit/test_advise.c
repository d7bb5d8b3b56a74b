/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits that are proposed, and what others would have done, from a history with known numbers. */
#include "record_files.h"
#include <errno.h>
#include "advise/advise.h"
#include "advise/suggest.h"
#include "advise/whatif.h"
#include "base/json.h"
#include "record/database.h"
#include "record/peaks.h"

#define HOUR (3600 * NS_PER_SECOND)

static const struct moment NOON = { .boot_ns = 5000 * NS_PER_SECOND,
				    .wall_ns = 1769860800 * NS_PER_SECOND }; /* 2026-01-31T12:00Z */

/* ---- a history ------------------------------------------------------------------------------- */

static struct peak_row *new_row(int64_t hours_later, enum detector_id detector, uint64_t count,
				uint32_t seconds)
{
	struct peak_row *row = calloc(1, sizeof(*row));

	assert_non_null(row);
	row->start = moment_plus(NOON, hours_later * HOUR);
	row->duration_ns = HOUR;
	row->detector = detector;
	row->limit = (struct limit){ count, seconds };
	return row;
}

/* The largest first. */
static void add_source(struct peak_row *row, const char *source, uint64_t peak, bool found)
{
	struct peak_source *top = &row->top[row->top_count++];

	assert_int_equal(prefix_parse(source, &top->source), 0);
	top->peak = peak;
	top->found = found;
	peak_add(found ? &row->found : &row->peace, peak, 1);
}

/* n sources without names, as when there were more than names are kept. */
static void add_crowd(struct peak_row *row, uint64_t peak, uint64_t n)
{
	peak_add(&row->peace, peak, n);
}

/* Stores and frees it. */
static void put(struct peak_row *row)
{
	struct peaks_record *record = peaks_record_new(row);
	struct database *db = NULL;
	char error[DATABASE_ERROR] = "";

	assert_non_null(record);
	if (database_open(file, BOOT_A, &db, error))
		fail_msg("%s", error);
	assert_int_equal(database_put_peaks(db, &record->line), 0);
	database_close(&db);
	free(record);
	free(row);
}

/* 2000 sources with 100 UDP packets at most, one with 3000; two were found at 90000. */
static void put_busy_hour(int64_t hours_later)
{
	struct peak_row *row = new_row(hours_later, DETECTOR_UDP_FLOOD, 20000, 1);

	add_source(row, "192.0.2.66", 90000, true);
	add_source(row, "192.0.2.67", 30000, true);
	add_source(row, "198.51.100.7", 3000, false);
	for (unsigned int i = 0; i < PEAK_TOP - 3; i++) {
		char text[32];

		snprintf(text, sizeof(text), "198.18.0.%u", i);
		add_source(row, text, 100, false);
	}
	add_crowd(row, 100, 2000 - PEAK_TOP + 3);
	put(row);
}

/* ---- suggest --------------------------------------------------------------------------------- */

struct advice {
	struct past past;
	struct config *defaults;
	struct suggestion *suggestions;
	int count;
};

static void ask(struct advice *advice, int64_t last_ns)
{
	char error[HISTORY_ERROR] = "";

	if (past_read(file, last_ns, &advice->past, error))
		fail_msg("%s", error);
	advice->defaults = config_defaults();
	advice->count = suggest_make(&advice->past, advice->defaults, &advice->suggestions);
}

static void forget(struct advice *advice)
{
	past_free(&advice->past);
	config_free(&advice->defaults);
	free(advice->suggestions);
}

static const struct suggestion *about(const struct advice *advice, enum detector_id detector,
				      uint32_t seconds)
{
	for (int i = 0; i < advice->count; i++) {
		const struct suggestion *s = &advice->suggestions[i];

		if (s->past->detector == detector && s->past->seconds == seconds)
			return s;
	}
	fail_msg("no suggestion for %s", detector_name(detector));
	return NULL;
}

static void limit_comes_from_peace(void **state)
{
	struct advice advice;
	const struct suggestion *s;

	(void)state;
	put_busy_hour(0);
	put_busy_hour(1);
	ask(&advice, 0);
	assert_null(suggest_refuses(&advice.past));
	s = about(&advice, DETECTOR_UDP_FLOOD, 1);
	assert_int_equal(s->past->peace.sources, 2 * 2001);
	assert_in_range(s->p50, 100, 101);
	assert_in_range(s->p99_9, 100, 101);
	assert_int_equal(s->past->peace.largest, 3000);
	assert_int_equal(s->past->found.sources, 4);
	assert_int_equal(s->count, 4500); /* half as much again as the largest */
	assert_true(s->changed);
	forget(&advice);
}

static void attackers_do_not_raise_it(void **state)
{
	struct peak_row *row = new_row(0, DETECTOR_SYN_FLOOD, 200, 2);
	struct advice advice;
	const struct suggestion *s;

	(void)state;
	add_source(row, "192.0.2.66", 100000, true);
	add_source(row, "192.0.2.99", 190, false);
	add_crowd(row, 2, 500);
	put(row);
	ask(&advice, 0);
	s = about(&advice, DETECTOR_SYN_FLOOD, 2);
	assert_int_equal(s->count, 200); /* 285 would be above today's */
	assert_false(s->changed);
	assert_non_null(strstr(s->says, "peace asks for 380, not raised: 1 source was found"));
	forget(&advice);
}

static void near_miss_without_attackers_raises_it(void **state)
{
	struct peak_row *row = new_row(0, DETECTOR_SYN_FLOOD, 200, 2);
	struct advice advice;
	const struct suggestion *s;

	(void)state;
	add_source(row, "192.0.2.99", 190, false);
	add_crowd(row, 2, 500);
	put(row);
	ask(&advice, 0);
	s = about(&advice, DETECTOR_SYN_FLOOD, 2);
	assert_int_equal(s->count, 380);
	assert_non_null(strstr(s->says, "95 %"));
	forget(&advice);
}

static void quiet_box_gets_the_floor(void **state)
{
	struct peak_row *row = new_row(0, DETECTOR_PACKET_FLOOD, 15000, 10);
	struct advice advice;

	(void)state;
	add_source(row, "192.0.2.99", 70, false);
	add_crowd(row, 2, 500);
	put(row);
	ask(&advice, 0);
	assert_int_equal(about(&advice, DETECTOR_PACKET_FLOOD, 10)->count, 1500);
	assert_int_equal(suggest_floor(20), 10);
	assert_int_equal(suggest_floor(300), 100);
	assert_int_equal(suggest_floor(5000), 500);
	assert_int_equal(suggest_floor(1), 1);
	forget(&advice);
}

static void little_history_is_said(void **state)
{
	struct peak_row *row = new_row(0, DETECTOR_SYN_FLOOD, 200, 2);
	struct advice advice;

	(void)state;
	add_crowd(row, 2, 500);
	row->duration_ns = 3599 * NS_PER_SECOND;
	put(row);
	ask(&advice, 0);
	assert_non_null(strstr(suggest_refuses(&advice.past), "too little history"));
	assert_int_equal(about(&advice, DETECTOR_SYN_FLOOD, 2)->count, 200);
	assert_false(about(&advice, DETECTOR_SYN_FLOOD, 2)->changed);
	forget(&advice);
	sql_run("DELETE FROM peaks");
	ask(&advice, 0);
	assert_non_null(strstr(suggest_refuses(&advice.past), "nothing is recorded"));
	forget(&advice);
}

static void few_sources_are_no_measure(void **state)
{
	struct peak_row *row = new_row(0, DETECTOR_SYN_FLOOD, 200, 2);
	struct advice advice;

	(void)state;
	add_crowd(row, 2, SUGGEST_SOURCES_MIN - 1);
	put(row);
	ask(&advice, 0);
	assert_null(suggest_refuses(&advice.past));
	assert_false(about(&advice, DETECTOR_SYN_FLOOD, 2)->changed);
	assert_non_null(strstr(about(&advice, DETECTOR_SYN_FLOOD, 2)->says, "few sources"));
	forget(&advice);
}

static void only_limits_in_force_count(void **state)
{
	struct peak_row *old = new_row(0, DETECTOR_SYN_FLOOD, 100, 5);
	struct peak_row *new = new_row(1, DETECTOR_SYN_FLOOD, 200, 2);
	struct advice advice;

	(void)state;
	add_crowd(old, 2, 500);
	add_crowd(new, 2, 500);
	put(old);
	put(new);
	put_busy_hour(1);
	ask(&advice, 0);
	assert_int_equal(advice.count, 2);
	assert_int_equal(advice.past.covered_ns, 2 * HOUR);
	assert_int_equal(advice.past.first_ns, NOON.wall_ns);
	assert_int_equal(advice.past.end_ns, NOON.wall_ns + 2 * HOUR);
	forget(&advice);
	ask(&advice, HOUR);
	assert_int_equal(advice.past.covered_ns, HOUR);
	forget(&advice);
}

/* What is printed is a configuration that loads, with these limits. */
static void fragment_is_a_configuration(void **state)
{
	struct peak_row *fast = new_row(0, DETECTOR_SYN_FLOOD, 200, 2);
	struct peak_row *slow = new_row(0, DETECTOR_SYN_FLOOD, 500, 10);
	struct peak_row *scan = new_row(0, DETECTOR_PORT_SCAN, 20, 10);
	struct cli_query query = { .database = file };
	struct json *data = NULL;
	struct config *config = NULL;
	char error[CLI_ERROR] = "", *text;

	(void)state;
	add_crowd(fast, 300, 500);
	add_crowd(slow, 20, 500); /* less than in the short window: it would be refused */
	add_crowd(scan, 18, 5);
	put(fast);
	put(slow);
	put(scan);
	put_busy_hour(0);
	assert_int_equal(advise_suggest(&query, &data, error), 0);
	text = json_print(json_get(data, "fragment"));
	assert_non_null(text);
	if (config_parse(text, strlen(text), "/", &config, error))
		fail_msg("%s: %s", error, text);
	assert_int_equal(config->detectors[DETECTOR_UDP_FLOOD].limits[0].count, 4500);
	assert_int_equal(config->detectors[DETECTOR_UDP_FLOOD].limit_count, 1);
	assert_int_equal(config->detectors[DETECTOR_SYN_FLOOD].limits[0].count, 600);
	assert_int_equal(config->detectors[DETECTOR_SYN_FLOOD].limits[1].count, 601);
	assert_null(strstr(text, "port_scan")); /* nothing to change */
	config_free(&config);
	json_free(&data);
	free(text);
}

/* ---- whatif ---------------------------------------------------------------------------------- */

static struct config *parse(const char *text)
{
	struct config *config = NULL;
	char error[CONFIG_ERROR_TEXT];

	if (config_parse(text, strlen(text), "/", &config, error))
		fail_msg("%s", error);
	return config;
}

struct comparison {
	struct config *candidate, *today;
	struct whatif *whatif;
};

static void compare(struct comparison *c, const char *candidate, const char *today)
{
	char error[HISTORY_ERROR] = "";

	c->candidate = parse(candidate);
	c->today = parse(today);
	if (whatif_make(file, 0, c->candidate, c->today, &c->whatif, error))
		fail_msg("%s", error);
}

static void end(struct comparison *c)
{
	whatif_free(&c->whatif);
	config_free(&c->candidate);
	config_free(&c->today);
}

static const struct whatif_limit *limit_of(const struct comparison *c, enum detector_id detector,
					   uint32_t seconds)
{
	for (unsigned int i = 0; i < c->whatif->limit_count; i++) {
		const struct whatif_limit *limit = &c->whatif->limits[i];

		if (limit->detector == detector && limit->seconds == seconds)
			return limit;
	}
	fail_msg("no limit of %s", detector_name(detector));
	return NULL;
}

/* What it says about a limit. */
static void expect_says(const struct comparison *c, const char *detector, int64_t seconds,
			const char *part)
{
	struct json *json = whatif_json(c->whatif);
	int64_t value;

	json_for_each (limit, json_get(json, "limits")) {
		const char *says = json_to_string(json_get(limit, "says"));

		if (strcmp(json_to_string(json_get(limit, "detector")), detector) ||
		    !json_to_int(json_get(limit, "seconds"), &value) || value != seconds)
			continue;
		if (!strstr(says, part))
			fail_msg("\"%s\" is not in \"%s\"", part, says);
		json_free(&json);
		return;
	}
	fail_msg("nothing is said about %s %lld s", detector, (long long)seconds);
}

#define UDP(count) \
	"{\"detectors\":{\"udp_flood\":{\"limits\":[{\"count\":" count ",\"seconds\":1}]}}}"

static void sources_over_either_are_counted_and_named(void **state)
{
	const struct whatif_limit *limit;
	struct comparison c;

	(void)state;
	put_busy_hour(0);
	put_busy_hour(1);
	compare(&c, UDP("2500"), UDP("20000"));
	limit = limit_of(&c, DETECTOR_UDP_FLOOD, 1);
	assert_int_equal(limit->recorded_seconds, 1);
	assert_int_equal(limit->over.named, 3);
	assert_int_equal(limit->over.hours, 6);
	assert_true(limit->over.complete);
	assert_int_equal(limit->over_today.named, 2);
	assert_int_equal(limit->source_count, 3);
	assert_int_equal(limit->sources[0].peak, 90000);
	assert_true(limit->sources[0].found);
	assert_int_equal(limit->sources[2].peak, 3000);
	assert_true(limit->sources[2].over);
	assert_false(limit->sources[2].over_today);
	expect_says(&c, "udp_flood", 1, "3 sources would have been over it, today 2 sources");
	/* nothing else was recorded */
	expect_says(&c, "syn_flood", 2, "nothing was recorded");
	end(&c);
}

static void more_than_have_names_are_counted(void **state)
{
	const struct whatif_limit *limit;
	struct comparison c;

	(void)state;
	put_busy_hour(0);
	compare(&c, UDP("50"), UDP("20000"));
	limit = limit_of(&c, DETECTOR_UDP_FLOOD, 1);
	assert_int_equal(limit->over.named, PEAK_TOP);
	assert_int_equal(limit->over.hours, 2003);
	assert_false(limit->over.complete);
	expect_says(&c, "udp_flood", 1, "at least 100 sources");
	end(&c);
}

static void limit_itself_is_not_over(void **state)
{
	struct comparison c;

	(void)state;
	put_busy_hour(0);
	compare(&c, UDP("3000"), UDP("2999"));
	assert_int_equal(limit_of(&c, DETECTOR_UDP_FLOOD, 1)->over.named, 2);
	assert_int_equal(limit_of(&c, DETECTOR_UDP_FLOOD, 1)->over_today.named, 3);
	end(&c);
}

#define LIMITS(limits) "{\"detectors\":{\"udp_flood\":{\"limits\":[" limits "]}}}"

static void other_windows_are_reckoned_and_said(void **state)
{
	const struct whatif_limit *limit;
	struct comparison c;

	(void)state;
	put_busy_hour(0);
	compare(&c, LIMITS("{\"count\":29000,\"seconds\":10}"), UDP("20000"));
	limit = limit_of(&c, DETECTOR_UDP_FLOOD, 10);
	assert_int_equal(limit->recorded_seconds, 1);
	assert_int_equal(limit->over.named, 3); /* 3000 in a second are at most 30000 in ten */
	assert_int_equal(whatif_reckon(limit, limit->sources[2].peak), 30000);
	expect_says(&c, "udp_flood", 10, "reckoned from the window of 1 s");
	expect_says(&c, "udp_flood", 10, "not more than");
	/* today's window that would be gone */
	limit = limit_of(&c, DETECTOR_UDP_FLOOD, 1);
	assert_false(limit->wanted);
	assert_int_equal(limit->over_today.named, 2);
	expect_says(&c, "udp_flood", 1, "no longer there: 2 sources had been over it");
	end(&c);
}

static void switches_and_actions_are_said(void **state)
{
	struct comparison c;
	struct json *json;
	char *text;

	(void)state;
	put_busy_hour(0);
	compare(&c,
		"{\"detectors\":{\"udp_flood\":{\"enabled\":false},"
		"\"syn_flood\":{\"action\":\"alarm\"}},"
		"\"groups\":[{\"name\":\"office\",\"sources\":[\"198.51.100.0/28\"],"
		"\"detectors\":{\"icmp_flood\":{\"enabled\":false}}}],"
		"\"access\":{\"allow\":[\"198.51.100.0/24\"]}}",
		UDP("2000"));
	json = whatif_json(c.whatif);
	text = json_print(json);
	assert_non_null(strstr(text, "is on today, would be off"));
	assert_non_null(strstr(text, "action drop today, would be alarm"));
	assert_non_null(strstr(text, "\"source\":\"198.51.100.7\",\"peak\":3000,\"over\":false,"
				     "\"over_today\":true,\"found\":false,"
				     "\"group\":\"office\",\"allowed\":true"));
	assert_false(limit_of(&c, DETECTOR_UDP_FLOOD, 1)->wanted);
	assert_int_equal(limit_of(&c, DETECTOR_UDP_FLOOD, 1)->over_today.named, 3);
	json_free(&json);
	free(text);
	end(&c);
}

/* A limit of 0 is one: each single use is too many. */
static void limit_of_nothing_is_a_limit(void **state)
{
	struct peak_row *row = new_row(0, DETECTOR_UNAUTHORIZED, 0, 60);
	const struct whatif_limit *limit;
	struct comparison c;

	(void)state;
	add_source(row, "192.0.2.66", 3, true);
	add_source(row, "192.0.2.67", 1, true);
	put(row);
	compare(&c,
		"{\"detectors\":{\"unauthorized\":{\"limits\":[{\"count\":1,\"seconds\":60}]}}}",
		"{\"detectors\":{\"unauthorized\":{\"limits\":[{\"count\":0,\"seconds\":60}]}}}");
	limit = limit_of(&c, DETECTOR_UNAUTHORIZED, 60);
	assert_int_equal(limit->over.named, 1);
	assert_int_equal(limit->over_today.named, 2);
	expect_says(&c, "unauthorized", 60, "1 source would have been over it, today 2 sources");
	end(&c);
	compare(&c, "{\"detectors\":{\"unauthorized\":{\"enabled\":false}}}", "{}");
	expect_says(&c, "unauthorized", 60, "no longer there: 2 sources");
	end(&c);
}

static void bad_candidate_is_refused_as_check_does(void **state)
{
	struct cli_query query = { .database = file };
	char error[CLI_ERROR] = "", path[PATH_MAX], expected[CONFIG_ERROR_TEXT];
	struct config *config = NULL;
	struct json *data = NULL;

	(void)state;
	put_busy_hour(0);
	snprintf(path, sizeof(path), "%s/new.json", folder);
	write_whole(path, "{\"detectrs\":{}}", 15);
	query.candidate = path;
	assert_true(config_load(path, &config, expected) < 0);
	assert_true(advise_whatif(&query, &data, error) < 0);
	assert_string_equal(error, expected);
	write_whole(path, UDP("2500"), strlen(UDP("2500")));
	query.config = path;
	assert_int_equal(advise_whatif(&query, &data, error), 0);
	json_free(&data);
	query.config = ""; /* what a daemon without a file says */
	assert_int_equal(advise_whatif(&query, &data, error), 0);
	assert_string_equal(json_to_string(json_get(data, "today")), "");
	json_free(&data);
	query.config = "/nowhere/config.json";
	assert_true(advise_whatif(&query, &data, error) < 0);
	assert_non_null(strstr(error, "today's configuration"));
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(limit_comes_from_peace),
		in_folder(attackers_do_not_raise_it),
		in_folder(near_miss_without_attackers_raises_it),
		in_folder(quiet_box_gets_the_floor),
		in_folder(little_history_is_said),
		in_folder(few_sources_are_no_measure),
		in_folder(only_limits_in_force_count),
		in_folder(fragment_is_a_configuration),
		in_folder(sources_over_either_are_counted_and_named),
		in_folder(more_than_have_names_are_counted),
		in_folder(limit_itself_is_not_over),
		in_folder(other_windows_are_reckoned_and_said),
		in_folder(switches_and_actions_are_said),
		in_folder(limit_of_nothing_is_a_limit),
		in_folder(bad_candidate_is_refused_as_check_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
