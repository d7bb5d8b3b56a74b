/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Room for one rule more. Whoever forges sources can have as many rules made on unproven evidence
 * as he likes: they have a budget of their own, and of sources that have exchanges with somebody
 * here only a part may be blocked at once. When a budget is spent, or the enforcers hold no more,
 * the quietest of them gives way to a louder one, and to any rule that rests on more.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include "base/clock.h"
#include "decide/policy_state.h"

#define ESTABLISHED_MIN	  100 /* of those may be blocked in any case */
#define ESTABLISHED_SHARE 4   /* else one in so many */
#define DESTINATIONS_MAX  256 /* detectors' limits of destinations: each is a rule of iptables */

static size_t established_most(const struct policy *policy)
{
	uint64_t most = policy->population / ESTABLISHED_SHARE;

	return most > ESTABLISHED_MIN ? most : ESTABLISHED_MIN;
}

static void format_spent(const struct policy *policy, enum budget budget, char *buf, size_t size)
{
	static const char advice[] = "the loudest sources take the place of the quietest";

	if (budget == BUDGET_UNPROVEN)
		snprintf(buf, size,
			 "%" PRIu32 " blocks on unproven evidence, as many as"
			 " response.max_unproven_blocks allows: %s",
			 policy->settings.max_unproven, advice);
	else if (budget == BUDGET_ESTABLISHED)
		snprintf(buf, size,
			 "%zu blocks on unproven evidence of sources with connections here, as many"
			 " as may be with %" PRIu64 " such sources: %s",
			 established_most(policy), policy->population, advice);
	else
		snprintf(buf, size, "%zu blocks, as many as there is room for: %s",
			 policy->table.count, advice);
}

/* Says that a budget is spent and what is done about it, once in block_seconds. */
static int tell_spent(struct policy *policy, enum budget budget, const struct rule *rule,
		      struct moment now, struct rule_change_list *out)
{
	struct rule_change change = { .kind = RULE_CROWDED, .rule = *rule };
	int64_t *until_ns = &policy->crowded_until_ns[budget];

	if (*until_ns > now.boot_ns)
		return 0;
	format_spent(policy, budget, change.rule.reason, sizeof(change.rule.reason));
	if (rule_change_list_add(out, &change))
		return -ENOMEM;
	*until_ns = now.boot_ns + policy->settings.block_seconds * NS_PER_SECOND;
	return 0;
}

/* The quietest gives way to this one, if that is louder or rests on more. */
static int displace(struct policy *policy, enum budget budget, const struct rule *rule,
		    const struct rule_facts *facts, struct moment now, struct rule_change_list *out)
{
	struct rule_node *quietest =
		rule_table_quietest(&policy->table, budget == BUDGET_ESTABLISHED);

	if (tell_spent(policy, budget, rule, now, out))
		return -ENOMEM;
	if (!quietest || (rule_is_unproven(rule) && quietest->facts.loudness >= facts->loudness))
		return -ENOSPC;
	return policy_remove(policy, quietest, REMOVED_REPLACED, NULL, out);
}

int room_make(struct policy *policy, const struct rule *rule, const struct rule_facts *facts,
	      struct moment now, struct rule_change_list *out)
{
	const struct rule_table *table = &policy->table;
	int r = 0;

	if (rule->to_destination && rule->origin == ORIGIN_DETECTOR &&
	    table->destinations >= DESTINATIONS_MAX)
		return -ENOSPC;
	if (rule_is_unproven(rule) && facts->established &&
	    table->quiet_established.count >= established_most(policy))
		r = displace(policy, BUDGET_ESTABLISHED, rule, facts, now, out);
	if (!r && rule_is_unproven(rule) &&
	    rule_table_unproven(table) >= policy->settings.max_unproven)
		r = displace(policy, BUDGET_UNPROVEN, rule, facts, now, out);
	/* one is kept for a rule in the place of others: roll_up.c */
	if (!r && table->count + 1 >= policy->max_rules)
		r = displace(policy, BUDGET_ALL, rule, facts, now, out);
	return r;
}

void policy_room(struct policy *policy, size_t max_rules)
{
	policy->max_rules = max_rules;
}

void policy_population(struct policy *policy, uint64_t established_sources)
{
	policy->population = established_sources;
}
