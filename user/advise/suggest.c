/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what sources came to in peace to limits that fit this box, with the reason of each. Sources
 * that were found count for nothing but a word of warning.
 */
#include "advise/suggest.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "advise/answer.h"

uint64_t suggest_floor(uint64_t count)
{
	uint64_t half = count / 2 < 100 ? count / 2 : 100, part = count / 10;
	uint64_t floor = half > part ? half : part;

	return floor ? floor : 1;
}

/* The default of that window, or what it would be by the nearest window's rate. */
static uint64_t default_of(const struct config *defaults, const struct past_limit *past)
{
	const struct detector_config *detector = &defaults->detectors[past->detector];
	uint64_t count = past->count;
	double nearest = INFINITY;

	for (unsigned int i = 0; i < detector->limit_count; i++) {
		const struct limit *limit = &detector->limits[i];
		double ratio = (double)past->seconds / limit->seconds;

		if (fabs(log(ratio)) >= nearest)
			continue;
		nearest = fabs(log(ratio));
		count = (uint64_t)ceil((double)limit->count * ratio);
	}
	return count;
}

/* Upwards, to two digits that count. */
static uint64_t round_up(double count)
{
	double unit = count < 100 ? 1 : pow(10, floor(log10(count)) - 1);

	return (uint64_t)(ceil(count / unit - 1e-9) * unit);
}

static void keep(struct suggestion *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void keep(struct suggestion *s, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(s->says, sizeof(s->says), format, arguments);
	va_end(arguments);
	s->count = s->past->count;
	s->changed = false;
}

static void decide(struct suggestion *s, uint64_t floor)
{
	const struct past_limit *past = s->past;
	double typical = SUGGEST_TYPICAL_FACTOR * (double)s->p99_9;
	double largest = SUGGEST_LARGEST_FACTOR * (double)past->peace.largest;

	s->count = round_up(typical > largest ? typical : largest);
	s->changed = true;
	snprintf(s->says, sizeof(s->says),
		 typical > largest ? "%g times the 99.9th percentile" : "%g times the largest",
		 typical > largest ? SUGGEST_TYPICAL_FACTOR : SUGGEST_LARGEST_FACTOR);
	if (s->count < floor) {
		s->count = floor;
		snprintf(s->says, sizeof(s->says),
			 "peace stays far below; less would be too tight");
	}
	if (s->count > past->count && past->found.sources)
		keep(s, "peace asks for %" PRIu64 ", not raised: %" PRIu64 " source%s found",
		     s->count, past->found.sources, past->found.sources == 1 ? " was" : "s were");
	else if (s->count > past->count)
		snprintf(s->says, sizeof(s->says), "raised: peace came to %.0f %% of today's limit",
			 100.0 * (double)past->peace.largest / (double)past->count);
	else if ((double)s->count > 0.9 * (double)past->count)
		keep(s, "fits");
}

static void suggest_one(const struct past *past, const struct config *defaults,
			struct suggestion *s)
{
	const struct peak_histogram *peace = &s->past->peace;

	s->p50 = peak_percentile(peace, 0.5);
	s->p90 = peak_percentile(peace, 0.9);
	s->p99 = peak_percentile(peace, 0.99);
	s->p99_9 = peak_percentile(peace, 0.999);
	if (suggest_refuses(past) || s->past->covered_ns < SUGGEST_HISTORY_NS)
		keep(s, "too little history");
	else if (peace->sources < SUGGEST_SOURCES_MIN)
		keep(s, "too few sources to tell");
	else
		decide(s, suggest_floor(default_of(defaults, s->past)));
}

static int compare(const void *a, const void *b)
{
	const struct past_limit *x = ((const struct suggestion *)a)->past;
	const struct past_limit *y = ((const struct suggestion *)b)->past;

	if (x->detector != y->detector)
		return x->detector < y->detector ? -1 : 1;
	return x->seconds < y->seconds ? -1 : x->seconds > y->seconds;
}

/* A longer window whose count is not above the shorter one's would be refused. */
static void keep_order(struct suggestion *suggestions, int count)
{
	for (int i = 1; i < count; i++) {
		const struct suggestion *before = &suggestions[i - 1];
		struct suggestion *s = &suggestions[i];

		if (s->past->detector != before->past->detector || s->count > before->count)
			continue;
		s->count = before->count + 1;
		s->changed = s->count != s->past->count;
		snprintf(s->says, sizeof(s->says), "just above the limit of the shorter window");
	}
}

int suggest_make(const struct past *past, const struct config *defaults, struct suggestion **out)
{
	struct suggestion *suggestions = calloc(past->limit_count + 1, sizeof(*suggestions));
	int n = 0;

	if (!suggestions)
		return -ENOMEM;
	for (unsigned int i = 0; i < past->limit_count; i++) {
		if (!past->limits[i].in_force)
			continue;
		suggestions[n].past = &past->limits[i];
		suggest_one(past, defaults, &suggestions[n++]);
	}
	qsort(suggestions, (size_t)n, sizeof(*suggestions), compare);
	keep_order(suggestions, n);
	*out = suggestions;
	return n;
}

const char *suggest_refuses(const struct past *past)
{
	if (!past->limit_count)
		return "nothing is recorded yet: the running hour is written every 5 minutes";
	if (past->covered_ns < SUGGEST_HISTORY_NS)
		return "too little history: an hour at least is needed, better a week";
	return NULL;
}

/* ---- as JSON --------------------------------------------------------------------------------- */

static struct json *limit_json(const struct suggestion *s)
{
	const struct past_limit *past = s->past;
	struct json *json = json_new_object();

	json_add_string(json, "detector", detector_name(past->detector));
	json_add_int(json, "seconds", past->seconds);
	json_add_int(json, "sources", (int64_t)past->peace.sources);
	json_add_int(json, "p50", (int64_t)s->p50);
	json_add_int(json, "p90", (int64_t)s->p90);
	json_add_int(json, "p99", (int64_t)s->p99);
	json_add_int(json, "p99_9", (int64_t)s->p99_9);
	json_add_int(json, "max", (int64_t)past->peace.largest);
	json_add_int(json, "found", (int64_t)past->found.sources);
	json_add_int(json, "found_max", (int64_t)past->found.largest);
	json_add_int(json, "limit", (int64_t)past->count);
	json_add_int(json, "suggested", (int64_t)s->count);
	json_add_bool(json, "changed", s->changed);
	json_add_string(json, "says", s->says);
	return json;
}

/* Detectors of which some limit would change, with all of their limits. */
static struct json *fragment_json(const struct suggestion *suggestions, int count)
{
	struct json *fragment = json_new_object(), *detectors = json_new_object();

	for (int i = 0, next; i < count; i = next) {
		struct json *detector = json_new_object(), *limits = json_new_array();
		bool changed = false;

		for (next = i; next < count &&
			       suggestions[next].past->detector == suggestions[i].past->detector;
		     next++) {
			struct json *limit = json_new_object();

			json_add_int(limit, "count", (int64_t)suggestions[next].count);
			json_add_int(limit, "seconds", suggestions[next].past->seconds);
			json_append(limits, limit);
			changed |= suggestions[next].changed;
		}
		json_add(detector, "limits", limits);
		if (changed)
			json_add(detectors, detector_name(suggestions[i].past->detector), detector);
		else
			json_free(&detector);
	}
	json_add(fragment, "detectors", detectors);
	return fragment;
}

struct json *suggest_json(const struct past *past, const struct config *defaults)
{
	struct suggestion *suggestions = NULL;
	int count = suggest_make(past, defaults, &suggestions);
	struct json *json, *limits = json_new_array();
	const char *refuses = suggest_refuses(past);
	bool changed = false;

	if (count < 0) {
		json_free(&limits);
		return NULL;
	}
	json = answer_begin(past);
	json_add_bool(json, "enough", !refuses);
	json_add_string(json, "why_not", refuses ? refuses : "");
	for (int i = 0; i < count; i++) {
		json_append(limits, limit_json(&suggestions[i]));
		changed |= suggestions[i].changed;
	}
	json_add(json, "limits", limits);
	if (changed)
		json_add(json, "fragment", fragment_json(suggestions, count));
	else
		json_add_null(json, "fragment");
	free(suggestions);
	return json;
}
