/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one record of the table of victims counts, and what is usual there: a weighted mean of the
 * last ten minutes, from zero. Time comes with the intervals.
 */
#ifndef FWGEN_DETECT_VICTIM_RATE_H
#define FWGEN_DETECT_VICTIM_RATE_H

#include "detect/victim_table.h"

/* The limits, and the windows that they ask for. */
struct victim_limits {
	struct limit limits[CONFIG_LIMITS_MAX];
	struct window_shape shapes[CONFIG_LIMITS_MAX];
	unsigned int count;
};

void victim_limits_set(struct victim_limits *out, const struct detector_config *config);
/* Whether an interval's packets, of which one in `every` was counted, are worth a record. */
bool victim_is_worth(const struct victim_limits *limits, const struct window_time *time,
		     uint64_t counted, uint32_t every);

/*
 * An interval's packets, of which one in `every` was counted, into the windows. counts: what each
 * of them holds with it.
 */
void victim_add(struct victim *victim, const struct victim_limits *limits,
		const struct window_time *time, const struct victim_count *count, uint32_t every,
		uint64_t counts[CONFIG_LIMITS_MAX]);
/* How many of the SYNs of so many seconds may be ahead of their handshakes in peace. */
double victim_chance(const struct victim *victim, uint32_t seconds, uint32_t every);

enum victim_pace {
	PACE_USUAL,
	PACE_LASTING, /* a hundred times slower: a flood must not be usual before it is over */
};

/* Up to the interval's end the rate was so many packets a second. After victim_add. */
void victim_learn(struct victim *victim, const struct window_time *time, double rate,
		  enum victim_pace pace);
/* What is usual, in packets a second, when everything is known since known_ns ago. */
double victim_usual(const struct victim *victim, int64_t known_ns);

#endif
