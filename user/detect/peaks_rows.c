/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From those that are watched to histograms of all, and to the names of the largest. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "detect/peaks_private.h"

/* So many sources does one stand for: 1 over the chance that it was drawn. */
static double stands_for(const struct peaks *peaks, const struct watched *watched)
{
	uint32_t distance, at;

	if (watched->weight > peaks->threshold)
		return 1;
	/* drawn when log16 of its hash is below `at`: so many of 2^64 hashes are */
	distance = peaks->threshold - watched->weight;
	at = distance < PEAKS_LOT_MAX ? PEAKS_LOT_MAX - distance : 1;
	return ldexp(1, 64) / ldexp(16 + at % 16, (int)(at / 16) - 4);
}

/* A count of this limit above which each source is watched whatever its lot is. */
static uint64_t whole_above(const struct peaks *peaks, const struct peaks_limit *limit)
{
	unsigned int bucket = 1;

	if (!peaks->threshold)
		return 0;
	while (bucket < PEAK_BUCKETS - 1 &&
	       peaks_weight(limit, peak_bucket_end(bucket)) <= peaks->threshold)
		bucket++;
	return peaks->threshold < PEAKS_WEIGHT_MAX ? peak_bucket_end(bucket) : UINT64_MAX;
}

static int compare(const void *a, const void *b)
{
	const struct peak_source *x = a, *y = b;

	if (x->peak != y->peak)
		return x->peak < y->peak ? 1 : -1;
	return memcmp(&x->source, &y->source, sizeof(x->source));
}

/* A heap with the smallest of the largest on top: what is above it takes its place. */
static void sink(struct peak_source *heap, unsigned int n)
{
	unsigned int at = 0, child;

	while ((child = 2 * at + 1) < n) {
		struct peak_source swap = heap[at];

		if (child + 1 < n && compare(&heap[child + 1], &heap[child]) > 0)
			child++;
		if (compare(&heap[child], &heap[at]) <= 0)
			return;
		heap[at] = heap[child];
		heap[child] = swap;
		at = child;
	}
}

static int compare_back(const void *a, const void *b)
{
	return compare(b, a);
}

static void name(struct peak_row *row, const struct watched *watched, uint64_t peak)
{
	struct peak_source source = {
		.source = { .address = watched->address, .len = watched->prefix_len },
		.peak = peak,
		.found = watched->found,
	};

	if (row->top_count < PEAK_TOP) {
		row->top[row->top_count++] = source;
		if (row->top_count == PEAK_TOP) /* sorted so, it is a heap */
			qsort(row->top, PEAK_TOP, sizeof(source), compare_back);
	} else if (compare(&source, &row->top[0]) < 0) {
		row->top[0] = source;
		sink(row->top, PEAK_TOP);
	}
}

/* Sources of a bucket, with their parts of a source, before they are rounded. */
struct shares {
	double *of; /* how many sources each of those watched stands for */
	double peace[PEAK_BUCKETS], found[PEAK_BUCKETS];
};

/* Rounds such that what is left of one bucket goes to the next, and the sum is right. */
static void round_into(struct peak_histogram *histogram, const double *shares, uint64_t largest)
{
	double rest = 0;

	for (unsigned int i = 0; i < PEAK_BUCKETS; i++) {
		double whole = floor(shares[i] + rest + 0.5);

		rest += shares[i] - whole;
		histogram->counts[i] = (uint64_t)whole;
		histogram->sources += histogram->counts[i];
	}
	histogram->largest = largest;
}

static void fill_row(const struct peaks *peaks, unsigned int number, struct shares *shares,
		     struct peak_row *row)
{
	uint64_t largest[2] = { 0 };

	memset(shares->peace, 0, sizeof(shares->peace));
	memset(shares->found, 0, sizeof(shares->found));
	for (uint32_t i = 1; i <= peaks->made; i++) {
		uint64_t peak = (uint64_t)peaks_values(peaks, i)[number];
		const struct watched *watched = &peaks->watched[i];
		double *side = watched->found ? shares->found : shares->peace;

		if (!peak)
			continue;
		side[peak_bucket(peak)] += shares->of[i];
		if (largest[watched->found] < peak)
			largest[watched->found] = peak;
		name(row, watched, peak);
	}
	round_into(&row->peace, shares->peace, largest[false]);
	round_into(&row->found, shares->found, largest[true]);
	qsort(row->top, row->top_count, sizeof(row->top[0]), compare);
}

static struct shares *new_shares(const struct peaks *peaks)
{
	struct shares *shares = malloc(sizeof(*shares));

	if (!shares)
		return NULL;
	shares->of = malloc((peaks->made + 1) * sizeof(*shares->of));
	if (!shares->of) {
		free(shares);
		return NULL;
	}
	for (uint32_t i = 1; i <= peaks->made; i++)
		shares->of[i] = stands_for(peaks, &peaks->watched[i]);
	return shares;
}

static void free_shares(struct shares *shares)
{
	if (shares)
		free(shares->of);
	free(shares);
}

int peaks_rows(const struct peaks *peaks, struct peak_row **rows, size_t *count)
{
	struct peak_row *items = calloc(peaks->limit_count + 1, sizeof(*items));
	struct shares *shares = new_shares(peaks);
	size_t n = 0;

	if (!items || !shares) {
		free(items);
		free_shares(shares);
		return -ENOMEM;
	}
	for (unsigned int i = 0; peaks->began && i < peaks->limit_count; i++) {
		struct peak_row *row = &items[n];

		if (peaks->limits[i].derived)
			continue; /* follows from another, which can be configured */
		row->start = peaks->start;
		row->duration_ns = peaks_duration(peaks);
		row->detector = peaks->limits[i].id;
		row->limit = peaks->limits[i].limit;
		row->whole_above = whole_above(peaks, &peaks->limits[i]);
		strcpy(row->config_hash, peaks->config_hash);
		fill_row(peaks, i, shares, row);
		n++;
	}
	free_shares(shares);
	*rows = items;
	*count = n;
	return 0;
}
