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

size_t policy_rules_of(const struct policy *policy, const struct prefix *prefix, struct rule *out,
		       size_t max)
{
	const struct rule_node *covering = rule_table_covering(&policy->table, prefix);
	const struct rule_node *node = NULL;
	size_t n = 0;

	if (covering && max)
		out[n++] = covering->rule;
	while (n < max && (node = rule_table_next(&policy->table, prefix, node))) {
		if (node != covering)
			out[n++] = node->rule;
	}
	return n;
}

bool policy_has(const struct policy *policy, const struct block_key *key)
{
	return rule_table_exact(&policy->table, key);
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

void policy_explain(const struct policy *policy, const struct prefix *prefix, struct moment now,
		    struct policy_view *out)
{
	const struct protected_prefix *protected = policy_protected(policy, prefix);
	const struct rule *rule = policy_find(policy, prefix);

	*out = (struct policy_view){
		.protected = protected != NULL,
		.has_rule = rule != NULL,
		.held_until_ns =
			known_held_until(&policy->known, prefix, BLOCK_SOURCE, now.boot_ns),
		.paused_until_ns = policy_paused_until(policy, now.boot_ns),
		.peer = known_has_peer(&policy->known, prefix, now.boot_ns),
	};
	if (protected)
		out->protection = *protected;
	if (rule)
		out->rule = *rule;
	out->offences = known_offences(&policy->known, prefix, now.boot_ns, &out->forgiven_ns);
}
