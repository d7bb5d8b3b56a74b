/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules in force, found by prefix, by containing prefix, by expiry, by age, and the quietest of
 * those that rest on unproven evidence. Adding, moving and removing cost O(log n); finding costs
 * one lookup per prefix length in use.
 */
#ifndef FWGEN_DECIDE_RULE_TABLE_H
#define FWGEN_DECIDE_RULE_TABLE_H

#include <stddef.h>
#include "abi.h"
#include "decide/rule_heap.h"
#include "model/rule.h"

/* What was known when the rule was decided on, and is not told of it. */
struct rule_facts {
	uint32_t offending; /* the packets that it was made for: enum packet_class, never all */
	uint32_t loudness;  /* rule_loudness() of what is found of its source */
	enum action action; /* before it was narrowed for somebody real */
	bool established;   /* the source has had exchanges of its own */
};

struct family;

struct rule_node {
	struct rule rule;
	struct rule_facts facts;
	struct block_key key;
	struct rule_node *chain;	 /* same hash */
	struct rule_node *older, *newer; /* in order of adding */
	size_t places[2];		 /* in the heaps: by expiry, by loudness */
	struct rule_heap *quiet;	 /* where the second place is; NULL: has none */
	struct family *family;		 /* those it may be rolled up with: roll_up.c; or NULL */
	struct rule_node *previous_of_family, *next_of_family;
};

struct rule_table {
	struct rule_node **heads;
	size_t head_count; /* a power of two */
	size_t count;
	struct rule_heap expiry;
	/* Detectors' unproven rules of sources, the quietest first; of those with exchanges apart.
	 */
	struct rule_heap quiet, quiet_established;
	struct rule_node *newest, *oldest;
	size_t lengths[PREFIX_LEN_FULL + 1]; /* rules of whole sources per prefix length */
	size_t destinations;		     /* detectors' limits of destinations */
};

/* Returns 0 or -ENOMEM. */
int rule_table_init(struct rule_table *table);
void rule_table_done(struct rule_table *table);

/* Adds a copy; one of the same key must not be there. Returns 0 or -ENOMEM. */
int rule_table_add(struct rule_table *table, const struct rule *rule,
		   const struct rule_facts *facts, struct rule_node **out);
void rule_table_remove(struct rule_table *table, struct rule_node *node);
void rule_table_set_expiry(struct rule_table *table, struct rule_node *node, struct moment expires);
void rule_table_set_loudness(struct rule_node *node, uint32_t loudness);

struct rule_node *rule_table_exact(const struct rule_table *table, const struct block_key *key);
/* The next rule of just this prefix, of whatever port and direction; after NULL the first. */
struct rule_node *rule_table_next(const struct rule_table *table, const struct prefix *prefix,
				  const struct rule_node *after);
/* The longest prefix that contains this one, of the rules of sources that are not for one port. */
struct rule_node *rule_table_covering(const struct rule_table *table, const struct prefix *prefix);
/* The one to expire first, or NULL. */
struct rule_node *rule_table_first(const struct rule_table *table);
/* The quietest unproven one, or NULL; of established: of those sources only. */
struct rule_node *rule_table_quietest(const struct rule_table *table, bool established);
/* How many unproven ones there are. */
size_t rule_table_unproven(const struct rule_table *table);

/* How many times the limit was found, in 1/256: comparable between detectors. */
uint32_t rule_loudness(uint64_t count, const struct limit *limit);
/* Whether it is one of those that may give way to a louder one. */
bool rule_is_unproven(const struct rule *rule);

#endif
