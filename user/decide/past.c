/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an earlier run knew: a restart makes nobody a newcomer, nor undoes what somebody undid. */
#include "base/clock.h"
#include "decide/policy_state.h"

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

static void remember_unblocked(struct policy *policy, const struct past_rule *rule, int64_t now_ns)
{
	int64_t held_ns = policy->settings.block_seconds * NS_PER_SECOND;
	int64_t until_ns = earlier(rule->expired_ns, now_ns) + held_ns;

	known_forgive(&policy->known, &rule->prefix);
	if (until_ns > now_ns)
		known_hold(&policy->known, &rule->prefix,
			   rule->to_destination ? BLOCK_DESTINATION : BLOCK_SOURCE, until_ns);
}

/* One in force ends max_block_seconds from now at the latest, whatever the clock was then. */
static void remember_offence(struct policy *policy, const struct past_rule *rule, int64_t now_ns)
{
	int64_t most_ns = policy->settings.max_block_seconds * NS_PER_SECOND;
	int64_t forgiven_ns = earlier(rule->expired_ns, now_ns + most_ns) + most_ns;

	if (forgiven_ns > now_ns)
		known_offend(&policy->known, &rule->prefix, now_ns, forgiven_ns);
}

void policy_remember(struct policy *policy, const struct past_rule *rules, size_t n,
		     struct moment now)
{
	for (size_t i = 0; i < n; i++) {
		if (rules[i].removed_why == REMOVED_MANUAL)
			remember_unblocked(policy, &rules[i], now.boot_ns);
		else if (rules[i].evidence == EVIDENCE_PROVEN)
			remember_offence(policy, &rules[i], now.boot_ns);
	}
}
