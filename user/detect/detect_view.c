/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to detection. Nothing here changes it (detect.c). */
#include "detect/detect_state.h"
#include "detect/running.h"
#include "detect/top.h"

uint64_t detect_tracked(const struct detect *detect)
{
	return detect->tracker.sources.used;
}

void detect_tracker(const struct detect *detect, struct tracker_status *out)
{
	*out = (struct tracker_status){
		.sources = detect->tracker.sources.used,
		.evicted = detect->tracker.evicted,
		.refused = detect->tracker.refused,
	};
}

uint64_t detect_memory_bytes(const struct detect *detect)
{
	return sizeof(*detect) + detect->plans.count * sizeof(*detect->plans.items) +
	       tracker_bytes(&detect->tracker) + victims_bytes(&detect->victims) +
	       peaks_bytes(detect->peaks);
}

size_t detect_top(const struct detect *detect, struct source_status *out, size_t max)
{
	return top_sources(&detect->tracker, detect->last_end_ns, out, max);
}

bool detect_source(const struct detect *detect, const struct prefix *source, int64_t now_ns,
		   struct source_seen *out)
{
	return running_of(&detect->tracker, &detect->plans, source, now_ns, out);
}
