/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the decision to its effect, in the order of urgency: drop map, iptables, record, events.
 * Runs in the tick thread and in the wake thread, so nothing here may wait for anything. What is to
 * be done about a finding is decide/'s.
 */
#include "daemon/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/log.h"
#include "daemon/deny.h"
#include "daemon/evidence.h"

static bool uses_dropmap(const struct daemon *daemon)
{
	return daemon->dropmap && daemon->config->response.xdp;
}

int daemon_ruleset(const struct daemon *daemon, struct rule **out, size_t *count)
{
	size_t n = policy_rule_count(daemon->policy);
	struct rule *rules = malloc((n + daemon->deny.count + 1) * sizeof(*rules));

	if (!rules)
		return -ENOMEM;
	n = policy_rules(daemon->policy, rules, n);
	if (daemon->deny.count)
		memcpy(rules + n, daemon->deny.rules, daemon->deny.count * sizeof(*rules));
	*out = rules;
	*count = n + daemon->deny.count;
	return 0;
}

static void sync_dropmap(struct daemon *daemon, const struct rule *rules, size_t n,
			 struct moment now)
{
	int err = dropmap_sync(daemon->dropmap, rules, n, now);

	if (err)
		events_say(daemon->events, EVENT_ALARM, SEVERITY_CRITICAL,
			   "failed to put all %zu blocks into the drop map: %s", n, strerror(-err));
}

void daemon_sync(struct daemon *daemon, struct moment now)
{
	struct rule *rules = NULL;
	size_t n = 0;

	if (daemon_ruleset(daemon, &rules, &n)) {
		log_error("failed to bring the enforcers up to date: %s", strerror(ENOMEM));
		return;
	}
	if (daemon->dropmap) /* not in use: what an earlier run left there goes */
		sync_dropmap(daemon, rules, uses_dropmap(daemon) ? n : 0, now);
	if (daemon->iptables)
		iptables_enforcer_sync(daemon->iptables, rules, daemon->pause.disarmed ? 0 : n,
				       now);
	free(rules);
}

static void put(struct daemon *daemon, const struct rule *rule, struct moment now)
{
	int err = dropmap_put(daemon->dropmap, rule, now);
	char prefix[PREFIX_TEXT];

	/* Told once, until it works again: a full map would fill the log as well. */
	if (err && err != daemon->put_error)
		events_say(daemon->events, EVENT_ALARM, SEVERITY_CRITICAL,
			   "failed to put %s into the drop map: %s%s",
			   prefix_format(&rule->prefix, prefix), strerror(-err),
			   daemon->iptables ? "; iptables alone stops it" : "");
	daemon->put_error = err;
}

static void take_out(struct daemon *daemon, const struct rule *rule, struct moment now)
{
	bool whole = !rule->port && !rule->to_destination;
	const struct rule *denied = whole ? deny_find(&daemon->deny, &rule->prefix) : NULL;
	char prefix[PREFIX_TEXT];
	int err;

	if (denied) { /* its place in the map is theirs again */
		put(daemon, denied, now);
		return;
	}
	err = dropmap_remove(daemon->dropmap, rule);
	if (err && err != -ENOENT)
		log_error("failed to remove %s from the drop map: %s",
			  prefix_format(&rule->prefix, prefix), strerror(-err));
}

/* The next rule takes its place in the map: nothing passes in between. */
static bool hands_over(const struct rule_change_list *changes, size_t at)
{
	const struct rule_change *change = &changes->items[at], *next = change + 1;
	struct block_key key, next_key;

	if (change->removed_why != REMOVED_REPLACED || at + 1 == changes->count ||
	    next->kind != RULE_ADDED)
		return false;
	key = rule_key(&change->rule);
	next_key = rule_key(&next->rule);
	return !memcmp(&key, &next_key, sizeof(key));
}

static void change_dropmap(struct daemon *daemon, const struct rule_change_list *changes,
			   struct moment now)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct rule_change *change = &changes->items[i];

		if (change->kind == RULE_ADDED || change->kind == RULE_RENEWED)
			put(daemon, &change->rule, now);
		else if (change->kind == RULE_REMOVED && !hands_over(changes, i))
			take_out(daemon, &change->rule, now);
	}
}

void daemon_carry_out(struct daemon *daemon, struct rule_change_list *changes, struct moment now)
{
	if (uses_dropmap(daemon))
		change_dropmap(daemon, changes, now);
	for (size_t i = 0; i < changes->count; i++) {
		const struct rule_change *change = &changes->items[i];

		if (daemon->iptables && !daemon->pause.disarmed)
			iptables_enforcer_change(daemon->iptables, change, now);
		/* again when it is renewed: somebody may have come since, or not been asked about
		 */
		if (change->kind == RULE_ADDED || change->kind == RULE_RENEWED)
			evidence_ask(daemon, &change->rule, change->port);
		recorder_rule_change(daemon->recorder, change, now);
		events_rule(daemon->events, change, now);
		recent_note(daemon->recent, change, now);
	}
	changes->count = 0;
}

/* Who is denied altogether needs no rule besides, which would end sooner. */
static void drop_denied(struct daemon *daemon, struct finding_list *findings)
{
	size_t kept = 0;

	if (!daemon->deny.count)
		return;
	for (size_t i = 0; i < findings->count; i++) {
		if (!deny_covering(&daemon->deny, &findings->items[i].source))
			findings->items[kept++] = findings->items[i];
	}
	findings->count = kept;
}

/* What was tried, and is answered by a rule, is not held against its source again. */
static void use_up(struct daemon *daemon, const struct finding_list *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];

		if (!finding->provisional && finding->once &&
		    policy_find(daemon->policy, &finding->source))
			detect_forget_tries(daemon->detect, &finding->source);
	}
}

void daemon_judge(struct daemon *daemon, struct judgement *judgement, struct moment now)
{
	struct finding_list *findings = &judgement->findings;

	drop_denied(daemon, findings);
	if (findings->count &&
	    policy_decide(daemon->policy, findings->items, findings->count, &judgement->changes))
		log_error("failed to decide about all findings: %s", strerror(ENOMEM));
	use_up(daemon, findings);
	findings->count = 0;
	daemon_carry_out(daemon, &judgement->changes, now);
}
