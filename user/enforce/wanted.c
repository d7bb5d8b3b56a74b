/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "enforce/wanted.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 1024 /* a power of two */

int wanted_open(struct wanted *wanted)
{
	*wanted = (struct wanted){ .bucket_count = FIRST_BUCKETS };
	wanted->buckets = calloc(wanted->bucket_count, sizeof(*wanted->buckets));
	return wanted->buckets ? 0 : -ENOMEM;
}

static bool forget(void *context, struct wanted_member *member)
{
	(void)context;
	(void)member;
	return false;
}

void wanted_close(struct wanted *wanted)
{
	wanted_keep(wanted, forget, NULL);
	free(wanted->buckets);
	*wanted = (struct wanted){ 0 };
}

/* The place of a member in its chain, or the chain's end. */
static struct wanted_member **place(const struct wanted *wanted,
				    const struct ruleset_member *member)
{
	uint64_t hash = address_hash(&member->prefix.address) + member->prefix.len + member->port +
			member->kind.classes + member->kind.limit_pps;
	struct wanted_member **at = &wanted->buckets[hash & (wanted->bucket_count - 1)];

	while (*at && memcmp(&(*at)->member, member, sizeof(*member)) != 0)
		at = &(*at)->next;
	return at;
}

/* Without memory the table stays as it is: slower, not wrong. */
static void grow(struct wanted *wanted)
{
	struct wanted larger = { .bucket_count = 4 * wanted->bucket_count, .count = wanted->count };
	struct wanted_member *next;

	larger.buckets = calloc(larger.bucket_count, sizeof(*larger.buckets));
	if (!larger.buckets)
		return;
	for (size_t i = 0; i < wanted->bucket_count; i++) {
		for (struct wanted_member *member = wanted->buckets[i]; member; member = next) {
			next = member->next;
			member->next = NULL;
			*place(&larger, &member->member) = member;
		}
	}
	free(wanted->buckets);
	*wanted = larger;
}

struct wanted_member *wanted_set(struct wanted *wanted, const struct message *message)
{
	struct wanted_member **at = place(wanted, &message->member);

	if (!*at) {
		if (wanted->count >= wanted->bucket_count) {
			grow(wanted);
			at = place(wanted, &message->member);
		}
		*at = calloc(1, sizeof(**at));
		if (!*at)
			return NULL;
		(*at)->member = message->member;
		wanted->count++;
	}
	(*at)->rule_id = message->rule_id;
	(*at)->weight = message->weight;
	(*at)->deadline_ns = message->deadline_ns;
	return *at;
}

struct wanted_member *wanted_find(const struct wanted *wanted, const struct ruleset_member *member)
{
	return *place(wanted, member);
}

static void drop(struct wanted *wanted, struct wanted_member **at)
{
	struct wanted_member *gone = *at;

	*at = gone->next;
	wanted->count--;
	free(gone);
}

void wanted_unset(struct wanted *wanted, const struct ruleset_member *member)
{
	struct wanted_member **at = place(wanted, member);

	if (*at)
		drop(wanted, at);
}

void wanted_keep(struct wanted *wanted, bool (*fn)(void *context, struct wanted_member *member),
		 void *context)
{
	for (size_t i = 0; i < wanted->bucket_count; i++) {
		struct wanted_member **at = &wanted->buckets[i];

		while (*at) {
			if (fn(context, *at))
				at = &(*at)->next;
			else
				drop(wanted, at);
		}
	}
}
