/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The largest running count of each source against each limit, over a period. What is watched is
 * bounded: when more sources have come than there is room for, a source is watched whose weight
 * (how near it came to a limit) over its lot (a number of its own in (0, 1], from its address) is
 * above a threshold. So whoever comes near a limit is always watched, and of the others each stands
 * for as many as the chance that it was drawn says (priority sampling: Duffield, Lund, Thorup
 * 2007). Sources that are watched get windows from their first packet on, since others have none
 * below 1/128 of a limit's rate.
 */
#ifndef FWGEN_DETECT_PEAKS_H
#define FWGEN_DETECT_PEAKS_H

#include "detect/plan.h"
#include "detect/tracker.h"
#include "model/peaks.h"

#define PEAKS_SOURCES 8192 /* watched at a time */

struct peaks;

/* The running counts of one source in one interval that are not 0. */
struct peaks_counts {
	unsigned int n;
	uint8_t limit[PLAN_LIMITS_MAX]; /* plan_limit.number */
	uint64_t count[PLAN_LIMITS_MAX];
};

static inline void peaks_note(struct peaks_counts *counts, const struct plan_limit *limit,
			      uint64_t count)
{
	if (!count)
		return;
	counts->limit[counts->n] = limit->number;
	counts->count[counts->n++] = count;
}

/* Returns 0 or -ENOMEM. max: PEAKS_SOURCES, or less for tests. */
int peaks_new(const struct plan *plan, const char *config_hash, uint32_t max, struct peaks **out);
void peaks_free(struct peaks **peaks);

/* The period goes on to that interval's end; the first one begins it. */
void peaks_pass(struct peaks *peaks, struct moment start, struct moment end);
/* Takes what one interval has brought. found: a detector has found the source. */
void peaks_take(struct peaks *peaks, struct source *source, const struct peaks_counts *counts,
		bool found);

/* How long the period is so far, and a new one. */
int64_t peaks_duration(const struct peaks *peaks);
void peaks_restart(struct peaks *peaks);

/* A row for each limit that was counted against, for the caller to free. 0 or -ENOMEM. */
int peaks_rows(const struct peaks *peaks, struct peak_row **rows, size_t *count);

uint64_t peaks_bytes(const struct peaks *peaks);

#endif
