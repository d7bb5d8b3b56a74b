/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash of families, each a list of its members. Without memory a rule has no family, and is never
 * rolled up. When and into what is roll_up.c.
 */
#include "decide/families.h"

#include <errno.h>
#include <stdlib.h>
#include "base/address.h"
#include "decide/policy_state.h"

#define FIRST_HEADS 1024

int families_init(struct families *families)
{
	*families = (struct families){ .head_count = FIRST_HEADS };
	families->heads = calloc(families->head_count, sizeof(*families->heads));
	return families->heads ? 0 : -ENOMEM;
}

void families_done(struct families *families)
{
	for (size_t i = 0; families->heads && i < families->head_count; i++) {
		struct family *family = families->heads[i], *next;

		for (; family; family = next) {
			next = family->chain;
			free(family);
		}
	}
	free(families->heads);
	*families = (struct families){ 0 };
}

static struct family **head_of(const struct families *families, const struct prefix *prefix)
{
	uint64_t hash = address_hash(&prefix->address) + prefix->len;

	return &families->heads[hash & (families->head_count - 1)];
}

/* More heads, a matter of speed only. */
static void grow(struct families *families)
{
	struct families wider = { .head_count = families->head_count * 2,
				  .count = families->count };

	if (families->count < families->head_count)
		return;
	wider.heads = calloc(wider.head_count, sizeof(*wider.heads));
	if (!wider.heads)
		return;
	for (size_t i = 0; i < families->head_count; i++) {
		struct family *family = families->heads[i], *next;

		for (; family; family = next) {
			struct family **head = head_of(&wider, &family->prefix);

			next = family->chain;
			family->chain = *head;
			*head = family;
		}
	}
	free(families->heads);
	*families = wider;
}

static struct family *find(const struct families *families, const struct prefix *prefix)
{
	struct family *family = *head_of(families, prefix);

	while (family && !prefix_equal(&family->prefix, prefix))
		family = family->chain;
	return family;
}

static struct family *make(struct families *families, const struct prefix *prefix)
{
	struct family *family = calloc(1, sizeof(*family)), **head;

	if (!family)
		return NULL;
	grow(families);
	head = head_of(families, prefix);
	family->prefix = *prefix;
	family->chain = *head;
	*head = family;
	families->count++;
	return family;
}

static void dissolve(struct families *families, struct family *family)
{
	struct family **link = head_of(families, &family->prefix);

	while (*link != family)
		link = &(*link)->chain;
	*link = family->chain;
	families->count--;
	free(family);
}

void families_enter(struct families *families, struct rule_node *node)
{
	struct prefix prefix;
	struct family *family;

	if (!roll_up_prefix(&node->rule, &prefix))
		return;
	family = find(families, &prefix);
	if (!family)
		family = make(families, &prefix);
	if (!family)
		return;
	node->family = family;
	node->next_of_family = family->members;
	if (family->members)
		family->members->previous_of_family = node;
	family->members = node;
	family->count++;
}

void families_leave(struct families *families, struct rule_node *node)
{
	struct family *family = node->family;

	if (!family)
		return;
	if (node->next_of_family)
		node->next_of_family->previous_of_family = node->previous_of_family;
	if (node->previous_of_family)
		node->previous_of_family->next_of_family = node->next_of_family;
	else
		family->members = node->next_of_family;
	node->family = NULL;
	if (--family->count == 0)
		dissolve(families, family);
}
