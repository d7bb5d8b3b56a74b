/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FWGEN_DETECT_RUNNING_H
#define FWGEN_DETECT_RUNNING_H

#include "detect/plans.h"
#include "detect/tracker.h"
#include "model/explanation.h"

/*
 * What is known of a source, or of the hot prefix that it is counted with (status.source says
 * which), with the running counts at that time; changes nothing. False: it is not tracked.
 */
bool running_of(const struct tracker *tracker, const struct plans *plans,
		const struct prefix *source, int64_t now_ns, struct source_seen *out);

#endif
