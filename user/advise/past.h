/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The recorded hours added up, limit by limit. */
#ifndef FWGEN_ADVISE_PAST_H
#define FWGEN_ADVISE_PAST_H

#include "record/history.h"

#define PAST_LIMITS_MAX (DETECTOR_COUNT * 16)

/* One window of one detector. A source counts once in each hour that it was seen. */
struct past_limit {
	enum detector_id detector;
	uint32_t seconds;
	uint64_t count;	    /* the newest limit of it */
	bool in_force;	    /* whether the newest hour had it */
	int64_t covered_ns; /* all its hours together */
	struct peak_histogram peace, found;
};

struct past {
	char database[512];
	int64_t last_ns;	   /* asked for; 0: all */
	struct history_span span;  /* all that there is */
	bool any;		   /* there is something in it */
	int64_t first_ns, end_ns;  /* of what was read: wall clock */
	int64_t covered_ns;	   /* the hours together, without gaps */
	struct past_limit *limits; /* owned */
	unsigned int limit_count;
};

/* As history_peaks, all of it; the caller frees by past_free, also after a failure. */
int past_read(const char *database, int64_t last_ns, struct past *out, char error[HISTORY_ERROR]);
void past_free(struct past *past);

/* Limits of the detector with that window, or with the nearest one; NULL: it has none. */
const struct past_limit *past_find(const struct past *past, enum detector_id detector,
				   uint32_t seconds);
const struct past_limit *past_nearest(const struct past *past, enum detector_id detector,
				      uint32_t seconds);

#endif
