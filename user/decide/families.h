/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules in force, found by the wider prefix that many of them could become one rule of. */
#ifndef FWGEN_DECIDE_FAMILIES_H
#define FWGEN_DECIDE_FAMILIES_H

#include <stddef.h>
#include "abi.h"

struct rule_node;

/* The rules of one prefix that may become one. */
struct family {
	struct prefix prefix;
	struct rule_node *members;
	size_t count;
	size_t next_try; /* at so many members */
	struct family *chain;
};

struct families {
	struct family **heads; /* owned, and what they lead to */
	size_t head_count;     /* a power of two */
	size_t count;
};

/* Returns 0 or -ENOMEM. */
int families_init(struct families *families);
void families_done(struct families *families);

/* The rule came into force, or leaves. Costs the same however many there are. */
void families_enter(struct families *families, struct rule_node *node);
void families_leave(struct families *families, struct rule_node *node);

#endif
