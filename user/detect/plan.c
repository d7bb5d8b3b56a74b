/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From configuration to plan, and to the marks at which the data plane wakes. The table of all
 * detectors is here. Not here: their judging (detect.c).
 */
#include "detect/plan.h"

#include "base/clock.h"
#include "detect/detect.h"

#define WAKES_PER_INTERVAL                                                    \
	128 /* records of one CPU: enough for the loudest, and a ring's worth \
	     */

static const struct detector_ops *const detectors[DETECTOR_COUNT] = {
	[DETECTOR_PACKET_FLOOD] = &packet_flood_ops,
	[DETECTOR_BYTE_FLOOD] = &byte_flood_ops,
	[DETECTOR_SYN_FLOOD] = &syn_flood_ops,
	[DETECTOR_UDP_FLOOD] = &udp_flood_ops,
	[DETECTOR_ICMP_FLOOD] = &icmp_flood_ops,
	[DETECTOR_FRAGMENT_FLOOD] = &fragment_flood_ops,
	[DETECTOR_PORT_SCAN] = &port_scan_ops,
	[DETECTOR_HOST_SWEEP] = &host_sweep_ops,
	[DETECTOR_STEALTH_SCAN] = &stealth_scan_ops,
	[DETECTOR_BRUTE_FORCE] = &brute_force_ops,
	[DETECTOR_REFLECTION] = &reflection_ops,
	[DETECTOR_MALFORMED] = &malformed_ops,
	[DETECTOR_UNAUTHORIZED] = &unauthorized_ops,
};

static unsigned int find_spread(struct plan *plan, int64_t window_ns)
{
	unsigned int i = 0;

	while (i < plan->spread_count && plan->spreads[i].window_ns != window_ns)
		i++;
	if (i == plan->spread_count)
		window_shape_init(&plan->spreads[plan->spread_count++], 0, window_ns);
	return i;
}

static void add_limit(struct plan *plan, enum detector_id id, const struct detector_ops *ops,
		      const struct limit *limit)
{
	struct plan_limit item = {
		.id = id,
		.ops = ops,
		.limit = *limit,
		.derived = ops != detectors[id],
	};
	int64_t window_ns = limit->seconds * NS_PER_SECOND;

	item.number = (uint8_t)(plan->counting_count + plan->judging_count);
	if (ops->limit)
		item.limit.count = ops->limit(limit->count);
	if (ops->count) {
		window_shape_init(&item.shape, item.limit.count, window_ns);
		plan->counting[plan->counting_count++] = item;
		return;
	}
	item.spread = find_spread(plan, window_ns);
	plan->judging[plan->judging_count++] = item;
	if (plan->longest_spread_ns < window_ns)
		plan->longest_spread_ns = window_ns;
}

void plan_make(const struct detector_config configs[DETECTOR_COUNT], struct plan *out)
{
	const struct detector_ops *ops;

	*out = (struct plan){ 0 };
	for (unsigned int id = 0; id < DETECTOR_COUNT; id++) {
		const struct detector_config *detector = &configs[id];

		if (!detector->enabled || !detectors[id])
			continue;
		for (unsigned int i = 0; i < detector->limit_count; i++)
			add_limit(out, (enum detector_id)id, detectors[id], &detector->limits[i]);
		for (ops = detectors[id]->also; ops && detector->limit_count; ops = ops->also)
			add_limit(out, (enum detector_id)id, ops, &detector->limits[0]);
	}
}

static void lower_mark(const struct plan_limit *limit, struct wake_marks *marks)
{
	if (limit->ops->mark)
		limit->ops->mark(limit->limit.count, marks);
}

static void lower_marks(const struct detector_config configs[DETECTOR_COUNT],
			struct wake_marks *out)
{
	struct plan plan;

	plan_make(configs, &plan);
	for (unsigned int i = 0; i < plan.counting_count; i++)
		lower_mark(&plan.counting[i], out);
	for (unsigned int i = 0; i < plan.judging_count; i++)
		lower_mark(&plan.judging[i], out);
}

/* The program knows no groups: it wakes for the lowest limit of any. */
void detect_wake_marks(const struct config *config, struct wake_marks *out)
{
	*out = (struct wake_marks){
		.packets = config->sensor.wake_packets,
		.syn = MARK_NEVER,
		.udp = MARK_NEVER,
		.icmp = MARK_NEVER,
		.odd_flags = MARK_NEVER,
		.targets = MARK_NEVER,
		.hosts = MARK_NEVER,
		.per_interval = WAKES_PER_INTERVAL,
		.packets_limit = MARK_NEVER,
	};
	lower_marks(config->detectors, out);
	for (unsigned int i = 0; i < config->group_count; i++)
		lower_marks(config->groups[i].detectors, out);
}

/* A window is heir to one of the same length, or else to any that nobody has taken over. */
static void inherit_counting(const struct plan *from, const struct plan *to, bool same_length,
			     int8_t heirs[PLAN_LIMITS_MAX], bool taken[PLAN_LIMITS_MAX])
{
	for (unsigned int i = 0; i < from->counting_count; i++) {
		const struct plan_limit *old = &from->counting[i];

		for (unsigned int j = 0; heirs[i] < 0 && j < to->counting_count; j++) {
			const struct plan_limit *new = &to->counting[j];

			if (taken[j] || new->ops != old->ops ||
			    (same_length && new->limit.seconds != old->limit.seconds))
				continue;
			heirs[i] = (int8_t)j;
			taken[j] = true;
		}
	}
}

static void inherit_spreads(const struct plan *from, const struct plan *to, bool same_length,
			    int8_t heirs[PLAN_LIMITS_MAX], bool taken[PLAN_LIMITS_MAX])
{
	for (unsigned int i = 0; i < from->spread_count; i++) {
		for (unsigned int j = 0; heirs[i] < 0 && j < to->spread_count; j++) {
			if (taken[j] ||
			    (same_length && from->spreads[i].window_ns != to->spreads[j].window_ns))
				continue;
			heirs[i] = (int8_t)j;
			taken[j] = true;
		}
	}
}

void plan_inherit(const struct plan *from, const struct plan *to, struct plan_heirs *out)
{
	bool counting[PLAN_LIMITS_MAX] = { false }, spreads[PLAN_LIMITS_MAX] = { false };

	for (unsigned int i = 0; i < PLAN_LIMITS_MAX; i++)
		out->counting[i] = out->spreads[i] = PLAN_NO_HEIR;
	for (int pass = 0; pass < 2; pass++) {
		inherit_counting(from, to, pass == 0, out->counting, counting);
		inherit_spreads(from, to, pass == 0, out->spreads, spreads);
	}
}
