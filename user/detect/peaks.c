/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is watched, and what he came to. Weights and lots are logarithms in 1/16, so that a priority,
 * weight over lot, is their sum. What the counts are is the judges' business, what is made of them
 * peaks_rows.c's.
 */
#include "detect/peaks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "detect/peaks_private.h"

/* Logarithm to the base 2 in 1/16 (linear within a power of two), of a number above 0. */
static uint32_t log16(uint64_t n)
{
	unsigned int power = 63 - (unsigned int)__builtin_clzll(n);
	uint64_t rest = power >= 4 ? n >> (power - 4) : n << (4 - power);

	return power * 16 + (uint32_t)(rest & 15);
}

uint32_t peaks_weight(const struct peaks_limit *limit, uint64_t count)
{
	uint32_t at = log16(count);

	if (at <= limit->low)
		return 1;
	at = (at - limit->low) * limit->steepness >> 16;
	return at < PEAKS_WEIGHT_MAX ? at + 1 : PEAKS_WEIGHT_MAX;
}

/* 1 / lot: a uniform number of 64 bits by its distance from the largest. */
static uint32_t lot_of(const struct address *address)
{
	uint64_t hash = address_hash(address);

	return PEAKS_LOT_MAX - log16(hash | 1);
}

/* ---- the table ------------------------------------------------------------------------------- */

static uint16_t *chain_of(struct peaks *peaks, const struct address *address, uint8_t len)
{
	return &peaks->heads[((address_hash(address) >> 8) + len) & (PEAKS_HEADS - 1)];
}

static bool is(const struct watched *watched, const struct source *source)
{
	return watched->prefix_len == source->prefix_len &&
	       address_equal(&watched->address, &source->address);
}

/* The source's record, if it has one: it may have been the tracker's before, and have come back. */
static struct watched *look_up(struct peaks *peaks, struct source *source)
{
	uint16_t number = *chain_of(peaks, &source->address, source->prefix_len);

	while (number && !is(&peaks->watched[number], source))
		number = peaks->watched[number].next;
	source->watched = number;
	return number ? &peaks->watched[number] : NULL;
}

static void forget(struct peaks *peaks, uint16_t number)
{
	struct watched *watched = &peaks->watched[number];
	uint16_t *link = chain_of(peaks, &watched->address, watched->prefix_len);

	while (*link != number)
		link = &peaks->watched[*link].next;
	*link = watched->next;
	memset(peaks_values(peaks, number), 0, peaks->limit_count * sizeof(float));
	*watched = (struct watched){ .next = peaks->free };
	peaks->free = number;
	peaks->used--;
}

/* Half of those that are watched go: the threshold rises to what that takes. */
static void raise_threshold(struct peaks *peaks)
{
	uint32_t counts[PEAKS_PRIORITIES] = { 0 }, sum = 0, at = PEAKS_PRIORITIES - 1;

	for (uint32_t i = 1; i <= peaks->made; i++) {
		if (peaks->watched[i].prefix_len)
			counts[peaks->watched[i].weight + peaks->watched[i].lot]++;
	}
	while (at > peaks->threshold + 1 && sum + counts[at] <= peaks->max / 2)
		sum += counts[at--];
	peaks->threshold = at;
	for (uint32_t i = 1; i <= peaks->made; i++) {
		const struct watched *watched = &peaks->watched[i];

		if (watched->prefix_len && watched->weight + watched->lot <= peaks->threshold)
			forget(peaks, (uint16_t)i);
	}
}

/* NULL when its priority does not reach. */
static struct watched *enter(struct peaks *peaks, struct source *source, uint32_t weight)
{
	uint32_t lot = lot_of(&source->address);
	struct watched *watched;
	uint16_t *chain, number;

	if (peaks->used == peaks->max)
		raise_threshold(peaks);
	if (weight + lot <= peaks->threshold)
		return NULL;
	number = peaks->free ? peaks->free : (uint16_t)++peaks->made;
	watched = &peaks->watched[number];
	peaks->free = peaks->free ? watched->next : 0;
	peaks->used++;
	chain = chain_of(peaks, &source->address, source->prefix_len);
	*watched = (struct watched){ .address = source->address,
				     .prefix_len = source->prefix_len,
				     .weight = (uint16_t)weight,
				     .lot = (uint16_t)lot,
				     .next = *chain };
	*chain = number;
	source->watched = number;
	return watched;
}

/* ---- what an interval brings ----------------------------------------------------------------- */

static uint32_t weigh(const struct peaks *peaks, const struct peaks_counts *counts)
{
	uint32_t most = 0;

	for (unsigned int i = 0; i < counts->n; i++) {
		uint32_t weight = peaks_weight(&peaks->limits[counts->limit[i]], counts->count[i]);

		if (most < weight)
			most = weight;
	}
	return most;
}

static void keep(struct peaks *peaks, struct watched *watched, const struct peaks_counts *counts,
		 bool found)
{
	float *values = peaks_values(peaks, (uint32_t)(watched - peaks->watched));
	bool rose = false;
	uint32_t weight;

	for (unsigned int i = 0; i < counts->n; i++) {
		float *value = &values[counts->limit[i]], count = (float)counts->count[i];

		if (count <= *value)
			continue;
		*value = count;
		rose = true;
	}
	watched->found |= found;
	if (!rose)
		return;
	weight = watched->found ? PEAKS_WEIGHT_MAX : weigh(peaks, counts);
	if (watched->weight < weight)
		watched->weight = (uint16_t)weight;
}

void peaks_take(struct peaks *peaks, struct source *source, const struct peaks_counts *counts,
		bool found)
{
	struct watched *watched = &peaks->watched[source->watched];
	uint32_t weight;

	if (!counts->n)
		return;
	if (!source->watched || !is(watched, source)) {
		source->watched = 0;
		weight = found ? PEAKS_WEIGHT_MAX : weigh(peaks, counts);
		if (peaks->threshold && weight + lot_of(&source->address) <= peaks->threshold)
			return;
		watched = look_up(peaks, source);
		if (!watched)
			watched = enter(peaks, source, weight);
		if (!watched)
			return;
	}
	keep(peaks, watched, counts, found);
}

/* ---- periods --------------------------------------------------------------------------------- */

static void take_limits(struct peaks *peaks, const struct plan_limit *limits, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct peaks_limit *limit = &peaks->limits[limits[i].number];
		uint64_t most = limits[i].limit.count, least = most >> PEAKS_LOW_SHIFT;

		limit->id = limits[i].id;
		limit->derived = limits[i].derived;
		limit->limit = limits[i].limit;
		limit->low = log16(least ? least : 1);
		limit->steepness =
			(PEAKS_WEIGHT_MAX << 16) / (log16(most > 1 ? most : 2) - limit->low);
	}
	peaks->limit_count += count;
}

int peaks_new(const struct plan *plan, const char *config_hash, uint32_t max, struct peaks **out)
{
	struct peaks *peaks = calloc(1, sizeof(*peaks));

	if (!peaks)
		return -ENOMEM;
	take_limits(peaks, plan->counting, plan->counting_count);
	take_limits(peaks, plan->judging, plan->judging_count);
	peaks->max = max;
	strcpy(peaks->config_hash, config_hash);
	peaks->watched = calloc(max + 1, sizeof(*peaks->watched));
	/* calloc: what is never touched costs nothing */
	peaks->values = calloc(((size_t)max + 1) * (peaks->limit_count + 1), sizeof(float));
	if (!peaks->watched || !peaks->values) {
		peaks_free(&peaks);
		return -ENOMEM;
	}
	*out = peaks;
	return 0;
}

void peaks_free(struct peaks **peaks)
{
	if (!*peaks)
		return;
	free((*peaks)->watched);
	free((*peaks)->values);
	free(*peaks);
	*peaks = NULL;
}

void peaks_pass(struct peaks *peaks, struct moment start, struct moment end)
{
	if (!peaks->began) {
		peaks->start = start;
		peaks->end = end;
		peaks->began = true;
	}
	if (peaks->end.boot_ns < end.boot_ns)
		peaks->end = end;
}

int64_t peaks_duration(const struct peaks *peaks)
{
	return peaks->began ? peaks->end.boot_ns - peaks->start.boot_ns : 0;
}

void peaks_restart(struct peaks *peaks)
{
	memset(peaks->heads, 0, sizeof(peaks->heads));
	memset(peaks->watched, 0, (peaks->made + 1) * sizeof(*peaks->watched));
	memset(peaks->values, 0, (peaks->made + 1ULL) * peaks->limit_count * sizeof(float));
	peaks->made = peaks->used = 0;
	peaks->free = 0;
	peaks->threshold = 0;
	peaks->began = false;
}

uint64_t peaks_bytes(const struct peaks *peaks)
{
	return sizeof(*peaks) + (peaks->made + 1ULL) * (sizeof(*peaks->watched) +
							peaks->limit_count * sizeof(float));
}
