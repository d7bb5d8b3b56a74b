/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sources came to: histograms against exact numbers, periods, too many sources, attackers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/address.h"
#include "detect/detect.h"
#include "detect/peaks.h"

#define SECOND	 NS_PER_SECOND
#define INTERVAL (250 * NS_PER_MS)

/* ---- histograms ------------------------------------------------------------------------------ */

static void buckets_are_next_to_each_other(void **state)
{
	(void)state;
	for (unsigned int i = 0; i + 1 < PEAK_BUCKETS; i++) {
		uint64_t end = peak_bucket_end(i);

		assert_int_equal(peak_bucket(end), i);
		assert_int_equal(peak_bucket(end + 1), i + 1);
		/* the error of saying its end for its first number */
		assert_true(peak_bucket_end(i + 1) - (end + 1) <= (end + 1) / 32);
	}
	assert_int_equal(peak_bucket(UINT64_MAX), PEAK_BUCKETS - 1);
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void percentiles_are_near_the_exact_ones(void **state)
{
	static const double shares[] = { 0.01, 0.5, 0.9, 0.99, 0.999, 1 };
	static uint64_t numbers[10000];
	struct peak_histogram *histogram = calloc(1, sizeof(*histogram));
	uint64_t random = 1;

	(void)state;
	for (size_t i = 0; i < 10000; i++) {
		random = random * 6364136223846793005 + 1442695040888963407;
		numbers[i] = 1 + (random >> 33) % (1ULL << (random >> 60) * 2);
		peak_add(histogram, numbers[i], 1);
	}
	qsort(numbers, 10000, sizeof(numbers[0]), compare_numbers);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		uint64_t exact = numbers[(size_t)(shares[i] * 10000) - 1];
		uint64_t told = peak_percentile(histogram, shares[i]);

		assert_in_range(told, exact, exact + exact / 31 + 1);
	}
	assert_int_equal(histogram->largest, numbers[9999]);
	assert_int_equal(peak_percentile(histogram, 1), numbers[9999]);
	for (size_t i = 0; i < 10000; i += 997) {
		uint64_t exact = 0, told = peak_above(histogram, numbers[i]);

		for (size_t j = 0; j < 10000; j++)
			exact += numbers[j] > numbers[i];
		assert_in_range(told, exact, exact + exact / 4 + 200);
	}
	free(histogram);
}

static void nothing_has_no_percentiles(void **state)
{
	struct peak_histogram *histogram = calloc(1, sizeof(*histogram));

	(void)state;
	assert_int_equal(peak_percentile(histogram, 0.5), 0);
	assert_int_equal(peak_above(histogram, 0), 0);
	free(histogram);
}

/* Where some sources stand for others, the names that are known are not all. */
static void names_are_not_counted_for_others(void **state)
{
	struct peak_row *row = calloc(1, sizeof(*row));

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		row->top[i].peak = 90 - 30 * i; /* 90, 60, 30 */
	row->top_count = 3;
	peak_add(&row->peace, 90, 1);
	peak_add(&row->peace, 60, 1);
	peak_add(&row->peace, 30, 500);
	row->whole_above = 50;
	assert_int_equal(peak_row_above(row, 70), 1);
	assert_int_equal(peak_row_above(row, 50), 2);
	assert_int_equal(peak_row_above(row, 20), 502);
	free(row);
}

/* ---- a box that is watched ------------------------------------------------------------------- */

struct box {
	struct config *config;
	struct detect *detect;
	struct moment now;
	struct finding_list findings;
	struct peak_row *rows;
	size_t row_count;
};

static void box_limit(struct box *box, enum detector_id id, uint64_t count, uint32_t seconds)
{
	struct detector_config *detector = &box->config->detectors[id];

	detector->enabled = true;
	detector->limits[detector->limit_count++] = (struct limit){ count, seconds };
}

static int set_up(void **state)
{
	struct box *box = calloc(1, sizeof(*box));

	*state = box;
	box->config = config_defaults();
	for (unsigned int i = 0; i < DETECTOR_COUNT; i++)
		box->config->detectors[i] = (struct detector_config){ 0 };
	box_limit(box, DETECTOR_PACKET_FLOOD, 1000000, 10);
	box_limit(box, DETECTOR_SYN_FLOOD, 200, 2);
	box_limit(box, DETECTOR_PORT_SCAN, 20, 10);
	box->now = (struct moment){ 5000 * SECOND, 1769860800 * SECOND };
	return detect_new(box->config, &box->detect);
}

static int tear_down(void **state)
{
	struct box *box = *state;

	detect_free(&box->detect);
	config_free(&box->config);
	finding_list_free(&box->findings);
	free(box->rows);
	free(box);
	return 0;
}

/* The n-th source, with that many packets and unanswered SYNs of one interval. */
static struct sample sample_of(uint32_t n, uint32_t packets, uint32_t syn)
{
	struct sample sample = { 0 };

	sample.entry.address = address_from_ipv4(__builtin_bswap32(0xc6120000 + n));
	sample.entry.prefix_len = PREFIX_LEN_FULL;
	sample.entry.packets = packets;
	sample.entry.bytes = packets * 100ULL;
	sample.entry.syn = syn;
	return sample;
}

static void box_pass(struct box *box, const struct sample *samples, size_t n)
{
	struct traffic traffic = { .start = box->now, .end = moment_plus(box->now, INTERVAL) };

	box->now = traffic.end;
	assert_int_equal(detect_samples(box->detect, &traffic, samples, n, &box->findings), 0);
}

/* What there is, as the only row of that detector. */
static const struct peak_row *box_row(struct box *box, int64_t period_ns, enum detector_id id)
{
	free(box->rows);
	box->rows = NULL;
	assert_int_equal(detect_peaks(box->detect, period_ns, &box->rows, &box->row_count), 0);
	for (size_t i = 0; i < box->row_count; i++) {
		if (box->rows[i].detector == id)
			return &box->rows[i];
	}
	fail_msg("no row of %s", detector_name(id));
	return NULL;
}

#define HOUR (3600 * SECOND)

static void steady_source_comes_to_its_rate(void **state)
{
	struct address first = sample_of(1, 0, 0).entry.address;
	struct box *box = *state;
	const struct peak_row *row;

	/* 40 a second are 400 in 10 s: far below 1/128 of the limit, where others have no window */
	for (int i = 0; i < 200; i++) {
		struct sample sample = sample_of(1, 10, 0);

		box_pass(box, &sample, 1);
	}
	row = box_row(box, HOUR, DETECTOR_PACKET_FLOOD);
	assert_int_equal(row->peace.sources, 1);
	assert_in_range(row->peace.largest, 400 - 64, 400 + 30);
	assert_int_equal(row->limit.count, 1000000);
	assert_int_equal(row->limit.seconds, 10);
	assert_int_equal(row->duration_ns, 50 * SECOND);
	assert_string_equal(row->config_hash, box->config->hash);
	assert_int_equal(row->top_count, 1);
	assert_true(address_equal(&row->top[0].source.address, &first));
	assert_int_equal(row->top[0].peak, row->peace.largest);
	/* nothing that this detector counts */
	assert_int_equal(box_row(box, HOUR, DETECTOR_SYN_FLOOD)->peace.sources, 0);
}

static void burst_stays_the_peak(void **state)
{
	struct box *box = *state;
	struct sample burst = sample_of(1, 50000, 30), later = sample_of(1, 4, 1);

	box_pass(box, &burst, 1);
	for (int i = 0; i < 200; i++)
		box_pass(box, &later, 1);
	assert_int_equal(box_row(box, HOUR, DETECTOR_PACKET_FLOOD)->peace.largest / 1000, 50);
	assert_in_range(box_row(box, HOUR, DETECTOR_SYN_FLOOD)->peace.largest, 36, 39);
}

static void period_turns(void **state)
{
	struct box *box = *state;
	struct sample loud = sample_of(1, 90000, 0), quiet = sample_of(2, 7, 0);
	const struct peak_row *row;
	struct moment turn;

	for (int i = 0; i < 16; i++) /* 4 s */
		box_pass(box, i ? NULL : &loud, !i);
	assert_int_equal(box_row(box, 5 * SECOND, DETECTOR_PACKET_FLOOD)->peace.sources, 1);
	for (int i = 0; i < 8; i++) /* 6 s */
		box_pass(box, NULL, 0);
	row = box_row(box, 5 * SECOND, DETECTOR_PACKET_FLOOD);
	assert_int_equal(row->peace.largest, 90000);
	assert_int_equal(row->duration_ns, 6 * SECOND);
	turn = box->now;
	box_pass(box, &quiet, 1);
	row = box_row(box, 5 * SECOND, DETECTOR_PACKET_FLOOD);
	assert_int_equal(row->peace.sources, 1);
	assert_int_equal(row->peace.largest, 7);
	assert_int_equal(row->start.wall_ns, turn.wall_ns);
	assert_int_equal(row->duration_ns, INTERVAL);
}

static void new_limits_begin_a_period(void **state)
{
	struct box *box = *state;
	struct sample loud = sample_of(1, 90000, 0);

	box_pass(box, &loud, 1);
	box->config->detectors[DETECTOR_PACKET_FLOOD].limits[0].count = 500000;
	assert_int_equal(detect_reconfigure(box->detect, box->config), 0);
	assert_int_equal(detect_peaks(box->detect, HOUR, &box->rows, &box->row_count), 0);
	assert_int_equal(box->row_count, 0);
	box_pass(box, &loud, 1);
	assert_int_equal(box_row(box, HOUR, DETECTOR_PACKET_FLOOD)->limit.count, 500000);
	assert_in_range(box->rows[0].peace.largest, 179900, 180000);
}

static void found_sources_are_apart(void **state)
{
	struct box *box = *state;
	struct sample samples[] = { sample_of(1, 400, 3), sample_of(2, 900, 500),
				    sample_of(3, 500, 2) };
	const struct peak_row *row;

	box_pass(box, samples, 3);
	assert_int_equal(box->findings.count, 1);
	row = box_row(box, HOUR, DETECTOR_SYN_FLOOD);
	assert_int_equal(row->peace.sources, 2);
	assert_int_equal(row->peace.largest, 3);
	assert_int_equal(row->found.sources, 1);
	assert_int_equal(row->found.largest, 500);
	assert_true(row->top[0].found);
	assert_false(row->top[1].found);
	/* all that an attacker sent is an attacker's */
	row = box_row(box, HOUR, DETECTOR_PACKET_FLOOD);
	assert_int_equal(row->peace.largest, 500);
	assert_int_equal(row->found.largest, 900);
}

/* A rule takes back what was tried before it, so the drained interval alone finds nothing. */
static void what_was_found_at_a_wake_up_is_apart(void **state)
{
	struct box *box = *state;
	struct sample first = sample_of(1, 20, 3), rest = sample_of(1, 1, 0);
	struct table_entry copy = sample_of(1, 300, 250).entry;

	box_pass(box, &first, 1);
	assert_int_equal(detect_provisional(box->detect, &copy,
					    moment_plus(box->now, 100 * NS_PER_MS), &box->findings),
			 0);
	assert_int_equal(box->findings.count, 1);
	box_pass(box, &rest, 1);
	assert_int_equal(box_row(box, HOUR, DETECTOR_SYN_FLOOD)->peace.sources, 0);
	assert_int_equal(box_row(box, HOUR, DETECTOR_SYN_FLOOD)->found.largest, 253);
}

/* Limits that are worked out from others cannot be configured, so nothing is suggested for them. */
static void derived_limits_have_no_rows(void **state)
{
	struct box *box = *state;
	struct sample scan = sample_of(1, 5000, 40);
	const struct peak_row *row;
	unsigned int rows = 0;

	box_limit(box, DETECTOR_STEALTH_SCAN, 30, 10);
	box_limit(box, DETECTOR_MALFORMED, 200, 10);
	assert_int_equal(detect_reconfigure(box->detect, box->config), 0);
	scan.entry.odd_flags = 7; /* what the limit is of; the others are derived */
	scan.entry.stray = 4000;
	scan.entry.protocols = 0xf;
	scan.entry.malformed = 9;
	box_pass(box, &scan, 1);
	row = box_row(box, HOUR, DETECTOR_STEALTH_SCAN);
	assert_int_equal(row->limit.count, 30);
	assert_int_equal(row->limit.seconds, 10);
	assert_int_equal(row->found.largest, 7); /* by its protocols */
	assert_int_equal(box->findings.items[0].detector, DETECTOR_STEALTH_SCAN);
	assert_int_equal(box_row(box, HOUR, DETECTOR_MALFORMED)->found.largest, 9);
	assert_int_equal(box_row(box, HOUR, DETECTOR_SYN_FLOOD)->found.largest, 40);
	for (unsigned int i = 0; i < DETECTOR_COUNT; i++)
		rows += box->config->detectors[i].limit_count;
	assert_int_equal(box->row_count, rows);
}

/* Who has limits of a group says nothing about those for all, found or not. */
static void groups_are_left_out(void **state)
{
	static const char text[] =
		"{\"groups\": [{\"name\": \"office\", \"sources\": [\"198.18.0.1\"],"
		" \"detectors\": {\"syn_flood\": {\"limits\": [{\"count\": 5, \"seconds\": 2}]}}},"
		" {\"name\": \"web\", \"ports\": [443]}]}";
	struct sample samples[] = { sample_of(1, 800, 6), sample_of(2, 700, 2),
				    sample_of(3, 900, 4) };
	char error[CONFIG_ERROR_TEXT] = "";
	struct box *box = *state;
	const struct peak_row *row;

	config_free(&box->config);
	if (config_parse(text, strlen(text), "/", &box->config, error))
		fail_msg("%s", error);
	assert_int_equal(detect_reconfigure(box->detect, box->config), 0);
	samples[2].entry.last_port = 443;
	box_pass(box, samples, 3);
	assert_int_equal(box->findings.count, 1);
	assert_string_equal(box->findings.items[0].group, "office");
	assert_int_equal(detect_provisional(box->detect, &samples[0].entry,
					    moment_plus(box->now, NS_PER_MS), &box->findings),
			 0);
	assert_int_equal(box->findings.count, 2);
	row = box_row(box, HOUR, DETECTOR_PACKET_FLOOD);
	assert_int_equal(row->limit.count, 2000);
	assert_int_equal(row->peace.sources, 1);
	assert_int_equal(row->peace.largest, 700);
	assert_int_equal(row->top_count, 1);
	assert_true(address_equal(&row->top[0].source.address, &samples[1].entry.address));
	row = box_row(box, HOUR, DETECTOR_SYN_FLOOD);
	assert_int_equal(row->limit.count, 200); /* the first of two */
	assert_int_equal(row->peace.largest, 2);
	assert_int_equal(row->found.sources, 0);
}

/* ---- more sources than are watched ----------------------------------------------------------- */

#define MANY 200000u
#define NEAR 50u /* of these come near the limit, at the end */

static struct sample *make_crowd(void)
{
	struct sample *samples = calloc(MANY, sizeof(*samples));

	assert_non_null(samples);
	for (uint32_t i = 0; i < MANY; i++) /* a third of them with 2 packets, two with 40 */
		samples[i] = sample_of(i, i % 3 ? 40 : 2, 0);
	for (uint32_t i = 0; i < NEAR; i++)
		samples[MANY - 1 - i] = sample_of(MANY + i, 500000 + i * 1000, 0);
	return samples;
}

static void crowd_is_estimated_and_the_near_ones_are_named(void **state)
{
	struct box *box = *state;
	struct sample *samples = make_crowd();
	uint64_t before = detect_memory_bytes(box->detect), sources;
	const struct peak_row *row;

	for (uint32_t i = 0; i < MANY; i += 1000)
		box_pass(box, samples + i, 1000);
	row = box_row(box, HOUR, DETECTOR_PACKET_FLOOD);
	/* five standard deviations of the estimates */
	assert_in_range(row->peace.sources, MANY * 80 / 100, MANY * 120 / 100);
	assert_int_equal(peak_percentile(&row->peace, 0.1), 2);
	assert_in_range(peak_percentile(&row->peace, 0.6), 40, 41);
	assert_in_range(peak_bucket_end(peak_bucket(row->peace.largest)), 549000, 549000 * 33 / 32);
	for (uint32_t i = 0; i < NEAR; i++)
		assert_in_range(row->top[i].peak, 548000 - 1000 * i, 549000 - 1000 * i);
	assert_true(row->whole_above < 500000);
	assert_int_equal(peak_row_above(row, 520500), 29);
	sources = row->peace.counts[2];
	assert_in_range(sources, MANY / 3 * 40 / 100, MANY / 3 * 160 / 100);
	/* 88 bytes for each are the tracker's; hashes and what is watched are bounded */
	assert_true(detect_memory_bytes(box->detect) - before < MANY * 92ull + 4000000);
	free(samples);
}

/* Single SYNs from anywhere must not push out what ordinary sources came to. */
static void random_sources_do_not_hide_ordinary_ones(void **state)
{
	struct box *box = *state;
	struct sample *samples = calloc(MANY, sizeof(*samples));
	const struct peak_row *row;

	for (uint32_t i = 0; i < MANY; i++)
		samples[i] = i % 500 ? sample_of(i, 1, 1) : sample_of(i, 3000 + i % 7, 0);
	for (uint32_t i = 0; i < MANY; i += 1000)
		box_pass(box, samples + i, 1000);
	row = box_row(box, HOUR, DETECTOR_PACKET_FLOOD);
	assert_true(row->whole_above < 3000);
	assert_int_equal(peak_row_above(row, 2999), MANY / 500);
	free(samples);
}

int main(void)
{
#define BOX(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_are_next_to_each_other),
		cmocka_unit_test(percentiles_are_near_the_exact_ones),
		cmocka_unit_test(nothing_has_no_percentiles),
		cmocka_unit_test(names_are_not_counted_for_others),
		BOX(steady_source_comes_to_its_rate),
		BOX(burst_stays_the_peak),
		BOX(period_turns),
		BOX(new_limits_begin_a_period),
		BOX(found_sources_are_apart),
		BOX(what_was_found_at_a_wake_up_is_apart),
		BOX(derived_limits_have_no_rows),
		BOX(groups_are_left_out),
		BOX(crowd_is_estimated_and_the_near_ones_are_named),
		BOX(random_sources_do_not_hide_ordinary_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
