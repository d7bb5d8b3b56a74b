// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From samples to findings to rules, and these into effect, as daemon/daemon.c and
 * daemon/changes.c do it: what a rule stops is world.c's next frame.
 */
#include <errno.h>
#include "base/address.h"
#include "replay/world_private.h"

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

static void tell(struct world *world, const struct rule_change *change)
{
	struct decision decision = { .change = change,
				     .frame = world->summary.frames,
				     .at = change->rule.created };

	if (change->kind == RULE_REFUSED || change->kind == RULE_ALARM_OVER ||
	    change->kind == RULE_CROWDED) {
		if (world->report->told)
			world->report->told(world->out, &decision);
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

	if (blocks_remove(&world->blocks, &change->rule, &stopped) && world->report->ended)
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

		if (!finding->provisional && finding->once &&
		    policy_find(world->policy, &finding->source))
			detect_forget_tries(world->detect, &finding->source);
	}
	findings->count = 0;
	return carry_out(world) ? -ENOMEM : err;
}

int world_judge(struct world *world, const struct interval *interval)
{
	struct moment end = interval->traffic.end;
	int err = detect_samples(world->detect, &interval->traffic, interval->sources,
				 interval->source_count, &world->findings);

	if (!err)
		err = decide(world);
	policy_population(world->policy, detect_established(world->detect));
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

int world_wake(struct world *world, const struct table_entry *entry)
{
	struct moment now = world_now(world);
	int err = detect_provisional(world->detect, entry, now, &world->findings);

	return decide(world) ? -ENOMEM : err;
}

int world_end_rules(struct world *world)
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
