/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports and hosts tried without an established exchange. Most sources never try more than one of
 * each: that one try is kept in the source itself, spread windows begin with the second.
 *
 * What counts as a try: SYNs that stayed unanswered (entry_unanswered, with its weakness), ICMP,
 * and UDP, of which nothing tells whether it was answered. An interval's bitmaps hold established
 * tries too, so no estimate may be above the number of tries. Not counted is UDP to a few ports of
 * which the last is a service that honest hosts ask many servers for: resolvers, clocks, QUIC. So a
 * sweep for those over UDP is not found here, but by udp_flood.
 */
#include "detect/judge.h"

#include <errno.h>
#include "base/address.h"

#define SERVICE_PORTS_AT_MOST 4

static bool asks_services(const struct table_entry *entry)
{
	switch (entry->last_port) {
	case 53:
	case 80:
	case 123:
	case 443:
	case 853:
		return entry->distinct_ports <= SERVICE_PORTS_AT_MOST;
	default:
		return false;
	}
}

static void read_bits(const struct table_entry *entry, struct spread_bits *out)
{
	uint64_t udp = entry->udp > entry->amplifier ? entry->udp - entry->amplifier : 0;

	*out = (struct spread_bits){ .tries = entry_unanswered(entry) + entry->icmp };
	if (udp && !asks_services(entry))
		out->tries += udp;
	if (!entry->hosts)
		out->tries = 0;
	if (!out->tries)
		return;
	out->ports[0] = entry->ports[0];
	out->ports[1] = entry->ports[1];
	out->hosts = entry->hosts;
}

static uint8_t only_bit(uint64_t low, uint64_t high)
{
	if (low)
		return (uint8_t)__builtin_ctzll(low);
	return high ? (uint8_t)(64 + __builtin_ctzll(high)) : TRY_NONE;
}

static bool is_single(const struct spread_bits *bits)
{
	return __builtin_popcountll(bits->ports[0]) + __builtin_popcountll(bits->ports[1]) <= 1 &&
	       __builtin_popcountll(bits->hosts) <= 1;
}

/* Whether the bits can be the source's one try; a newer one of the same kind takes its place. */
static bool keep_single(struct judgement *judgement, const struct spread_bits *bits)
{
	struct source *source = judgement->source;
	uint8_t port = only_bit(bits->ports[0], bits->ports[1]), host = only_bit(bits->hosts, 0);
	bool forgotten =
		judgement->time.end_ns - source->try_ns > 2 * judgement->plan->longest_spread_ns;

	if (source->spreads || !is_single(bits))
		return false;
	if (source->try_ns && !forgotten && (source->try_port != port || source->try_host != host))
		return false;
	source->try_ns = judgement->time.start_ns ? judgement->time.start_ns : 1;
	source->try_port = port;
	source->try_host = host;
	return true;
}

/* The source's one try, if it is within the window. */
static bool single_bits(const struct judgement *judgement, const struct window_shape *shape,
			struct spread_bits *out)
{
	const struct source *source = judgement->source;
	struct window_time since;

	if (!source || !source->try_ns || judgement->answered)
		return false;
	since = (struct window_time){ .start_ns = source->try_ns,
				      .end_ns = judgement->time.end_ns };
	if (window_share(shape, &since) > 1)
		return false;
	*out = (struct spread_bits){ .hosts = 1ULL << source->try_host % 64, .tries = 1 };
	if (source->try_port != TRY_NONE)
		out->ports[source->try_port / 64] = 1ULL << source->try_port % 64;
	return true;
}

/* Adds what the source tried before this interval, within the window. */
static void add_past(struct judgement *judgement, const struct window_shape *shape,
		     struct spread_window *window, struct spread_bits *bits)
{
	struct spread_window copy;
	struct spread_bits single;

	if (!window) {
		if (single_bits(judgement, shape, &single)) {
			bits->ports[0] |= single.ports[0];
			bits->ports[1] |= single.ports[1];
			bits->hosts |= single.hosts;
			bits->tries += single.tries;
		}
		return;
	}
	if (judgement->provisional) {
		copy = *window;
		window = &copy;
	}
	spread_advance(window, shape, &judgement->time);
	spread_take_back(window, judgement->answered);
	spread_past(window, bits);
}

static int judge_window(struct judgement *judgement, unsigned int which,
			const struct spread_bits *bits)
{
	const struct plan *plan = judgement->plan;
	uint64_t share = window_share(&plan->spreads[which], &judgement->time);
	struct spread spread = spread_estimate(bits);
	int r = 0;

	for (unsigned int i = 0; !r && i < plan->judging_count; i++) {
		const struct plan_limit *limit = &plan->judging[i];
		uint64_t count;

		if (limit->spread != which)
			continue;
		count = (limit->ops->distinct(&spread) + share - 1) / share;
		if (count > spread_reachable(limit->limit.count, limit->ops->bits))
			r = judge_report(judgement, limit, count, &spread);
	}
	return r;
}

static int keep_bits(struct judgement *judgement, unsigned int which, struct spread_window *window,
		     const struct spread_bits *bits)
{
	const struct window_shape *shape = &judgement->plan->spreads[which];
	struct spread_bits single;
	struct window_time then;
	int r;

	if (window_share(shape, &judgement->time) > 1)
		return 0;
	if (!window) {
		r = tracker_add_spread(judgement->tracker, judgement->source, (uint8_t)which,
				       &window);
		if (r)
			return r == -ENOSPC ? 0 : r;
		window->plan = (uint8_t)judgement->number;
		then = judgement->time;
		then.start_ns = judgement->source->try_ns;
		if (single_bits(judgement, shape, &single))
			spread_add(window, shape, &then, &single);
	}
	spread_add(window, shape, &judgement->time, bits);
	return 0;
}

static void note_tried(struct source *source, const struct spread_bits *bits)
{
	int tried = __builtin_popcountll(bits->ports[0]) + __builtin_popcountll(bits->ports[1]) +
		    __builtin_popcountll(bits->hosts);

	if (tried > source->tried)
		source->tried = (uint8_t)tried;
}

static int keep(struct judgement *judgement, struct spread_window **windows,
		const struct spread_bits *bits)
{
	int r = 0;

	if (judgement->answered)
		judgement->source->try_ns = 0;
	if (!bits->tries || keep_single(judgement, bits))
		return 0;
	for (unsigned int i = 0; !r && i < judgement->plan->spread_count; i++)
		r = keep_bits(judgement, i, windows[i], bits);
	if (judgement->source->spreads)
		judgement->source->try_ns = 0;
	return r;
}

/* As for windows of counts: those of its other groups only grow older. */
static void list_windows(const struct judgement *judgement,
			 struct spread_window *windows[PLAN_LIMITS_MAX])
{
	struct spread_window *window =
		tracker_spread(judgement->tracker, judgement->source->spreads);

	for (; window; window = tracker_spread(judgement->tracker, window->next)) {
		if (window->plan == judgement->number)
			windows[window->which] = window;
		else if (!judgement->provisional)
			spread_advance(window,
				       &judgement->plans[window->plan].spreads[window->which],
				       &judgement->time);
	}
}

int judge_spread(struct judgement *judgement)
{
	struct spread_window *windows[PLAN_LIMITS_MAX] = { 0 };
	struct spread_bits now, all;
	int r = 0;

	read_bits(judgement->entry, &now);
	if (judgement->source)
		list_windows(judgement, windows);
	for (unsigned int i = 0; !r && i < judgement->plan->spread_count; i++) {
		const struct window_shape *shape = &judgement->plan->spreads[i];

		all = now;
		if (window_share(shape, &judgement->time) == 1)
			add_past(judgement, shape, windows[i], &all);
		if (now.tries)
			r = judge_window(judgement, i, &all);
		if (now.tries && !judgement->provisional)
			note_tried(judgement->source, &all);
	}
	if (!r && !judgement->provisional)
		r = keep(judgement, windows, &now);
	return r;
}
