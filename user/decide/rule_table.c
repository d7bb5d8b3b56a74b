/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash by prefix, heaps by expiry and by loudness, and a list by age over the same nodes. Knows
 * nothing of why there is a rule (policy.c).
 */
#include "decide/rule_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"

#define FIRST_HEADS 1024

static struct rule_node **head_of(const struct rule_table *table, const struct prefix *prefix)
{
	uint64_t hash = address_hash(&prefix->address) + prefix->len;

	return &table->heads[hash & (table->head_count - 1)];
}

static bool is_earlier(const struct rule_node *a, const struct rule_node *b)
{
	if (a->rule.expires.boot_ns != b->rule.expires.boot_ns)
		return a->rule.expires.boot_ns < b->rule.expires.boot_ns;
	return a->rule.id < b->rule.id;
}

/* Of two that are as loud the older one goes: it has had its time. */
static bool is_quieter(const struct rule_node *a, const struct rule_node *b)
{
	if (a->facts.loudness != b->facts.loudness)
		return a->facts.loudness < b->facts.loudness;
	return a->rule.id < b->rule.id;
}

int rule_table_init(struct rule_table *table)
{
	*table = (struct rule_table){
		.head_count = FIRST_HEADS,
		.expiry = { .before = is_earlier },
		.quiet = { .before = is_quieter, .which = 1 },
		.quiet_established = { .before = is_quieter, .which = 1 },
	};
	table->heads = calloc(table->head_count, sizeof(*table->heads));
	return table->heads ? 0 : -ENOMEM;
}

void rule_table_done(struct rule_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->expiry.items[i]);
	free(table->expiry.items);
	free(table->quiet.items);
	free(table->quiet_established.items);
	free(table->heads);
	*table = (struct rule_table){ 0 };
}

/* More heads, a matter of speed only. */
static void grow(struct rule_table *table)
{
	size_t count = table->head_count * 2;
	struct rule_node **heads;

	if (table->count < table->head_count)
		return;
	heads = calloc(count, sizeof(struct rule_node *));
	if (!heads)
		return;
	free(table->heads);
	table->heads = heads;
	table->head_count = count;
	for (struct rule_node *node = table->oldest; node; node = node->newer) {
		struct rule_node **head = head_of(table, &node->rule.prefix);

		node->chain = *head;
		*head = node;
	}
}

bool rule_is_unproven(const struct rule *rule)
{
	return rule->origin == ORIGIN_DETECTOR && rule->evidence == EVIDENCE_UNPROVEN &&
	       !rule->to_destination;
}

uint32_t rule_loudness(uint64_t count, const struct limit *limit)
{
	uint64_t most = UINT64_MAX / 256, times;

	times = (count < most ? count : most) * 256 / (limit->count ? limit->count : 1);
	return times < UINT32_MAX ? (uint32_t)times : UINT32_MAX;
}

static bool limits_destination(const struct rule *rule)
{
	return rule->to_destination && rule->origin == ORIGIN_DETECTOR;
}

static bool stops_source(const struct rule *rule)
{
	return !rule->to_destination && !rule->port;
}

static void enter_order(struct rule_table *table, struct rule_node *node)
{
	node->older = table->newest;
	if (table->newest)
		table->newest->newer = node;
	else
		table->oldest = node;
	table->newest = node;
}

int rule_table_add(struct rule_table *table, const struct rule *rule,
		   const struct rule_facts *facts, struct rule_node **out)
{
	struct rule_heap *quiet = facts->established ? &table->quiet_established : &table->quiet;
	struct rule_node *node = malloc(sizeof(*node)), **head;

	if (!rule_is_unproven(rule))
		quiet = NULL;
	if (!node || rule_heap_room(&table->expiry) || (quiet && rule_heap_room(quiet))) {
		free(node);
		return -ENOMEM;
	}
	grow(table);
	head = head_of(table, &rule->prefix);
	*node = (struct rule_node){
		.rule = *rule,
		.facts = *facts,
		.key = rule_key(rule),
		.chain = *head,
		.quiet = quiet,
	};
	*head = node;
	enter_order(table, node);
	table->lengths[rule->prefix.len] += stops_source(rule);
	table->destinations += limits_destination(rule);
	table->count++;
	rule_heap_push(&table->expiry, node);
	if (quiet)
		rule_heap_push(quiet, node);
	*out = node;
	return 0;
}

void rule_table_remove(struct rule_table *table, struct rule_node *node)
{
	struct rule_node **link = head_of(table, &node->rule.prefix);

	while (*link != node)
		link = &(*link)->chain;
	*link = node->chain;

	*(node->newer ? &node->newer->older : &table->newest) = node->older;
	*(node->older ? &node->older->newer : &table->oldest) = node->newer;
	table->lengths[node->rule.prefix.len] -= stops_source(&node->rule);
	table->destinations -= limits_destination(&node->rule);
	table->count--;
	rule_heap_take_out(&table->expiry, node);
	if (node->quiet)
		rule_heap_take_out(node->quiet, node);
	free(node);
}

void rule_table_set_expiry(struct rule_table *table, struct rule_node *node, struct moment expires)
{
	node->rule.expires = expires;
	rule_heap_settle(&table->expiry, node);
}

void rule_table_set_loudness(struct rule_node *node, uint32_t loudness)
{
	node->facts.loudness = loudness;
	if (node->quiet)
		rule_heap_settle(node->quiet, node);
}

struct rule_node *rule_table_exact(const struct rule_table *table, const struct block_key *key)
{
	const struct prefix prefix = { .address = key->address, .len = key->len };
	struct rule_node *node = *head_of(table, &prefix);

	while (node && memcmp(&node->key, key, sizeof(*key)))
		node = node->chain;
	return node;
}

struct rule_node *rule_table_next(const struct rule_table *table, const struct prefix *prefix,
				  const struct rule_node *after)
{
	struct rule_node *node = after ? after->chain : *head_of(table, prefix);

	while (node && !prefix_equal(&node->rule.prefix, prefix))
		node = node->chain;
	return node;
}

struct rule_node *rule_table_covering(const struct rule_table *table, const struct prefix *prefix)
{
	for (int len = (int)prefix->len; len >= 0; len--) {
		struct block_key wider = { .len = (uint32_t)len };
		struct rule_node *node;

		if (!table->lengths[len])
			continue;
		wider.address = address_masked(&prefix->address, wider.len);
		node = rule_table_exact(table, &wider);
		/* ::/0 holds no IPv4 address, although the mapped form lies inside it */
		if (node && prefix_contains(&node->rule.prefix, &prefix->address))
			return node;
	}
	return NULL;
}

struct rule_node *rule_table_first(const struct rule_table *table)
{
	return rule_heap_first(&table->expiry);
}

struct rule_node *rule_table_quietest(const struct rule_table *table, bool established)
{
	struct rule_node *peer = rule_heap_first(&table->quiet_established);
	struct rule_node *other = rule_heap_first(&table->quiet);

	if (established || !other)
		return peer;
	return peer && is_quieter(peer, other) ? peer : other;
}

size_t rule_table_unproven(const struct rule_table *table)
{
	return table->quiet.count + table->quiet_established.count;
}
