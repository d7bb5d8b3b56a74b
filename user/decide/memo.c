/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring behind the facts, with a hash over it. Not a log: nothing is kept beyond its time. */
#include "decide/memo.h"

#include <errno.h>
#include <stdlib.h>
#include "base/address.h"

int memo_init(struct memo *memo, uint32_t size)
{
	*memo = (struct memo){ .size = size };
	memo->items = calloc(size, sizeof(*memo->items));
	memo->heads = calloc(size, sizeof(*memo->heads));
	if (memo->items && memo->heads)
		return 0;
	memo_done(memo);
	return -ENOMEM;
}

void memo_done(struct memo *memo)
{
	free(memo->items);
	free(memo->heads);
	*memo = (struct memo){ 0 };
}

static uint32_t *head_of(const struct memo *memo, const struct prefix *prefix, uint32_t tag)
{
	uint64_t hash = address_hash(&prefix->address) + prefix->len + ((uint64_t)tag << 8);

	return &memo->heads[hash & (memo->size - 1)];
}

static struct memo_item *find(const struct memo *memo, const struct prefix *prefix, uint32_t tag)
{
	uint32_t i = *head_of(memo, prefix, tag);

	while (i) {
		struct memo_item *item = &memo->items[i - 1];

		if (item->tag == tag && prefix_equal(&item->prefix, prefix))
			return item;
		i = item->next;
	}
	return NULL;
}

uint32_t memo_get(const struct memo *memo, const struct prefix *prefix, uint32_t tag,
		  int64_t now_ns)
{
	const struct memo_item *item = find(memo, prefix, tag);

	return item && item->until_ns > now_ns ? item->value : 0;
}

int64_t memo_until(const struct memo *memo, const struct prefix *prefix, uint32_t tag,
		   int64_t now_ns)
{
	const struct memo_item *item = find(memo, prefix, tag);

	return item && item->value && item->until_ns > now_ns ? item->until_ns : 0;
}

int64_t memo_until_inside(const struct memo *memo, const struct prefix *prefix, uint32_t tag,
			  int64_t now_ns)
{
	for (uint32_t i = 0; i < memo->made; i++) {
		const struct memo_item *item = &memo->items[i];

		if (item->until_ns > now_ns && item->tag == tag && item->value &&
		    item->prefix.len >= prefix->len &&
		    prefix_contains(prefix, &item->prefix.address))
			return item->until_ns;
	}
	return 0;
}

static void forget(struct memo *memo, uint32_t number)
{
	struct memo_item *item = &memo->items[number - 1];
	uint32_t *link = head_of(memo, &item->prefix, item->tag);

	while (*link != number)
		link = &memo->items[*link - 1].next;
	*link = item->next;
}

void memo_set(struct memo *memo, const struct prefix *prefix, uint32_t tag, uint32_t value,
	      int64_t until_ns)
{
	struct memo_item *item = find(memo, prefix, tag);
	uint32_t *head;

	if (!item) {
		item = &memo->items[memo->cursor];
		memo->cursor = (memo->cursor + 1) & (memo->size - 1);
		if (memo->made < memo->size)
			memo->made++;
		if (item->until_ns)
			forget(memo, (uint32_t)(item - memo->items) + 1);
		head = head_of(memo, prefix, tag);
		*item = (struct memo_item){ .prefix = *prefix, .tag = tag, .next = *head };
		*head = (uint32_t)(item - memo->items) + 1;
	}
	item->value = value;
	item->until_ns = until_ns ? until_ns : 1;
}
