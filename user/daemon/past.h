/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was in force and is no more, and which floods last: a bounded memory for `explain`, which
 * may not ask the database. Private to daemon/; its owner has the decision lock.
 */
#ifndef FWGEN_DAEMON_PAST_H
#define FWGEN_DAEMON_PAST_H

#include "model/explanation.h"
#include "model/rule.h"

#define PAST_BLOCKS 4096
#define PAST_FLOODS 64

struct past;

/* Returns 0 or -ENOMEM. */
int past_new(struct past **out);
void past_free(struct past **past);

/* Takes note of rules that end, and of floods that begin and end; the oldest are forgotten. */
void past_note(struct past *past, const struct rule_change *change, struct moment now);
/* A rule that ended before this run. */
void past_add(struct past *past, const struct past_block *block);

/* Fills earlier and floods of an explanation whose prefix is set. */
void past_explain(const struct past *past, struct explanation *out);

#endif
