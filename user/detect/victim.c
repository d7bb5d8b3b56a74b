/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interval by destination, in three steps: everybody's counts into windows; those over a limit
 * once more, with the sampled packets; floods that are over. Not here: what is done about it
 * (decide/).
 */
#include "detect/victim.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/array.h"
#include "base/clock.h"

#define TIMES_USUAL 4  /* a flood is more than so many times what is usual */
#define SOURCES_MIN 20 /* of a flood; fewer are for the detectors by source */
#define SAMPLES_MIN 10 /* packets that must have been seen to say from how many they are */

#define WARM_UP_NS   (60 * NS_PER_SECOND)   /* after which fwgen knows what is new */
#define WAS_THERE_NS (5 * NS_PER_SECOND)    /* what begins by then was there before fwgen */
#define OVER_NS	     (30 * NS_PER_SECOND)   /* of quiet end a flood */
#define FORGET_NS    (3600 * NS_PER_SECOND) /* of quiet leave nothing of the mean */

int victims_init(struct victims *victims, const struct config *config)
{
	*victims = (struct victims){ .enabled = config->detectors[DETECTOR_VICTIM_FLOOD].enabled };
	victim_limits_set(&victims->limits, &config->detectors[DETECTOR_VICTIM_FLOOD]);
	if (!victim_table_init(&victims->table, VICTIMS_MAX) &&
	    !victim_packets_init(&victims->packets))
		return 0;
	victims_done(victims);
	return -ENOMEM;
}

void victims_done(struct victims *victims)
{
	victim_table_done(&victims->table);
	victim_packets_done(&victims->packets);
	free(victims->suspects);
	*victims = (struct victims){ 0 };
}

void victims_configure(struct victims *victims, const struct config *config)
{
	const struct detector_config *detector = &config->detectors[DETECTOR_VICTIM_FLOOD];
	struct victim *victim = victim_at(&victims->table, victims->table.newest);

	victims->enabled = detector->enabled;
	if (!memcmp(victims->limits.limits, detector->limits, sizeof(detector->limits)))
		return;
	victim_limits_set(&victims->limits, detector);
	for (; victim; victim = victim_at(&victims->table, victim->older))
		memset(victim->windows, 0, sizeof(victim->windows));
}

uint64_t victims_bytes(const struct victims *victims)
{
	return victim_table_bytes(&victims->table) + victim_packets_bytes() +
	       victims->suspect_capacity * sizeof(*victims->suspects);
}

/* ---- the first step: everybody --------------------------------------------------------------- */

static int add_suspect(struct victims *victims, const struct suspect *suspect)
{
	struct suspect *items = array_room(victims->suspects, victims->suspect_count,
					   &victims->suspect_capacity, sizeof(*items));

	if (!items)
		return -ENOMEM;
	victims->suspects = items;
	items[victims->suspect_count++] = *suspect;
	return 0;
}

static bool is_over(const struct victim_limits *limits, const uint64_t counts[CONFIG_LIMITS_MAX])
{
	for (unsigned int i = 0; i < limits->count; i++) {
		if (counts[i] > limits->limits[i].count)
			return true;
	}
	return false;
}

static int take_kind(struct victims *victims, const struct table_entry *entry,
		     enum victim_kind kind, uint32_t every, struct window_time time)
{
	struct victim_count count = victim_count(kind, entry);
	struct suspect suspect = { .entry = entry, .kind = kind, .every = every };
	struct victim *victim;
	bool worth;
	int r;

	if (!count.tried && !count.settled)
		return 0; /* made up for by the next interval that has some */
	worth = victim_is_worth(&victims->limits, &time, count.tried, every);
	victim = victim_find(&victims->table, &entry->address, kind);
	if (!victim) {
		if (!worth)
			return 0;
		r = victim_make(&victims->table, &entry->address, kind, time.start_ns, &victim);
		if (r)
			return r == -ENOSPC ? 0 : r;
	}
	time.before_ns = victim->last_ns;
	victim_add(victim, &victims->limits, &time, &count, every, suspect.counts);
	if (worth)
		victim_touch(&victims->table, victim, time.end_ns);
	if (count.tried > count.settled && is_over(&victims->limits, suspect.counts)) {
		suspect.packets = (count.tried - count.settled) * every;
		return add_suspect(victims, &suspect);
	}
	victim_learn(victim, &time, (double)victim->rate, PACE_USUAL);
	return 0;
}

/* ---- the second step: those over a limit ----------------------------------------------------- */

/* Which part of the packets is from sources that no other detector would see. */
static double quiet_share(const struct crowd *crowd)
{
	return crowd->packets ? 1 - (double)crowd->loud / crowd->packets : 1;
}

/* Where too few packets were sampled, the bitmap of the entry says how many sources tried. */
static double bitmap_sources(const struct table_entry *entry)
{
	double sources = 0;

	for (int kind = 0; kind < TRY_KINDS; kind++) {
		int set = __builtin_popcountll(entry->hosts[kind]);
		int clear = set < TRY_HOST_BITS ? TRY_HOST_BITS - set : 1;

		sources += TRY_HOST_BITS * log((double)TRY_HOST_BITS / clear);
	}
	return sources;
}

static double sources_of(const struct suspect *suspect, const struct crowd *crowd)
{
	double packets = (double)suspect->counts[0], sources;

	if (crowd->packets < SAMPLES_MIN)
		sources = bitmap_sources(suspect->entry);
	else
		sources = crowd_sources(crowd, packets);
	return sources < packets ? sources : packets;
}

static void fill_finding(const struct victims *victims, const struct victim *victim,
			 struct finding *out)
{
	bool ipv4 = address_is_ipv4(&victim->address);

	*out = (struct finding){
		.source = { .address =
				    address_masked(&victim->address, ipv4 ? PREFIX_LEN_MAPPED : 0),
			    .len = ipv4 ? PREFIX_LEN_MAPPED : 0 },
		.detector = DETECTOR_VICTIM_FLOOD,
		.evidence = EVIDENCE_UNPROVEN,
		.limit = victims->limits.limits[0],
		.classes = victim_classes((enum victim_kind)victim->kind),
		.protocol = victim->protocol,
		.port = victim->port,
		.has_destination = true,
		.destination = victim->address,
		.sources = victim->sources,
	};
}

static void note_flood(struct victims *victims, struct victim *victim,
		       const struct suspect *suspect, const struct crowd *crowd, double sources,
		       const struct window_time *time)
{
	const struct table_entry *entry = suspect->entry;

	if (!victim->flooded) {
		victim->flooded = true;
		victim->began_ns = time->start_ns;
		victim->packets = victim->sources = 0;
		victim->next_flood = victims->floods;
		victims->floods = victim_number(&victims->table, victim);
	}
	victim->over_ns = time->end_ns;
	victim->packets += (uint64_t)((double)suspect->packets * quiet_share(crowd));
	if (victim->sources < (uint64_t)sources)
		victim->sources = (uint64_t)sources;
	victim->protocol = victim_protocol((enum victim_kind)victim->kind, entry);
	victim->port = crowd->port;
	if (!crowd->packets && __builtin_popcount(entry->ports[TRY_TCP]) +
					       __builtin_popcount(entry->ports[TRY_OTHER]) ==
				       1)
		victim->port = entry->last_port;
}

/* The limit that is passed by what came from quiet sources, and by far more than is usual, or -1.
 */
static int passed_limit(const struct victims *victims, const struct victim *victim,
			const struct suspect *suspect, double quiet, int64_t now_ns)
{
	double usual = victim_usual(victim, now_ns - victims->first_ns);

	for (unsigned int i = 0; i < victims->limits.count; i++) {
		const struct limit *limit = &victims->limits.limits[i];
		double passed = (double)suspect->counts[i] * quiet;

		if (passed > (double)limit->count &&
		    passed > TIMES_USUAL * usual * limit->seconds &&
		    passed > victim_chance(victim, limit->seconds, suspect->every))
			return (int)i;
	}
	return -1;
}

/* How what is usual goes on; answered: the host deals with it. */
static enum victim_pace pace_of(const struct victims *victims, const struct victim *victim,
				bool answered)
{
	bool was_there = victim->began_ns - victims->first_ns < WAS_THERE_NS;

	return victim->flooded && !was_there && !answered ? PACE_LASTING : PACE_USUAL;
}

static int judge_suspect(struct victims *victims, const struct suspect *suspect,
			 const struct traffic *traffic, struct finding_list *out)
{
	struct victim *victim =
		victim_find(&victims->table, &suspect->entry->address, suspect->kind);
	struct window_time time = { .start_ns = traffic->start.boot_ns,
				    .end_ns = traffic->end.boot_ns };
	bool warm = time.end_ns - victims->first_ns >= WARM_UP_NS, answered;
	struct finding finding;
	struct crowd crowd;
	double quiet, sources;
	int passed;

	if (!victim) /* it has made room for others */
		return 0;
	victim_packets_crowd(&victims->packets, &victim->address, suspect->kind, &crowd);
	quiet = quiet_share(&crowd);
	sources = sources_of(suspect, &crowd);
	answered = 2 * crowd.answered > crowd.packets;
	passed = passed_limit(victims, victim, suspect, quiet, time.end_ns);
	if (passed >= 0 && sources >= SOURCES_MIN && (warm || !answered))
		note_flood(victims, victim, suspect, &crowd, sources, &time);
	else
		passed = -1;
	victim_learn(victim, &time, (double)victim->rate * quiet,
		     pace_of(victims, victim, answered));
	if (passed < 0)
		return 0;
	fill_finding(victims, victim, &finding);
	finding.at = traffic->end;
	finding.limit = victims->limits.limits[passed];
	finding.count = (uint64_t)((double)suspect->counts[passed] * quiet);
	finding.sources = (uint64_t)sources;
	memcpy(finding.traits, crowd.traits, sizeof(finding.traits));
	return finding_list_add(out, &finding);
}

/* ---- the third step: what is over ------------------------------------------------------------ */

static double first_rate(const struct victims *victims)
{
	const struct limit *limit = &victims->limits.limits[0];

	return (double)limit->count / limit->seconds;
}

static int end_floods(struct victims *victims, struct moment now, struct finding_list *out)
{
	uint32_t *link = &victims->floods;
	struct finding finding;

	while (*link) {
		struct victim *victim = victim_at(&victims->table, *link);

		if (now.boot_ns - victim->over_ns <= OVER_NS) {
			link = &victim->next_flood;
			continue;
		}
		fill_finding(victims, victim, &finding);
		finding.at = now;
		finding.count = victim->packets;
		finding.lasted_ns = victim->over_ns - victim->began_ns;
		finding.usual =
			now.boot_ns - victim->last_ns <= victims->limits.shapes[0].window_ns &&
			(double)victim->rate > first_rate(victims);
		if (finding_list_add(out, &finding))
			return -ENOMEM;
		*link = victim->next_flood;
		victim->flooded = false;
	}
	return 0;
}

int victims_judge(struct victims *victims, const struct interval *interval,
		  struct finding_list *out)
{
	const struct traffic *traffic = &interval->traffic;
	struct window_time time = { .start_ns = traffic->start.boot_ns,
				    .end_ns = traffic->end.boot_ns };
	uint32_t every = interval->destination_every ? interval->destination_every : 1;
	int r = 0;

	if (!victims->enabled)
		return 0;
	if (!victims->begun) {
		victims->begun = true;
		victims->first_ns = time.start_ns;
	}
	victim_packets_take(&victims->packets, interval);
	victims->suspect_count = 0;
	for (size_t i = 0; !r && i < interval->destination_count; i++) {
		for (unsigned int kind = 0; !r && kind < VICTIM_KINDS; kind++)
			r = take_kind(victims, &interval->destinations[i].entry,
				      (enum victim_kind)kind, every, time);
	}
	if (victims->suspect_count)
		victim_packets_sort(&victims->packets,
				    time.end_ns - victims->limits.shapes[0].window_ns);
	for (size_t i = 0; !r && i < victims->suspect_count; i++)
		r = judge_suspect(victims, &victims->suspects[i], traffic, out);
	if (!r)
		r = end_floods(victims, traffic->end, out);
	victim_table_sweep(&victims->table, time.end_ns - FORGET_NS);
	return r;
}
