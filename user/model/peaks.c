/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Histograms of what sources came to: buckets, percentiles. Who counts and who asks is elsewhere.
 */
#include "model/peaks.h"

#include <math.h>

unsigned int peak_bucket(uint64_t count)
{
	unsigned int power;

	if (count < PEAK_STEPS)
		return (unsigned int)count;
	if (count >> PEAK_BITS)
		return PEAK_BUCKETS - 1;
	power = 63 - (unsigned int)__builtin_clzll(count);
	return (power - 4) * PEAK_STEPS + ((count >> (power - 5)) & (PEAK_STEPS - 1));
}

uint64_t peak_bucket_end(unsigned int bucket)
{
	unsigned int power = bucket / PEAK_STEPS;

	if (!power)
		return bucket;
	return ((bucket % PEAK_STEPS + PEAK_STEPS + 1ULL) << (power - 1)) - 1;
}

void peak_add(struct peak_histogram *histogram, uint64_t count, uint64_t sources)
{
	if (!sources)
		return;
	histogram->counts[peak_bucket(count)] += sources;
	histogram->sources += sources;
	if (histogram->largest < count)
		histogram->largest = count;
}

void peak_merge(struct peak_histogram *into, const struct peak_histogram *from)
{
	for (unsigned int i = 0; i < PEAK_BUCKETS; i++)
		into->counts[i] += from->counts[i];
	into->sources += from->sources;
	if (into->largest < from->largest)
		into->largest = from->largest;
}

uint64_t peak_percentile(const struct peak_histogram *histogram, double share)
{
	uint64_t rank = (uint64_t)ceil(share * (double)histogram->sources), sum = 0, end;

	for (unsigned int i = 0; i < PEAK_BUCKETS; i++) {
		sum += histogram->counts[i];
		if (!sum || sum < rank)
			continue;
		end = peak_bucket_end(i);
		return end < histogram->largest ? end : histogram->largest;
	}
	return histogram->largest;
}

uint64_t peak_above(const struct peak_histogram *histogram, uint64_t count)
{
	uint64_t sum = 0;

	if (histogram->largest <= count)
		return 0;
	for (unsigned int i = peak_bucket(count); i < PEAK_BUCKETS; i++) {
		if (peak_bucket_end(i) > count)
			sum += histogram->counts[i];
	}
	return sum;
}

uint64_t peak_row_above(const struct peak_row *row, uint64_t count)
{
	unsigned int named = 0;

	while (named < row->top_count && row->top[named].peak > count)
		named++;
	if (count >= row->whole_above && (named < row->top_count || named < PEAK_TOP))
		return named;
	return peak_above(&row->peace, count) + peak_above(&row->found, count);
}
