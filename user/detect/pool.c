/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The slabs behind the tracker. A free object's first four bytes are the number of the next one. */
#include "detect/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t slab_count(uint32_t objects)
{
	return ((size_t)objects + POOL_SLAB - 1) / POOL_SLAB;
}

int pool_init(struct pool *pool, size_t object_bytes, uint32_t max)
{
	void **slabs = calloc(slab_count(max) + 1, sizeof(*slabs));

	if (!slabs)
		return -ENOMEM;
	*pool = (struct pool){ .object_bytes = object_bytes, .max = max, .slabs = slabs };
	return 0;
}

void pool_done(struct pool *pool)
{
	if (pool->slabs) {
		for (size_t i = 0; i < slab_count(pool->made); i++)
			free(pool->slabs[i]);
		free(pool->slabs);
	}
	*pool = (struct pool){ 0 };
}

void *pool_at(const struct pool *pool, uint32_t number)
{
	uint32_t i = number - 1;

	return (char *)pool->slabs[i / POOL_SLAB] + i % POOL_SLAB * pool->object_bytes;
}

int pool_take(struct pool *pool, uint32_t *number)
{
	uint32_t taken = pool->free;
	void *slab;

	if (taken) {
		memcpy(&pool->free, pool_at(pool, taken), sizeof(pool->free));
	} else if (pool->made == pool->max) {
		return -ENOSPC;
	} else {
		if (pool->made % POOL_SLAB == 0) {
			slab = malloc(POOL_SLAB * pool->object_bytes);
			if (!slab)
				return -ENOMEM;
			pool->slabs[pool->made / POOL_SLAB] = slab;
		}
		taken = ++pool->made;
	}
	pool->used++;
	memset(pool_at(pool, taken), 0, pool->object_bytes);
	*number = taken;
	return 0;
}

void pool_give(struct pool *pool, uint32_t number)
{
	memset(pool_at(pool, number), 0, pool->object_bytes);
	memcpy(pool_at(pool, number), &pool->free, sizeof(pool->free));
	pool->free = number;
	pool->used--;
}

size_t pool_bytes(const struct pool *pool)
{
	return slab_count(pool->made) * POOL_SLAB * pool->object_bytes +
	       (slab_count(pool->max) + 1) * sizeof(*pool->slabs);
}
