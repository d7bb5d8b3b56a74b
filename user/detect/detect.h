/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Samples -> windows per source -> findings. No I/O, no clock of its own: time comes with the
 * interval. Not thread-safe; the daemon holds one lock around detection and decision.
 */
#ifndef FWGEN_DETECT_H
#define FWGEN_DETECT_H

#include "model/config.h"
#include "model/explanation.h"
#include "model/finding.h"
#include "model/peaks.h"
#include "model/sample.h"
#include "model/status.h"

struct detect;

/* Keeps no pointer to config. Returns 0 or -ENOMEM. */
int detect_new(const struct config *config, struct detect **out);
void detect_free(struct detect **detect);
/* New limits from here on; what the windows have counted stays. Returns 0 or -ENOMEM, unchanged. */
int detect_reconfigure(struct detect *detect, const struct config *config);

/*
 * Takes n samples of an interval into the windows (a slice of it, so that the lock is never held
 * long) and appends a finding for each limit that a source is over. A source that stays over its
 * limit is reported again in each interval: policy renews. Returns 0 or -ENOMEM (findings so far
 * stay in out).
 */
int detect_samples(struct detect *detect, const struct traffic *traffic,
		   const struct sample *samples, size_t n, struct finding_list *out);

/*
 * The interval by destination: a finding (DETECTOR_VICTIM_FLOOD, its destination the victim, its
 * source all of the family: 0.0.0.0/0 or ::/0) for each host that is flooded by many sources, and
 * one with lasted_ns when that is over. Once for each interval; it shares nothing with
 * detect_provisional, so no lock need be held against that. Returns 0 or -ENOMEM.
 */
int detect_destinations(struct detect *detect, const struct interval *interval,
			struct finding_list *out);

/*
 * A wake record's copy of an entry of the running interval: windows plus this copy are judged,
 * nothing is kept, since the drained interval will bring it again. Findings are provisional.
 */
int detect_provisional(struct detect *detect, const struct table_entry *entry, struct moment now,
		       struct finding_list *out);

/*
 * The ports and hosts that a source has tried so far, and its logins, have led to a rule: they are
 * evidence once (finding.once). A block is renewed, or made anew, for what is tried after it;
 * otherwise one scan would hold a harmless packet against its address for as long as the longest
 * window.
 */
void detect_forget_tries(struct detect *detect, const struct prefix *source);

/* The counts within one interval at which some detector could fire: what the sensor wakes for. */
void detect_wake_marks(const struct config *config, struct wake_marks *out);

/*
 * What sources have come to against each limit since the period began, a row for each limit, for
 * the caller to free. A period that is period_ns long or more ends with that, and so does one at
 * detect_reconfigure; what it held is gone then. Returns 0 or -ENOMEM.
 */
int detect_peaks(struct detect *detect, int64_t period_ns, struct peak_row **rows, size_t *count);
/* How long the period is so far. */
int64_t detect_peaks_ns(const struct detect *detect);

/* A running count as it was held against a limit. */
struct detect_count {
	enum detector_id detector;
	uint32_t seconds;
	uint64_t count;
};

/* Whoever wants to see what is judged, not only what is found. */
struct detect_observer {
	/*
	 * Each sample of detect_samples, with its running counts but those that are 0, and a bit
	 * for each detector that has found it.
	 */
	void (*judged)(void *context, const struct traffic *traffic, const struct sample *sample,
		       const struct detect_count *counts, size_t n, uint32_t found);
	/* A source was found by detect_provisional. */
	void (*found)(void *context, struct moment at, const struct table_entry *entry,
		      uint32_t found);
	void *context;
};

/* From here on; NULL: nobody. The caller keeps it. */
void detect_observe(struct detect *detect, const struct detect_observer *observer);

/* Sources tracked now that have had exchanges of their own. */
uint64_t detect_established(const struct detect *detect);
uint64_t detect_tracked(const struct detect *detect);
void detect_tracker(const struct detect *detect, struct tracker_status *out);
uint64_t detect_memory_bytes(const struct detect *detect);
/* The busiest sources first (state is left SOURCE_PASSING). Returns how many. */
size_t detect_top(const struct detect *detect, struct source_status *out, size_t max);
/* What is known of a source, or of the hot prefix that it is counted with, and the running counts
 * at that time. False: nothing. */
bool detect_source(const struct detect *detect, const struct prefix *source, int64_t now_ns,
		   struct source_seen *out);

#endif
