/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The busiest sources, for people. A heap of the best so far, its least on top: one pass over a
 * million sources without sorting them.
 */
#include "detect/top.h"

#include <stdlib.h>
#include <string.h>
#include "base/clock.h"

#define BUSY_WITHIN_NS (15 * NS_PER_SECOND) /* longer than the longest interval */

struct ranked {
	double rate;
	uint64_t packets;
	const struct source *source;
};

static int compare(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->rate != b->rate)
		return a->rate > b->rate ? -1 : 1;
	if (a->packets != b->packets)
		return a->packets > b->packets ? -1 : 1;
	return memcmp(&a->source->address, &b->source->address, sizeof(struct address));
}

static void sift_down(struct ranked *heap, size_t count, size_t i)
{
	for (;;) {
		size_t least = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < count; child++) {
			if (compare(&heap[child], &heap[least]) > 0)
				least = child;
		}
		if (least == i)
			return;
		struct ranked swap = heap[i];

		heap[i] = heap[least];
		heap[least] = swap;
		i = least;
	}
}

static size_t collect(const struct tracker *tracker, int64_t now_ns, struct ranked *heap,
		      size_t max)
{
	const struct source *source;
	uint32_t cursor = 0;
	size_t count = 0;

	while ((source = tracker_next(tracker, &cursor))) {
		bool busy = now_ns - source->last_ns <= BUSY_WITHIN_NS;
		struct ranked item = {
			.rate = busy ? (double)source->packets_per_second : 0,
			.packets = source->packets,
			.source = source,
		};

		if (count < max) {
			heap[count++] = item;
			if (count == max)
				for (size_t i = max / 2; i-- > 0;)
					sift_down(heap, max, i);
		} else if (compare(&item, &heap[0]) < 0) {
			heap[0] = item;
			sift_down(heap, max, 0);
		}
	}
	return count;
}

size_t top_sources(const struct tracker *tracker, int64_t now_ns, struct source_status *out,
		   size_t max)
{
	struct ranked *heap;
	size_t count;

	if (max > tracker->sources.used)
		max = tracker->sources.used;
	if (!max)
		return 0;
	heap = calloc(max, sizeof(*heap));
	if (!heap)
		return 0;
	count = collect(tracker, now_ns, heap, max);
	qsort(heap, count, sizeof(*heap), compare);
	for (size_t i = 0; i < count; i++) {
		const struct source *source = heap[i].source;

		out[i] = (struct source_status){
			.source = { .address = source->address, .len = source->prefix_len },
			.packets = source->packets,
			.bytes = source->bytes,
			.dropped = source->dropped,
			.packets_per_second = heap[i].rate,
			.state = SOURCE_PASSING,
			.detectors = source->fired,
		};
	}
	free(heap);
	return count;
}
