/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver: takes drained intervals and wake records to the tracker and the detectors. Time comes
 * with what is judged, nothing is random, so the same input gives the same findings. Not here: what
 * the findings lead to (decide/).
 */
#include "detect/detect.h"

#include <errno.h>
#include <stdlib.h>
#include "base/clock.h"
#include "detect/judge.h"
#include "detect/plan.h"
#include "detect/top.h"
#include "detect/tracker.h"

#define SWEEP_EXTRA 64 /* records looked at beyond one for each sample */

struct detect {
	struct plan plan;
	struct tracker tracker;
	int64_t last_end_ns; /* of the newest interval drained */
};

static void set_keeping(struct detect *detect)
{
	const struct plan *plan = &detect->plan;

	for (unsigned int i = 0; i < plan->counting_count; i++)
		detect->tracker.keep_window_ns[i] = 2 * plan->counting[i].shape.window_ns;
	detect->tracker.keep_tries_ns = 2 * detect->plan.longest_spread_ns;
}

int detect_new(const struct config *config, struct detect **out)
{
	struct detect *detect = calloc(1, sizeof(*detect));

	if (!detect)
		return -ENOMEM;
	if (tracker_init(&detect->tracker, TRACKER_SOURCES_MAX)) {
		free(detect);
		return -ENOMEM;
	}
	plan_make(config, &detect->plan);
	set_keeping(detect);
	*out = detect;
	return 0;
}

void detect_free(struct detect **detect)
{
	if (!*detect)
		return;
	tracker_done(&(*detect)->tracker);
	free(*detect);
	*detect = NULL;
}

struct conversion {
	const struct plan *from, *to;
	struct plan_heirs heirs;
	struct window_time time;
};

static bool convert_window(void *context, struct window *window)
{
	struct conversion *conversion = context;
	const struct window_shape *from = &conversion->from->counting[window->which].shape;
	int heir = conversion->heirs.counting[window->which];

	if (heir == PLAN_NO_HEIR)
		return false;
	window_advance(window, from, &conversion->time);
	window_convert(window, from, &conversion->to->counting[heir].shape,
		       conversion->time.end_ns);
	window->which = (uint8_t)heir;
	return true;
}

static bool convert_spread(void *context, struct spread_window *window)
{
	struct conversion *conversion = context;
	const struct window_shape *from = &conversion->from->spreads[window->which];
	int heir = conversion->heirs.spreads[window->which];

	if (heir == PLAN_NO_HEIR)
		return false;
	spread_advance(window, from, &conversion->time);
	spread_convert(window, from, &conversion->to->spreads[heir], conversion->time.end_ns);
	window->which = (uint8_t)heir;
	return true;
}

int detect_reconfigure(struct detect *detect, const struct config *config)
{
	struct conversion conversion = { .from = &detect->plan };
	struct source *source;
	uint32_t cursor = 0;
	struct plan *plan = malloc(sizeof(*plan));

	if (!plan)
		return -ENOMEM;
	plan_make(config, plan);
	conversion.to = plan;
	plan_inherit(conversion.from, plan, &conversion.heirs);
	while ((source = tracker_next(&detect->tracker, &cursor))) {
		conversion.time = (struct window_time){ .start_ns = detect->last_end_ns,
							.end_ns = detect->last_end_ns,
							.before_ns = source->last_ns };
		tracker_filter(&detect->tracker, source, convert_window, convert_spread,
			       &conversion);
	}
	detect->plan = *plan;
	free(plan);
	set_keeping(detect);
	return 0;
}

/*
 * A handshake's ACK may come some intervals after its SYN: then an interval has more of the ones
 * than of the others, and the SYNs counted as unanswered before are taken back.
 */
static uint64_t answers(const struct source *source, const struct table_entry *entry)
{
	uint64_t spare = entry->established > entry->syn ? entry->established - entry->syn : 0;

	return spare < source->unanswered ? spare : source->unanswered;
}

static void note_unanswered(struct judgement *judgement)
{
	struct source *source = judgement->source;
	uint64_t unanswered = source->unanswered - judgement->answered;

	unanswered += entry_unanswered(judgement->entry);
	source->unanswered = unanswered < UINT32_MAX ? (uint32_t)unanswered : UINT32_MAX;
	if (judge_assumes(judgement->entry))
		source->assumed_s = (uint32_t)(judgement->time.end_ns / NS_PER_SECOND);
}

static void add_totals(struct judgement *judgement)
{
	struct source *source = judgement->source;
	const struct table_entry *entry = judgement->entry;
	int64_t duration_ns = judgement->time.end_ns - judgement->time.start_ns;

	source->packets += entry->packets;
	source->bytes += entry->bytes;
	source->dropped += entry->dropped;
	source->fired |= judgement->fired;
	if (duration_ns > 0)
		source->packets_per_second =
			(float)((double)entry->packets * 1e9 / (double)duration_ns);
	if (source->last_ns < judgement->time.end_ns)
		source->last_ns = judgement->time.end_ns;
}

static int judge(struct judgement *judgement)
{
	int r;

	if (judgement->source) {
		judgement->time.before_ns = judgement->source->last_ns;
		judgement->answered = answers(judgement->source, judgement->entry);
	}
	r = judge_counts(judgement);
	return r ? r : judge_spread(judgement);
}

static int take_sample(struct detect *detect, const struct traffic *traffic,
		       const struct sample *sample, struct finding_list *out)
{
	const struct table_entry *entry = &sample->entry;
	struct judgement judgement = {
		.plan = &detect->plan,
		.tracker = &detect->tracker,
		.entry = entry,
		.time = { .start_ns = traffic->start.boot_ns, .end_ns = traffic->end.boot_ns },
		.at = traffic->end,
		.out = out,
	};
	int r = tracker_enter(&detect->tracker, &entry->address,
			      entry->prefix_len ? entry->prefix_len : PREFIX_LEN_FULL,
			      traffic->start.boot_ns, &judgement.source);

	if (r)
		return r;
	r = judge(&judgement);
	note_unanswered(&judgement);
	add_totals(&judgement);
	return r;
}

int detect_samples(struct detect *detect, const struct traffic *traffic,
		   const struct sample *samples, size_t n, struct finding_list *out)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		r = take_sample(detect, traffic, &samples[i], out);
	if (detect->last_end_ns < traffic->end.boot_ns)
		detect->last_end_ns = traffic->end.boot_ns;
	tracker_sweep(&detect->tracker, (uint32_t)n + SWEEP_EXTRA, detect->last_end_ns);
	return r;
}

int detect_provisional(struct detect *detect, const struct table_entry *entry, struct moment now,
		       struct finding_list *out)
{
	bool known = detect->last_end_ns && detect->last_end_ns <= now.boot_ns;
	struct judgement judgement = {
		.plan = &detect->plan,
		.tracker = &detect->tracker,
		.entry = entry,
		/* the running interval began where the last one ended */
		.time = { .start_ns = known ? detect->last_end_ns : now.boot_ns,
			  .end_ns = now.boot_ns },
		.at = now,
		.provisional = true,
		.out = out,
	};

	judgement.source = tracker_find(&detect->tracker, &entry->address,
					entry->prefix_len ? entry->prefix_len : PREFIX_LEN_FULL);
	return judge(&judgement);
}

static bool keep_window(void *context, struct window *window)
{
	const struct plan *plan = context;

	return !plan->counting[window->which].ops->proves;
}

static bool drop_spread(void *context, struct spread_window *window)
{
	(void)context;
	(void)window;
	return false;
}

void detect_forget_tries(struct detect *detect, const struct prefix *source)
{
	struct source *found =
		tracker_find(&detect->tracker, &source->address, (uint8_t)source->len);

	if (!found)
		return;
	tracker_filter(&detect->tracker, found, keep_window, drop_spread, &detect->plan);
	found->try_ns = 0;
	found->try_port = found->try_host = TRY_NONE;
	found->tried = 0;
}

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
	return sizeof(*detect) + tracker_bytes(&detect->tracker);
}

size_t detect_top(const struct detect *detect, struct source_status *out, size_t max)
{
	return top_sources(&detect->tracker, detect->last_end_ns, out, max);
}
