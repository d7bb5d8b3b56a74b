/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of the run before, in force again with the time they have left. The database tells of
 * them in full. Blocks that stand in adopted maps without a record there (it is gone, was set aside
 * as corrupt, is another one, or was not written in time) go on as what the map itself says of
 * them: who killed the daemon and lost its file must not have lifted its blocks.
 */
#include "daemon/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "daemon/deny.h"

#define SLICE 1024

/* Puts what policy took over into the record. Returns how many rules are in force again. */
static size_t record(struct daemon *daemon, struct moment now)
{
	struct rule_change_list *changes = &daemon->judgement.changes;
	size_t restored = 0;

	for (size_t i = 0; i < changes->count; i++) {
		recorder_rule_change(daemon->recorder, &changes->items[i], now);
		recent_note(daemon->recent, &changes->items[i], now);
		restored += changes->items[i].kind == RULE_ADDED;
	}
	changes->count = 0;
	return restored;
}

/* Slices, since a change is large: a list of a hundred thousand would be all new memory. */
static int restore_in_slices(struct daemon *daemon, const struct rule *rules, size_t n,
			     struct moment now, size_t *restored)
{
	size_t in_force = 0;
	int err = 0;

	for (size_t at = 0; !err && at < n; at += SLICE) {
		err = policy_restore(daemon->policy, rules + at, n - at < SLICE ? n - at : SLICE,
				     now, &daemon->judgement.changes);
		in_force += record(daemon, now);
	}
	*restored = in_force;
	return err;
}

/* access.deny has its record in the configuration. */
static size_t drop_denied(struct rule *blocks, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (!deny_is_id(blocks[i].id))
			blocks[kept++] = blocks[i];
	}
	return kept;
}

/* An id that the database has seen may be another rule's there. */
static void number(struct rule *blocks, size_t n, uint32_t next)
{
	uint32_t fresh = next;

	for (size_t i = 0; i < n; i++) {
		if (blocks[i].id >= fresh)
			fresh = blocks[i].id + 1;
	}
	for (size_t i = 0; i < n; i++) {
		if (blocks[i].id < next)
			blocks[i].id = fresh++;
	}
}

static bool is_in_force(const void *policy, const struct block_key *key)
{
	return policy_has(policy, key);
}

/* The blocks in the drop map that the rules in force by now do not stand for. */
static int restore_lost(struct daemon *daemon, struct moment now)
{
	struct rule *blocks = NULL;
	size_t count = 0;
	int err = dropmap_rules(daemon->dropmap, is_in_force, daemon->policy, now, &blocks, &count);

	if (!err) {
		count = drop_denied(blocks, count);
		number(blocks, count, recorder_next_rule_id(daemon->recorder));
		err = restore_in_slices(daemon, blocks, count, now, &count);
	}
	if (!err && count)
		events_say(daemon->events, EVENT_RULE, SEVERITY_WARNING,
			   "blocks of the run before that this database does not know go on with"
			   " the time they have left: %zu",
			   count);
	free(blocks);
	return err;
}

/* --no-restore: what the run before blocked ends, also in the record, or a later start would block
 * it. */
static int forget_rules(struct daemon *daemon, struct moment now)
{
	struct rule *rules = NULL;
	size_t n = 0;
	int err = recorder_load_rules(daemon->recorder, now, &rules, &n);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		const struct rule_change change = { .kind = RULE_REMOVED,
						    .rule = rules[i],
						    .removed_why = REMOVED_MANUAL };

		recorder_rule_change(daemon->recorder, &change, now);
	}
	recorder_audit(daemon->recorder, now, (int)getuid(), getpid(), getenv("SUDO_USER"),
		       "no-restore", NULL, NULL);
	events_say(daemon->events, EVENT_RULE, SEVERITY_NOTICE,
		   "rules of the run before ended, as --no-restore asks for: %zu", n);
	free(rules);
	return 0;
}

/* Who offended before is no newcomer, and what somebody unblocked does not come back at once. */
static int remember(struct daemon *daemon, struct moment now)
{
	struct past_rule *past = NULL;
	size_t n = 0;
	int err = recorder_load_past(daemon->recorder, now, &past, &n);

	if (!err)
		policy_remember(daemon->policy, past, n, now);
	free(past);
	return err;
}

/* Observe mode restores nothing: the rules wait in the database for the next run that enforces. */
int restore_rules(struct daemon *daemon, struct moment now)
{
	struct rule *rules = NULL;
	size_t n = 0, restored;
	int err;

	if (daemon->config->mode == MODE_OBSERVE && !daemon->options->no_restore)
		return 0;
	err = remember(daemon, now);
	if (!err && daemon->options->no_restore)
		return forget_rules(daemon, now);
	if (!err)
		err = recorder_load_rules(daemon->recorder, now, &rules, &n);
	if (err)
		return err;
	err = restore_in_slices(daemon, rules, n, now, &restored);
	if (restored)
		events_say(daemon->events, EVENT_RULE, SEVERITY_NOTICE,
			   "rules of the run before in force again, with the time they have left:"
			   " %zu",
			   restored);
	if (!err)
		err = restore_lost(daemon, now);
	free(rules);
	return err;
}

int restore_ended(struct daemon *daemon, const struct rule *rules, size_t n, struct moment now)
{
	int err = 0;

	while (n-- && !err)
		err = policy_restore(daemon->policy, &rules[n], 1, now, &daemon->judgement.changes);
	record(daemon, now);
	return err;
}
