/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In the helper: every member that the daemon wants, so that what somebody takes out of the kernel
 * can be put back without asking. A hash table.
 */
#ifndef FWGEN_ENFORCE_WANTED_H
#define FWGEN_ENFORCE_WANTED_H

#include "enforce/message.h"

struct wanted_member {
	struct wanted_member *next; /* in its bucket */
	struct ruleset_member member;
	uint32_t rule_id;
	unsigned int weight;
	int64_t deadline_ns;
	uint32_t mark; /* the caller's */
};

struct wanted {
	struct wanted_member **buckets; /* owned */
	size_t bucket_count, count;
};

int wanted_open(struct wanted *wanted); /* 0 or -ENOMEM */
void wanted_close(struct wanted *wanted);

/* Takes in or changes what a "set" names; its mark is 0 or stays. NULL: out of memory. */
struct wanted_member *wanted_set(struct wanted *wanted, const struct message *message);
struct wanted_member *wanted_find(const struct wanted *wanted, const struct ruleset_member *member);
void wanted_unset(struct wanted *wanted, const struct ruleset_member *member);
/* Calls fn for each; those for which it says no are forgotten. */
void wanted_keep(struct wanted *wanted, bool (*fn)(void *context, struct wanted_member *member),
		 void *context);

#endif
