/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What people ask for: a rule, the end of rules, a pause. They come before what detectors find, but
 * not before the protected set.
 */
#include "decide/policy.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include "base/address.h"
#include "base/clock.h"
#include "decide/policy_state.h"
#include "model/event.h"

/* ---- blocking -------------------------------------------------------------------------------- */

#define DESTINATION_CLASSES (CLASS_SYN | CLASS_UDP | CLASS_ICMP)

static bool is_one_class(uint32_t classes)
{
	return classes && !(classes & (classes - 1));
}

static int check_destination(const struct block_request *request, char error[POLICY_ERROR])
{
	const char *wrong = NULL;

	if (request->prefix.len != PREFIX_LEN_FULL)
		wrong = "one address, not a prefix";
	else if (!is_one_class(request->classes & CLASS_ALL) ||
		 !(request->classes & DESTINATION_CLASSES))
		wrong = "one packet class: syn, udp or icmp";
	else if (!request->limit_pps)
		wrong = "a limit in packets a second: nothing is ever dropped altogether there";
	else if (request->port && request->classes == CLASS_ICMP)
		wrong = "no port with class icmp";
	if (!wrong)
		return 0;
	snprintf(error, POLICY_ERROR, "a limit of what is sent to a host needs %s", wrong);
	return -EINVAL;
}

static int check_source(const struct block_request *request, char error[POLICY_ERROR])
{
	if (!request->port)
		return 0;
	if (request->protocol != IPPROTO_TCP && request->protocol != IPPROTO_UDP) {
		snprintf(error, POLICY_ERROR, "port %u needs a protocol: tcp or udp",
			 request->port);
		return -EINVAL;
	}
	if (request->classes && request->classes != protocol_classes(request->protocol)) {
		snprintf(
			error, POLICY_ERROR,
			"a port or packet classes, not both: all that goes to the port is stopped");
		return -EINVAL;
	}
	return 0;
}

static int check(const struct policy *policy, const struct block_request *request,
		 char error[POLICY_ERROR])
{
	const struct settings *settings = &policy->settings;

	if (settings->mode == MODE_OBSERVE) {
		snprintf(error, POLICY_ERROR,
			 "nothing is blocked in observe mode: set \"mode\" to \"enforce\", or start"
			 " with --enforce");
		return -EINVAL;
	}
	if (request->duration_ns < 0 ||
	    request->duration_ns > settings->max_block_seconds * NS_PER_SECOND) {
		snprintf(error, POLICY_ERROR,
			 "a block lasts for %u s at most (response.max_block_seconds)",
			 settings->max_block_seconds);
		return -EINVAL;
	}
	return request->to_destination ? check_destination(request, error)
				       : check_source(request, error);
}

static void draft(const struct policy *policy, const struct block_request *request,
		  struct moment now, struct rule *out)
{
	int64_t duration_ns = request->duration_ns;

	if (!duration_ns)
		duration_ns = policy->settings.block_seconds * NS_PER_SECOND;
	*out = (struct rule){
		.prefix = request->prefix,
		.action = request->limit_pps ? ACTION_LIMIT : ACTION_DROP,
		.classes = request->classes & CLASS_ALL ? request->classes & CLASS_ALL : CLASS_ALL,
		.port = request->port,
		.to_destination = request->to_destination,
		.limit_pps = request->limit_pps,
		.detector = DETECTOR_NONE,
		.evidence = EVIDENCE_PROVEN,
		.origin = request->origin,
		.created = now,
		.expires = moment_plus(now, duration_ns),
	};
	if (request->to_destination)
		out->protocol = rule_destination_protocol(&request->prefix, out->classes);
	else if (request->port)
		out->protocol = request->protocol;
	if (request->port && !request->to_destination)
		out->classes = protocol_classes(out->protocol);
	snprintf(out->reason, sizeof(out->reason), "%s",
		 request->reason[0] ? request->reason : "blocked by hand");
	memcpy(out->config_hash, policy->settings.config_hash, sizeof(out->config_hash));
}

static bool does_the_same(const struct rule *a, const struct rule *b)
{
	return a->origin == b->origin && a->action == b->action && a->classes == b->classes &&
	       a->limit_pps == b->limit_pps && !strcmp(a->reason, b->reason);
}

static int put(struct policy *policy, const struct rule *rule, struct rule_node *node,
	       struct moment now, struct rule_change_list *out)
{
	const struct rule_facts facts = { .offending = peers_offending(rule->classes),
					  .action = rule->action };
	struct rule_change change = { .rule = *rule };
	int r;

	if (!node) {
		r = room_make(policy, rule, &facts, now, out);
		return r ? r : policy_add(policy, &change, &facts, out);
	}
	if (node->rule.origin == ORIGIN_MANUAL && rule->origin != ORIGIN_MANUAL)
		return 0; /* a list says nothing against what somebody wants */
	if (does_the_same(&node->rule, rule) && node->rule.expires.boot_ns <= rule->expires.boot_ns)
		return policy_renew(policy, node, &change, rule->expires, out);
	return policy_replace(policy, node, &change, &facts, out);
}

int policy_block(struct policy *policy, const struct block_request *request, struct moment now,
		 struct rule_change_list *out, char error[POLICY_ERROR])
{
	const struct protected_prefix *protected;
	char prefix[PREFIX_TEXT], inside[PREFIX_TEXT];
	struct rule_node *node;
	struct block_key key;
	struct rule rule;
	int r = check(policy, request, error);

	if (r)
		return r;
	draft(policy, request, now, &rule);
	protected = policy_guard(policy, &rule);
	if (protected) {
		snprintf(error, POLICY_ERROR, "%s may not be blocked: %s is protected as %s",
			 prefix_format(&rule.prefix, prefix),
			 prefix_format(&protected->prefix, inside), protected->reason);
		return -EPERM;
	}
	key = rule_key(&rule);
	node = rule_table_exact(&policy->table, &key);
	r = put(policy, &rule, node, now, out);
	if (r == -ENOSPC)
		snprintf(error, POLICY_ERROR,
			 "there is no room for %s: all %zu rules in force rest on more than a"
			 " guess; end some, or block a prefix around them",
			 prefix_format(&rule.prefix, prefix), policy->table.count);
	else if (r)
		snprintf(error, POLICY_ERROR, "out of memory");
	else
		known_release(&policy->known, &rule.prefix, key.kind);
	return r;
}

/* ---- unblocking ------------------------------------------------------------------------------ */

static void hold(struct policy *policy, const struct rule *rule, const struct prefix *prefix,
		 struct moment now)
{
	int64_t until_ns = now.boot_ns + policy->settings.block_seconds * NS_PER_SECOND;

	known_hold(&policy->known, prefix, rule_key(rule).kind, until_ns);
	known_forgive(&policy->known, prefix);
}

static int end(struct policy *policy, struct rule_node *node, const struct prefix *wanted,
	       struct moment now, struct rule_change_list *out)
{
	const struct rule rule = node->rule;

	if (policy_remove(policy, node, REMOVED_MANUAL, NULL, out))
		return -ENOMEM;
	hold(policy, &rule, wanted, now);
	return 0;
}

int policy_unblock_rule(struct policy *policy, uint32_t id, struct moment now,
			struct rule_change_list *out)
{
	struct rule_node *node = policy->table.oldest;

	while (node && node->rule.id != id)
		node = node->newer;
	if (!node)
		return 0;
	return end(policy, node,
		   &(struct prefix){ node->rule.prefix.address, node->rule.prefix.len, 0 }, now,
		   out)
		       ? -ENOMEM
		       : 1;
}

/* Only what was asked for is held off of a wider rule: the others in it were not spoken for. */
int policy_unblock_prefix(struct policy *policy, const struct prefix *prefix, struct moment now,
			  struct rule_change_list *out)
{
	struct rule_node *node;
	int ended = 0;

	while ((node = rule_table_next(&policy->table, prefix, NULL)) ||
	       (node = rule_table_covering(&policy->table, prefix))) {
		if (end(policy, node, prefix, now, out))
			return -ENOMEM;
		ended++;
	}
	return ended;
}

int policy_unblock_all(struct policy *policy, struct moment now, struct rule_change_list *out)
{
	int ended = 0;

	while (policy->table.oldest) {
		const struct prefix prefix = policy->table.oldest->rule.prefix;

		if (end(policy, policy->table.oldest, &prefix, now, out))
			return -ENOMEM;
		ended++;
	}
	return ended;
}

/* ---- pausing --------------------------------------------------------------------------------- */

void policy_pause(struct policy *policy, int64_t until_ns)
{
	policy->paused_until_ns = until_ns;
}

int64_t policy_paused_until(const struct policy *policy, int64_t now_ns)
{
	return policy->paused_until_ns > now_ns ? policy->paused_until_ns : 0;
}
