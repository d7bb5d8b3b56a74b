/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What detect.c changes and detect_view.c reads. */
#ifndef FWGEN_DETECT_STATE_H
#define FWGEN_DETECT_STATE_H

#include "detect/detect.h"
#include "detect/peaks.h"
#include "detect/plans.h"
#include "detect/services.h"
#include "detect/tracker.h"
#include "detect/victim.h"

struct detect {
	struct plans plans;
	struct services services;
	struct tracker tracker;
	struct victims victims;
	struct peaks *peaks;
	const struct detect_observer *observer; /* the caller's, or NULL */
	int64_t last_end_ns;			/* of the newest interval drained */
};

#endif
