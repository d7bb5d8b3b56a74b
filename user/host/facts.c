/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The set of facts about this box: kept sorted, so that two readings are compared as bytes and a
 * notice about a route is checked against the known next hops by binary search. It does not know
 * where facts come from (netlink.c) nor when they are read again (host.c).
 */
#include "host/facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"

static const char *const reasons[] = {
	[FACT_OWN] = "own address on %s",	  [FACT_DEFAULT_GATEWAY] = "default gateway of %s",
	[FACT_NEXT_HOP] = "next hop on %s",	  [FACT_PEER] = "peer of %s",
	[FACT_TUNNEL] = "tunnel endpoint of %s",  [FACT_BROADCAST] = "broadcast of %s",
	[FACT_ANYCAST] = "anycast address on %s", [FACT_LOCAL_ROUTE] = "local route on %s",
};
_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == FACT_KIND_COUNT, "a reason per kind");
_Static_assert(sizeof(struct fact) == 8 + sizeof(struct prefix), "facts are compared as bytes");

static int compare_facts(const struct fact *a, const struct fact *b)
{
	int order;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	order = memcmp(&a->prefix, &b->prefix, sizeof(a->prefix));
	if (order)
		return order;
	return a->link < b->link ? -1 : a->link > b->link;
}

/* The index of the first item that is not below fact. */
static size_t lower_bound(const struct facts *facts, const struct fact *fact)
{
	size_t low = 0, high = facts->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_facts(&facts->items[middle], fact) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int facts_add(struct facts *facts, const struct fact *fact)
{
	size_t at = lower_bound(facts, fact);
	struct fact *grown;

	if (at < facts->count && !compare_facts(&facts->items[at], fact))
		return 0;
	grown = array_room(facts->items, facts->count, &facts->capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	facts->items = grown;
	memmove(&facts->items[at + 1], &facts->items[at],
		(facts->count - at) * sizeof(*facts->items));
	facts->items[at] = *fact;
	facts->count++;
	return 0;
}

int facts_add_link(struct facts *facts, uint32_t index, const char *name)
{
	size_t at = facts->link_count; /* dumps come in order: look from the end */
	struct link_fact *grown;

	while (at && facts->links[at - 1].index >= index)
		at--;
	if (at == facts->link_count || facts->links[at].index != index) {
		grown = array_room(facts->links, facts->link_count, &facts->link_capacity,
				   sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		facts->links = grown;
		memmove(&facts->links[at + 1], &facts->links[at],
			(facts->link_count - at) * sizeof(*facts->links));
		facts->link_count++;
	}
	memset(&facts->links[at], 0, sizeof(facts->links[at]));
	facts->links[at].index = index;
	snprintf(facts->links[at].name, sizeof(facts->links[at].name), "%s", name);
	return 0;
}

void facts_offer_default(struct default_route *best, const struct default_route *candidate)
{
	if (best->link && best->main_table != candidate->main_table) {
		if (candidate->main_table)
			*best = *candidate;
		return;
	}
	if (!best->link || candidate->metric < best->metric)
		*best = *candidate;
}

bool facts_have(const struct facts *facts, enum fact_kind kind, const struct prefix *prefix)
{
	struct fact wanted = { .kind = kind, .prefix = *prefix };
	size_t at = lower_bound(facts, &wanted);

	return at < facts->count && facts->items[at].kind == kind &&
	       !memcmp(&facts->items[at].prefix, prefix, sizeof(*prefix));
}

const char *facts_link_name(const struct facts *facts, uint32_t index)
{
	for (size_t i = 0; i < facts->link_count; i++) {
		if (facts->links[i].index == index)
			return facts->links[i].name;
	}
	return NULL;
}

bool facts_contain(const struct facts *whole, const struct facts *part)
{
	for (size_t i = 0; i < part->count; i++) {
		size_t at = lower_bound(whole, &part->items[i]);

		if (at == whole->count || compare_facts(&whole->items[at], &part->items[i]))
			return false;
	}
	for (size_t i = 0; i < part->link_count; i++) {
		const char *name = facts_link_name(whole, part->links[i].index);

		if (!name || strcmp(name, part->links[i].name))
			return false;
	}
	return true;
}

bool facts_equal(const struct facts *a, const struct facts *b)
{
	return a->count == b->count && a->link_count == b->link_count &&
	       a->default4.link == b->default4.link && a->default6.link == b->default6.link &&
	       facts_contain(a, b);
}

int facts_protect(const struct facts *facts, struct protected_list *out)
{
	for (size_t i = 0; i < facts->count; i++) {
		const struct fact *fact = &facts->items[i];
		const char *name = facts_link_name(facts, fact->link);
		char reason[64];
		int err;

		snprintf(reason, sizeof(reason), reasons[fact->kind], name ? name : "?");
		err = protected_list_add(out, &fact->prefix, reason);
		if (err)
			return err;
	}
	return 0;
}

void facts_free(struct facts *facts)
{
	free(facts->items);
	free(facts->links);
	memset(facts, 0, sizeof(*facts));
}
