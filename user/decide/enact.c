/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps by which the desired ruleset changes. A change is put into the caller's list before it
 * is made, so that the list is never short of one when memory runs out.
 */
#include <errno.h>
#include <stdio.h>
#include "base/clock.h"
#include "decide/policy_state.h"

int64_t policy_duration_ns(const struct policy *policy, const struct prefix *source,
			   enum evidence evidence, int64_t now_ns)
{
	uint32_t offences = 0;

	if (evidence == EVIDENCE_PROVEN)
		offences = known_offences(&policy->known, source, now_ns, NULL);
	return settings_duration_ns(&policy->settings, evidence, offences);
}

const struct protected_prefix *policy_guard(const struct policy *policy, const struct rule *rule)
{
	if (rule->to_destination)
		return NULL;
	return protected_list_find(&policy->protected_list, &rule->prefix);
}

static void note_offence(struct policy *policy, const struct rule *rule)
{
	int64_t quiet_ns = policy->settings.max_block_seconds * NS_PER_SECOND;

	if (rule->origin == ORIGIN_DETECTOR && rule->evidence == EVIDENCE_PROVEN)
		known_offend(&policy->known, &rule->prefix, rule->created.boot_ns,
			     rule->expires.boot_ns + quiet_ns);
}

/* Quiet begins when the last block is over. */
static void forgive_later(struct policy *policy, const struct rule *rule)
{
	int64_t quiet_ns = policy->settings.max_block_seconds * NS_PER_SECOND;

	if (rule->origin == ORIGIN_DETECTOR && rule->evidence == EVIDENCE_PROVEN)
		known_forgive_at(&policy->known, &rule->prefix, rule->expires.boot_ns + quiet_ns);
}

int policy_put(struct policy *policy, struct rule_change *change, const struct rule_facts *facts,
	       struct rule_change_list *out)
{
	struct rule_node *node;

	change->kind = RULE_ADDED;
	change->rule.id = policy->next_rule_id;
	if (rule_table_add(&policy->table, &change->rule, facts, &node))
		return -ENOMEM;
	if (rule_change_list_add(out, change)) {
		rule_table_remove(&policy->table, node);
		return -ENOMEM;
	}
	policy->next_rule_id++;
	families_enter(&policy->families, node);
	return roll_up(policy, node, out);
}

int policy_add(struct policy *policy, struct rule_change *change, const struct rule_facts *facts,
	       struct rule_change_list *out)
{
	int r = policy_put(policy, change, facts, out);

	if (!r)
		note_offence(policy, &change->rule);
	return r;
}

int policy_remove(struct policy *policy, struct rule_node *node, enum removed_why why,
		  const char *as, struct rule_change_list *out)
{
	struct rule_change change = {
		.kind = RULE_REMOVED,
		.rule = node->rule,
		.removed_why = why,
	};

	snprintf(change.protected_as, sizeof(change.protected_as), "%s", as ? as : "");
	if (rule_change_list_add(out, &change))
		return -ENOMEM;
	families_leave(&policy->families, node);
	rule_table_remove(&policy->table, node);
	return 0;
}

int policy_replace(struct policy *policy, struct rule_node *node, struct rule_change *change,
		   const struct rule_facts *facts, struct rule_change_list *out)
{
	if (policy_remove(policy, node, REMOVED_REPLACED, NULL, out))
		return -ENOMEM;
	return policy_add(policy, change, facts, out);
}

int policy_renew(struct policy *policy, struct rule_node *node, struct rule_change *change,
		 struct moment expires, struct rule_change_list *out)
{
	change->kind = RULE_RENEWED;
	change->rule = node->rule;
	change->rule.expires = expires;
	if (rule_change_list_add(out, change))
		return -ENOMEM;
	rule_table_set_expiry(&policy->table, node, expires);
	forgive_later(policy, &node->rule);
	return 0;
}
