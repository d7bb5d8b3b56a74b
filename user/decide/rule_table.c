/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash by prefix, a binary heap by expiry and a list by age over the same nodes. Knows nothing of
 * why there is a rule (policy.c).
 */
#include "decide/rule_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"

#define FIRST_HEADS 1024

int rule_table_init(struct rule_table *table)
{
	*table = (struct rule_table){ .head_count = FIRST_HEADS };
	table->heads = calloc(table->head_count, sizeof(*table->heads));
	return table->heads ? 0 : -ENOMEM;
}

void rule_table_done(struct rule_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->heap[i]);
	free(table->heap);
	free(table->heads);
	*table = (struct rule_table){ 0 };
}

static struct rule_node **head_of(const struct rule_table *table, const struct prefix *prefix)
{
	uint64_t hash = address_hash(&prefix->address) + prefix->len;

	return &table->heads[hash & (table->head_count - 1)];
}

static bool earlier(const struct rule_node *a, const struct rule_node *b)
{
	if (a->rule.expires.boot_ns != b->rule.expires.boot_ns)
		return a->rule.expires.boot_ns < b->rule.expires.boot_ns;
	return a->rule.id < b->rule.id;
}

static void put(struct rule_table *table, size_t place, struct rule_node *node)
{
	table->heap[place] = node;
	node->place = place;
}

/* Moves the node up or down to where its expiry belongs. */
static void settle(struct rule_table *table, struct rule_node *node)
{
	size_t place = node->place;

	while (place && earlier(node, table->heap[(place - 1) / 2])) {
		put(table, place, table->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * place + 1;

		if (child + 1 < table->count && earlier(table->heap[child + 1], table->heap[child]))
			child++;
		if (child >= table->count || !earlier(table->heap[child], node))
			break;
		put(table, place, table->heap[child]);
		place = child;
	}
	put(table, place, node);
}

/* Room for one more in the heap, and heads for it. More heads are a matter of speed only. */
static int grow(struct rule_table *table)
{
	size_t capacity = table->capacity ? table->capacity * 2 : FIRST_HEADS;
	struct rule_node **heap, **heads;

	if (table->count < table->capacity)
		return 0;
	heap = reallocarray(table->heap, capacity, sizeof(struct rule_node *));
	if (!heap)
		return -ENOMEM;
	table->heap = heap;
	table->capacity = capacity;
	heads = calloc(capacity, sizeof(struct rule_node *));
	if (!heads)
		return 0;
	free(table->heads);
	table->heads = heads;
	table->head_count = capacity;
	for (size_t i = 0; i < table->count; i++) {
		struct rule_node **head = head_of(table, &table->heap[i]->rule.prefix);

		table->heap[i]->chain = *head;
		*head = table->heap[i];
	}
	return 0;
}

static bool counts_as_unproven(const struct rule *rule)
{
	return rule->origin == ORIGIN_DETECTOR && rule->evidence == EVIDENCE_UNPROVEN;
}

int rule_table_add(struct rule_table *table, const struct rule *rule, struct rule_node **out)
{
	struct rule_node *node = malloc(sizeof(*node)), **head;

	if (!node || grow(table)) {
		free(node);
		return -ENOMEM;
	}
	head = head_of(table, &rule->prefix);
	*node = (struct rule_node){
		.rule = *rule, .key = rule_key(rule), .chain = *head, .older = table->newest
	};
	*head = node;
	if (table->newest)
		table->newest->newer = node;
	else
		table->oldest = node;
	table->newest = node;
	table->lengths[rule->prefix.len]++;
	table->unproven += counts_as_unproven(rule);
	node->place = table->count++;
	settle(table, node);
	*out = node;
	return 0;
}

void rule_table_remove(struct rule_table *table, struct rule_node *node)
{
	struct rule_node **link = head_of(table, &node->rule.prefix);
	struct rule_node *last;

	while (*link != node)
		link = &(*link)->chain;
	*link = node->chain;

	*(node->newer ? &node->newer->older : &table->newest) = node->older;
	*(node->older ? &node->older->newer : &table->oldest) = node->newer;
	table->lengths[node->rule.prefix.len]--;
	table->unproven -= counts_as_unproven(&node->rule);

	last = table->heap[--table->count];
	if (last != node) {
		last->place = node->place;
		settle(table, last);
	}
	free(node);
}

void rule_table_set_expiry(struct rule_table *table, struct rule_node *node, struct moment expires)
{
	node->rule.expires = expires;
	settle(table, node);
}

struct rule_node *rule_table_exact(const struct rule_table *table, const struct block_key *key)
{
	const struct prefix prefix = { .address = key->address, .len = key->len };
	struct rule_node *node = *head_of(table, &prefix);

	while (node && memcmp(&node->key, key, sizeof(*key)))
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
	return table->count ? table->heap[0] : NULL;
}
