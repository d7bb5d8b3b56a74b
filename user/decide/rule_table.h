/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules in force, found by prefix, by containing prefix, by expiry and by age. Adding, moving
 * and removing cost O(log n); finding costs one lookup per prefix length in use.
 */
#ifndef FWGEN_DECIDE_RULE_TABLE_H
#define FWGEN_DECIDE_RULE_TABLE_H

#include <stddef.h>
#include "abi.h"
#include "model/rule.h"

struct rule_node {
	struct rule rule;
	struct block_key key;
	struct rule_node *chain;	 /* same hash */
	struct rule_node *older, *newer; /* in order of adding */
	size_t place;			 /* in the heap */
};

struct rule_table {
	struct rule_node **heads;
	size_t head_count;	 /* a power of two */
	struct rule_node **heap; /* earliest expiry first */
	size_t count, capacity;
	struct rule_node *newest, *oldest;
	size_t lengths[PREFIX_LEN_FULL + 1]; /* rules per prefix length */
	size_t unproven;		     /* detectors' rules on unproven evidence */
};

/* Returns 0 or -ENOMEM. */
int rule_table_init(struct rule_table *table);
void rule_table_done(struct rule_table *table);

/* Adds a copy; one of the same key must not be there. Returns 0 or -ENOMEM. */
int rule_table_add(struct rule_table *table, const struct rule *rule, struct rule_node **out);
void rule_table_remove(struct rule_table *table, struct rule_node *node);
void rule_table_set_expiry(struct rule_table *table, struct rule_node *node, struct moment expires);

struct rule_node *rule_table_exact(const struct rule_table *table, const struct block_key *key);
/* The longest prefix that contains this one, of the rules that are not for one port. */
struct rule_node *rule_table_covering(const struct rule_table *table, const struct prefix *prefix);
/* The one to expire first, or NULL. */
struct rule_node *rule_table_first(const struct rule_table *table);

#endif
