/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was in force and is no more, and which floods last: a bounded memory for `explain`, which
 * may not ask the database. Private to daemon/; its owner has the decision lock.
 */
#ifndef FWGEN_DAEMON_RECENT_H
#define FWGEN_DAEMON_RECENT_H

#include "model/explanation.h"
#include "model/rule.h"

#define RECENT_BLOCKS 4096
#define RECENT_FLOODS 64

struct recent;

/* Returns 0 or -ENOMEM. */
int recent_new(struct recent **out);
void recent_free(struct recent **recent);

/* Takes note of rules that end, and of floods that begin and end; the oldest are forgotten. */
void recent_note(struct recent *recent, const struct rule_change *change, struct moment now);
/* A rule that ended before this run. */
void recent_add(struct recent *recent, const struct past_block *block);

/* Fills earlier and floods of an explanation whose prefix is set. */
void recent_explain(const struct recent *recent, struct explanation *out);

#endif
