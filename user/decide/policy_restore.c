/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of an earlier run: which of them come back. */
#include "decide/policy.h"

#include <errno.h>
#include <string.h>
#include "decide/policy_state.h"

/* Why a rule of an earlier run may not come back; *protected is set where it is for that. */
static bool may_restore(const struct policy *policy, const struct rule *rule, struct moment now,
			struct rule_change *change)
{
	const struct protected_prefix *protected =
		protected_list_find(&policy->protected_list, &rule->prefix);
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
	struct rule_change change = { .rule = *rule };
	struct rule_node *node = NULL;

	if (rule->id >= policy->next_rule_id)
		policy->next_rule_id = rule->id + 1;
	if (may_restore(policy, rule, now, &change) && rule_table_add(&policy->table, rule, &node))
		return -ENOMEM;
	if (rule_change_list_add(out, &change)) {
		if (node)
			rule_table_remove(&policy->table, node);
		return -ENOMEM;
	}
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
