/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The enabled detectors and their limits, worked out once per configuration: for all, and for
 * groups. */
#ifndef FWGEN_DETECT_PLAN_H
#define FWGEN_DETECT_PLAN_H

#include "detect/detector.h"
#include "model/config.h"

#define PLAN_ALSO_MAX	3 /* numbers beside the detectors' first: ops->also */
#define PLAN_LIMITS_MAX (DETECTOR_COUNT * CONFIG_LIMITS_MAX + PLAN_ALSO_MAX)

struct plan_limit {
	enum detector_id id;
	const struct detector_ops *ops;
	struct limit limit;
	struct window_shape shape; /* counting */
	unsigned int spread;	   /* spread: index in spreads */
	uint8_t number;		   /* of all limits, counting and judging */
	bool derived;		   /* worked out from one of the detector's own */
};

struct plan {
	char group[GROUP_NAME_TEXT]; /* "": for all */
	bool by_port;		     /* the group is one by what is done, not by who does it */
	struct plan_limit counting[PLAN_LIMITS_MAX];
	unsigned int counting_count;
	struct plan_limit judging[PLAN_LIMITS_MAX];
	unsigned int judging_count;
	/* Limits of the same length share a window of ports and hosts. */
	struct window_shape spreads[PLAN_LIMITS_MAX];
	unsigned int spread_count;
	int64_t longest_spread_ns;
};
_Static_assert(PLAN_LIMITS_MAX <= INT8_MAX, "windows name their limit by a byte");

void plan_make(const struct detector_config detectors[DETECTOR_COUNT], struct plan *out);

#define PLAN_NO_HEIR (-1)

/* Which window of the new plan takes over each window of the old one, or PLAN_NO_HEIR. */
struct plan_heirs {
	int8_t counting[PLAN_LIMITS_MAX];
	int8_t spreads[PLAN_LIMITS_MAX];
};
void plan_inherit(const struct plan *from, const struct plan *to, struct plan_heirs *out);

#endif
