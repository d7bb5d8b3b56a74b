/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Doubling, so that adding n items costs n. Lists never shrink: they are short-lived or reused. */
#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>

#define FIRST_CAPACITY 16

void *array_room(void *items, size_t count, size_t *capacity, size_t item_size)
{
	size_t wanted = *capacity ? *capacity * 2 : FIRST_CAPACITY;
	void *grown;

	if (count < *capacity)
		return items;
	if (*capacity > SIZE_MAX / 2)
		return NULL;
	grown = reallocarray(items, wanted, item_size);
	if (grown)
		*capacity = wanted;
	return grown;
}
