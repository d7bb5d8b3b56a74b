/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many proven attackers of one prefix become one rule: who has a /64, or a whole hosting network,
 * changes his address for each try, and would fill the enforcers' room one address at a time. The
 * wide rule comes before the others go, so that nothing passes in between. Never where anything is
 * protected, talks with this box, or was unblocked by hand.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/address.h"
#include "decide/policy_state.h"

static const struct step {
	bool ipv4;
	uint32_t from, to; /* prefix lengths of the 128-bit form */
	size_t members;
} steps[] = {
	{ false, 128, 64, 8 }, { false, 64, 56, 16 }, { true, 128, 120, 64 }, /* IPv4 /32 to /24 */
};

static const struct step *step_of(const struct rule *rule)
{
	bool fits = rule->origin == ORIGIN_DETECTOR && rule->evidence == EVIDENCE_PROVEN &&
		    rule->action == ACTION_DROP && rule->classes == CLASS_ALL && !rule->port &&
		    !rule->to_destination;
	bool ipv4 = rule->prefix.len >= PREFIX_LEN_MAPPED && address_is_ipv4(&rule->prefix.address);

	for (size_t i = 0; fits && i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].ipv4 == ipv4 && steps[i].from == rule->prefix.len)
			return &steps[i];
	}
	return NULL;
}

bool roll_up_prefix(const struct rule *rule, struct prefix *out)
{
	const struct step *step = step_of(rule);

	if (!step)
		return false;
	*out = (struct prefix){ .address = address_masked(&rule->prefix.address, step->to),
				.len = step->to };
	return true;
}

static void draft(const struct family *family, const struct rule *newest, struct rule *out)
{
	*out = *newest;
	out->prefix = family->prefix;
	out->observed = family->count;
	out->limit = (struct limit){ .count = step_of(newest)->members - 1 };
	for (const struct rule_node *node = family->members; node; node = node->next_of_family) {
		if (out->expires.boot_ns < node->rule.expires.boot_ns)
			out->expires = node->rule.expires;
	}
	snprintf(out->reason, sizeof(out->reason),
		 "%zu proven attackers of this /%u, the last for: %.120s", family->count,
		 prefix_family_len(&family->prefix), newest->reason);
}

/* Whether somebody in the prefix may not be blocked for what others do. */
static bool spares(const struct policy *policy, const struct rule *wide)
{
	int64_t now_ns = wide->created.boot_ns;

	return policy_guard(policy, wide) ||
	       known_has_peer(&policy->known, &wide->prefix, now_ns) ||
	       known_held_until(&policy->known, &wide->prefix, BLOCK_SOURCE, now_ns);
}

/* One rule for the prefix, in the place of the one that is there. -EEXIST: that is somebody's own.
 */
static int widen(struct policy *policy, const struct rule *wide, struct rule_change_list *out)
{
	const struct rule_facts facts = { .offending = peers_offending(wide->classes),
					  .action = wide->action };
	const struct block_key key = rule_key(wide);
	struct rule_node *node = rule_table_exact(&policy->table, &key);
	struct rule_change change = { .rule = *wide };

	if (node && node->rule.origin != ORIGIN_DETECTOR)
		return -EEXIST;
	if (node && node->rule.evidence == EVIDENCE_PROVEN && node->rule.action == ACTION_DROP)
		return node->rule.expires.boot_ns < wide->expires.boot_ns
			       ? policy_renew(policy, node, &change, wide->expires, out)
			       : 0;
	if (!node && policy->table.count >= policy->max_rules)
		return -ENOSPC;
	if (node && policy_remove(policy, node, REMOVED_REPLACED, NULL, out))
		return -ENOMEM;
	return policy_put(policy, &change, &facts, out);
}

int roll_up(struct policy *policy, struct rule_node *node, struct rule_change_list *out)
{
	struct family *family = node->family;
	struct rule_node *member, *next;
	struct rule wide;
	int r;

	if (!family || family->count < step_of(&node->rule)->members ||
	    family->count < family->next_try)
		return 0;
	family->next_try = family->count * 2;
	draft(family, &node->rule, &wide);
	if (spares(policy, &wide))
		return 0;
	r = widen(policy, &wide, out);
	if (r)
		return r == -ENOMEM ? r : 0;
	for (member = family->members; member; member = next) {
		next = member->next_of_family; /* with the last one the family goes */
		if (policy_remove(policy, member, REMOVED_ROLLED_UP, NULL, out))
			return -ENOMEM;
	}
	return 0;
}
