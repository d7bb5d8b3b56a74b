/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "enforce/singles.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CLOCK_SLACK_NS (2 * NS_PER_SECOND)

struct selection {
	const struct wanted_member **items;
	size_t count;
};

static bool select_member(void *context, struct wanted_member *member)
{
	struct selection *selection = context;

	selection->items[selection->count++] = member;
	return true;
}

/* The more important first; among equals those that came first stay. */
static int compare_importance(const void *a, const void *b)
{
	const struct wanted_member *one = *(const struct wanted_member *const *)a;
	const struct wanted_member *other = *(const struct wanted_member *const *)b;

	if (one->weight != other->weight)
		return one->weight > other->weight ? -1 : 1;
	if (one->rule_id != other->rule_id)
		return one->rule_id < other->rule_id ? -1 : 1;
	return memcmp(&one->member, &other->member, sizeof(one->member));
}

static size_t room_for(const struct wanted *wanted)
{
	return wanted->count < NETFILTER_SINGLES_MAX ? wanted->count : NETFILTER_SINGLES_MAX;
}

int singles_write(struct netfilter *netfilter, struct wanted *wanted, char error[NETFILTER_ERROR])
{
	struct selection selection = { .count = 0 };
	const struct moment now = moment_now();

	selection.items = calloc(wanted->count + 1, sizeof(*selection.items));
	if (!selection.items) {
		snprintf(error, NETFILTER_ERROR, "failed to write rules: out of memory");
		return -ENOMEM;
	}
	wanted_keep(wanted, select_member, &selection);
	qsort(selection.items, selection.count, sizeof(*selection.items), compare_importance);
	for (size_t i = 0; i < room_for(wanted); i++) {
		const struct wanted_member *member = selection.items[i];

		netfilter->singles[i] = (struct ruleset_single){
			.member = member->member,
			.rule_id = member->rule_id,
			.stop_s = now.wall_ns / NS_PER_SECOND +
				  ruleset_timeout(member->deadline_ns, now.boot_ns),
		};
	}
	free(selection.items);
	netfilter->clock_ns = now.wall_ns - now.boot_ns;
	return netfilter_put_singles(netfilter, room_for(wanted), error);
}

bool singles_due(const struct netfilter *netfilter, const struct wanted *wanted)
{
	const struct moment now = moment_now();
	int64_t set_by_ns = now.wall_ns - now.boot_ns - netfilter->clock_ns;

	if (room_for(wanted) != netfilter->single_count)
		return true;
	return netfilter->single_count &&
	       (set_by_ns > CLOCK_SLACK_NS || set_by_ns < -CLOCK_SLACK_NS);
}
