/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another configuration's limits held against what was recorded: who would have been over them, and
 * who was over today's. Where a limit's window was not recorded, the nearest one of its detector is
 * reckoned up or down in proportion, and the answer says so.
 */
#ifndef FWGEN_ADVISE_WHATIF_H
#define FWGEN_ADVISE_WHATIF_H

#include "advise/past.h"
#include "base/json.h"
#include "model/config.h"

/* Sources by name, each once. */
struct whatif_source {
	struct prefix source;
	uint64_t peak; /* the largest, within the window that was recorded */
	bool found;    /* by some detector, at the time */
	bool over, over_today;
};

#define WHATIF_NAMES_MAX 4096

/* How many were over a count. */
struct whatif_tally {
	uint64_t hours; /* sources, each once for every hour in which it was over */
	uint64_t named; /* sources of which the name is known, each once */
	bool complete;	/* these are all */
};

struct whatif_limit {
	enum detector_id detector;
	uint32_t seconds;
	bool wanted, in_force;	   /* whether it is in the candidate, in today's */
	uint64_t count, today;	   /* there */
	uint32_t recorded_seconds; /* 0: nothing was */
	struct whatif_tally over, over_today;
	struct whatif_source *sources; /* owned; those over either, the largest first */
	size_t source_count, capacity;
};

struct whatif {
	struct past past;
	const struct config *candidate, *today;
	struct whatif_limit limits[DETECTOR_COUNT * CONFIG_LIMITS_MAX * 2];
	unsigned int limit_count;
};

/* Keeps pointers to both. The caller frees by whatif_free, also after a failure. 0 or -errno. */
int whatif_make(const char *database, int64_t last_ns, const struct config *candidate,
		const struct config *today, struct whatif **out, char error[HISTORY_ERROR]);
void whatif_free(struct whatif **whatif);

/* A count within the recorded window as it would be within the limit's. */
uint64_t whatif_reckon(const struct whatif_limit *limit, uint64_t peak);

/* The answer of `fwgen whatif`. NULL when memory ran out. */
struct json *whatif_json(const struct whatif *whatif);

#endif
