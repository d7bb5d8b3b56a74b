/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A source's running counts beside their limits, for who asks how near it is. Windows are looked at
 * as copies: what they hold is as old as it is, whoever looks.
 */
#include "detect/running.h"

#include <stdlib.h>
#include <string.h>
#include "base/address.h"

static void add(struct source_seen *out, const struct plan_limit *limit, uint64_t count)
{
	if (count && !limit->ops->renews_only && out->running_count < RUNNING_MAX)
		out->running[out->running_count++] = (struct running_count){ .detector = limit->id,
									     .limit = limit->limit,
									     .count = count };
}

static void add_counts(const struct tracker *tracker, const struct source *source,
		       const struct plan *plan, const struct window_time *time,
		       struct source_seen *out)
{
	const struct window *window = tracker_window(tracker, source->windows);

	for (; window; window = tracker_window(tracker, window->next)) {
		const struct plan_limit *limit = &plan->counting[window->which];
		struct window copy = *window;

		if (window->plan != source->group)
			continue;
		window_advance(&copy, &limit->shape, time);
		add(out, limit, window_past(&copy, &limit->shape));
	}
}

static void add_tries(const struct tracker *tracker, const struct source *source,
		      const struct plan *plan, const struct window_time *time,
		      struct source_seen *out)
{
	const struct spread_window *window = tracker_spread(tracker, source->spreads);

	for (; window; window = tracker_spread(tracker, window->next)) {
		struct spread_window copy = *window;
		struct spread_bits bits = { 0 };
		struct spread spread;

		if (window->plan != source->group)
			continue;
		spread_advance(&copy, &plan->spreads[window->which], time);
		spread_past(&copy, &bits);
		spread = spread_estimate(&bits);
		for (unsigned int i = 0; i < plan->judging_count; i++) {
			const struct plan_limit *limit = &plan->judging[i];

			if (limit->spread == window->which)
				add(out, limit, limit->ops->distinct(&spread));
		}
	}
}

static double nearness(const struct running_count *running)
{
	return (double)running->count / ((double)running->limit.count + 1);
}

static int compare(const void *left, const void *right)
{
	double a = nearness(left), b = nearness(right);

	return a > b ? -1 : a < b;
}

/* The source's record, or that of the hot prefix that it is counted with. */
static const struct source *find(const struct tracker *tracker, const struct prefix *prefix)
{
	static const uint8_t lengths[] = { 64, 56, 48 };
	const struct source *source = tracker_find(tracker, &prefix->address, (uint8_t)prefix->len);

	for (size_t i = 0; !source && i < sizeof(lengths); i++) {
		const struct address base = address_masked(&prefix->address, lengths[i]);

		if (prefix->len > lengths[i] && !address_is_ipv4(&prefix->address))
			source = tracker_find(tracker, &base, lengths[i]);
	}
	return source;
}

bool running_of(const struct tracker *tracker, const struct plans *plans,
		const struct prefix *prefix, int64_t now_ns, struct source_seen *out)
{
	const struct source *source = find(tracker, prefix);
	struct window_time time = { .start_ns = now_ns, .end_ns = now_ns };
	const struct plan *plan;

	*out = (struct source_seen){ 0 };
	if (!source)
		return false;
	plan = &plans->items[source->group];
	time.before_ns = source->last_ns;
	out->status = (struct source_status){
		.source = { .address = source->address, .len = source->prefix_len },
		.packets = source->packets,
		.bytes = source->bytes,
		.dropped = source->dropped,
		.packets_per_second = source->packets_per_second,
		.detectors = source->fired,
	};
	out->last_ns = source->last_ns;
	memcpy(out->group, plan->group, sizeof(out->group));
	add_counts(tracker, source, plan, &time, out);
	add_tries(tracker, source, plan, &time, out);
	qsort(out->running, out->running_count, sizeof(out->running[0]), compare);
	return true;
}
