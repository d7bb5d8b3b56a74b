/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What follows from a finding. In this order: a detector that only alarms; a rule that is there
 * already; the protected set; what somebody has unblocked, or paused; the mode; whether there is
 * room (room.c). Not here: what people ask for (manual.c), what the box says of a source (peers.c),
 * rules that end by themselves or come back (policy_upkeep.c), carrying changes out (enforce/),
 * keeping them (record/).
 */
#include "decide/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/clock.h"
#include "decide/policy_state.h"
#include "decide/reason.h"

#define TOLD_MAX 65536

int policy_new(const struct config *config, uint32_t next_rule_id, struct policy **out)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return -ENOMEM;
	policy->next_rule_id = next_rule_id ? next_rule_id : 1;
	settings_read(config, &policy->settings);
	policy->max_rules = SIZE_MAX;
	if (rule_table_init(&policy->table) || memo_init(&policy->told, TOLD_MAX) ||
	    known_init(&policy->known) || families_init(&policy->families)) {
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
	memo_done(&(*policy)->told);
	known_done(&(*policy)->known);
	families_done(&(*policy)->families);
	protected_list_free(&(*policy)->protected_list);
	free(*policy);
	*policy = NULL;
}

int policy_reconfigure(struct policy *policy, const struct config *config)
{
	settings_read(config, &policy->settings);
	return 0;
}

/* ---- what a finding would come to ------------------------------------------------------------ */

#define RECENT_MIN 8 /* fewer say nothing of a rate */

/*
 * How many times the limit was passed, or is being passed now: an attacker who is stopped at the
 * first packet too many is as loud as what he was about to send.
 */
static uint32_t loudness_of(const struct finding *finding)
{
	uint64_t now = finding->recent * finding->limit.seconds;

	if (finding->recent < RECENT_MIN || now < finding->count)
		now = finding->count;
	return rule_loudness(now, &finding->limit);
}

/* A rule for the finding, all but its id and its reason. */
static void draft(const struct policy *policy, const struct finding *finding, struct rule *rule,
		  struct rule_facts *facts)
{
	int64_t now_ns = finding->at.boot_ns;

	settings_draft(&policy->settings, finding, rule);
	*facts = (struct rule_facts){
		.offending = peers_offending(finding->classes),
		.loudness = loudness_of(finding),
		.action = rule->action,
		.established = finding->established,
	};
	if (rule->action != ACTION_ALARM && peers_may_narrow(rule) &&
	    known_has_peer(&policy->known, &rule->prefix, now_ns))
		peers_narrow(&policy->settings, facts->offending, rule);
	rule->expires = moment_plus(
		finding->at, policy_duration_ns(policy, &rule->prefix, rule->evidence, now_ns));
}

static struct rule_change change_from(const struct finding *finding, const struct rule *rule)
{
	struct rule_change change = {
		.rule = *rule,
		.port = finding->port,
		.protocol = finding->protocol,
		.has_destination = finding->has_destination,
		.destination = finding->destination,
		.sources = finding->sources,
	};

	memcpy(change.traits, finding->traits, sizeof(change.traits));
	reason_format(finding, change.rule.reason, sizeof(change.rule.reason));
	if (peers_is_narrowed(rule))
		peers_explain(&change.rule);
	return change;
}

/* ---- telling --------------------------------------------------------------------------------- */

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
static int tell(struct policy *policy, const struct finding *finding, const struct rule *rule,
		enum rule_change_kind kind, enum refused_why why, const char *as,
		struct rule_change_list *out)
{
	struct prefix subject = subject_of(finding);
	uint32_t tag = tag_of(finding, kind, why);
	int64_t now_ns = finding->at.boot_ns;
	struct rule_change change;

	if (memo_get(&policy->told, &subject, tag, now_ns))
		return 0;
	change = change_from(finding, rule);
	change.kind = kind;
	change.refused_why = why;
	if (kind == RULE_ALARMED)
		change.rule.action = ACTION_ALARM;
	snprintf(change.protected_as, sizeof(change.protected_as), "%s", as ? as : "");
	if (rule_change_list_add(out, &change))
		return -ENOMEM;
	memo_set(&policy->told, &subject, tag, 1,
		 now_ns + policy->settings.block_seconds * NS_PER_SECOND);
	return 0;
}

/* The end of what was told of; when it begins anew, that is told at once. */
static int tell_end(struct policy *policy, const struct finding *finding, const struct rule *rule,
		    struct rule_change_list *out)
{
	struct prefix subject = subject_of(finding);
	struct rule_change change = change_from(finding, rule);

	change.kind = RULE_ALARM_OVER;
	change.rule.action = ACTION_ALARM;
	if (rule_change_list_add(out, &change))
		return -ENOMEM;
	memo_set(&policy->told, &subject, tag_of(finding, RULE_ALARMED, 0), 0, finding->at.boot_ns);
	return 0;
}

/* ---- one whose source has a rule ------------------------------------------------------------- */

/*
 * A detector's rule gives way to a stronger one: a drop instead of a limit, or proven evidence, and
 * weaker in neither.
 */
static bool is_stronger(const struct rule *draft, const struct rule *rule)
{
	bool drops = draft->action == ACTION_DROP && rule->action == ACTION_LIMIT;
	bool proves = draft->evidence == EVIDENCE_PROVEN && rule->evidence == EVIDENCE_UNPROVEN;

	return (drops && draft->evidence >= rule->evidence) ||
	       (proves && (drops || draft->action == rule->action));
}

/* By the weaker of the two evidences: proof of one thing does not prolong a guess at another. */
static int64_t renewal_for(const struct policy *policy, const struct finding *finding,
			   const struct rule *rule)
{
	enum evidence weaker =
		finding->evidence < rule->evidence ? finding->evidence : rule->evidence;

	return policy_duration_ns(policy, &rule->prefix, weaker, finding->at.boot_ns);
}

/*
 * Tries that a block stops itself fail for that reason, so they cannot keep it up for ever: who was
 * taken for a scan while his line was down would never come back.
 */
static bool is_spent(const struct policy *policy, const struct finding *finding,
		     const struct rule *rule)
{
	int64_t age_ns = finding->at.boot_ns - rule->created.boot_ns;

	/* nor SYNs that anybody may forge a proven one: not beyond what a next one would last */
	if (finding->renews_only)
		return age_ns >= policy_duration_ns(policy, &rule->prefix, EVIDENCE_PROVEN,
						    finding->at.boot_ns);
	return finding->once && rule->evidence == EVIDENCE_UNPROVEN &&
	       age_ns >= policy->settings.block_seconds * NS_PER_SECOND;
}

/* Louder at once, quieter little by little: one source is found by several limits in turn. */
static void note_loudness(struct rule_node *node, uint32_t loudness)
{
	uint32_t before = node->facts.loudness;

	if (loudness < before)
		loudness = before - (before - loudness) / 8;
	if (loudness != before)
		rule_table_set_loudness(node, loudness);
}

/*
 * The detector's rule in the place of its own, or NULL: as it is. One that was narrowed stays so,
 * and takes in the packets of other kinds that are found later.
 */
static bool outgrows(const struct policy *policy, const struct rule_node *node,
		     const struct rule_facts *facts, struct rule *draft)
{
	if (!peers_is_narrowed(&node->rule) || draft->evidence == EVIDENCE_PROVEN)
		return is_stronger(draft, &node->rule);
	if (draft->action != ACTION_ALARM)
		peers_narrow(&policy->settings, facts->offending | node->rule.classes, draft);
	return draft->classes != node->rule.classes;
}

static int renew(struct policy *policy, const struct finding *finding, struct rule *draft,
		 struct rule_facts *facts, struct rule_node *node, struct rule_change_list *out)
{
	int64_t duration_ns = renewal_for(policy, finding, &node->rule);
	struct rule_change change;

	note_loudness(node, facts->loudness);
	if (!finding->renews_only && policy_paused_until(policy, finding->at.boot_ns) == 0 &&
	    outgrows(policy, node, facts, draft)) {
		change = change_from(finding, draft);
		facts->established |= node->facts.established;
		facts->offending |= draft->classes == CLASS_ALL ? 0 : draft->classes;
		return policy_replace(policy, node, &change, facts, out);
	}
	if (node->rule.detector != finding->detector &&
	    tell(policy, finding, draft, RULE_ALSO_FOUND, 0, NULL, out))
		return -ENOMEM;
	if (is_spent(policy, finding, &node->rule) ||
	    node->rule.expires.boot_ns - finding->at.boot_ns >= duration_ns / 2)
		return 0;
	change = change_from(finding, draft);
	return policy_renew(policy, node, &change, moment_plus(finding->at, duration_ns), out);
}

/*
 * The longest prefix is looked at first, so a limit lets pass some of what a block of the network
 * around it would drop: who was limited before somebody blocked the network keeps nothing of that.
 */
static bool is_overruled(const struct policy *policy, const struct rule *rule, int64_t now_ns)
{
	struct prefix around = { .len = rule->prefix.len - 1 };
	const struct rule_node *wider;

	if (rule->action != ACTION_LIMIT || rule->to_destination || !rule->prefix.len)
		return false;
	around.address = address_masked(&rule->prefix.address, around.len);
	wider = rule_table_covering(&policy->table, &around);
	return wider && wider->rule.action == ACTION_DROP && wider->rule.classes == CLASS_ALL &&
	       wider->rule.expires.boot_ns > now_ns;
}

/* Somebody's own rule is his affair; that it leaves something through is told. */
static int leave(struct policy *policy, const struct finding *finding, const struct rule *draft,
		 const struct rule *rule, struct rule_change_list *out)
{
	if (rule->action == ACTION_DROP && !(draft->classes & ~rule->classes))
		return 0;
	return tell(policy, finding, draft, RULE_ALSO_FOUND, 0, NULL, out);
}

/* ---- one whose source has none --------------------------------------------------------------- */

/*
 * Whether a wider rule already does what a rule for this finding would do. One that many proven
 * rules became is renewed by none of them: before it ends, who goes on gets a rule of his own, and
 * if that are as many as before, they become one again.
 */
static bool is_covered(const struct policy *policy, const struct finding *finding,
		       const struct rule *draft)
{
	const struct rule_node *node = rule_table_covering(&policy->table, &draft->prefix);
	int64_t left_ns = node ? node->rule.expires.boot_ns - finding->at.boot_ns : 0;

	if (node && node->rule.origin == ORIGIN_DETECTOR &&
	    node->rule.evidence == EVIDENCE_PROVEN && draft->evidence == EVIDENCE_PROVEN &&
	    left_ns < (draft->expires.boot_ns - finding->at.boot_ns) / 2)
		return false;
	return !draft->to_destination && node && node->rule.expires.boot_ns > finding->at.boot_ns &&
	       node->rule.classes == CLASS_ALL &&
	       (node->rule.action == ACTION_DROP || draft->action == ACTION_LIMIT);
}

static int refuse(struct policy *policy, const struct finding *finding, const struct rule *draft,
		  enum refused_why why, const char *as, struct rule_change_list *out)
{
	return tell(policy, finding, draft, RULE_REFUSED, why, as, out);
}

static int begin(struct policy *policy, const struct finding *finding, const struct rule *draft,
		 const struct rule_facts *facts, struct rule_change_list *out)
{
	const struct protected_prefix *protected = policy_guard(policy, draft);
	int64_t now_ns = finding->at.boot_ns;
	struct rule_change change;
	int r;

	if (protected && finding->detector == DETECTOR_UNAUTHORIZED)
		return 0; /* who may never be blocked may use every service */
	if (protected)
		return refuse(policy, finding, draft, REFUSED_PROTECTED, protected->reason, out);
	if (known_held_until(&policy->known, &draft->prefix, rule_key(draft).kind, now_ns))
		return refuse(policy, finding, draft, REFUSED_HELD, NULL, out);
	if (policy_paused_until(policy, now_ns))
		return refuse(policy, finding, draft, REFUSED_PAUSED, NULL, out);
	if (policy->settings.mode == MODE_OBSERVE)
		return tell(policy, finding, draft, RULE_OBSERVED, 0, NULL, out);
	r = room_make(policy, draft, facts, finding->at, out);
	if (r == -ENOSPC)
		return refuse(policy, finding, draft, REFUSED_FULL, NULL, out);
	if (r)
		return r;
	change = change_from(finding, draft);
	return policy_add(policy, &change, facts, out);
}

/* Whether the finding is about the rule that this very detector made, and proof of it. */
static bool goes_on(const struct rule_node *node, const struct finding *finding)
{
	return node && node->rule.origin == ORIGIN_DETECTOR &&
	       node->rule.evidence == EVIDENCE_PROVEN && node->rule.detector == finding->detector;
}

static int decide(struct policy *policy, const struct finding *finding,
		  struct rule_change_list *out)
{
	struct rule_facts facts;
	struct rule_node *node;
	struct block_key key;
	struct rule rule;

	draft(policy, finding, &rule, &facts);
	if (finding->lasted_ns)
		return tell_end(policy, finding, &rule, out);
	if ((rule.action == ACTION_ALARM || rule.to_destination) &&
	    tell(policy, finding, &rule, RULE_ALARMED, 0, NULL, out))
		return -ENOMEM;
	if (rule.action == ACTION_ALARM)
		return 0;
	key = rule_key(&rule);
	node = rule_table_exact(&policy->table, &key);
	if (node && policy->settings.mode == MODE_OBSERVE)
		return 0;
	if (finding->renews_only && !goes_on(node, finding))
		return 0;
	if (node && node->rule.origin != ORIGIN_DETECTOR)
		return leave(policy, finding, &rule, &node->rule, out);
	if (node && is_overruled(policy, &node->rule, finding->at.boot_ns))
		return policy_remove(policy, node, REMOVED_REPLACED, NULL, out);
	if (node)
		return renew(policy, finding, &rule, &facts, node, out);
	if (is_covered(policy, finding, &rule))
		return 0;
	return begin(policy, finding, &rule, &facts, out);
}

int policy_decide(struct policy *policy, const struct finding *findings, size_t n,
		  struct rule_change_list *out)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		r = decide(policy, &findings[i], out);
	return r;
}
