/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The prefixes of all groups, cut into ranges that do not overlap: one binary search finds all
 * groups of an address, however many there are. What the groups' limits are is plan.c's.
 */
#include "detect/groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"

#define PORTS 65536

/* Where a prefix of a group begins or, with its end behind it, stops. */
struct edge {
	struct address at;
	uint8_t group;
	bool ends;
};

static int compare_edges(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct address));
}

static struct address last_of(const struct address *base, uint32_t len)
{
	struct address last = *base;

	for (uint32_t bit = len; bit < PREFIX_LEN_FULL; bit++)
		last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return last;
}

/* The address behind this one. Returns false when there is none. */
static bool step(struct address *address)
{
	for (int i = 15; i >= 0; i--)
		if (++address->bytes[i])
			return true;
	return false;
}

static unsigned int family_of(const struct prefix *prefix)
{
	return prefix->len >= PREFIX_LEN_MAPPED && address_is_ipv4(&prefix->address) ? 0 : 1;
}

static size_t list_edges(const struct config *config, unsigned int family, struct edge *out)
{
	size_t count = 0;

	for (unsigned int g = 0; g < config->group_count; g++) {
		const struct group_config *group = &config->groups[g];

		for (size_t i = 0; i < group->source_count; i++) {
			const struct prefix *prefix = &group->sources[i];
			struct edge edge = { prefix->address, (uint8_t)g, false };

			if (family_of(prefix) != family)
				continue;
			out[count++] = edge;
			edge.at = last_of(&prefix->address, prefix->len);
			edge.ends = true;
			if (step(&edge.at))
				out[count++] = edge;
		}
	}
	qsort(out, count, sizeof(*out), compare_edges);
	return count;
}

/* A group's prefixes may be inside each other: it ends where the last of them does. */
static size_t cut(const struct edge *edges, size_t count, struct group_range *out)
{
	unsigned int open[CONFIG_GROUPS_MAX] = { 0 };
	size_t ranges = 0;

	for (size_t i = 0; i < count; i++) {
		const struct edge *edge = &edges[i];
		uint32_t groups = ranges ? out[ranges - 1].groups : 0, bit = 1u << edge->group;

		if (!ranges || !address_equal(&out[ranges - 1].start, &edge->at))
			out[ranges++] = (struct group_range){ edge->at, groups };
		open[edge->group] += edge->ends ? -1u : 1u;
		if (open[edge->group])
			out[ranges - 1].groups |= bit;
		else
			out[ranges - 1].groups &= ~bit;
	}
	return ranges;
}

static int make_ranges(const struct config *config, struct groups *groups)
{
	size_t most = 1;
	struct edge *edges;

	for (unsigned int g = 0; g < config->group_count; g++)
		most += 2 * config->groups[g].source_count;
	edges = calloc(most, sizeof(*edges));
	if (!edges)
		return -ENOMEM;
	for (unsigned int family = 0; family < 2; family++) {
		struct group_range *ranges = calloc(most, sizeof(*ranges));

		if (!ranges) {
			free(edges);
			return -ENOMEM;
		}
		groups->ranges[family] = ranges;
		groups->range_count[family] = cut(edges, list_edges(config, family, edges), ranges);
	}
	free(edges);
	return 0;
}

static int make_ports(const struct config *config, struct groups *groups)
{
	for (unsigned int g = 0; g < config->group_count; g++) {
		const struct group_config *group = &config->groups[g];

		groups->port_count[g] = group->port_count;
		if (!group->port_count)
			groups->without_ports |= 1u << g;
		else if (!groups->by_port)
			groups->by_port = calloc(PORTS, sizeof(*groups->by_port));
		if (group->port_count && !groups->by_port)
			return -ENOMEM;
		for (unsigned int i = 0; i < group->port_count; i++)
			groups->by_port[group->ports[i]] |= 1u << g;
	}
	return 0;
}

uint8_t groups_find_set(const struct groups *groups, uint32_t in)
{
	for (unsigned int i = 1; i < groups->set_count; i++)
		if (groups->sets[i] == in)
			return (uint8_t)i;
	return 0;
}

static void add_set(struct groups *groups, uint32_t in)
{
	if (!groups_find_set(groups, in) && groups->set_count < GROUP_SETS)
		groups->sets[groups->set_count++] = in;
}

static void list_sets(struct groups *groups)
{
	groups->set_count = 1;
	add_set(groups, groups->without_sources);
	for (unsigned int family = 0; family < 2; family++)
		for (size_t i = 0; i < groups->range_count[family]; i++)
			add_set(groups, groups->ranges[family][i].groups | groups->without_sources);
}

int groups_make(const struct config *config, struct groups *out)
{
	*out = (struct groups){ .count = config->group_count };
	if (!out->count)
		return 0;
	for (unsigned int g = 0; g < config->group_count; g++)
		if (!config->groups[g].source_count)
			out->without_sources |= 1u << g;
	if (make_ranges(config, out) || make_ports(config, out)) {
		groups_free(out);
		return -ENOMEM;
	}
	list_sets(out);
	return 0;
}

void groups_free(struct groups *groups)
{
	free(groups->ranges[0]);
	free(groups->ranges[1]);
	free(groups->by_port);
	*groups = (struct groups){ 0 };
}

/* How many ranges begin at the address or before it. */
static size_t count_before(const struct group_range *ranges, size_t count,
			   const struct address *address)
{
	size_t from = 0, to = count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (memcmp(&ranges[middle].start, address, sizeof(*address)) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

uint32_t groups_of(const struct groups *groups, const struct address *address, uint8_t prefix_len)
{
	unsigned int family = address_is_ipv4(address) ? 0 : 1;
	const struct group_range *ranges = groups->ranges[family];
	struct address last = last_of(address, prefix_len);
	size_t first, end;
	uint32_t in;

	if (!groups->count)
		return 0;
	first = count_before(ranges, groups->range_count[family], address);
	end = prefix_len < PREFIX_LEN_FULL
		      ? count_before(ranges, groups->range_count[family], &last)
		      : first;
	in = first ? ranges[first - 1].groups : 0;
	for (size_t i = first; i < end; i++)
		in &= ranges[i].groups;
	return in | groups->without_sources;
}

unsigned int groups_choose(const struct groups *groups, uint32_t in,
			   const struct table_entry *entry, unsigned int last)
{
	unsigned int ports = (unsigned int)(__builtin_popcount(entry->ports[TRY_TCP]) +
					    __builtin_popcount(entry->ports[TRY_OTHER]));
	uint32_t left;

	if (!in)
		return 0;
	if (!ports && last)
		return last;
	left = in &
	       (groups->without_ports | (groups->by_port ? groups->by_port[entry->last_port] : 0));
	for (; left; left &= left - 1) {
		unsigned int g = (unsigned int)__builtin_ctz(left);

		if (groups->without_ports >> g & 1 || ports <= groups->port_count[g])
			return g + 1;
	}
	return 0;
}
