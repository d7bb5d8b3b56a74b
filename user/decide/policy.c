/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What follows from a finding. In this order: a detector that only alarms; a rule that is there
 * already; the protected set; the budget for unproven blocks; the mode. A change is put into the
 * caller's list before it is made, so that the list is never short of one when memory runs out. Not
 * here: rules that come or go without a finding (policy_upkeep.c), carrying changes out (enforce/),
 * keeping them (record/).
 *
 * First form: a drop covers all packet classes.
 */
#include "decide/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/clock.h"
#include "decide/policy_state.h"

#define MEMO_ITEMS  65536
#define TAG_OFFENCE 0xffffffffu /* how often the source was blocked on proven evidence */

int policy_new(const struct config *config, uint32_t next_rule_id, struct policy **out)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return -ENOMEM;
	policy->next_rule_id = next_rule_id ? next_rule_id : 1;
	settings_read(config, &policy->settings);
	if (rule_table_init(&policy->table) || memo_init(&policy->memo, MEMO_ITEMS)) {
		policy_free(&policy);
		return -ENOMEM;
	}
	*out = policy;
	return 0;
}

void policy_free(struct policy **policy)
{
	if (!*policy)
		return;
	rule_table_done(&(*policy)->table);
	memo_done(&(*policy)->memo);
	protected_list_free(&(*policy)->protected_list);
	free(*policy);
	*policy = NULL;
}

int policy_reconfigure(struct policy *policy, const struct config *config)
{
	settings_read(config, &policy->settings);
	return 0;
}

static struct rule_change change_from(const struct finding *finding, enum rule_change_kind kind,
				      const struct rule *rule)
{
	struct rule_change change = {
		.kind = kind,
		.rule = *rule,
		.port = finding->port,
		.protocol = finding->protocol,
		.has_destination = finding->has_destination,
		.destination = finding->destination,
		.sources = finding->sources,
	};

	memcpy(change.traits, finding->traits, sizeof(change.traits));
	return change;
}

/* How long a rule for this finding is to last. */
static int64_t duration_for(const struct policy *policy, const struct finding *finding)
{
	uint32_t offences = 0;

	if (finding->evidence == EVIDENCE_PROVEN)
		offences =
			memo_get(&policy->memo, &finding->source, TAG_OFFENCE, finding->at.boot_ns);
	return settings_duration_ns(&policy->settings, finding->evidence, offences);
}

static void draft(const struct policy *policy, const struct finding *finding, struct rule *out)
{
	settings_draft(&policy->settings, finding, out);
	out->expires = moment_plus(finding->at, duration_for(policy, finding));
}

/* Whom a finding is told about: the source, but for a flood from everywhere. */
static struct prefix subject_of(const struct finding *finding)
{
	if (finding->detector == DETECTOR_VICTIM_FLOOD)
		return prefix_of(&finding->destination);
	return finding->source;
}

static uint32_t tag_of(const struct finding *finding, enum rule_change_kind kind,
		       enum refused_why why)
{
	uint32_t tag = (uint32_t)kind << 16 | (uint32_t)why << 8 | (uint32_t)finding->detector;

	/* SYNs after UDP are news to who defends the host */
	if (finding->detector == DETECTOR_VICTIM_FLOOD)
		tag |= finding->classes << 24;
	return tag;
}

/* Says that something is not enforced, once per subject and detector in block_seconds. */
static int tell(struct policy *policy, const struct finding *finding, enum rule_change_kind kind,
		enum refused_why why, const char *as, struct rule_change_list *out)
{
	struct prefix subject = subject_of(finding);
	uint32_t tag = tag_of(finding, kind, why);
	int64_t now_ns = finding->at.boot_ns;
	struct rule_change change;
	struct rule rule;

	if (memo_get(&policy->memo, &subject, tag, now_ns))
		return 0;
	draft(policy, finding, &rule);
	if (kind == RULE_ALARMED)
		rule.action = ACTION_ALARM;
	change = change_from(finding, kind, &rule);
	change.refused_why = why;
	snprintf(change.protected_as, sizeof(change.protected_as), "%s", as ? as : "");
	if (rule_change_list_add(out, &change))
		return -ENOMEM;
	memo_set(&policy->memo, &subject, tag, 1,
		 now_ns + policy->settings.block_seconds * NS_PER_SECOND);
	return 0;
}

/* The end of what was told of; when it begins anew, that is told at once. */
static int tell_end(struct policy *policy, const struct finding *finding,
		    struct rule_change_list *out)
{
	struct prefix subject = subject_of(finding);
	struct rule_change change;
	struct rule rule;

	draft(policy, finding, &rule);
	rule.action = ACTION_ALARM;
	change = change_from(finding, RULE_ALARM_OVER, &rule);
	if (rule_change_list_add(out, &change))
		return -ENOMEM;
	memo_set(&policy->memo, &subject, tag_of(finding, RULE_ALARMED, 0), 0, finding->at.boot_ns);
	return 0;
}

static int add(struct policy *policy, const struct finding *finding, struct rule_change_list *out)
{
	struct rule_change change;
	struct rule_node *node;
	struct rule rule;

	draft(policy, finding, &rule);
	rule.id = policy->next_rule_id;
	if (rule_table_add(&policy->table, &rule, &node))
		return -ENOMEM;
	change = change_from(finding, RULE_ADDED, &rule);
	if (rule_change_list_add(out, &change)) {
		rule_table_remove(&policy->table, node);
		return -ENOMEM;
	}
	policy->next_rule_id++;
	if (rule.evidence == EVIDENCE_PROVEN) {
		uint32_t offences =
			memo_get(&policy->memo, &finding->source, TAG_OFFENCE, finding->at.boot_ns);

		memo_set(&policy->memo, &finding->source, TAG_OFFENCE, offences + 1,
			 rule.expires.boot_ns + policy->settings.max_block_seconds * NS_PER_SECOND);
	}
	return 0;
}

/*
 * A detector's rule gives way to a stronger one: a drop instead of a limit, or proven evidence, and
 * weaker in neither.
 */
static bool is_stronger(const struct policy *policy, const struct finding *finding,
			const struct rule *rule)
{
	enum action action = settings_action(&policy->settings, finding);
	bool drops = action == ACTION_DROP && rule->action == ACTION_LIMIT;
	bool proves = finding->evidence == EVIDENCE_PROVEN && rule->evidence == EVIDENCE_UNPROVEN;

	if (rule->origin != ORIGIN_DETECTOR)
		return false;
	return (drops && finding->evidence >= rule->evidence) ||
	       (proves && (drops || action == rule->action));
}

/* By the weaker of the two evidences: proof of one thing does not prolong a guess at another. */
static int64_t renewal_for(const struct policy *policy, const struct finding *finding,
			   const struct rule *rule)
{
	if (rule->evidence == EVIDENCE_UNPROVEN)
		return settings_duration_ns(&policy->settings, EVIDENCE_UNPROVEN, 0);
	return duration_for(policy, finding);
}

/*
 * Tries that a block stops itself fail for that reason, so they cannot keep it up for ever: who was
 * taken for a scan while his line was down would never come back.
 */
static bool is_spent(const struct policy *policy, const struct finding *finding,
		     const struct rule *rule)
{
	return finding->once && rule->evidence == EVIDENCE_UNPROVEN &&
	       finding->at.boot_ns - rule->created.boot_ns >=
		       policy->settings.block_seconds * NS_PER_SECOND;
}

static int renew(struct policy *policy, const struct finding *finding, struct rule_node *node,
		 struct rule_change_list *out)
{
	int64_t duration_ns = renewal_for(policy, finding, &node->rule);
	struct rule_change change;

	if (policy->settings.mode == MODE_OBSERVE)
		return 0;
	if (is_stronger(policy, finding, &node->rule)) {
		if (policy_remove(policy, node, REMOVED_REPLACED, NULL, out))
			return -ENOMEM;
		return add(policy, finding, out);
	}
	if (node->rule.origin == ORIGIN_DETECTOR && node->rule.detector != finding->detector &&
	    tell(policy, finding, RULE_ALSO_FOUND, 0, NULL, out))
		return -ENOMEM;
	if (is_spent(policy, finding, &node->rule))
		return 0;
	if (node->rule.expires.boot_ns - finding->at.boot_ns >= duration_ns / 2)
		return 0;
	change = change_from(finding, RULE_RENEWED, &node->rule);
	change.rule.expires = moment_plus(finding->at, duration_ns);
	if (rule_change_list_add(out, &change))
		return -ENOMEM;
	rule_table_set_expiry(&policy->table, node, change.rule.expires);
	return 0;
}

/* Whether a wider rule already does what a rule for this finding would do. */
static bool is_covered(const struct policy *policy, const struct finding *finding)
{
	const struct rule_node *node = rule_table_covering(&policy->table, &finding->source);

	return node && node->rule.expires.boot_ns > finding->at.boot_ns &&
	       node->rule.classes == CLASS_ALL &&
	       (node->rule.action == ACTION_DROP ||
		settings_action(&policy->settings, finding) == ACTION_LIMIT);
}

/* What a rule for this finding would stop. */
static struct block_key key_of(const struct finding *finding)
{
	struct block_key key = { .address = finding->source.address, .len = finding->source.len };

	if (finding->port_only) {
		key.port = finding->port;
		key.protocol = finding->protocol;
	}
	return key;
}

static int decide(struct policy *policy, const struct finding *finding,
		  struct rule_change_list *out)
{
	const struct block_key key = key_of(finding);
	struct rule_node *node = rule_table_exact(&policy->table, &key);
	const struct protected_prefix *protected;

	if (finding->lasted_ns)
		return tell_end(policy, finding, out);
	if (settings_action(&policy->settings, finding) == ACTION_ALARM)
		return tell(policy, finding, RULE_ALARMED, 0, NULL, out);
	if (node)
		return renew(policy, finding, node, out);
	if (is_covered(policy, finding))
		return 0;
	protected = protected_list_find(&policy->protected_list, &finding->source);
	if (protected && finding->detector == DETECTOR_UNAUTHORIZED)
		return 0; /* who may never be blocked may use every service */
	if (protected)
		return tell(policy, finding, RULE_REFUSED, REFUSED_PROTECTED, protected->reason,
			    out);
	if (finding->evidence == EVIDENCE_UNPROVEN &&
	    policy->table.unproven >= policy->settings.max_unproven)
		return tell(policy, finding, RULE_REFUSED, REFUSED_FULL, NULL, out);
	if (policy->settings.mode == MODE_OBSERVE)
		return tell(policy, finding, RULE_OBSERVED, 0, NULL, out);
	return add(policy, finding, out);
}

int policy_decide(struct policy *policy, const struct finding *findings, size_t n,
		  struct rule_change_list *out)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		r = decide(policy, &findings[i], out);
	return r;
}
