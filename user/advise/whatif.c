/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counting behind `fwgen whatif`. How it is said is whatif_json.c. */
#include "advise/whatif.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/array.h"

/* ---- which limits, and what to hold them against --------------------------------------------- */

static bool has(const struct config *config, enum detector_id id, uint32_t seconds, uint64_t *count)
{
	const struct detector_config *detector = &config->detectors[id];

	for (unsigned int i = 0; detector->enabled && i < detector->limit_count; i++) {
		if (detector->limits[i].seconds != seconds)
			continue;
		*count = detector->limits[i].count;
		return true;
	}
	return false;
}

static void add_limit(struct whatif *whatif, enum detector_id id, uint32_t seconds)
{
	const struct past_limit *past = past_nearest(&whatif->past, id, seconds);
	struct whatif_limit *limit = &whatif->limits[whatif->limit_count];

	/* each once, whichever configuration has it */
	for (unsigned int i = 0; i < whatif->limit_count; i++)
		if (whatif->limits[i].detector == id && whatif->limits[i].seconds == seconds)
			return;
	whatif->limit_count++;
	limit->detector = id;
	limit->seconds = seconds;
	limit->wanted = has(whatif->candidate, id, seconds, &limit->count);
	limit->in_force = has(whatif->today, id, seconds, &limit->today);
	limit->recorded_seconds = past ? past->seconds : 0;
	limit->over.complete = limit->over_today.complete = true;
}

static void add_limits(struct whatif *whatif, enum detector_id id)
{
	const struct detector_config *candidate = &whatif->candidate->detectors[id];
	const struct detector_config *today = &whatif->today->detectors[id];

	for (unsigned int i = 0; candidate->enabled && i < candidate->limit_count; i++)
		add_limit(whatif, id, candidate->limits[i].seconds);
	for (unsigned int i = 0; today->enabled && i < today->limit_count; i++)
		add_limit(whatif, id, today->limits[i].seconds);
}

/* ---- one hour of one window ------------------------------------------------------------------ */

/* A count within the limit's window, as it would be within the one that was recorded. */
static uint64_t as_recorded(const struct whatif_limit *limit, uint64_t count)
{
	return (uint64_t)((double)count * limit->recorded_seconds / limit->seconds);
}

uint64_t whatif_reckon(const struct whatif_limit *limit, uint64_t peak)
{
	return (uint64_t)((double)peak * limit->seconds / limit->recorded_seconds);
}

static void tally_row(struct whatif_tally *tally, const struct peak_row *row, uint64_t count)
{
	uint64_t above = peak_row_above(row, count), named = 0;

	while (named < row->top_count && row->top[named].peak > count)
		named++;
	tally->hours += above > named ? above : named;
	tally->complete &= above <= named;
}

/* 0 or -ENOMEM. */
static int name(struct whatif_limit *limit, const struct peak_source *source)
{
	struct whatif_source *at = limit->sources;
	void *grown;
	size_t i = 0;

	while (i < limit->source_count && !prefix_equal(&at[i].source, &source->source))
		i++;
	if (i == limit->source_count) {
		if (i == WHATIF_NAMES_MAX) {
			limit->over.complete = limit->over_today.complete = false;
			return 0;
		}
		grown = array_room(at, i, &limit->capacity, sizeof(*at));
		if (!grown)
			return -ENOMEM;
		limit->sources = at = grown;
		at[limit->source_count++] = (struct whatif_source){ .source = source->source };
	}
	if (at[i].peak < source->peak)
		at[i].peak = source->peak;
	at[i].found |= source->found;
	return 0;
}

static int tally_limit(struct whatif_limit *limit, const struct peak_row *row)
{
	uint64_t count = as_recorded(limit, limit->count), least = UINT64_MAX;
	uint64_t today = as_recorded(limit, limit->today);

	if (limit->wanted) {
		tally_row(&limit->over, row, count);
		least = count;
	}
	if (limit->in_force) {
		tally_row(&limit->over_today, row, today);
		least = today < least ? today : least;
	}
	for (unsigned int i = 0; i < row->top_count && row->top[i].peak > least; i++) {
		if (name(limit, &row->top[i]))
			return -ENOMEM;
	}
	return 0;
}

static int take(void *context, const struct peak_row *row)
{
	struct whatif *whatif = context;
	int err = 0;

	for (unsigned int i = 0; !err && i < whatif->limit_count; i++) {
		struct whatif_limit *limit = &whatif->limits[i];

		if (limit->detector == row->detector &&
		    limit->recorded_seconds == row->limit.seconds)
			err = tally_limit(limit, row);
	}
	return err;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct whatif_source *x = a, *y = b;

	if (x->peak != y->peak)
		return x->peak < y->peak ? 1 : -1;
	return memcmp(&x->source, &y->source, sizeof(x->source));
}

static void finish(struct whatif_limit *limit)
{
	if (limit->source_count)
		qsort(limit->sources, limit->source_count, sizeof(*limit->sources), compare);
	for (size_t i = 0; i < limit->source_count; i++) {
		struct whatif_source *source = &limit->sources[i];

		source->over = limit->wanted && source->peak > as_recorded(limit, limit->count);
		source->over_today =
			limit->in_force && source->peak > as_recorded(limit, limit->today);
		limit->over.named += source->over;
		limit->over_today.named += source->over_today;
	}
}

int whatif_make(const char *database, int64_t last_ns, const struct config *candidate,
		const struct config *today, struct whatif **out, char error[HISTORY_ERROR])
{
	struct whatif *whatif = calloc(1, sizeof(*whatif));
	struct history_span span;
	int err;

	*out = whatif;
	if (!whatif)
		return -ENOMEM;
	whatif->candidate = candidate;
	whatif->today = today;
	/* twice: which windows there are decides what a limit is held against */
	err = past_read(database, last_ns, &whatif->past, error);
	for (unsigned int id = 0; !err && id < DETECTOR_COUNT; id++)
		add_limits(whatif, (enum detector_id)id);
	if (!err)
		err = history_peaks(database, last_ns, take, whatif, &span, error);
	for (unsigned int i = 0; !err && i < whatif->limit_count; i++)
		finish(&whatif->limits[i]);
	return err;
}

void whatif_free(struct whatif **whatif)
{
	if (!*whatif)
		return;
	for (unsigned int i = 0; i < (*whatif)->limit_count; i++)
		free((*whatif)->limits[i].sources);
	past_free(&(*whatif)->past);
	free(*whatif);
	*whatif = NULL;
}
