/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of findings between detect/ and decide/. What a finding means is theirs. */
#include "model/finding.h"

#include <errno.h>
#include <stdlib.h>
#include "base/array.h"

int finding_list_add(struct finding_list *list, const struct finding *finding)
{
	struct finding *items =
		array_room(list->items, list->count, &list->capacity, sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	list->items[list->count++] = *finding;
	return 0;
}

void finding_list_free(struct finding_list *list)
{
	free(list->items);
	*list = (struct finding_list){ 0 };
}
