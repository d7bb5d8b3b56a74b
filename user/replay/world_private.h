/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What world.c (frames and the clock) and world_judge.c (findings and rules) share. */
#ifndef FWGEN_REPLAY_WORLD_PRIVATE_H
#define FWGEN_REPLAY_WORLD_PRIVATE_H

#include "base/clock.h"
#include "decide/policy.h"
#include "detect/detect.h"
#include "replay/plain.h"
#include "replay/world.h"

/* So that no time on the capture's clock is 0, which means "never" in places. */
#define BOOT_NS	 (86400 * NS_PER_SECOND)
#define PEAKS_NS (3600 * NS_PER_SECOND)

struct world {
	const struct config *config;
	const struct report_ops *report;
	FILE *out;
	struct record *record;	   /* or NULL */
	struct features *features; /* or NULL */

	struct plain *plain;
	struct detect *detect;
	struct policy *policy;
	struct blocks blocks;
	struct tally tally;
	struct finding_list findings;
	struct rule_change_list changes;

	int64_t interval_ns;
	int64_t now_ns;		  /* since 1970; of the latest frame */
	int64_t start_ns, end_ns; /* of the running interval */
	bool running;		  /* there is one: a frame began it */
	int64_t idle_ns;	  /* the end of the last one; negative: there was none */

	/* the file in hand */
	const char *file;
	int link_type;
	struct summary summary;
};

static inline struct moment moment_of(int64_t wall_ns)
{
	return (struct moment){ .boot_ns = wall_ns + BOOT_NS, .wall_ns = wall_ns };
}

/* All return 0 or -ENOMEM. */

/* A drained interval, from samples to rules. */
int world_judge(struct world *world, const struct interval *interval);
/* A source that crossed a mark within one. */
int world_wake(struct world *world, const struct table_entry *entry);
/* Each rule lasts as long as it would have. */
int world_end_rules(struct world *world);

#endif
