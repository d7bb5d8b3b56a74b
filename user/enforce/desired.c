/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's copy of the desired ruleset: a hash table by prefix, with the rules that the helper
 * has yet to be told in a queue through it. Several rules may want the same member of a set (a
 * manual and a detector's block of one address): the member stays until the last of them goes, with
 * the latest of their deadlines. Sends nothing itself.
 */
#include "enforce/desired.h"
#include <errno.h>
#include <stdlib.h>
#include "enforce/message.h"

#define FIRST_BUCKETS	    1024 /* a power of two */
#define REMOVED_WAITING_MAX 65536

struct entry {
	struct entry *next;  /* in its bucket */
	struct entry *later; /* in the queue */
	struct prefix prefix;
	uint32_t id;
	uint16_t port;
	uint8_t protocol;
	struct ruleset_kind kinds[RULESET_KINDS_PER_RULE];
	uint8_t kind_count;
	uint8_t weight;
	bool queued;
	bool removed; /* freed once the helper knows */
	int64_t expires_ns;
};

enum sync_stage { SYNC_NONE, SYNC_DUE, SYNC_RUNNING };

struct desired {
	struct entry **buckets;
	size_t bucket_count, entry_count;
	struct entry *first, *last; /* the queue */
	size_t removed_waiting;
	enum sync_stage stage;
	/* what the last encode wrote */
	size_t encoded;
	enum sync_stage encoded_stage;
};

static struct entry **bucket_of(const struct desired *desired, const struct prefix *prefix)
{
	uint64_t hash = address_hash(&prefix->address) + prefix->len;

	return &desired->buckets[hash & (desired->bucket_count - 1)];
}

int desired_new(struct desired **out)
{
	struct desired *desired = calloc(1, sizeof(*desired));

	if (!desired)
		return -ENOMEM;
	desired->bucket_count = FIRST_BUCKETS;
	desired->buckets = calloc(desired->bucket_count, sizeof(*desired->buckets));
	if (!desired->buckets) {
		free(desired);
		return -ENOMEM;
	}
	*out = desired;
	return 0;
}

void desired_free(struct desired **desired)
{
	struct entry *next;

	if (!*desired)
		return;
	for (size_t i = 0; i < (*desired)->bucket_count; i++) {
		for (struct entry *entry = (*desired)->buckets[i]; entry; entry = next) {
			next = entry->next;
			free(entry);
		}
	}
	free((*desired)->buckets);
	free(*desired);
	*desired = NULL;
}

/* Without memory the table stays as it is: slower, not wrong. */
static void grow(struct desired *desired)
{
	struct desired larger = *desired;
	struct entry *next;

	larger.bucket_count *= 4;
	larger.buckets = calloc(larger.bucket_count, sizeof(*larger.buckets));
	if (!larger.buckets)
		return;
	for (size_t i = 0; i < desired->bucket_count; i++) {
		for (struct entry *entry = desired->buckets[i]; entry; entry = next) {
			struct entry **bucket = bucket_of(&larger, &entry->prefix);

			next = entry->next;
			entry->next = *bucket;
			*bucket = entry;
		}
	}
	free(desired->buckets);
	*desired = larger;
}

static struct ruleset_member member_of(const struct entry *entry, unsigned int kind)
{
	return (struct ruleset_member){ .prefix = entry->prefix,
					.kind = entry->kinds[kind],
					.port = entry->port,
					.protocol = entry->protocol };
}

static bool wants(const struct entry *entry, const struct ruleset_member *member)
{
	if (entry->removed || !prefix_equal(&entry->prefix, &member->prefix) ||
	    entry->port != member->port || entry->protocol != member->protocol)
		return false;
	for (unsigned int k = 0; k < entry->kind_count; k++) {
		if (ruleset_kind_equal(&entry->kinds[k], &member->kind))
			return true;
	}
	return false;
}

/* The entry that keeps this member longest; NULL: nobody wants it. */
static const struct entry *keeper(const struct desired *desired,
				  const struct ruleset_member *member)
{
	const struct entry *best = NULL;

	for (const struct entry *e = *bucket_of(desired, &member->prefix); e; e = e->next) {
		if (wants(e, member) && (!best || e->expires_ns > best->expires_ns))
			best = e;
	}
	return best;
}

static void enqueue(struct desired *desired, struct entry *entry)
{
	if (entry->queued)
		return;
	entry->queued = true;
	entry->later = NULL;
	if (desired->last)
		desired->last->later = entry;
	else
		desired->first = entry;
	desired->last = entry;
}

static void discard(struct desired *desired, struct entry *entry)
{
	struct entry **at = bucket_of(desired, &entry->prefix);

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	desired->entry_count--;
	desired->removed_waiting--;
	free(entry);
}

static void revoke(struct desired *desired, struct entry *entry)
{
	entry->removed = true;
	desired->removed_waiting++;
	enqueue(desired, entry);
}

static struct entry *find(const struct desired *desired, const struct rule *rule)
{
	for (struct entry *e = *bucket_of(desired, &rule->prefix); e; e = e->next) {
		if (!e->removed && e->id == rule->id && prefix_equal(&e->prefix, &rule->prefix))
			return e;
	}
	return NULL;
}

static bool same_kinds(const struct entry *entry, const struct ruleset_kind *kinds, unsigned int n)
{
	if (entry->kind_count != n)
		return false;
	for (unsigned int k = 0; k < n; k++) {
		if (!ruleset_kind_equal(&entry->kinds[k], &kinds[k]))
			return false;
	}
	return true;
}

/* What people asked for, then what is known to be true, then the rest. */
static uint8_t weight_of(const struct rule *rule)
{
	if (rule->origin != ORIGIN_DETECTOR)
		return 2;
	return rule->evidence == EVIDENCE_PROVEN ? 1 : 0;
}

int desired_set(struct desired *desired, const struct rule *rule)
{
	struct entry *entry = find(desired, rule), *fresh, **bucket;
	struct ruleset_kind kinds[RULESET_KINDS_PER_RULE];
	unsigned int n = ruleset_kinds(rule, kinds);

	if (n == 0 || !ruleset_prefix_valid(&rule->prefix))
		return -EINVAL;
	if (entry && same_kinds(entry, kinds, n)) {
		entry->expires_ns = rule->expires.boot_ns;
		entry->weight = weight_of(rule);
		enqueue(desired, entry);
		return 0;
	}
	fresh = calloc(1, sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	if (entry)
		revoke(desired, entry);
	fresh->prefix = rule->prefix;
	fresh->port = rule->port;
	fresh->protocol = rule->port ? rule->protocol : 0;
	fresh->id = rule->id;
	fresh->weight = weight_of(rule);
	fresh->expires_ns = rule->expires.boot_ns;
	fresh->kind_count = n;
	for (unsigned int k = 0; k < n; k++)
		fresh->kinds[k] = kinds[k];
	if (++desired->entry_count > desired->bucket_count)
		grow(desired);
	bucket = bucket_of(desired, &fresh->prefix);
	fresh->next = *bucket;
	*bucket = fresh;
	enqueue(desired, fresh);
	return 0;
}

void desired_unset(struct desired *desired, const struct rule *rule)
{
	struct entry *entry = find(desired, rule);

	if (!entry)
		return;
	revoke(desired, entry);
	if (desired->removed_waiting > REMOVED_WAITING_MAX)
		desired_resync(desired);
}

void desired_resync(struct desired *desired)
{
	desired->first = desired->last = NULL;
	for (size_t i = 0; i < desired->bucket_count; i++) {
		struct entry *next;

		for (struct entry *entry = desired->buckets[i]; entry; entry = next) {
			next = entry->next;
			entry->queued = false;
			if (entry->removed)
				discard(desired, entry);
			else
				enqueue(desired, entry);
		}
	}
	desired->stage = SYNC_DUE;
	desired->encoded = 0;
}

bool desired_pending(const struct desired *desired)
{
	return desired->first || desired->stage != SYNC_NONE;
}

bool desired_syncing(const struct desired *desired)
{
	return desired->stage != SYNC_NONE;
}

static size_t encode_entry(const struct desired *desired, const struct entry *entry, char *buf)
{
	size_t len = 0;

	for (unsigned int k = 0; k < entry->kind_count; k++) {
		const struct ruleset_member member = member_of(entry, k);
		const struct entry *best = keeper(desired, &member);
		struct message message = { .type = best ? MESSAGE_SET : MESSAGE_UNSET,
					   .member = member };

		if (best) {
			message.rule_id = best->id;
			message.deadline_ns = best->expires_ns;
			message.weight = best->weight;
		}
		len += message_format(&message, buf + len);
	}
	return len;
}

static size_t encode_word(enum message_type type, char *buf)
{
	return message_format(&(struct message){ .type = type }, buf);
}

size_t desired_encode(struct desired *desired, char *buf, size_t size)
{
	const size_t largest = (RULESET_KINDS_PER_RULE + 1) * MESSAGE_LINE_BYTES;
	const struct entry *entry = desired->first;
	size_t len = 0;

	desired->encoded = 0;
	desired->encoded_stage = desired->stage;
	if (desired->stage == SYNC_DUE && size >= largest) {
		len += encode_word(MESSAGE_SYNC, buf);
		desired->encoded_stage = SYNC_RUNNING;
	}
	for (; entry && size - len >= largest; entry = entry->later) {
		len += encode_entry(desired, entry, buf + len);
		desired->encoded++;
	}
	if (!entry && desired->encoded_stage == SYNC_RUNNING) {
		len += encode_word(MESSAGE_SYNCED, buf + len);
		desired->encoded_stage = SYNC_NONE;
	}
	return len;
}

void desired_sent(struct desired *desired)
{
	for (; desired->encoded > 0; desired->encoded--) {
		struct entry *entry = desired->first;

		desired->first = entry->later;
		if (!desired->first)
			desired->last = NULL;
		entry->queued = false;
		if (entry->removed)
			discard(desired, entry);
	}
	desired->stage = desired->encoded_stage;
}
