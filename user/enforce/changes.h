/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In the helper: the daemon's set, unset, sync and synced, gathered and carried out in batches.
 */
#ifndef FWGEN_ENFORCE_CHANGES_H
#define FWGEN_ENFORCE_CHANGES_H

#include "enforce/message.h"
#include "enforce/netfilter.h"
#include "enforce/netfilter_run.h"

struct changes {
	struct netfilter *netfilter;

	FILE *batch; /* NULL: nothing is gathered */
	struct text lines;
	unsigned int line_count;
	int64_t due_ns; /* when the batch is to be carried out */

	/* between "sync" and "synced": what is wanted */
	bool syncing, sync_failed;
	struct ruleset_member *staged;
	size_t staged_count, staged_capacity;

	uint64_t refused;	 /* lines that are not in the kernel, since the last sync began */
	uint64_t refused_before; /* of the sync before, while one is running */
	char refused_why[NETFILTER_ERROR];
	bool check_wanted; /* a refusal looked as if sets are gone */
};

/* What the message asks for, other than stopping. */
void changes_take(struct changes *changes, const struct message *message);
/* Whether the batch is as large as one should be. */
bool changes_are_many(const struct changes *changes);
/* How many lines are not in the kernel, as far as is known now. */
uint64_t changes_refused(const struct changes *changes);
/* Carries out what is gathered. Refusals are counted in *changes. */
void changes_apply(struct changes *changes);

#endif
