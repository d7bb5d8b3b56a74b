/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of policy share: its state, and the steps that more than one of them takes. */
#ifndef FWGEN_DECIDE_POLICY_STATE_H
#define FWGEN_DECIDE_POLICY_STATE_H

#include "decide/families.h"
#include "decide/known.h"
#include "decide/memo.h"
#include "decide/policy.h"
#include "decide/rule_table.h"
#include "decide/settings.h"

/* What there may be only so many of: room.c. */
enum budget { BUDGET_UNPROVEN, BUDGET_ESTABLISHED, BUDGET_ALL, BUDGETS };

struct policy {
	struct settings settings;
	struct rule_table table;
	struct families families;
	struct protected_list protected_list;
	struct memo told;
	struct known known;
	int64_t paused_until_ns; /* 0: not */
	size_t max_rules;
	uint64_t population;		   /* sources with exchanges of their own */
	int64_t crowded_until_ns[BUDGETS]; /* told that it is spent */
	uint32_t next_rule_id;
};

/*
 * Gives change->rule an id, puts it in force and reports the change, which is RULE_ADDED; then
 * rolls up what it is one too many of. Returns 0 or -ENOMEM.
 */
int policy_put(struct policy *policy, struct rule_change *change, const struct rule_facts *facts,
	       struct rule_change_list *out);
/* The same for one that is no roll-up: a detector's proven rule is an offence. */
int policy_add(struct policy *policy, struct rule_change *change, const struct rule_facts *facts,
	       struct rule_change_list *out);
/*
 * Reports the removal, then removes. as: what the rule's prefix is protected as, or NULL. Returns 0
 * or -ENOMEM.
 */
int policy_remove(struct policy *policy, struct rule_node *node, enum removed_why why,
		  const char *as, struct rule_change_list *out);
/* The rule gives way to change->rule, which has the same key. Returns 0 or -ENOMEM. */
int policy_replace(struct policy *policy, struct rule_node *node, struct rule_change *change,
		   const struct rule_facts *facts, struct rule_change_list *out);
/* The rule ends later; of change only what a finding says is used. Returns 0 or -ENOMEM. */
int policy_renew(struct policy *policy, struct rule_node *node, struct rule_change *change,
		 struct moment expires, struct rule_change_list *out);

/* How long a rule on this evidence lasts for this source. */
int64_t policy_duration_ns(const struct policy *policy, const struct prefix *source,
			   enum evidence evidence, int64_t now_ns);

/* What forbids the rule: it overlaps the protected set. NULL: nothing, or it stops no source. */
const struct protected_prefix *policy_guard(const struct policy *policy, const struct rule *rule);

/* ---- room.c ---------------------------------------------------------------------------------- */

/*
 * Sees to it that there is room for the rule, to be called just before it is added: a quieter one
 * may be removed for it. Returns 0, -ENOSPC or -ENOMEM.
 */
int room_make(struct policy *policy, const struct rule *rule, const struct rule_facts *facts,
	      struct moment now, struct rule_change_list *out);

/* ---- roll_up.c ------------------------------------------------------------------------------- */

/* The prefix that this rule could be rolled up into, if any. */
bool roll_up_prefix(const struct rule *rule, struct prefix *out);
/* If this one and others like it are enough for one rule, it takes their place. 0 or -ENOMEM. */
int roll_up(struct policy *policy, struct rule_node *node, struct rule_change_list *out);

/* ---- peers.c --------------------------------------------------------------------------------- */

/* The packets to limit for these: never all. */
uint32_t peers_offending(uint32_t classes);
/* Whether a rule may be made to limit its offending packets only. */
bool peers_may_narrow(const struct rule *rule);
/* Whether it was. */
bool peers_is_narrowed(const struct rule *rule);
/* Makes it so; then has its reason say why. */
void peers_narrow(const struct settings *settings, uint32_t offending, struct rule *rule);
void peers_explain(struct rule *rule);

#endif
