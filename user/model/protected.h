/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An address that must never be blocked, and the reason, as host/ and config found it. */
#ifndef FWGEN_MODEL_PROTECTED_H
#define FWGEN_MODEL_PROTECTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi.h"

struct protected_prefix {
	struct prefix prefix;
	char reason[64]; /* "own address on eth0", "default gateway of eth0", "resolver",
			    "access.allow" */
};

struct protected_list {
	struct protected_prefix *items; /* owned; grown as needed */
	size_t count, capacity;
	/* how they are found */
	uint32_t *order; /* of items, by address, the wider first; owned */
	size_t order_capacity;
	uint32_t lengths[2][PREFIX_LEN_FULL + 1]; /* items of each length: IPv4's, IPv6's */
};

/* Appends a copy unless the same prefix is there. Returns 0 or -ENOMEM. */
int protected_list_add(struct protected_list *list, const struct prefix *prefix,
		       const char *reason);
/* The first entry that overlaps the prefix, or NULL. */
const struct protected_prefix *protected_list_find(const struct protected_list *list,
						   const struct prefix *prefix);
/* Whether this very prefix is in the list. */
bool protected_list_has(const struct protected_list *list, const struct prefix *prefix);
/* An empty list becomes the same as from. Returns 0 or -ENOMEM. */
int protected_list_copy(struct protected_list *list, const struct protected_list *from);
void protected_list_free(struct protected_list *list);

#endif
