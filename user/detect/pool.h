/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects of one size by number (from 1; 0 is none), in slabs that are made as they are needed and
 * kept: numbers are half of a pointer, and no growing ever copies a hundred megabytes.
 */
#ifndef FWGEN_DETECT_POOL_H
#define FWGEN_DETECT_POOL_H

#include <stddef.h>
#include <stdint.h>

#define POOL_SLAB 1024

struct pool {
	size_t object_bytes; /* at least 4, a multiple of the alignment wanted */
	uint32_t max;
	uint32_t made; /* numbers handed out so far at most */
	uint32_t used;
	uint32_t free; /* first of the free list */
	void **slabs;
};

/* Returns 0 or -ENOMEM. */
int pool_init(struct pool *pool, size_t object_bytes, uint32_t max);
void pool_done(struct pool *pool);
/* A zeroed object: 0 and its number, -ENOSPC when max are in use, or -ENOMEM. */
int pool_take(struct pool *pool, uint32_t *number);
void pool_give(struct pool *pool, uint32_t number);
void *pool_at(const struct pool *pool, uint32_t number);
size_t pool_bytes(const struct pool *pool);

#endif
