/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The growing that all lists share: items, count, capacity. */
#ifndef FWGEN_ARRAY_H
#define FWGEN_ARRAY_H

#include <stddef.h>

/*
 * Makes room for one item more than count. Returns the array, perhaps moved, with *capacity set, or
 * NULL when memory ran out: then the old array is still there and *capacity unchanged.
 */
void *array_room(void *items, size_t count, size_t *capacity, size_t item_size);

#endif
