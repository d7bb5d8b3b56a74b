/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Evidence that comes after the decision. Who was blocked on packets that anybody could have sent,
 * and is somebody that this box talks with, is not to lose his connections to a forger: his rule is
 * narrowed to the offending packets and lets pass what the limit would have let pass. An attacker
 * who keeps a connection open for this is held at his own limit all the same.
 */
#include "decide/policy.h"

#include <stdio.h>
#include <string.h>
#include "base/address.h"
#include "base/clock.h"
#include "decide/policy_state.h"

#define PEER_NS (300 * NS_PER_SECOND)

#define NARROWED "; only limited, since connections with it exist"

uint32_t peers_offending(uint32_t classes)
{
	/* Somebody real has TCP connections mostly: without a better word those are spared. */
	return classes == CLASS_ALL ? CLASS_ALL & ~(uint32_t)CLASS_TCP : classes;
}

bool peers_may_narrow(const struct rule *rule)
{
	return rule_is_unproven(rule) && rule->prefix.len == PREFIX_LEN_FULL && !rule->port;
}

bool peers_is_narrowed(const struct rule *rule)
{
	return peers_may_narrow(rule) && rule->action == ACTION_LIMIT && rule->classes != CLASS_ALL;
}

void peers_narrow(const struct settings *settings, uint32_t offending, struct rule *rule)
{
	uint32_t tolerated = limit_rate(&rule->limit);

	rule->action = ACTION_LIMIT;
	rule->classes = offending;
	rule->limit_pps = settings->limit_pps;
	/* what little a scan's limit tolerates would end his connections, if it were theirs too */
	if (rule->limit_pps > tolerated && !(offending & CLASS_TCP))
		rule->limit_pps = tolerated;
}

void peers_explain(struct rule *rule)
{
	size_t len = strnlen(rule->reason, sizeof(rule->reason) - sizeof(NARROWED));

	snprintf(rule->reason + len, sizeof(rule->reason) - len, "%s", NARROWED);
}

static int narrow(struct policy *policy, struct rule_node *node, struct moment now,
		  struct rule_change_list *out)
{
	struct rule_change change = { .rule = node->rule };
	const struct rule_facts facts = node->facts;

	peers_narrow(&policy->settings, facts.offending, &change.rule);
	peers_explain(&change.rule);
	change.rule.created = now;
	return policy_replace(policy, node, &change, &facts, out);
}

/*
 * Logins of which only our half could be seen, and conntrack has seen both of as many: other
 * connections with it are somebody's whose address may be forged.
 */
static int prove(struct policy *policy, struct rule_node *node, struct moment now,
		 struct rule_change_list *out)
{
	struct rule_change change = { .rule = node->rule };
	const struct rule_facts facts = node->facts;
	struct rule *rule = &change.rule;
	char *said = strstr(rule->reason, NARROWED);

	if (said)
		*said = '\0';
	rule->evidence = EVIDENCE_PROVEN;
	rule->action = facts.action;
	rule->limit_pps = rule->action == ACTION_LIMIT ? policy->settings.limit_pps : 0;
	rule->classes = CLASS_ALL;
	rule->created = now;
	rule->expires = moment_plus(
		now, policy_duration_ns(policy, &rule->prefix, EVIDENCE_PROVEN, now.boot_ns));
	return policy_replace(policy, node, &change, &facts, out);
}

int policy_peer(struct policy *policy, const struct peer_answer *answer, struct moment now,
		struct rule_change_list *out)
{
	const struct prefix source = prefix_of(&answer->address);
	const struct block_key key = { .address = source.address, .len = source.len };
	struct rule_node *node = rule_table_exact(&policy->table, &key);
	bool real = answer->assured || answer->opened;

	if (real)
		known_peer(&policy->known, &source, now.boot_ns + PEER_NS);
	if (!node || !peers_may_narrow(&node->rule) || policy->settings.mode == MODE_OBSERVE)
		return 0;
	if (node->rule.detector == DETECTOR_BRUTE_FORCE &&
	    answer->logins > node->rule.limit.count && !policy_paused_until(policy, now.boot_ns))
		return prove(policy, node, now, out);
	return !real || peers_is_narrowed(&node->rule) ? 0 : narrow(policy, node, now, out);
}
