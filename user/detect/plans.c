/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plans of a configuration, and the way of the counts from one configuration to the next. A
 * group by address is a matter of who the source is: its counts follow it into the group that it is
 * in now. A group by ports is a matter of what was done: its counts stay with the group of the same
 * name, or end with it.
 */
#include "detect/plans.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NO_PLAN UINT8_MAX
_Static_assert(CONFIG_GROUPS_MAX < NO_PLAN, "windows name their plan by a byte");

static void note_longest(struct plans *plans, const struct plan *plan)
{
	if (plans->longest_spread_ns < plan->longest_spread_ns)
		plans->longest_spread_ns = plan->longest_spread_ns;
}

int plans_make(const struct config *config, struct plans *out)
{
	*out = (struct plans){ .count = 1 + config->group_count };
	out->items = calloc(out->count, sizeof(*out->items));
	if (!out->items || groups_make(config, &out->groups)) {
		plans_free(out);
		return -ENOMEM;
	}
	plan_make(config->detectors, &out->items[0]);
	for (unsigned int i = 0; i < config->group_count; i++) {
		const struct group_config *group = &config->groups[i];
		struct plan *plan = &out->items[1 + i];

		plan_make(group->detectors, plan);
		memcpy(plan->group, group->name, sizeof(plan->group));
		plan->by_port = group->port_count;
	}
	for (unsigned int i = 0; i < out->count; i++)
		note_longest(out, &out->items[i]);
	return 0;
}

void plans_free(struct plans *plans)
{
	groups_free(&plans->groups);
	free(plans->items);
	*plans = (struct plans){ 0 };
}

/* ---- from one configuration to the next --------------------------------------------------- */

struct carrying {
	const struct plans *from, *to;
	struct plan_heirs *heirs;	     /* from->count rows of to->count */
	uint8_t same[1 + CONFIG_GROUPS_MAX]; /* of a group by ports: the new one of its name */
	struct window_time time;
	/* the source in hand */
	uint32_t groups;
	uint8_t home;
};

static uint8_t find_same(const struct plans *to, const struct plan *plan)
{
	for (unsigned int i = 1; i < to->count; i++)
		if (to->items[i].by_port && !strcmp(to->items[i].group, plan->group))
			return (uint8_t)i;
	return NO_PLAN;
}

/* The new plan for what the source in hand has under this one, or NO_PLAN. */
static uint8_t heir_of(const struct carrying *carrying, unsigned int plan)
{
	uint8_t same = carrying->same[plan];

	if (!carrying->from->items[plan].by_port)
		return carrying->home;
	return same != NO_PLAN && carrying->groups >> (same - 1) & 1 ? same : NO_PLAN;
}

static bool carry_window(void *context, struct window *window)
{
	struct carrying *carrying = context;
	const struct plan *from = &carrying->from->items[window->plan];
	uint8_t plan = heir_of(carrying, window->plan);
	const struct window_shape *shape = &from->counting[window->which].shape;
	const struct plan *to;
	int heir;

	if (plan == NO_PLAN)
		return false;
	to = &carrying->to->items[plan];
	heir = carrying->heirs[window->plan * carrying->to->count + plan].counting[window->which];
	if (heir == PLAN_NO_HEIR)
		return false;
	window_advance(window, shape, &carrying->time);
	window_convert(window, shape, &to->counting[heir].shape, carrying->time.end_ns);
	window->plan = plan;
	window->which = (uint8_t)heir;
	return true;
}

static bool carry_spread(void *context, struct spread_window *window)
{
	struct carrying *carrying = context;
	const struct plan *from = &carrying->from->items[window->plan];
	uint8_t plan = heir_of(carrying, window->plan);
	const struct window_shape *shape = &from->spreads[window->which];
	const struct plan *to;
	int heir;

	if (plan == NO_PLAN)
		return false;
	to = &carrying->to->items[plan];
	heir = carrying->heirs[window->plan * carrying->to->count + plan].spreads[window->which];
	if (heir == PLAN_NO_HEIR)
		return false;
	spread_advance(window, shape, &carrying->time);
	spread_convert(window, shape, &to->spreads[heir], carrying->time.end_ns);
	window->plan = plan;
	window->which = (uint8_t)heir;
	return true;
}

static void carry_source(struct carrying *carrying, struct tracker *tracker, struct source *source)
{
	const struct groups *groups = &carrying->to->groups;
	uint32_t home;
	uint8_t group;

	carrying->groups = groups_of(groups, &source->address, source->prefix_len);
	home = carrying->groups & groups->without_ports;
	carrying->home = home ? (uint8_t)(1 + __builtin_ctz(home)) : 0;
	group = heir_of(carrying, source->group);
	source->group = group == NO_PLAN ? carrying->home : group;
	source->groups = groups_find_set(groups, carrying->groups);
	tracker_filter(tracker, source, carry_window, carry_spread, carrying);
}

int plans_carry(const struct plans *from, const struct plans *to, struct tracker *tracker,
		int64_t now_ns)
{
	struct carrying carrying = { .from = from, .to = to };
	struct source *source;
	uint32_t cursor = 0;

	carrying.heirs = calloc((size_t)from->count * to->count, sizeof(*carrying.heirs));
	if (!carrying.heirs)
		return -ENOMEM;
	for (unsigned int i = 0; i < from->count; i++) {
		carrying.same[i] = find_same(to, &from->items[i]);
		for (unsigned int j = 0; j < to->count; j++)
			plan_inherit(&from->items[i], &to->items[j],
				     &carrying.heirs[i * to->count + j]);
	}
	while ((source = tracker_next(tracker, &cursor))) {
		carrying.time = (struct window_time){ .start_ns = now_ns,
						      .end_ns = now_ns,
						      .before_ns = source->last_ns };
		carry_source(&carrying, tracker, source);
	}
	free(carrying.heirs);
	return 0;
}
