/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small facts about prefixes that hold until a time: "was told about it", "was blocked for it
 * twice". Bounded: when it is full the oldest fact is forgotten, which costs a repeated message.
 */
#ifndef FWGEN_DECIDE_MEMO_H
#define FWGEN_DECIDE_MEMO_H

#include <stdint.h>
#include "abi.h"

struct memo_item {
	struct prefix prefix;
	int64_t until_ns; /* 0: free */
	uint32_t tag;
	uint32_t value;
	uint32_t next; /* index + 1 */
};

struct memo {
	struct memo_item *items; /* a ring */
	uint32_t *heads;
	uint32_t size; /* a power of two */
	uint32_t cursor;
	uint32_t made; /* items that were ever used */
};

/* Returns 0 or -ENOMEM. */
int memo_init(struct memo *memo, uint32_t size);
void memo_done(struct memo *memo);
/* The value, or 0 when nothing is known or its time is over. */
uint32_t memo_get(const struct memo *memo, const struct prefix *prefix, uint32_t tag,
		  int64_t now_ns);
/* When that is over, or 0. */
int64_t memo_until(const struct memo *memo, const struct prefix *prefix, uint32_t tag,
		   int64_t now_ns);
/* Until when something is known of a part of the prefix, or 0. Looks at all there is. */
int64_t memo_until_inside(const struct memo *memo, const struct prefix *prefix, uint32_t tag,
			  int64_t now_ns);
void memo_set(struct memo *memo, const struct prefix *prefix, uint32_t tag, uint32_t value,
	      int64_t until_ns);

#endif
