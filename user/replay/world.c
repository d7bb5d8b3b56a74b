// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The order of things for one frame:
 *  1. what is it, and do the rules in force drop it?
 *  2. if the running interval is over, it is read and judged, as in daemon_tick();
 *  3. the frame is counted, and judged if its source crossed a mark, as in daemon/wake.c.
 * So what follows from frame N applies from frame N + 1 on.
 */
#include "replay/world.h"

#include <errno.h>
#include <stdlib.h>
#include "base/address.h"
#include "base/clock.h"
#include "decide/policy.h"
#include "detect/detect.h"
#include "replay/plain.h"

/* So that no time on the capture's clock is 0, which means "never" in places. */
#define BOOT_NS	 (86400 * NS_PER_SECOND)
#define PEAKS_NS (3600 * NS_PER_SECOND)
/* What an earlier file may overlap the next one by: CPUs do not write in order. */
#define OVERLAP_NS (10 * NS_PER_MS)

struct world {
	const struct config *config;
	const struct report_ops *report;
	FILE *out;
	struct record *record;	   /* or NULL */
	struct features *features; /* or NULL */

	struct plain *plain;
	struct detect *detect;
	struct policy *policy;
	struct blocks blocks;
	struct tally tally;
	struct finding_list findings;
	struct rule_change_list changes;

	int64_t interval_ns;
	int64_t now_ns;		  /* since 1970; of the latest frame */
	int64_t start_ns, end_ns; /* of the running interval */
	bool running;		  /* there is one: a frame began it */
	int64_t idle_ns;	  /* the end of the last one; negative: there was none */

	/* the file in hand */
	const char *file;
	int link_type;
	struct summary summary;
};

static struct moment moment_of(int64_t wall_ns)
{
	return (struct moment){ .boot_ns = wall_ns + BOOT_NS, .wall_ns = wall_ns };
}

struct moment world_now(const struct world *world)
{
	return moment_of(world->now_ns);
}

/* ---- what is there from the start ------------------------------------------------------------ */

/* access.deny: rules without an end; whatever access.allow names has none. */
static int deny(struct world *world)
{
	const struct config *config = world->config;
	int err = 0;

	for (size_t i = 0; !err && config->mode == MODE_ENFORCE && i < config->access.deny_count;
	     i++) {
		struct rule rule = { .prefix = config->access.deny[i],
				     .classes = CLASS_ALL,
				     .expires = { INT64_MAX, INT64_MAX } };

		if (!policy_protected(world->policy, &rule.prefix))
			err = blocks_put(&world->blocks, &rule);
	}
	return err;
}

static bool is_denied(const struct world *world, const struct prefix *prefix)
{
	const struct config *config = world->config;

	for (size_t i = 0; config->mode == MODE_ENFORCE && i < config->access.deny_count; i++) {
		const struct prefix *denied = &config->access.deny[i];

		if (denied->len <= prefix->len && prefix_contains(denied, &prefix->address) &&
		    !policy_protected(world->policy, denied))
			return true;
	}
	return false;
}

/* The box that these packets came to is not here: only what access.allow names is protected. */
static int protect(struct world *world)
{
	const struct config *config = world->config;
	struct protected_list list = { 0 };
	int err = 0;

	for (size_t i = 0; !err && i < config->access.allow_count; i++)
		err = protected_list_add(&list, &config->access.allow[i], "access.allow");
	if (!err)
		err = policy_protect(world->policy, &list, moment_of(0), &world->changes);
	protected_list_free(&list);
	return err;
}

static int start(struct world *world)
{
	static const struct hash_key key = {
		.word = { 0x243f6a8885a308d3ULL, 0x13198a2e03707344ULL, 0xa4093822299f31d0ULL,
			  0x082efa98ec4e6c89ULL },
		.sum = 0x452821e638d01377ULL,
		.finish = 0xbe5466cf34e90c6dULL,
	};
	struct wake_marks marks;
	int err;

	detect_wake_marks(world->config, &marks);
	blocks_init(&world->blocks, &key);
	tally_init(&world->tally, &key, TALLY_SOURCES_MAX);
	err = plain_open(world->config, &marks, moment_of(0), &world->plain);
	if (!err)
		err = detect_new(world->config, &world->detect);
	if (!err && world->features)
		detect_observe(world->detect, features_observer(world->features));
	if (!err)
		err = policy_new(world->config,
				 world->record ? record_next_rule_id(world->record) : 1,
				 &world->policy);
	if (!err)
		err = protect(world);
	return err ? err : deny(world);
}

int world_new(const struct world_options *options, struct world **result)
{
	struct world *world = calloc(1, sizeof(*world));
	int err;

	if (!world)
		return -ENOMEM;
	world->config = options->config;
	world->report = options->report;
	world->out = options->out;
	world->record = options->record;
	world->features = options->features;
	if (world->record)
		record_begin(world->record);
	world->interval_ns = options->config->sensor.interval_ms * NS_PER_MS;
	world->idle_ns = -1;
	err = start(world);
	if (err)
		world_free(&world);
	else
		*result = world;
	return err;
}

void world_free(struct world **result)
{
	struct world *world = *result;

	if (!world)
		return;
	if (world->features)
		features_end(world->features);
	plain_close(&world->plain);
	detect_free(&world->detect);
	policy_free(&world->policy);
	blocks_free(&world->blocks);
	tally_free(&world->tally);
	finding_list_free(&world->findings);
	rule_change_list_free(&world->changes);
	free(world);
	*result = NULL;
}

/* ---- from findings to rules ------------------------------------------------------------------ */

static void tell(struct world *world, const struct rule_change *change)
{
	struct decision decision = { .change = change,
				     .frame = world->summary.frames,
				     .at = change->rule.created };

	if (change->kind == RULE_REFUSED) {
		if (world->report->refused)
			world->report->refused(world->out, &decision);
		return;
	}
	world->summary.decisions++;
	world->report->decision(world->out, world->file, &decision);
}

/* When it happened: time may have passed without a packet. */
static struct moment time_of(const struct world *world, const struct rule_change *change)
{
	if (change->kind == RULE_RENEWED ||
	    (change->kind == RULE_REMOVED && change->removed_why != REMOVED_EXPIRED))
		return world_now(world);
	return change->kind == RULE_REMOVED ? change->rule.expires : change->rule.created;
}

static void end_rule(struct world *world, const struct rule_change *change)
{
	struct blocked stopped;

	if (blocks_remove(&world->blocks, &change->rule.prefix, &stopped) && world->report->ended)
		world->report->ended(world->out, &change->rule, time_of(world, change), &stopped);
}

static int carry_out(struct world *world)
{
	int err = 0;

	for (size_t i = 0; i < world->changes.count; i++) {
		const struct rule_change *change = &world->changes.items[i];

		if (world->record)
			record_change(world->record, change, time_of(world, change));
		if (change->kind == RULE_REMOVED)
			end_rule(world, change);
		else if (change->kind != RULE_RENEWED)
			tell(world, change);
		if ((change->kind == RULE_ADDED || change->kind == RULE_RENEWED) &&
		    blocks_put(&world->blocks, &change->rule))
			err = -ENOMEM;
	}
	world->changes.count = 0;
	return err;
}

/* As daemon_judge(): who is denied needs no rule, and what a rule answers is used up. */
static int decide(struct world *world)
{
	struct finding_list *findings = &world->findings;
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; i < findings->count; i++)
		if (!is_denied(world, &findings->items[i].source))
			findings->items[kept++] = findings->items[i];
	findings->count = kept;
	if (kept)
		err = policy_decide(world->policy, findings->items, kept, &world->changes);
	for (size_t i = 0; i < kept; i++) {
		const struct finding *finding = &findings->items[i];

		if (!finding->provisional && (finding->ports || finding->hosts) &&
		    policy_find(world->policy, &finding->source))
			detect_forget_tries(world->detect, &finding->source);
	}
	findings->count = 0;
	return carry_out(world) ? -ENOMEM : err;
}

/* ---- intervals ------------------------------------------------------------------------------- */

static int judge(struct world *world, const struct interval *interval)
{
	struct moment end = interval->traffic.end;
	int err = detect_samples(world->detect, &interval->traffic, interval->sources,
				 interval->source_count, &world->findings);

	if (!err)
		err = decide(world);
	if (!err)
		err = detect_destinations(world->detect, interval, &world->findings);
	if (!err)
		err = decide(world);
	if (!err && policy_next_expiry(world->policy) <= end.boot_ns)
		err = policy_expire(world->policy, end, &world->changes);
	if (world->record)
		record_peaks(world->record, world->detect, PEAKS_NS);
	return carry_out(world) ? -ENOMEM : err;
}

static int end_interval(struct world *world, int64_t end_ns)
{
	struct interval interval;
	int err = plain_collect(world->plain, moment_of(world->start_ns), moment_of(end_ns),
				&interval);

	world->running = false;
	world->idle_ns = end_ns;
	if (world->record)
		record_traffic(world->record, &interval.traffic);
	return err ? err : judge(world, &interval);
}

/* All intervals from the last one's end to here had no packet: one long one is as good. */
static int pass_idle(struct world *world, int64_t start_ns)
{
	struct interval interval = {
		.traffic = { .interface = PLAIN_INTERFACE,
			     .start = moment_of(world->idle_ns),
			     .end = moment_of(start_ns) },
		.destination_every = 1,
	};

	/* both generations of what was noted may be over */
	plain_idle(world->plain, moment_of(world->idle_ns + (start_ns - world->idle_ns) / 2));
	plain_idle(world->plain, moment_of(start_ns));
	return judge(world, &interval);
}

/* Ends the interval that is over at this time, and begins the one that it is in. */
static int turn(struct world *world, int64_t now_ns)
{
	int64_t start_ns = now_ns;
	int err = 0;

	if (world->running) {
		err = end_interval(world, world->end_ns);
		start_ns -= (now_ns - world->end_ns) % world->interval_ns;
	}
	if (!err && world->idle_ns >= 0 && start_ns > world->idle_ns)
		err = pass_idle(world, start_ns);
	world->start_ns = start_ns;
	world->end_ns = start_ns + world->interval_ns;
	world->running = true;
	return err;
}

/* ---- a frame --------------------------------------------------------------------------------- */

/* Moves the clock; it never goes back. */
static int move_clock(struct world *world, const struct captured *frame)
{
	int64_t late_ns = world->now_ns - frame->time_ns;

	if (world->summary.frames == 1) {
		if (world->idle_ns >= 0 && late_ns > OVERLAP_NS)
			return -EINVAL;
		world->summary.first = moment_of(frame->time_ns);
	}
	if (late_ns <= 0) {
		world->now_ns = frame->time_ns;
		return 0;
	}
	world->summary.late++;
	if (late_ns > world->summary.late_most_ns)
		world->summary.late_most_ns = late_ns;
	return 0;
}

static int wake(struct world *world, const struct table_entry *entry)
{
	struct moment now = world_now(world);
	int err = detect_provisional(world->detect, entry, now, &world->findings);

	return decide(world) ? -ENOMEM : err;
}

int world_frame(struct world *world, struct captured *frame)
{
	struct summary *summary = &world->summary;
	const struct table_entry *woke;
	enum packet_status status;
	struct packet packet;
	bool dropped = false;
	int err;

	summary->frames++;
	err = move_clock(world, frame);
	if (err)
		return err;
	summary->bytes += frame->wire_bytes;
	status = link_parse(world->link_type, frame, &packet);
	if (status == PACKET_IP)
		dropped = blocks_drop(&world->blocks, &packet, world_now(world).boot_ns);
	if (!world->running || world->now_ns >= world->end_ns)
		err = turn(world, world->now_ns);
	if (status != PACKET_IP) {
		plain_other(world->plain, frame, status);
		summary->malformed += status == PACKET_TRUNCATED;
		summary->not_ip += status == PACKET_NOT_IP;
		return err;
	}
	summary->malformed += (packet.flags & PACKET_MALFORMED) != 0;
	if (dropped) {
		summary->dropped++;
		summary->dropped_bytes += packet.bytes;
	}
	if (!err)
		err = tally_add(&world->tally, &packet.source, dropped);
	woke = plain_packet(world->plain, &packet, frame, dropped);
	if (woke && !err)
		err = wake(world, woke);
	return err;
}

/* ---- a file ---------------------------------------------------------------------------------- */

void world_begin_file(struct world *world, const char *file, int link_type)
{
	struct hash_key key = world->tally.key;

	world->file = file;
	if (world->features)
		features_begin(world->features, file);
	world->link_type = link_type;
	world->summary = (struct summary){ 0 };
	tally_free(&world->tally);
	tally_init(&world->tally, &key, TALLY_SOURCES_MAX);
}

/* Each rule lasts as long as it would have. */
static int end_rules(struct world *world)
{
	struct moment end;
	int err = 0;

	while (!err && policy_rule_count(world->policy)) {
		end.boot_ns = policy_next_expiry(world->policy);
		end.wall_ns = end.boot_ns - BOOT_NS;
		err = policy_expire(world->policy, end, &world->changes);
		carry_out(world);
	}
	return err;
}

int world_end_file(struct world *world, bool last)
{
	int err = 0;

	/* what was counted since the last flip, over the time that it took */
	if (world->running)
		err = end_interval(world, world->now_ns > world->start_ns ? world->now_ns
									  : world->start_ns + 1);
	if (!err && last)
		err = end_rules(world);
	if (last && world->record)
		record_peaks(world->record, world->detect, 0);
	world->summary.last = world_now(world);
	tally_sort(&world->tally);
	world->summary.sources = &world->tally;
	world->report->summary(world->out, world->file, &world->summary);
	return err;
}
