// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The order of things for one frame:
 *  1. what is it, and do the rules in force drop it?
 *  2. if the running interval is over, it is read and judged, as in daemon_tick();
 *  3. the frame is counted, and judged if its source crossed a mark, as in daemon/wake.c.
 * So what follows from frame N applies from frame N + 1 on.
 */
#include <errno.h>
#include <stdlib.h>
#include "replay/world_private.h"

/* What an earlier file may overlap the next one by: CPUs do not write in order. */
#define OVERLAP_NS (10 * NS_PER_MS)

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

/* ---- intervals ------------------------------------------------------------------------------- */

static int end_interval(struct world *world, int64_t end_ns)
{
	struct interval interval;
	int err = plain_collect(world->plain, moment_of(world->start_ns), moment_of(end_ns),
				&interval);

	world->running = false;
	world->idle_ns = end_ns;
	if (world->record)
		record_traffic(world->record, &interval.traffic);
	return err ? err : world_judge(world, &interval);
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
	return world_judge(world, &interval);
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
		err = world_wake(world, woke);
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

int world_end_file(struct world *world, bool last)
{
	int err = 0;

	/* what was counted since the last flip, over the time that it took */
	if (world->running)
		err = end_interval(world, world->now_ns > world->start_ns ? world->now_ns
									  : world->start_ns + 1);
	if (!err && last)
		err = world_end_rules(world);
	if (last && world->record)
		record_peaks(world->record, world->detect, 0);
	world->summary.last = world_now(world);
	tally_sort(&world->tally);
	world->summary.sources = &world->tally;
	world->report->summary(world->out, world->file, &world->summary);
	return err;
}
