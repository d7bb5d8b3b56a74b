/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports and hosts tried without an established exchange. Most sources never try more than one of
 * each: that one try is kept in the source itself, spread windows begin with the second.
 *
 * What counts as a try: SYNs that stayed unanswered (entry_unanswered), TCP that no connection
 * begins with, UDP and ICMP that nobody asked for. An interval's bitmaps hold established tries
 * too; spread_failed takes their share out. UDP to the services that honest hosts ask many servers
 * for (names, time, QUIC) leaves no bits in them: entry.h.
 */
#include "detect/judge.h"

#include <errno.h>
#include <string.h>
#include "base/address.h"

static void read_bits(const struct table_entry *entry, uint64_t late, struct spread_bits *out)
{
	*out = (struct spread_bits){
		.late = late,
		.protocols = entry->protocols,
		.established = entry->established,
	};
	if (entry->hosts[TRY_TCP]) /* else nothing that the bitmaps are for: RSTs */
		out->tries[TRY_TCP] = entry_unanswered(entry) + entry->odd_flags + entry->stray;
	if (entry->hosts[TRY_OTHER])
		out->tries[TRY_OTHER] = entry->udp + entry->icmp;
	for (int kind = 0; kind < TRY_KINDS; kind++) {
		if (!out->tries[kind])
			continue;
		out->hosts[kind] = entry->hosts[kind];
		out->ports[kind] = entry->ports[kind];
		out->targets = entry->targets;
	}
}

static bool has_tries(const struct spread_bits *bits)
{
	return bits->tries[TRY_TCP] || bits->tries[TRY_OTHER];
}

static unsigned int count_hosts(const struct spread_bits *bits)
{
	return (unsigned int)(__builtin_popcountll(bits->hosts[TRY_TCP]) +
			      __builtin_popcountll(bits->hosts[TRY_OTHER]));
}

/* At most one host, one port, one way of trying. */
static bool is_single(const struct spread_bits *bits)
{
	return count_hosts(bits) <= 1 && __builtin_popcountll(bits->targets) <= 1 &&
	       __builtin_popcount(bits->ports[TRY_TCP]) +
			       __builtin_popcount(bits->ports[TRY_OTHER]) <=
		       1;
}

static uint8_t only_bit(uint64_t bits)
{
	return bits ? (uint8_t)__builtin_ctzll(bits) : TRY_NONE;
}

static struct single_try single_of(const struct spread_bits *bits)
{
	enum try_kind kind = bits->hosts[TRY_TCP] ? TRY_TCP : TRY_OTHER;

	return (struct single_try){ .kind = (uint8_t)kind,
				    .host = only_bit(bits->hosts[kind]),
				    .port = only_bit(bits->ports[kind]),
				    .target = only_bit(bits->targets) };
}

/* Whether the bits can be the source's one try; a newer one of the same kind takes its place. */
static bool keep_single(struct judgement *judgement, const struct spread_bits *bits)
{
	struct source *source = judgement->source;
	struct single_try single = single_of(bits);
	bool forgotten =
		judgement->time.end_ns - source->try_ns > 2 * judgement->plan->longest_spread_ns;

	if (source->spreads || bits->protocols || !is_single(bits))
		return false;
	if (source->try_ns && !forgotten && memcmp(&source->single, &single, sizeof(single)))
		return false;
	source->try_ns = judgement->time.start_ns ? judgement->time.start_ns : 1;
	source->single = single;
	return true;
}

/* The source's one try, if it is within the window. */
static bool single_bits(const struct judgement *judgement, const struct window_shape *shape,
			struct spread_bits *out)
{
	const struct source *source = judgement->source;
	const struct single_try *single;
	struct window_time since;

	if (!source || !source->try_ns || judgement->answered)
		return false;
	since = (struct window_time){ .start_ns = source->try_ns,
				      .end_ns = judgement->time.end_ns };
	if (window_share(shape, &since) > 1)
		return false;
	single = &source->single;
	*out = (struct spread_bits){ 0 };
	out->tries[single->kind] = 1;
	out->hosts[single->kind] = 1ULL << single->host % 64;
	if (single->port != TRY_NONE)
		out->ports[single->kind] = 1U << single->port % 32;
	if (single->target != TRY_NONE)
		out->targets = 1ULL << single->target % 64;
	return true;
}

static void add_bits(struct spread_bits *sum, const struct spread_bits *bits)
{
	for (int kind = 0; kind < TRY_KINDS; kind++) {
		sum->hosts[kind] |= bits->hosts[kind];
		sum->ports[kind] |= bits->ports[kind];
		sum->tries[kind] += bits->tries[kind];
	}
	sum->targets |= bits->targets;
}

/* Adds what the source tried before this interval, within the window. */
static void add_past(struct judgement *judgement, const struct window_shape *shape,
		     struct spread_window *window, struct spread_bits *bits)
{
	struct spread_window copy;
	struct spread_bits single;

	if (!window) {
		if (single_bits(judgement, shape, &single))
			add_bits(bits, &single);
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

/* now: of this interval; bits: of the window. */
static int judge_window(struct judgement *judgement, unsigned int which,
			const struct spread_bits *now, const struct spread_bits *bits)
{
	const struct plan *plan = judgement->plan;
	uint64_t share = window_share(&plan->spreads[which], &judgement->time);
	struct spread spread = spread_estimate(bits);
	int r = 0;

	for (unsigned int i = 0; !r && i < plan->judging_count; i++) {
		const struct plan_limit *limit = &plan->judging[i];
		uint64_t count, most;

		if (limit->spread != which)
			continue;
		count = (limit->ops->distinct(&spread) + share - 1) / share;
		peaks_note(judgement->counts, limit, count);
		most = limit->limit.count;
		if (limit->ops->bits)
			most = spread_reachable(most, limit->ops->bits);
		if (count > most) {
			const struct spread recent = spread_estimate(now);

			r = judge_report(judgement, limit, count, limit->ops->distinct(&recent),
					 &spread);
		}
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
		if (!has_tries(bits) && !bits->protocols)
			return 0;
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
	unsigned int tried = count_hosts(bits) + (unsigned int)__builtin_popcountll(bits->targets);

	if (tried > source->tried)
		source->tried = (uint8_t)tried;
}

static int keep(struct judgement *judgement, struct spread_window **windows,
		const struct spread_bits *bits)
{
	int r = 0;

	if (judgement->answered)
		judgement->source->try_ns = 0;
	if (has_tries(bits) && keep_single(judgement, bits))
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

	read_bits(judgement->entry, judgement->answered, &now);
	if (judgement->source)
		list_windows(judgement, windows);
	for (unsigned int i = 0; !r && i < judgement->plan->spread_count; i++) {
		const struct window_shape *shape = &judgement->plan->spreads[i];

		all = now;
		if (window_share(shape, &judgement->time) == 1)
			add_past(judgement, shape, windows[i], &all);
		if (has_tries(&now) || now.protocols)
			r = judge_window(judgement, i, &now, &all);
		if (has_tries(&now) && !judgement->provisional)
			note_tried(judgement->source, &all);
	}
	if (!r && !judgement->provisional)
		r = keep(judgement, windows, &now);
	return r;
}
