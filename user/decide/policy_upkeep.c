/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that come or go without a finding: their time is over, the protected set now covers them,
 * an earlier run left them, all are cleared. As in policy.c a change is put into the caller's list
 * before it is made.
 */
#include "decide/policy.h"

#include <errno.h>
#include <string.h>
#include "decide/policy_state.h"

int policy_protect(struct policy *policy, const struct protected_list *list, struct moment now,
		   struct rule_change_list *out)
{
	struct protected_list copy = { 0 };
	struct rule_node *node, *next;

	(void)now;
	if (protected_list_copy(&copy, list))
		return -ENOMEM;
	protected_list_free(&policy->protected_list);
	policy->protected_list = copy;
	for (node = policy->table.oldest; node; node = next) {
		const struct protected_prefix *protected = policy_guard(policy, &node->rule);

		next = node->newer;
		if (protected &&
		    policy_remove(policy, node, REMOVED_PROTECTED, protected->reason, out))
			return -ENOMEM;
	}
	return 0;
}

int policy_expire(struct policy *policy, struct moment now, struct rule_change_list *out)
{
	struct rule_node *node;

	while ((node = rule_table_first(&policy->table)) &&
	       node->rule.expires.boot_ns <= now.boot_ns) {
		if (policy_remove(policy, node, REMOVED_EXPIRED, NULL, out))
			return -ENOMEM;
	}
	return 0;
}

/* Why a rule of an earlier run may not come back; *protected is set where it is for that. */
static bool may_restore(const struct policy *policy, const struct rule *rule, struct moment now,
			struct rule_change *change)
{
	const struct protected_prefix *protected = policy_guard(policy, rule);
	const struct block_key key = rule_key(rule);

	change->kind = RULE_REMOVED;
	if (rule->expires.boot_ns <= now.boot_ns) {
		change->removed_why = REMOVED_EXPIRED;
	} else if (protected) {
		change->removed_why = REMOVED_PROTECTED;
		memcpy(change->protected_as, protected->reason, sizeof(change->protected_as));
	} else if (rule_table_exact(&policy->table, &key)) {
		change->removed_why = REMOVED_REPLACED;
	} else {
		change->kind = RULE_ADDED;
		return true;
	}
	return false;
}

static int restore(struct policy *policy, const struct rule *rule, struct moment now,
		   struct rule_change_list *out)
{
	const struct rule_facts facts = {
		.offending = peers_offending(rule->classes),
		.loudness = rule_loudness(rule->observed, &rule->limit),
		.action = peers_is_narrowed(rule) ? ACTION_DROP : rule->action,
	};
	struct rule_change change = { .rule = *rule };
	struct rule_node *node = NULL;

	if (rule->id >= policy->next_rule_id)
		policy->next_rule_id = rule->id + 1;
	if (may_restore(policy, rule, now, &change)) {
		int r = room_make(policy, rule, &facts, now, out);

		if (r == -ENOSPC) {
			change.kind = RULE_REMOVED;
			change.removed_why = REMOVED_REPLACED;
		} else if (r || rule_table_add(&policy->table, rule, &facts, &node)) {
			return -ENOMEM;
		}
	}
	if (rule_change_list_add(out, &change)) {
		if (node)
			rule_table_remove(&policy->table, node);
		return -ENOMEM;
	}
	if (node)
		families_enter(&policy->families, node);
	return 0;
}

int policy_restore(struct policy *policy, const struct rule *rules, size_t n, struct moment now,
		   struct rule_change_list *out)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		r = restore(policy, &rules[i], now, out);
	return r;
}

int policy_clear(struct policy *policy, enum removed_why why, struct moment now,
		 struct rule_change_list *out)
{
	(void)now;
	while (policy->table.oldest) {
		if (policy_remove(policy, policy->table.oldest, why, NULL, out))
			return -ENOMEM;
	}
	return 0;
}
