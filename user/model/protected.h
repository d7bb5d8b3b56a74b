/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An address that must never be blocked, and the reason, as host/ and config found it. */
#ifndef FWGEN_MODEL_PROTECTED_H
#define FWGEN_MODEL_PROTECTED_H

#include <stddef.h>
#include "abi.h"

struct protected_prefix {
	struct prefix prefix;
	char reason[64]; /* "own address on eth0", "default gateway of eth0", "resolver", "access.allow" */
};

struct protected_list {
	struct protected_prefix *items; /* owned; grown as needed */
	size_t count, capacity;
};

/* Appends a copy unless the same prefix is there. Returns 0 or -ENOMEM. */
int protected_list_add(struct protected_list *list, const struct prefix *prefix, const char *reason);
/* The first entry that overlaps the prefix, or NULL. */
const struct protected_prefix *protected_list_find(const struct protected_list *list,
						   const struct prefix *prefix);
void protected_list_free(struct protected_list *list);

#endif
