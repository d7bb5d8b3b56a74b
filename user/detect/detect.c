/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver: takes drained intervals and wake records to the tracker and the detectors. Time comes
 * with what is judged, nothing is random, so the same input gives the same findings. Not here: what
 * the findings lead to (decide/).
 */
#include "detect/detect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "detect/judge.h"
#include "detect/peaks.h"
#include "detect/plans.h"
#include "detect/services.h"
#include "detect/top.h"
#include "detect/tracker.h"
#include "detect/victim.h"

#define EXPECT_AHEAD 8	/* samples, for each of two steps */
#define SWEEP_EXTRA  64 /* records looked at beyond one for each sample */

struct detect {
	struct plans plans;
	struct services services;
	struct tracker tracker;
	struct victims victims;
	struct peaks *peaks;
	const struct detect_observer *observer; /* the caller's, or NULL */
	int64_t last_end_ns;			/* of the newest interval drained */
};

static void set_keeping(struct detect *detect)
{
	const struct plans *plans = &detect->plans;
	int64_t *keep_ns = detect->tracker.keep_window_ns;

	memset(keep_ns, 0, sizeof(detect->tracker.keep_window_ns));
	for (unsigned int p = 0; p < plans->count; p++) {
		const struct plan *plan = &plans->items[p];

		for (unsigned int i = 0; i < plan->counting_count; i++)
			if (keep_ns[i] < 2 * plan->counting[i].shape.window_ns)
				keep_ns[i] = 2 * plan->counting[i].shape.window_ns;
	}
	detect->tracker.keep_tries_ns = 2 * plans->longest_spread_ns;
}

int detect_new(const struct config *config, struct detect **out)
{
	struct detect *detect = calloc(1, sizeof(*detect));

	if (!detect)
		return -ENOMEM;
	if (plans_make(config, &detect->plans) || services_copy(config, &detect->services) ||
	    tracker_init(&detect->tracker, TRACKER_SOURCES_MAX) ||
	    victims_init(&detect->victims, config) ||
	    peaks_new(detect->plans.items, config->hash, PEAKS_SOURCES, &detect->peaks)) {
		detect_free(&detect);
		return -ENOMEM;
	}
	set_keeping(detect);
	*out = detect;
	return 0;
}

void detect_free(struct detect **detect)
{
	if (!*detect)
		return;
	tracker_done(&(*detect)->tracker);
	victims_done(&(*detect)->victims);
	peaks_free(&(*detect)->peaks);
	services_free(&(*detect)->services);
	plans_free(&(*detect)->plans);
	free(*detect);
	*detect = NULL;
}

int detect_reconfigure(struct detect *detect, const struct config *config)
{
	struct services services = { 0 };
	struct plans plans = { 0 };
	struct peaks *peaks = NULL;

	if (plans_make(config, &plans) || services_copy(config, &services) ||
	    peaks_new(plans.items, config->hash, PEAKS_SOURCES, &peaks) ||
	    plans_carry(&detect->plans, &plans, &detect->tracker, detect->last_end_ns)) {
		peaks_free(&peaks);
		services_free(&services);
		plans_free(&plans);
		return -ENOMEM;
	}
	plans_free(&detect->plans);
	services_free(&detect->services);
	detect->plans = plans;
	detect->services = services;
	victims_configure(&detect->victims, config);
	peaks_free(&detect->peaks);
	detect->peaks = peaks;
	set_keeping(detect);
	return 0;
}

static uint8_t prefix_len_of(const struct table_entry *entry)
{
	return entry->prefix_len ? entry->prefix_len : PREFIX_LEN_FULL;
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
	source->fired |= (uint16_t)judgement->fired;
	tracker_establish(judgement->tracker, source, entry_exchanges(entry));
	if (duration_ns > 0)
		source->packets_per_second =
			(float)((double)entry->packets * 1e9 / (double)duration_ns);
	if (source->last_ns < judgement->time.end_ns)
		source->last_ns = judgement->time.end_ns;
}

/* The plan of the source in hand. Only what is no provisional judgement is remembered. */
static unsigned int choose_plan(const struct detect *detect, const struct judgement *judgement)
{
	const struct groups *groups = &detect->plans.groups;
	const struct table_entry *entry = judgement->entry;
	struct source *source = judgement->source;
	bool keep = source && !judgement->provisional;
	unsigned int group;
	uint32_t in;

	if (!groups->count)
		return 0;
	in = source && source->groups ? groups->sets[source->groups]
				      : groups_of(groups, &entry->address, prefix_len_of(entry));
	group = groups_choose(groups, in, entry, source ? source->group : 0);
	if (keep && !source->groups)
		source->groups = groups_find_set(groups, in);
	if (keep)
		source->group = (uint8_t)group;
	return group;
}

static int judge(const struct detect *detect, struct judgement *judgement)
{
	const struct table_entry *entry = judgement->entry;
	struct table_entry allowed;
	int r;

	judgement->counts->n = 0;
	if (entry->restricted_tries && services_allow(&detect->services, entry)) {
		allowed = *entry;
		allowed.restricted_tries = 0;
		judgement->entry = &allowed;
	}
	judgement->plans = detect->plans.items;
	judgement->number = choose_plan(detect, judgement);
	judgement->plan = &judgement->plans[judgement->number];
	if (judgement->source) {
		judgement->time.before_ns = judgement->source->last_ns;
		judgement->answered = answers(judgement->source, judgement->entry);
	}
	r = judge_counts(judgement);
	if (!r)
		r = judge_spread(judgement);
	judgement->entry = entry;
	return r;
}

static const struct plan_limit *limit_of(const struct plan *plan, uint8_t number)
{
	const struct plan_limit *limit = plan->counting;

	while (limit < plan->counting + plan->counting_count && limit->number != number)
		limit++;
	if (limit < plan->counting + plan->counting_count)
		return limit;
	limit = plan->judging;
	while (limit->number != number)
		limit++;
	return limit;
}

static void tell_observer(const struct detect *detect, const struct judgement *judgement,
			  const struct traffic *traffic, const struct sample *sample)
{
	const struct detect_observer *observer = detect->observer;
	struct detect_count counts[PLAN_LIMITS_MAX];
	size_t n = 0;

	for (unsigned int i = 0; i < judgement->counts->n; i++) {
		const struct plan_limit *limit =
			limit_of(judgement->plan, judgement->counts->limit[i]);

		if (limit->derived)
			continue;
		counts[n++] = (struct detect_count){ .detector = limit->id,
						     .seconds = limit->limit.seconds,
						     .count = judgement->counts->count[i] };
	}
	observer->judged(observer->context, traffic, sample, counts, n, judgement->fired);
}

static int take_sample(struct detect *detect, const struct traffic *traffic,
		       const struct sample *sample, struct finding_list *out)
{
	const struct table_entry *entry = &sample->entry;
	struct peaks_counts counts;
	struct judgement judgement = {
		.tracker = &detect->tracker,
		.entry = entry,
		.time = { .start_ns = traffic->start.boot_ns, .end_ns = traffic->end.boot_ns },
		.at = traffic->end,
		.counts = &counts,
		.out = out,
	};
	int r = tracker_enter(&detect->tracker, &entry->address, prefix_len_of(entry),
			      traffic->start.boot_ns, &judgement.source);

	if (r)
		return r;
	r = judge(detect, &judgement);
	note_unanswered(&judgement);
	add_totals(&judgement);
	if (!judgement.number) /* limits of groups are not suggested */
		peaks_take(detect->peaks, judgement.source, &counts, judgement.fired);
	if (detect->observer)
		tell_observer(detect, &judgement, traffic, sample);
	return r;
}

/* With a million sources most of the time is waiting for memory. */
static void expect(const struct detect *detect, const struct sample *samples, size_t n, size_t i)
{
	const struct table_entry *entry;

	if (i + 2 * EXPECT_AHEAD < n) {
		entry = &samples[i + 2 * EXPECT_AHEAD].entry;
		tracker_expect_chain(&detect->tracker, &entry->address, prefix_len_of(entry));
	}
	if (i + EXPECT_AHEAD < n) {
		entry = &samples[i + EXPECT_AHEAD].entry;
		tracker_expect_source(&detect->tracker, &entry->address, prefix_len_of(entry));
	}
}

int detect_samples(struct detect *detect, const struct traffic *traffic,
		   const struct sample *samples, size_t n, struct finding_list *out)
{
	int r = 0;

	peaks_pass(detect->peaks, traffic->start, traffic->end);
	for (size_t i = 0; !r && i < n; i++) {
		expect(detect, samples, n, i);
		r = take_sample(detect, traffic, &samples[i], out);
	}
	if (detect->last_end_ns < traffic->end.boot_ns)
		detect->last_end_ns = traffic->end.boot_ns;
	tracker_sweep(&detect->tracker, (uint32_t)n + SWEEP_EXTRA, detect->last_end_ns);
	return r;
}

int detect_destinations(struct detect *detect, const struct interval *interval,
			struct finding_list *out)
{
	return victims_judge(&detect->victims, interval, out);
}

int detect_provisional(struct detect *detect, const struct table_entry *entry, struct moment now,
		       struct finding_list *out)
{
	bool known = detect->last_end_ns && detect->last_end_ns <= now.boot_ns;
	struct peaks_counts counts;
	struct judgement judgement = {
		.tracker = &detect->tracker,
		.entry = entry,
		/* the running interval began where the last one ended */
		.time = { .start_ns = known ? detect->last_end_ns : now.boot_ns,
			  .end_ns = now.boot_ns },
		.at = now,
		.provisional = true,
		.counts = &counts,
		.out = out,
	};
	int r;

	judgement.source = tracker_find(&detect->tracker, &entry->address, prefix_len_of(entry));
	r = judge(detect, &judgement);
	/* Nothing is kept but that it was found: the drained interval may not find it again. */
	if (judgement.fired && judgement.source && !judgement.number)
		peaks_take(detect->peaks, judgement.source, &counts, true);
	if (judgement.fired && detect->observer)
		detect->observer->found(detect->observer->context, now, entry, judgement.fired);
	return r;
}

void detect_observe(struct detect *detect, const struct detect_observer *observer)
{
	detect->observer = observer;
}

int detect_peaks(struct detect *detect, int64_t period_ns, struct peak_row **rows, size_t *count)
{
	int r = peaks_rows(detect->peaks, rows, count);

	if (!r && peaks_duration(detect->peaks) >= period_ns)
		peaks_restart(detect->peaks);
	return r;
}

int64_t detect_peaks_ns(const struct detect *detect)
{
	return peaks_duration(detect->peaks);
}

uint64_t detect_established(const struct detect *detect)
{
	return detect->tracker.established;
}

static bool keep_window(void *context, struct window *window)
{
	const struct plans *plans = context;

	return !plans->items[window->plan].counting[window->which].ops->proves;
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
	tracker_filter(&detect->tracker, found, keep_window, drop_spread, &detect->plans);
	found->try_ns = 0;
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
	return sizeof(*detect) + detect->plans.count * sizeof(*detect->plans.items) +
	       tracker_bytes(&detect->tracker) + victims_bytes(&detect->victims) +
	       peaks_bytes(detect->peaks);
}

size_t detect_top(const struct detect *detect, struct source_status *out, size_t max)
{
	return top_sources(&detect->tracker, detect->last_end_ns, out, max);
}
