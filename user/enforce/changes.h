/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In the helper: what the daemon wants, as its set, unset, sync and synced say it, and the way of
 * that into the kernel: changes in batches, and a comparison of the whole whenever the sets hold
 * more or less than they should.
 */
#ifndef FWGEN_ENFORCE_CHANGES_H
#define FWGEN_ENFORCE_CHANGES_H

#include "enforce/message.h"
#include "enforce/netfilter.h"
#include "enforce/wanted.h"

struct changes {
	struct netfilter *netfilter;
	struct wanted wanted;

	bool pending; /* something is to be carried out */
	FILE *batch;  /* lines of ipset; NULL: none */
	struct text lines;
	unsigned int line_count;
	int64_t due_ns; /* when it is */

	/* between "sync" and "synced"; until the first nobody knows what is wanted */
	bool syncing, synced;

	char refused_why[NETFILTER_ERROR]; /* of the last that was, "": none */
	bool check_wanted;		   /* a refusal looked as if sets are gone */
	/* at the last look: wanted and not in the kernel; the other way round */
	uint64_t missing, strange;
	uint64_t accepted; /* as many are missing, and no comparison could put them there */
	int64_t compare_allowed_ns, compared_ns;
};

/* Returns 0 or -ENOMEM. */
int changes_open(struct changes *changes, struct netfilter *netfilter);
/* What the message asks for, other than stopping. Returns 0 or -ENOMEM. */
int changes_take(struct changes *changes, const struct message *message);
/* Whether the batch is as large as one should be. */
bool changes_are_many(const struct changes *changes);
/* Carries out what is pending. */
void changes_apply(struct changes *changes);
/* With the sets counted and nothing pending: finds out how many wanted members are missing. */
void changes_look(struct changes *changes);
/*
 * The same, and puts right what is wrong: compares all members with what is wanted if the numbers
 * differ or it was not done for minutes (*out says what differed); without sets, has the rules
 * written anew if the clock was set.
 */
void changes_verify(struct changes *changes, struct netfilter_difference *out);

#endif
