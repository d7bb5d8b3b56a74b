/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sources came to at most, held against one limit over one period (an hour, or what there was
 * of it): a histogram of the sources' largest running counts, and the largest sources by name.
 * Sources that a detector has found are kept apart: they must not raise a limit that is proposed.
 */
#ifndef FWGEN_MODEL_PEAKS_H
#define FWGEN_MODEL_PEAKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi.h"
#include "base/clock.h"
#include "model/detector.h"
#include "model/limit.h"
#include "model/rule.h"

/*
 * Buckets as in HdrHistogram: below 32 each number has its own, above it 32 share a power of two,
 * so that a bucket's upper end is at most 1/32 (3.2 %) above any number in it.
 */
#define PEAK_STEPS   32
#define PEAK_BITS    50 /* larger numbers are in the last bucket */
#define PEAK_BUCKETS ((PEAK_BITS - 4) * PEAK_STEPS)
#define PEAK_TOP     100 /* sources by name */

struct peak_histogram {
	uint64_t sources; /* the sum of counts */
	uint64_t largest; /* exact */
	uint64_t counts[PEAK_BUCKETS];
};

struct peak_source {
	struct prefix source;
	uint64_t peak;
	bool found;
};

struct peak_row {
	struct moment start;
	int64_t duration_ns;
	enum detector_id detector;
	struct limit limit; /* that was in force */
	char config_hash[CONFIG_HASH_TEXT];
	struct peak_histogram peace, found; /* only sources with a count above 0 */
	/*
	 * Above this count every source is in it; under it, where there were too many to watch,
	 * some stand for others. 0: each source was watched.
	 */
	uint64_t whole_above;
	struct peak_source top[PEAK_TOP]; /* the largest first, of both kinds */
	unsigned int top_count;
};

unsigned int peak_bucket(uint64_t count);
/* The largest number of a bucket. */
uint64_t peak_bucket_end(unsigned int bucket);

void peak_add(struct peak_histogram *histogram, uint64_t count, uint64_t sources);
void peak_merge(struct peak_histogram *into, const struct peak_histogram *from);
/*
 * What that share (0 to 1) of the sources did not pass, to the bucket's upper end but never above
 * the largest. 0 when there is none.
 */
uint64_t peak_percentile(const struct peak_histogram *histogram, double share);
/* Sources above count. A bucket that count is within is reckoned by its upper end. */
uint64_t peak_above(const struct peak_histogram *histogram, uint64_t count);

/* How many sources of the row were above count: exact while all of these have their names. */
uint64_t peak_row_above(const struct peak_row *row, uint64_t count);

#endif
