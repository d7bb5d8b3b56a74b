/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands about addresses: block, unblock, allow. Policy says what may be done, changes.c does it
 * at once; each leaves a row in the table `audit`. Reload is reload.c's, pausing pause.c's.
 */
#include "daemon/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/array.h"
#include "base/log.h"
#include "daemon/capture.h"
#include "daemon/changes.h"
#include "daemon/deny.h"
#include "daemon/explain.h"
#include "daemon/pause.h"
#include "daemon/protect.h"
#include "daemon/reload.h"

/* So many records waiting: who sends more lists is asked to wait, or some would be lost. */
#define RECORDS_MANY   16384
#define RECORDS_PER_MS 20 /* a slow disk's; a fast one does ten times as many */
#define WAIT_MS_MAX    2000
#define ALLOWED_MAX    10000
#define AUDIT_TEXT     512

void command_audit(struct daemon *daemon, const struct requester *who, const char *verb,
		   const char *before, const char *after)
{
	recorder_audit(daemon->recorder, moment_now(), (int)who->uid, who->pid, who->name, verb,
		       before, after);
}

/* ---- block ----------------------------------------------------------------------------------- */

/* What the rule stops, and until when: "198.51.100.7 drop all until ...". */
static const char *describe(const struct rule *rule, char buf[AUDIT_TEXT])
{
	char prefix[PREFIX_TEXT], classes[CLASSES_TEXT], until[MOMENT_TEXT], limit[32] = "";

	if (rule->action == ACTION_LIMIT)
		snprintf(limit, sizeof(limit), " %u/s", rule->limit_pps);
	snprintf(buf, AUDIT_TEXT, "rule %u: %s%s %s%s %s port %u until %s: %s", rule->id,
		 rule->to_destination ? "to " : "", prefix_format(&rule->prefix, prefix),
		 action_name(rule->action), limit, classes_format(rule->classes, classes),
		 rule->port, moment_format(rule->expires, until), rule->reason);
	return buf;
}

/* The rule that came of a request, among the changes that it made. */
static void take_result(const struct rule_change_list *changes, size_t from,
			struct block_result *out)
{
	for (size_t i = from; i < changes->count; i++) {
		const struct rule_change *change = &changes->items[i];

		if (change->kind != RULE_ADDED && change->kind != RULE_RENEWED)
			continue;
		out->status.rule = change->rule;
		out->renewed = change->kind == RULE_RENEWED;
	}
}

static void block_one(struct daemon *daemon, const struct block_request *request, struct moment now,
		      struct block_result *out)
{
	struct rule_change_list *changes = &daemon->judgement.changes;
	size_t from = changes->count;

	out->err = policy_block(daemon->policy, request, now, changes, out->error);
	if (!out->err)
		take_result(changes, from, out);
}

static void audit_blocks(struct daemon *daemon, const struct requester *who,
			 const struct block_result *results, size_t n)
{
	const struct rule *first = NULL, *last = NULL;
	char after[AUDIT_TEXT];
	size_t good = 0;

	for (size_t i = 0; i < n; i++) {
		if (results[i].err)
			continue;
		first = first ? first : &results[i].status.rule;
		last = &results[i].status.rule;
		good++;
	}
	if (good == 1)
		command_audit(daemon, who, "block", "", describe(first, after));
	if (good > 1) {
		snprintf(after, sizeof(after), "a list of %zu addresses: rules %u to %u", good,
			 first->id, last->id);
		command_audit(daemon, who, "block", "", after);
	}
}

/* How long the record needs for what it has; nothing where it does not get on anyway. */
static unsigned int wait_for_record(const struct daemon *daemon)
{
	struct recorder_stats stats;
	uint64_t wait_ms;

	recorder_stats(daemon->recorder, &stats);
	if (stats.failing[0] || stats.queued < RECORDS_MANY)
		return 0;
	wait_ms = (stats.queued - RECORDS_MANY) / RECORDS_PER_MS + 1;
	return wait_ms < WAIT_MS_MAX ? (unsigned int)wait_ms : WAIT_MS_MAX;
}

static void block(void *context, const struct requester *who, const struct block_request *requests,
		  size_t n, struct block_result *results, unsigned int *wait_ms)
{
	struct daemon *daemon = context;
	struct moment now = moment_now();
	struct enforcer_status iptables;

	daemon_lock(daemon);
	for (size_t i = 0; i < n; i++)
		block_one(daemon, &requests[i], now, &results[i]);
	daemon_carry_out(daemon, &daemon->judgement.changes, now);
	daemon_unlock(daemon);
	audit_blocks(daemon, who, results, n);
	daemon_iptables_status(daemon, &iptables);
	for (size_t i = 0; i < n; i++) {
		const struct rule rule = results[i].status.rule;

		if (!results[i].err)
			daemon_show_rule(daemon, &rule, &iptables, &results[i].status);
	}
	*wait_ms = wait_for_record(daemon);
}

/* ---- unblock --------------------------------------------------------------------------------- */

static int refuse_unblock(const struct daemon *daemon, const struct unblock_request *request,
			  char error[COMMAND_ERROR])
{
	char prefix[PREFIX_TEXT];

	if (request->what == UNBLOCK_ALL)
		snprintf(error, COMMAND_ERROR, "no rules are in force");
	else if (request->what == UNBLOCK_RULE && deny_is_id(request->rule))
		snprintf(error, COMMAND_ERROR,
			 "rule %u is access.deny's: take it out of the configuration, then fwgen"
			 " reload",
			 request->rule);
	else if (request->what == UNBLOCK_RULE)
		snprintf(error, COMMAND_ERROR, "no rule %u is in force: fwgen rules lists them",
			 request->rule);
	else if (deny_covering(&daemon->deny, &request->prefix))
		snprintf(
			error, COMMAND_ERROR,
			"%s is blocked by access.deny: take it out of the configuration, then fwgen"
			" reload",
			prefix_format(&request->prefix, prefix));
	else
		snprintf(error, COMMAND_ERROR,
			 "no rule is for %s, or for what it is part of: fwgen rules lists them",
			 prefix_format(&request->prefix, prefix));
	return -ENOENT;
}

static int end_rules(struct daemon *daemon, const struct unblock_request *request,
		     struct moment now, struct rule_change_list *changes)
{
	switch (request->what) {
	case UNBLOCK_PREFIX:
		return policy_unblock_prefix(daemon->policy, &request->prefix, now, changes);
	case UNBLOCK_RULE:
		return policy_unblock_rule(daemon->policy, request->rule, now, changes);
	case UNBLOCK_ALL:
		return policy_unblock_all(daemon->policy, COMMAND_BLOCKS, now, changes);
	}
	return -EINVAL;
}

static void audit_unblock(struct daemon *daemon, const struct requester *who,
			  const struct unblock_result *result)
{
	char before[AUDIT_TEXT];

	if (result->count == 1)
		describe(&result->rules[0], before);
	else
		snprintf(before, sizeof(before), "%zu rules", result->count);
	command_audit(daemon, who, "unblock", before, "");
}

static int unblock(void *context, const struct requester *who,
		   const struct unblock_request *request, struct unblock_result *out,
		   char error[COMMAND_ERROR])
{
	struct daemon *daemon = context;
	struct rule_change_list *changes = &daemon->judgement.changes;
	struct moment now = moment_now();
	int ended;

	daemon_lock(daemon);
	ended = end_rules(daemon, request, now, changes);
	for (size_t i = 0; i < changes->count && i < UNBLOCK_SHOWN; i++)
		out->rules[i] = changes->items[i].rule;
	out->count = changes->count;
	if (request->what == UNBLOCK_ALL)
		out->left = policy_rule_count(daemon->policy);
	daemon_carry_out(daemon, changes, now);
	daemon_unlock(daemon);
	out->at = now;
	out->wait_ms = wait_for_record(daemon);
	out->held_until = moment_plus(now, daemon->config->response.block_seconds * NS_PER_SECOND);
	if (out->count)
		audit_unblock(daemon, who, out);
	if (ended < 0) {
		snprintf(error, COMMAND_ERROR, "out of memory after %zu rules", out->count);
		return ended;
	}
	return ended ? 0 : refuse_unblock(daemon, request, error);
}

/* ---- allow ----------------------------------------------------------------------------------- */

static struct protected_prefix *find_allowed(const struct daemon *daemon,
					     const struct prefix *prefix)
{
	for (size_t i = 0; i < daemon->allowed.count; i++) {
		if (prefix_equal(&daemon->allowed.items[i].prefix, prefix))
			return &daemon->allowed.items[i];
	}
	return NULL;
}

static int add_allowed(struct daemon *daemon, const struct prefix *prefix, const char *who)
{
	struct allowed *allowed = &daemon->allowed;
	struct protected_prefix *items =
		array_room(allowed->items, allowed->count, &allowed->capacity, sizeof(*items));

	if (!items)
		return -ENOMEM;
	allowed->items = items;
	items += allowed->count++;
	items->prefix = *prefix;
	snprintf(items->reason, sizeof(items->reason), "allowed by %.50s", who);
	return 0;
}

static int change_allowed(struct daemon *daemon, const struct requester *who,
			  const struct allow_request *request, bool *changed,
			  char error[COMMAND_ERROR])
{
	struct protected_prefix *known = find_allowed(daemon, &request->prefix);
	char prefix[PREFIX_TEXT];

	if (request->remove && !known) {
		snprintf(error, COMMAND_ERROR,
			 "%s was not allowed by hand: fwgen protected says what is protected, and"
			 " why",
			 prefix_format(&request->prefix, prefix));
		return -ENOENT;
	}
	*changed = request->remove || !known;
	if (request->remove) {
		*known = daemon->allowed.items[--daemon->allowed.count];
		return 0;
	}
	if (known)
		return 0;
	if (daemon->allowed.count >= ALLOWED_MAX) {
		snprintf(error, COMMAND_ERROR,
			 "%d prefixes are allowed already: wider ones, or access.allow in the"
			 " configuration",
			 ALLOWED_MAX);
		return -ENOSPC;
	}
	return add_allowed(daemon, &request->prefix, who->name);
}

static size_t count_rules(struct daemon *daemon)
{
	size_t count;

	daemon_lock(daemon);
	count = policy_rule_count(daemon->policy);
	daemon_unlock(daemon);
	return count;
}

static int allow(void *context, const struct requester *who, const struct allow_request *request,
		 struct allow_result *out, char error[COMMAND_ERROR])
{
	struct daemon *daemon = context;
	size_t before = count_rules(daemon), after;
	struct recorder_stats stats;
	char prefix[PREFIX_TEXT];
	int err = change_allowed(daemon, who, request, &out->changed, error);

	if (err || !out->changed)
		return err;
	err = daemon_protect(daemon);
	if (err) {
		snprintf(error, COMMAND_ERROR, "failed to bring the protected set up to date: %s",
			 strerror(-err));
		return err;
	}
	after = count_rules(daemon);
	out->ended = before > after ? before - after : 0;
	recorder_stats(daemon->recorder, &stats);
	out->unrecorded = stats.failing[0];
	prefix_format(&request->prefix, prefix);
	recorder_allow(daemon->recorder, &request->prefix, moment_now(), who->name,
		       !request->remove);
	command_audit(daemon, who, "allow", request->remove ? prefix : "",
		      request->remove ? "" : prefix);
	events_say(daemon->events, EVENT_CONFIG, SEVERITY_NOTICE, "%s %s by %s", prefix,
		   request->remove ? "may be blocked again, said" : "is never blocked: allowed",
		   who->name);
	return 0;
}

const struct command_ops daemon_commands = {
	.block = block,
	.unblock = unblock,
	.allow = allow,
	.reload = reload_command,
	.confirm = reload_confirm,
	.pause = pause_begin,
	.resume = pause_resume,
	.capture = capturing_begin,
	.captured = capturing_fetch,
	.left = capturing_left,
};
