/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of sources: chains by address_hash over pools. Nothing here depends on the order of the
 * hash, so the same input gives the same findings although the hash is seeded anew in each process.
 * Not here: what is counted, and what it means (detect.c and the detectors).
 */
#include "detect/tracker.h"

#include <errno.h>
#include <stdlib.h>
#include "base/address.h"
#include "base/clock.h"

/*
 * Room in parts of the sources: together 252 bytes a source when all pools are full. Most sources
 * need no window at all, and few try more than one port.
 */
#define WINDOWS_PER_SOURCE 2
#define SOURCES_PER_SPREAD 4
#define POOL_MIN	   64 /* windows, so that a tiny table works at all */

#define KEEP_NS (60 * NS_PER_SECOND) /* a source without windows: for people to look at */

#define WINDOWS_WEIGH 16 /* who comes near a limit is worth as much as who sends so much more */
#define ONE_TRY	      2	 /* bits: a port and a host, like each source of a flood */

#define EVICT_SAMPLE 16 /* records compared for one eviction */
#define EVICT_VISITS 512

int tracker_init(struct tracker *tracker, uint32_t max_sources)
{
	uint32_t size = 1;

	while (size < max_sources)
		size *= 2;
	*tracker = (struct tracker){ .mask = size - 1 };
	tracker->heads = calloc(size, sizeof(*tracker->heads));
	if (!tracker->heads || pool_init(&tracker->sources, sizeof(struct source), max_sources) ||
	    pool_init(&tracker->windows, sizeof(struct window),
		      max_sources * WINDOWS_PER_SOURCE + POOL_MIN) ||
	    pool_init(&tracker->spreads, sizeof(struct spread_window),
		      max_sources / SOURCES_PER_SPREAD + POOL_MIN)) {
		tracker_done(tracker);
		return -ENOMEM;
	}
	return 0;
}

void tracker_done(struct tracker *tracker)
{
	pool_done(&tracker->sources);
	pool_done(&tracker->windows);
	pool_done(&tracker->spreads);
	free(tracker->heads);
	*tracker = (struct tracker){ 0 };
}

static struct source *source_at(const struct tracker *tracker, uint32_t number)
{
	return pool_at(&tracker->sources, number);
}

static uint32_t *chain_of(const struct tracker *tracker, const struct address *address,
			  uint8_t prefix_len)
{
	uint64_t hash = address_hash(address) + prefix_len;

	return &tracker->heads[hash & tracker->mask];
}

void tracker_expect_chain(const struct tracker *tracker, const struct address *address,
			  uint8_t prefix_len)
{
	__builtin_prefetch(chain_of(tracker, address, prefix_len));
}

void tracker_expect_source(const struct tracker *tracker, const struct address *address,
			   uint8_t prefix_len)
{
	uint32_t number = *chain_of(tracker, address, prefix_len);
	const char *source;

	if (!number)
		return;
	source = pool_at(&tracker->sources, number);
	__builtin_prefetch(source);
	__builtin_prefetch(source + sizeof(struct source) - 1);
}

/* The link that points to the source: in heads, or in another source of the chain. */
static uint32_t *link_of(const struct tracker *tracker, const struct address *address,
			 uint8_t prefix_len)
{
	uint32_t *link = chain_of(tracker, address, prefix_len);

	while (*link) {
		struct source *source = source_at(tracker, *link);

		if (source->prefix_len == prefix_len && address_equal(&source->address, address))
			break;
		link = &source->next;
	}
	return link;
}

struct source *tracker_find(const struct tracker *tracker, const struct address *address,
			    uint8_t prefix_len)
{
	uint32_t number = *link_of(tracker, address, prefix_len);

	return number ? source_at(tracker, number) : NULL;
}

static void drop(struct tracker *tracker, struct source *source)
{
	uint32_t *link = link_of(tracker, &source->address, source->prefix_len);
	uint32_t number = *link, next;

	*link = source->next;
	for (uint32_t w = source->windows; w; w = next) {
		next = tracker_window(tracker, w)->next;
		pool_give(&tracker->windows, w);
	}
	for (uint32_t w = source->spreads; w; w = next) {
		next = tracker_spread(tracker, w)->next;
		pool_give(&tracker->spreads, w);
	}
	tracker->established -= source->established;
	pool_give(&tracker->sources, number);
}

static bool silent(const struct tracker *tracker, const struct source *source, int64_t now_ns)
{
	int64_t keep_ns = KEEP_NS;

	for (uint32_t w = source->windows; w; w = tracker_window(tracker, w)->next) {
		uint8_t which = tracker_window(tracker, w)->which;

		if (keep_ns < tracker->keep_window_ns[which])
			keep_ns = tracker->keep_window_ns[which];
	}
	if ((source->spreads || source->try_ns) && keep_ns < tracker->keep_tries_ns)
		keep_ns = tracker->keep_tries_ns;
	return now_ns - source->last_ns > keep_ns;
}

/*
 * Sources that fired come first, then those that tried several ports or hosts: a flood of random
 * sources, however loud, must not push out a slow scan, nor who logs in again and again.
 */
static uint64_t interest(const struct tracker *tracker, const struct source *source, int64_t now_ns)
{
	uint64_t packets = source->packets < 1u << 20 ? source->packets : 1u << 20;
	uint64_t tried = source->tried > ONE_TRY ? source->tried : 0;
	int64_t idle = now_ns > source->last_ns ? now_ns - source->last_ns : 0;

	if (silent(tracker, source, now_ns))
		return 0;
	if (source->windows)
		packets *= WINDOWS_WEIGH;
	return 1 + packets / (1 + (uint64_t)(idle / NS_PER_SECOND)) + (tried << 25) +
	       (source->fired ? 1ULL << 34 : 0);
}

static struct source *turn_hand(struct tracker *tracker)
{
	if (++tracker->hand > tracker->sources.made)
		tracker->hand = 1;
	return source_at(tracker, tracker->hand);
}

enum need { NEED_SOURCE, NEED_WINDOW, NEED_SPREAD };

static bool has(const struct source *source, enum need need)
{
	if (!source->prefix_len)
		return false;
	return need == NEED_SOURCE || (need == NEED_WINDOW ? source->windows : source->spreads);
}

/* Frees the least interesting of some sources that have what is needed. Returns whether it did. */
static bool evict(struct tracker *tracker, const struct source *except, enum need need,
		  int64_t now_ns)
{
	struct source *least = NULL;
	uint64_t least_interest = UINT64_MAX;
	int sample = 0;

	for (int i = 0; i < EVICT_VISITS && sample < EVICT_SAMPLE; i++) {
		struct source *source = turn_hand(tracker);
		uint64_t value;

		if (source == except || !has(source, need))
			continue;
		sample++;
		value = interest(tracker, source, now_ns);
		if (value < least_interest) {
			least = source;
			least_interest = value;
		}
	}
	if (!least)
		return false;
	drop(tracker, least);
	tracker->evicted++;
	return true;
}

int tracker_enter(struct tracker *tracker, const struct address *address, uint8_t prefix_len,
		  int64_t now_ns, struct source **out)
{
	struct source *source = tracker_find(tracker, address, prefix_len);
	uint32_t number, *chain;
	int r;

	if (!source) {
		r = pool_take(&tracker->sources, &number);
		if (r == -ENOSPC && evict(tracker, NULL, NEED_SOURCE, now_ns))
			r = pool_take(&tracker->sources, &number);
		if (r)
			return -ENOMEM;
		source = source_at(tracker, number);
		source->address = *address;
		source->prefix_len = prefix_len;
		source->last_ns = now_ns;
		chain = chain_of(tracker, address, prefix_len);
		source->next = *chain;
		*chain = number;
	}
	*out = source;
	return 0;
}

void tracker_establish(struct tracker *tracker, struct source *source, bool exchanges)
{
	tracker->established += exchanges && !source->established;
	source->established |= exchanges;
}

static int take(struct tracker *tracker, struct pool *pool, const struct source *source,
		enum need need, uint32_t *number)
{
	int r = pool_take(pool, number);

	if (r == -ENOSPC && evict(tracker, source, need, source->last_ns))
		r = pool_take(pool, number);
	if (r)
		tracker->refused++;
	return r;
}

int tracker_add_window(struct tracker *tracker, struct source *source, uint8_t which,
		       struct window **out)
{
	struct window *window;
	uint32_t number;
	int r = take(tracker, &tracker->windows, source, NEED_WINDOW, &number);

	if (r)
		return r;
	window = tracker_window(tracker, number);
	window->which = which;
	window->next = source->windows;
	source->windows = number;
	*out = window;
	return 0;
}

int tracker_add_spread(struct tracker *tracker, struct source *source, uint8_t which,
		       struct spread_window **out)
{
	struct spread_window *window;
	uint32_t number;
	int r = take(tracker, &tracker->spreads, source, NEED_SPREAD, &number);

	if (r)
		return r;
	window = tracker_spread(tracker, number);
	window->which = which;
	window->next = source->spreads;
	source->spreads = number;
	*out = window;
	return 0;
}

void tracker_sweep(struct tracker *tracker, uint32_t visits, int64_t now_ns)
{
	if (visits > tracker->sources.made)
		visits = tracker->sources.made;
	while (visits--) {
		struct source *source = turn_hand(tracker);

		if (source->prefix_len && silent(tracker, source, now_ns))
			drop(tracker, source);
	}
}

struct source *tracker_next(const struct tracker *tracker, uint32_t *cursor)
{
	while (*cursor < tracker->sources.made) {
		struct source *source = source_at(tracker, ++*cursor);

		if (source->prefix_len)
			return source;
	}
	return NULL;
}

void tracker_filter(struct tracker *tracker, struct source *source,
		    bool (*keep_window)(void *context, struct window *window),
		    bool (*keep_spread)(void *context, struct spread_window *window), void *context)
{
	uint32_t *link = &source->windows, number;

	while ((number = *link)) {
		struct window *window = tracker_window(tracker, number);

		if (keep_window(context, window)) {
			link = &window->next;
			continue;
		}
		*link = window->next;
		pool_give(&tracker->windows, number);
	}
	link = &source->spreads;
	while ((number = *link)) {
		struct spread_window *window = tracker_spread(tracker, number);

		if (keep_spread(context, window)) {
			link = &window->next;
			continue;
		}
		*link = window->next;
		pool_give(&tracker->spreads, number);
	}
}

uint64_t tracker_bytes(const struct tracker *tracker)
{
	return pool_bytes(&tracker->sources) + pool_bytes(&tracker->windows) +
	       pool_bytes(&tracker->spreads) + ((uint64_t)tracker->mask + 1) * sizeof(uint32_t);
}
