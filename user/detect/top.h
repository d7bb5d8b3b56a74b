/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FWGEN_DETECT_TOP_H
#define FWGEN_DETECT_TOP_H

#include "detect/tracker.h"
#include "model/status.h"

/* The busiest sources first: by rate over their last interval, if that was just now; then by total.
 */
size_t top_sources(const struct tracker *tracker, int64_t now_ns, struct source_status *out,
		   size_t max);

#endif
