/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A binary heap over the nodes of the rule table; each node knows its place in it. */
#ifndef FWGEN_DECIDE_RULE_HEAP_H
#define FWGEN_DECIDE_RULE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

struct rule_node;

struct rule_heap {
	struct rule_node **items; /* owned */
	size_t count, capacity;
	bool (*before)(const struct rule_node *a, const struct rule_node *b);
	unsigned int which; /* of a node's places */
};

/* Room for one node more. Returns 0 or -ENOMEM. */
int rule_heap_room(struct rule_heap *heap);
/* After rule_heap_room. */
void rule_heap_push(struct rule_heap *heap, struct rule_node *node);
void rule_heap_take_out(struct rule_heap *heap, struct rule_node *node);
/* What it is ordered by has changed in this node. */
void rule_heap_settle(struct rule_heap *heap, struct rule_node *node);
/* The one before all others, or NULL. */
struct rule_node *rule_heap_first(const struct rule_heap *heap);

#endif
