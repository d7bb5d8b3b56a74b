/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One source, one interval: its counts against all limits. */
#ifndef FWGEN_DETECT_JUDGE_H
#define FWGEN_DETECT_JUDGE_H

#include "detect/peaks.h"
#include "detect/plan.h"
#include "detect/tracker.h"
#include "model/finding.h"

struct judgement {
	const struct plan *plans;
	unsigned int number;	 /* the source's, of plans */
	const struct plan *plan; /* the same */
	struct tracker *tracker;
	const struct table_entry *entry;
	struct source *source; /* NULL: never seen (provisional only) */
	struct window_time time;
	struct moment at;
	bool provisional;  /* look, but keep nothing */
	uint64_t answered; /* SYNs of earlier intervals whose handshakes ended in this one */
	bool emptied;	   /* some windows of the source hold nothing any more */
	uint32_t fired;	   /* out: bit per detector */
	struct peaks_counts *counts; /* out */
	struct finding_list *out;
};

/* Whether the interval has connections to sensitive ports that may not have been established. */
static inline bool judge_assumes(const struct table_entry *entry)
{
	return entry->sensitive && entry->assumed;
}

/* Return 0 or -ENOMEM. */
int judge_counts(struct judgement *judgement);
int judge_spread(struct judgement *judgement);

/*
 * Appends a finding of this limit. recent: how much of count came in this interval; spread: NULL
 * for counting detectors.
 */
int judge_report(struct judgement *judgement, const struct plan_limit *limit, uint64_t count,
		 uint64_t recent, const struct spread *spread);

#endif
