/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has been seen lately: a bounded table of sources. A source costs 96 bytes and 4 of hash
 * chain; windows (32 bytes) are added for limits that it comes near, spread windows (352 bytes) for
 * sources that try more than one port or host. When something is full, the least interesting of a
 * few sources makes room; how often is counted.
 */
#ifndef FWGEN_DETECT_TRACKER_H
#define FWGEN_DETECT_TRACKER_H

#include <stdbool.h>
#include "abi.h"
#include "detect/pool.h"
#include "detect/spread.h"
#include "detect/window.h"
#include "model/detector.h"

#define TRACKER_SOURCES_MAX 1000000u
#define TRY_NONE	    0xff

/* The only try of a source: bit numbers, or TRY_NONE. */
struct single_try {
	uint8_t kind; /* enum try_kind */
	uint8_t host, port, target;
};

struct source {
	struct address address;
	int64_t last_ns; /* the end of the last interval that had it */
	int64_t try_ns;	 /* the only try so far, see single; 0: none, or it has spread windows */
	uint64_t packets, bytes, dropped;
	uint32_t next;	     /* in its hash chain */
	uint32_t windows;    /* first of its windows */
	uint32_t spreads;    /* first of its spread windows */
	uint32_t unanswered; /* SYNs so far without an established exchange */
	uint32_t assumed_s;  /* boot time of the last login of which one side was seen; 0: none */
	float packets_per_second;
	uint16_t fired;		  /* bit per detector */
	uint16_t watched;	  /* its record in peaks.c, if that is still its own; 0: none */
	struct single_try single; /* at try_ns */
	uint8_t prefix_len;	  /* 0: this record is free */
	uint8_t tried;		  /* the most bits of ports and hosts in one interval or window */
	uint8_t group;		  /* that its last interval was judged by, from 1; 0: none */
	uint8_t groups;		  /* that hold its address: groups.h; 0: to be asked for */
	bool established;	  /* it has had exchanges of its own: tracker_establish() */
};
_Static_assert(sizeof(struct source) == 96, "a million of these");
_Static_assert(DETECTOR_COUNT <= 16, "a bit for each in 16");

struct tracker {
	struct pool sources, windows, spreads;
	uint32_t *heads;
	uint32_t mask;
	uint32_t hand; /* where sweeping and eviction go on */
	/* silence after which they are worthless: windows by what they belong to, and tries */
	int64_t keep_window_ns[UINT8_MAX + 1], keep_tries_ns;
	uint64_t established;	   /* sources that have had exchanges of their own */
	uint64_t evicted, refused; /* refused: windows that found no room */
};

/* Returns 0 or -ENOMEM. */
int tracker_init(struct tracker *tracker, uint32_t max_sources);
void tracker_done(struct tracker *tracker);

struct source *tracker_find(const struct tracker *tracker, const struct address *address,
			    uint8_t prefix_len);
/*
 * The address will be looked up soon: has its place fetched into the cache, first the head of its
 * chain, a little later (once that is there) the record.
 */
void tracker_expect_chain(const struct tracker *tracker, const struct address *address,
			  uint8_t prefix_len);
void tracker_expect_source(const struct tracker *tracker, const struct address *address,
			   uint8_t prefix_len);
/* Finds or makes the record. Returns 0 or -ENOMEM. */
int tracker_enter(struct tracker *tracker, const struct address *address, uint8_t prefix_len,
		  int64_t now_ns, struct source **out);

/* Whether it has had exchanges of its own in this interval: once is enough. */
void tracker_establish(struct tracker *tracker, struct source *source, bool exchanges);

/* Add a window to the source; other sources may go for it, never this one. 0, -ENOSPC, -ENOMEM. */
int tracker_add_window(struct tracker *tracker, struct source *source, uint8_t which,
		       struct window **out);
int tracker_add_spread(struct tracker *tracker, struct source *source, uint8_t which,
		       struct spread_window **out);

static inline struct window *tracker_window(const struct tracker *tracker, uint32_t number)
{
	return number ? pool_at(&tracker->windows, number) : NULL;
}

static inline struct spread_window *tracker_spread(const struct tracker *tracker, uint32_t number)
{
	return number ? pool_at(&tracker->spreads, number) : NULL;
}

/* Looks at that many records and forgets the ones that have been silent for too long. */
void tracker_sweep(struct tracker *tracker, uint32_t visits, int64_t now_ns);
/* All sources in turn: *cursor begins at 0; NULL at the end. */
struct source *tracker_next(const struct tracker *tracker, uint32_t *cursor);

/* Frees the windows for which keep says no (it may change them). */
void tracker_filter(struct tracker *tracker, struct source *source,
		    bool (*keep_window)(void *context, struct window *window),
		    bool (*keep_spread)(void *context, struct spread_window *window),
		    void *context);

uint64_t tracker_bytes(const struct tracker *tracker);

#endif
