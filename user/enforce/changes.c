/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's changes on their way into the sets: gathered for a few milliseconds, then one `ipset
 * restore` for all of them. A sync adds as it goes and removes what nobody wanted at its end, so
 * there is no moment without the members that stay. When to call is the helper's loop's business.
 */
#include "enforce/changes.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_NS      (5 * NS_PER_MS)
#define BATCH_FULL_NS NS_PER_SECOND /* while a set is full, a batch means reading it whole */
#define BATCH_LINES   65536

static void refuse(struct changes *changes, uint64_t count, const char *why)
{
	changes->refused += count;
	snprintf(changes->refused_why, sizeof(changes->refused_why), "%s", why);
}

/* The stream for the next line, or NULL without memory. */
static FILE *gather(struct changes *changes)
{
	if (!changes->batch) {
		changes->batch = text_open(&changes->lines);
		changes->due_ns = moment_now().boot_ns +
				  (changes->netfilter->full ? BATCH_FULL_NS : BATCH_NS);
	}
	if (!changes->batch)
		refuse(changes, 1, "failed to build rules: out of memory");
	else if (++changes->line_count >= BATCH_LINES)
		changes->due_ns = 0;
	return changes->batch;
}

void changes_apply(struct changes *changes)
{
	char error[NETFILTER_ERROR] = "";
	FILE *batch = changes->batch;
	int refused;

	if (!batch)
		return;
	changes->batch = NULL;
	refused = text_close(batch, &changes->lines, error);
	if (!refused)
		refused = netfilter_apply(changes->netfilter, changes->lines.bytes, error);
	text_free(&changes->lines);
	if (refused) {
		refuse(changes, refused > 0 ? refused : (int)changes->line_count, error);
		changes->check_wanted = !changes->netfilter->full;
	}
	changes->line_count = 0;
}

static void stage(struct changes *changes, const struct ruleset_member *member)
{
	if (changes->staged_count == changes->staged_capacity) {
		size_t capacity = changes->staged_capacity ? 2 * changes->staged_capacity : 1024;
		struct ruleset_member *larger =
			realloc(changes->staged, capacity * sizeof(*larger));

		if (!larger) {
			changes->sync_failed = true;
			return;
		}
		changes->staged = larger;
		changes->staged_capacity = capacity;
	}
	changes->staged[changes->staged_count++] = *member;
}

static void set_member(struct changes *changes, const struct message *message)
{
	const struct ruleset_member *member = &message->member;
	char error[NETFILTER_ERROR];
	FILE *out;

	if (changes->syncing)
		stage(changes, member);
	if (netfilter_add_kind(changes->netfilter, &member->kind, error)) {
		refuse(changes, 1, error);
		return;
	}
	out = gather(changes);
	if (out)
		ruleset_write_add(out, member, message->rule_id,
				  ruleset_timeout(message->deadline_ns, moment_now().boot_ns));
}

static void unset_member(struct changes *changes, const struct ruleset_member *member)
{
	FILE *out;

	if (netfilter_find_kind(changes->netfilter, &member->kind) < 0)
		return;
	out = gather(changes);
	if (out)
		ruleset_write_del(out, member);
}

static int compare_members(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ruleset_member));
}

static bool is_staged(void *context, const struct ruleset_member *member)
{
	const struct changes *changes = context;

	return changes->staged_count && bsearch(member, changes->staged, changes->staged_count,
						sizeof(*member), compare_members);
}

static void begin_sync(struct changes *changes)
{
	changes->syncing = true;
	changes->sync_failed = false;
	changes->staged_count = 0;
	changes->refused_before = changes_refused(changes);
	changes->refused = 0;
}

static void end_sync(struct changes *changes)
{
	char error[NETFILTER_ERROR] = "failed to remove old members: out of memory";
	int pruned = -ENOMEM;

	if (!changes->syncing)
		return;
	changes_apply(changes);
	if (!changes->sync_failed) {
		if (changes->staged_count)
			qsort(changes->staged, changes->staged_count, sizeof(*changes->staged),
			      compare_members);
		pruned = netfilter_prune(changes->netfilter, is_staged, changes, error);
	}
	if (pruned < 0)
		refuse(changes, 1, error);
	changes->syncing = false;
	changes->refused_before = 0;
	free(changes->staged);
	changes->staged = NULL;
	changes->staged_count = changes->staged_capacity = 0;
}

void changes_take(struct changes *changes, const struct message *message)
{
	switch (message->type) {
	case MESSAGE_SET:
		set_member(changes, message);
		break;
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
}

bool changes_are_many(const struct changes *changes)
{
	return changes->line_count >= BATCH_LINES;
}

uint64_t changes_refused(const struct changes *changes)
{
	return changes->refused > changes->refused_before ? changes->refused
							  : changes->refused_before;
}
