/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of protected prefixes: a few dozen, so it is searched from front to back. Who is in it
 * is decided by host/ and config; the packet path has its own copy in a map.
 */
#include "model/protected.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/address.h"
#include "base/array.h"

static const struct protected_prefix *find_same(const struct protected_list *list,
						const struct prefix *prefix)
{
	for (size_t i = 0; i < list->count; i++) {
		if (prefix_equal(&list->items[i].prefix, prefix))
			return &list->items[i];
	}
	return NULL;
}

int protected_list_add(struct protected_list *list, const struct prefix *prefix, const char *reason)
{
	struct protected_prefix *items;

	if (find_same(list, prefix))
		return 0;
	items = array_room(list->items, list->count, &list->capacity, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	items += list->count++;
	*items = (struct protected_prefix){ .prefix = *prefix };
	snprintf(items->reason, sizeof(items->reason), "%s", reason);
	return 0;
}

const struct protected_prefix *protected_list_find(const struct protected_list *list,
						   const struct prefix *prefix)
{
	for (size_t i = 0; i < list->count; i++) {
		if (prefix_overlaps(&list->items[i].prefix, prefix))
			return &list->items[i];
	}
	return NULL;
}

void protected_list_free(struct protected_list *list)
{
	free(list->items);
	*list = (struct protected_list){ 0 };
}
