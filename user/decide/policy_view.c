/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to the desired ruleset. Nothing here changes it (policy.c). */
#include "decide/policy.h"

#include "decide/policy_state.h"

size_t policy_rule_count(const struct policy *policy)
{
	return policy->table.count;
}

size_t policy_rules(const struct policy *policy, struct rule *out, size_t max)
{
	size_t n = 0;

	for (const struct rule_node *node = policy->table.newest; node && n < max;
	     node = node->older)
		out[n++] = node->rule;
	return n;
}

const struct rule *policy_find(const struct policy *policy, const struct prefix *prefix)
{
	const struct rule_node *node = rule_table_covering(&policy->table, prefix);

	return node ? &node->rule : NULL;
}

const struct protected_prefix *policy_protected(const struct policy *policy,
						const struct prefix *prefix)
{
	return protected_list_find(&policy->protected_list, prefix);
}

int64_t policy_next_expiry(const struct policy *policy)
{
	const struct rule_node *node = rule_table_first(&policy->table);

	return node ? node->rule.expires.boot_ns : INT64_MAX;
}
