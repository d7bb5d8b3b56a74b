/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of protected prefixes. Mostly a few dozen, but access.allow may name ten thousand, and
 * each rule is held against all of them: an order by address, the wider prefix first, finds those
 * inside of a prefix next to each other, and those around it by one search for each length in use.
 * Who is in the list is decided by host/ and config; the packet path has its own copy in a map.
 */
#include "model/protected.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/array.h"

static int compare(const struct prefix *a, const struct prefix *b)
{
	int order = memcmp(&a->address, &b->address, sizeof(a->address));

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

static const struct prefix *in_order(const struct protected_list *list, size_t place)
{
	return &list->items[list->order[place]].prefix;
}

/* The place of the first that is not before the prefix. */
static size_t find_place(const struct protected_list *list, const struct prefix *prefix)
{
	size_t from = 0, to = list->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (compare(in_order(list, middle), prefix) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static bool is_at(const struct protected_list *list, size_t place, const struct prefix *prefix)
{
	return place < list->count && !compare(in_order(list, place), prefix);
}

bool protected_list_has(const struct protected_list *list, const struct prefix *prefix)
{
	return is_at(list, find_place(list, prefix), prefix);
}

static unsigned int family_of(const struct prefix *prefix)
{
	return prefix->len >= PREFIX_LEN_MAPPED && address_is_ipv4(&prefix->address) ? 0 : 1;
}

int protected_list_add(struct protected_list *list, const struct prefix *prefix, const char *reason)
{
	size_t place = find_place(list, prefix);
	struct protected_prefix *items;
	uint32_t *order;

	if (is_at(list, place, prefix))
		return 0;
	items = array_room(list->items, list->count, &list->capacity, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	order = array_room(list->order, list->count, &list->order_capacity, sizeof(*order));
	if (!order)
		return -ENOMEM;
	list->order = order;
	memmove(order + place + 1, order + place, (list->count - place) * sizeof(*order));
	order[place] = (uint32_t)list->count;
	items += list->count++;
	*items = (struct protected_prefix){ .prefix = *prefix };
	snprintf(items->reason, sizeof(items->reason), "%s", reason);
	list->lengths[family_of(prefix)][prefix->len]++;
	return 0;
}

/* The earlier in the list of *first and the item at this place. */
static void take_earlier(const struct protected_list *list, size_t place, size_t *first)
{
	if (list->order[place] < *first)
		*first = list->order[place];
}

/* Those that contain the prefix and are wider. */
static void look_around(const struct protected_list *list, const struct prefix *prefix,
			size_t *first)
{
	const uint32_t *lengths = list->lengths[family_of(prefix)];

	for (uint32_t len = 0; len < prefix->len && len <= PREFIX_LEN_FULL; len++) {
		struct prefix wider = { .len = len };
		size_t place;

		if (!lengths[len])
			continue;
		wider.address = address_masked(&prefix->address, len);
		place = find_place(list, &wider);
		if (is_at(list, place, &wider) && prefix_overlaps(in_order(list, place), prefix))
			take_earlier(list, place, first);
	}
}

/* The prefix itself and those inside of it. */
static void look_inside(const struct protected_list *list, const struct prefix *prefix,
			size_t *first)
{
	for (size_t place = find_place(list, prefix); place < list->count; place++) {
		const struct prefix *item = in_order(list, place);
		struct address base = address_masked(&item->address, prefix->len);

		if (!address_equal(&base, &prefix->address))
			break;
		if (prefix_overlaps(item, prefix)) /* no IPv4 address is inside of ::/0 */
			take_earlier(list, place, first);
	}
}

const struct protected_prefix *protected_list_find(const struct protected_list *list,
						   const struct prefix *prefix)
{
	size_t first = list->count;

	look_around(list, prefix, &first);
	look_inside(list, prefix, &first);
	return first < list->count ? &list->items[first] : NULL;
}

int protected_list_copy(struct protected_list *list, const struct protected_list *from)
{
	struct protected_list copy = *from;

	copy.capacity = copy.order_capacity = from->count;
	copy.items = malloc((from->count + 1) * sizeof(*copy.items));
	copy.order = malloc((from->count + 1) * sizeof(*copy.order));
	if (!copy.items || !copy.order) {
		protected_list_free(&copy);
		return -ENOMEM;
	}
	if (from->count) {
		memcpy(copy.items, from->items, from->count * sizeof(*copy.items));
		memcpy(copy.order, from->order, from->count * sizeof(*copy.order));
	}
	*list = copy;
	return 0;
}

void protected_list_free(struct protected_list *list)
{
	free(list->items);
	free(list->order);
	*list = (struct protected_list){ 0 };
}
