/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was recorded hour by hour, as sums. What follows from them is suggest.c's and whatif.c's. */
#include "advise/past.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct past_limit *enter(struct past *past, const struct peak_row *row)
{
	struct past_limit *limit =
		(struct past_limit *)past_find(past, row->detector, row->limit.seconds);

	if (limit || past->limit_count == PAST_LIMITS_MAX)
		return limit;
	limit = &past->limits[past->limit_count++];
	limit->detector = row->detector;
	limit->seconds = row->limit.seconds;
	limit->count = row->limit.count; /* rows come newest first */
	return limit;
}

static int take(void *context, const struct peak_row *row)
{
	struct past *past = context;
	struct past_limit *limit = enter(past, row);
	int64_t start = row->start.wall_ns, end = start + row->duration_ns;

	if (!limit)
		return 0; /* more windows than anybody configures */
	peak_merge(&limit->peace, &row->peace);
	peak_merge(&limit->found, &row->found);
	limit->covered_ns += row->duration_ns;
	if (!past->any)
		past->end_ns = end;
	if (!past->any || start < past->first_ns) {
		/* the first row of another hour */
		past->first_ns = start;
		past->covered_ns += row->duration_ns;
	}
	past->any = true;
	limit->in_force |= end == past->end_ns;
	return 0;
}

int past_read(const char *database, int64_t last_ns, struct past *out, char error[HISTORY_ERROR])
{
	*out = (struct past){ .last_ns = last_ns };
	snprintf(out->database, sizeof(out->database), "%s", database);
	out->limits = calloc(PAST_LIMITS_MAX, sizeof(*out->limits));
	if (!out->limits) {
		snprintf(error, HISTORY_ERROR, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	return history_peaks(database, last_ns, take, out, &out->span, error);
}

void past_free(struct past *past)
{
	free(past->limits);
	*past = (struct past){ 0 };
}

const struct past_limit *past_find(const struct past *past, enum detector_id detector,
				   uint32_t seconds)
{
	for (unsigned int i = 0; i < past->limit_count; i++) {
		if (past->limits[i].detector == detector && past->limits[i].seconds == seconds)
			return &past->limits[i];
	}
	return NULL;
}

/* How far apart two windows are: the longer over the shorter. */
static double apart(uint32_t a, uint32_t b)
{
	return a > b ? (double)a / b : (double)b / a;
}

const struct past_limit *past_nearest(const struct past *past, enum detector_id detector,
				      uint32_t seconds)
{
	const struct past_limit *nearest = NULL;

	for (unsigned int i = 0; i < past->limit_count; i++) {
		const struct past_limit *limit = &past->limits[i];

		if (limit->detector == detector &&
		    (!nearest || apart(limit->seconds, seconds) < apart(nearest->seconds, seconds)))
			nearest = limit;
	}
	return nearest;
}
