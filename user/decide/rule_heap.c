/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sifting up and down. What comes before what is the table's to say. */
#include "decide/rule_heap.h"

#include <errno.h>
#include "base/array.h"
#include "decide/rule_table.h"

static void put(struct rule_heap *heap, size_t place, struct rule_node *node)
{
	heap->items[place] = node;
	node->places[heap->which] = place;
}

int rule_heap_room(struct rule_heap *heap)
{
	struct rule_node **items =
		array_room(heap->items, heap->count, &heap->capacity, sizeof(struct rule_node *));

	if (!items)
		return -ENOMEM;
	heap->items = items;
	return 0;
}

void rule_heap_settle(struct rule_heap *heap, struct rule_node *node)
{
	size_t place = node->places[heap->which];

	while (place && heap->before(node, heap->items[(place - 1) / 2])) {
		put(heap, place, heap->items[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * place + 1;

		if (child + 1 < heap->count &&
		    heap->before(heap->items[child + 1], heap->items[child]))
			child++;
		if (child >= heap->count || !heap->before(heap->items[child], node))
			break;
		put(heap, place, heap->items[child]);
		place = child;
	}
	put(heap, place, node);
}

void rule_heap_push(struct rule_heap *heap, struct rule_node *node)
{
	node->places[heap->which] = heap->count++;
	rule_heap_settle(heap, node);
}

void rule_heap_take_out(struct rule_heap *heap, struct rule_node *node)
{
	struct rule_node *last = heap->items[--heap->count];

	if (last == node)
		return;
	last->places[heap->which] = node->places[heap->which];
	rule_heap_settle(heap, last);
}

struct rule_node *rule_heap_first(const struct rule_heap *heap)
{
	return heap->count ? heap->items[0] : NULL;
}
