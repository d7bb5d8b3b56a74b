/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plan for all and those of the groups, who has which, and how counts pass to new ones. */
#ifndef FWGEN_DETECT_PLANS_H
#define FWGEN_DETECT_PLANS_H

#include "detect/groups.h"
#include "detect/plan.h"
#include "detect/tracker.h"

struct plans {
	struct groups groups;
	struct plan *items; /* [0] for who is in no group, then one for each; owned */
	unsigned int count;
	int64_t longest_spread_ns;
};

/* Returns 0 or -ENOMEM. */
int plans_make(const struct config *config, struct plans *out);
void plans_free(struct plans *plans);

/*
 * All sources go to the new plans, with what their windows have counted where one of the same
 * detector takes it over. now_ns: the end of the newest interval. Returns 0 or -ENOMEM, unchanged.
 */
int plans_carry(const struct plans *from, const struct plans *to, struct tracker *tracker,
		int64_t now_ns);

#endif
