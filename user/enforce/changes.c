/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon wants on its way into the kernel: gathered for a few milliseconds, then one
 * `ipset restore` for all of it, or without sets one `iptables-restore`. After a sync only what
 * differs is written, so there is no moment without the members that stay. When to call is the
 * helper's loop's business.
 */
#include "enforce/changes.h"
#include <errno.h>
#include <string.h>
#include "enforce/singles.h"

#define BATCH_NS	 (5 * NS_PER_MS)
#define BATCH_FULL_NS	 NS_PER_SECOND	   /* while a set is full, a batch means reading it whole */
#define BATCH_SINGLES_NS (100 * NS_PER_MS) /* each batch writes all of them */
#define BATCH_LINES	 65536
#define COMPARE_NS	 (300 * NS_PER_SECOND)
#define COMPARE_AGAIN_NS (30 * NS_PER_SECOND) /* while some find no room */

int changes_open(struct changes *changes, struct netfilter *netfilter)
{
	*changes = (struct changes){ .netfilter = netfilter };
	changes->compared_ns = moment_now().boot_ns;
	return wanted_open(&changes->wanted);
}

static void refuse(struct changes *changes, const char *why)
{
	snprintf(changes->refused_why, sizeof(changes->refused_why), "%s", why);
}

static bool without_sets(const struct changes *changes)
{
	return changes->netfilter->without_sets[0];
}

static void pend(struct changes *changes)
{
	if (changes->pending)
		return;
	changes->pending = true;
	changes->due_ns = moment_now().boot_ns + (without_sets(changes)	     ? BATCH_SINGLES_NS
						  : changes->netfilter->full ? BATCH_FULL_NS
									     : BATCH_NS);
}

/* ---- sets ------------------------------------------------------------------------------------ */

/* The stream for the next line, or NULL without memory: then the comparison finds it missing. */
static FILE *gather(struct changes *changes)
{
	pend(changes);
	if (!changes->batch)
		changes->batch = text_open(&changes->lines);
	if (++changes->line_count >= BATCH_LINES)
		changes->due_ns = 0;
	return changes->batch;
}

static void apply_lines(struct changes *changes)
{
	char error[NETFILTER_ERROR] = "";
	FILE *batch = changes->batch;
	int refused;

	changes->batch = NULL;
	changes->line_count = 0;
	refused = text_close(batch, &changes->lines, error);
	if (!refused)
		refused = netfilter_apply(changes->netfilter, changes->lines.bytes, error);
	text_free(&changes->lines);
	if (refused) {
		refuse(changes, error);
		changes->check_wanted = !changes->netfilter->full;
	}
}

struct usage {
	const struct netfilter *netfilter;
	bool used[NETFILTER_KINDS_MAX];
};

static bool note_kind(void *context, struct wanted_member *member)
{
	struct usage *usage = context;
	int kind = netfilter_find_kind(usage->netfilter, &member->member.kind);

	if (kind >= 0)
		usage->used[kind] = true;
	return true;
}

/* Of sets without members each costs a packet its rule. */
static void retire_kinds(struct changes *changes)
{
	struct usage usage = { .netfilter = changes->netfilter };
	char error[NETFILTER_ERROR];

	if (without_sets(changes) || changes->netfilter->kind_count == 1)
		return;
	wanted_keep(&changes->wanted, note_kind, &usage);
	if (netfilter_retire_kinds(changes->netfilter, usage.used, error) < 0) {
		refuse(changes, error);
		changes->check_wanted = true;
	}
}

/* Sets for the members of a kind; where there is no room for another, those in use come first. */
static void need_kind(struct changes *changes, const struct ruleset_kind *kind)
{
	char error[NETFILTER_ERROR];
	int err = netfilter_add_kind(changes->netfilter, kind, error);

	if (err == -ENOSPC) {
		changes_apply(changes);
		retire_kinds(changes);
		err = netfilter_add_kind(changes->netfilter, kind, error);
	}
	if (err) {
		refuse(changes, error);
		changes->check_wanted = true;
	}
}

/* ---- what the daemon says -------------------------------------------------------------------- */

void changes_apply(struct changes *changes)
{
	char error[NETFILTER_ERROR];

	if (changes->pending && without_sets(changes) &&
	    singles_write(changes->netfilter, &changes->wanted, error)) {
		refuse(changes, error);
		changes->check_wanted = true;
	}
	if (changes->batch)
		apply_lines(changes);
	changes->pending = false;
}

static int set_member(struct changes *changes, const struct message *message)
{
	struct wanted_member *wanted = wanted_set(&changes->wanted, message);
	FILE *out;

	if (!wanted)
		return -ENOMEM;
	need_kind(changes, &message->member.kind);
	if (changes->syncing) {
		wanted->mark = changes->netfilter->mark;
	} else if (without_sets(changes)) {
		pend(changes);
	} else {
		out = gather(changes);
		if (out)
			ruleset_write_add(
				out, &message->member, message->rule_id,
				ruleset_timeout(message->deadline_ns, moment_now().boot_ns));
	}
	return 0;
}

static void unset_member(struct changes *changes, const struct ruleset_member *member)
{
	FILE *out;

	wanted_unset(&changes->wanted, member);
	if (changes->syncing)
		return;
	if (without_sets(changes)) {
		pend(changes);
	} else if (netfilter_find_kind(changes->netfilter, &member->kind) >= 0) {
		out = gather(changes);
		if (out)
			ruleset_write_del(out, member);
	}
}

static void begin_sync(struct changes *changes)
{
	changes_apply(changes);
	changes->syncing = true;
	changes->netfilter->mark++;
}

static bool is_marked(void *context, struct wanted_member *member)
{
	const struct changes *changes = context;

	return member->mark == changes->netfilter->mark;
}

static void compare(struct changes *changes, struct netfilter_difference *out)
{
	char error[NETFILTER_ERROR];
	int refused = netfilter_compare(changes->netfilter, &changes->wanted, out, error);

	changes->compared_ns = moment_now().boot_ns;
	changes->compare_allowed_ns = changes->compared_ns;
	if (refused) {
		refuse(changes, error);
		changes->compare_allowed_ns += COMPARE_AGAIN_NS;
		out->missing -= refused > 0 && (uint64_t)refused < out->missing ? (uint64_t)refused
										: out->missing;
	}
	if (netfilter_count(changes->netfilter, error) == 0)
		changes_look(changes);
	changes->accepted = changes->missing;
}

static void end_sync(struct changes *changes)
{
	struct netfilter_difference difference;

	if (!changes->syncing)
		return;
	wanted_keep(&changes->wanted, is_marked, changes);
	changes->syncing = false;
	changes->synced = true;
	changes->refused_why[0] = '\0';
	if (without_sets(changes)) {
		pend(changes);
		return;
	}
	compare(changes, &difference);
	retire_kinds(changes);
}

int changes_take(struct changes *changes, const struct message *message)
{
	switch (message->type) {
	case MESSAGE_SET:
		return set_member(changes, message);
	case MESSAGE_UNSET:
		unset_member(changes, &message->member);
		break;
	case MESSAGE_SYNC:
		begin_sync(changes);
		break;
	case MESSAGE_SYNCED:
		end_sync(changes);
		break;
	default:
		break;
	}
	return 0;
}

bool changes_are_many(const struct changes *changes)
{
	return changes->line_count >= BATCH_LINES;
}

/* ---- the regular look ------------------------------------------------------------------------ */

struct census {
	int64_t now_ns;
	uint64_t sure, leaving; /* leaving: may be gone by right */
};

static bool count_member(void *context, struct wanted_member *member)
{
	struct census *census = context;

	if (member->deadline_ns > census->now_ns + NS_PER_SECOND)
		census->sure++;
	else
		census->leaving++;
	return member->deadline_ns > census->now_ns - NS_PER_SECOND;
}

void changes_look(struct changes *changes)
{
	const uint64_t held = changes->netfilter->members;
	struct census census = { .now_ns = moment_now().boot_ns };

	if (changes->syncing || !changes->synced)
		return;
	changes->missing = changes->strange = 0;
	if (held == changes->wanted.count)
		return;
	wanted_keep(&changes->wanted, count_member, &census);
	if (held < census.sure)
		changes->missing = census.sure - held;
	else if (held > census.sure + census.leaving)
		changes->strange = held - census.sure - census.leaving;
}

void changes_verify(struct changes *changes, struct netfilter_difference *out)
{
	int64_t now_ns = moment_now().boot_ns;

	*out = (struct netfilter_difference){ 0 };
	if (changes->syncing || !changes->synced)
		return;
	changes_look(changes);
	if (without_sets(changes)) {
		changes->accepted = changes->missing; /* past the room there is */
		if (singles_due(changes->netfilter, &changes->wanted))
			pend(changes);
		return;
	}
	if (now_ns - changes->compared_ns >= COMPARE_NS)
		retire_kinds(changes);
	else if (!changes->missing && !changes->strange)
		return;
	if (now_ns >= changes->compare_allowed_ns || changes->missing != changes->accepted)
		compare(changes, out);
}
