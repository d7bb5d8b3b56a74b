// SPDX-License-Identifier: GPL-2.0-or-later
/* An open-addressed index over an array without gaps: what is removed is replaced by the last. */
#include "replay/blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/clock.h"

#define FIRST_SLOTS 256

void blocks_init(struct blocks *blocks, const struct hash_key *key)
{
	*blocks = (struct blocks){ .key = *key };
}

void blocks_free(struct blocks *blocks)
{
	free(blocks->items);
	free(blocks->slots);
	*blocks = (struct blocks){ 0 };
}

static unsigned int family_of(const struct block_key *key)
{
	/* as in rule_command(): /0 of IPv6 has no mapped form */
	return key->len < PREFIX_LEN_MAPPED || !address_is_ipv4(&key->address);
}

static size_t first_slot(const struct blocks *blocks, const struct block_key *key)
{
	uint64_t hash = hash_address(&blocks->key, &key->address) >> 32;

	return (hash + key->len + key->port) & (blocks->slot_count - 1);
}

/* The slot that holds the key, or the free one where it would be. */
static size_t find(const struct blocks *blocks, const struct block_key *key)
{
	size_t at = first_slot(blocks, key);

	while (blocks->slots[at] &&
	       memcmp(&blocks->items[blocks->slots[at] - 1].key, key, sizeof(*key)) != 0)
		at = (at + 1) & (blocks->slot_count - 1);
	return at;
}

static int grow(struct blocks *blocks)
{
	size_t slot_count = blocks->slot_count ? blocks->slot_count * 2 : FIRST_SLOTS;
	struct blocked *items = realloc(blocks->items, slot_count / 2 * sizeof(*items));
	uint32_t *slots;

	if (!items)
		return -ENOMEM;
	blocks->items = items;
	slots = calloc(slot_count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(blocks->slots);
	blocks->slots = slots;
	blocks->slot_count = slot_count;
	blocks->capacity = slot_count / 2;
	for (size_t i = 0; i < blocks->count; i++)
		slots[find(blocks, &items[i].key)] = (uint32_t)i + 1;
	return 0;
}

static void list_lengths(struct blocks *blocks, unsigned int family)
{
	uint32_t count = 0;

	for (int len = PREFIX_LEN_FULL; len >= 0; len--)
		if (blocks->in_use[family][len])
			blocks->lengths[family][count++] = (uint32_t)len;
	blocks->length_count[family] = count;
}

static void count_item(struct blocks *blocks, const struct block_key *key, int change)
{
	unsigned int family = family_of(key);

	blocks->port_count += key->port ? change : 0;
	blocks->in_use[family][key->len] += change;
	list_lengths(blocks, family);
}

int blocks_put(struct blocks *blocks, const struct rule *rule)
{
	struct blocked fresh = { .key = rule_key(rule), .tokens = INT64_MAX }, *item;
	size_t at;

	if (blocks->count == blocks->capacity && grow(blocks))
		return -ENOMEM;
	at = find(blocks, &fresh.key);
	if (!blocks->slots[at]) {
		blocks->items[blocks->count] = fresh;
		blocks->slots[at] = (uint32_t)++blocks->count;
		count_item(blocks, &fresh.key, 1);
	}
	item = &blocks->items[blocks->slots[at] - 1];
	item->rule_id = rule->id;
	item->classes = rule->classes;
	item->expires_ns = rule->expires.boot_ns;
	item->limit_pps = rule->action == ACTION_LIMIT ? rule->limit_pps : 0;
	return 0;
}

/* Knuth's algorithm R (6.4): moves up whom the gap would hide. */
static void close_gap(struct blocks *blocks, size_t gap)
{
	size_t mask = blocks->slot_count - 1, at = gap;

	for (;;) {
		size_t home;

		at = (at + 1) & mask;
		if (!blocks->slots[at])
			break;
		home = first_slot(blocks, &blocks->items[blocks->slots[at] - 1].key);
		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		blocks->slots[gap] = blocks->slots[at];
		gap = at;
	}
	blocks->slots[gap] = 0;
}

bool blocks_remove(struct blocks *blocks, const struct rule *rule, struct blocked *out)
{
	const struct block_key key = rule_key(rule);
	size_t at, item;

	if (!blocks->count)
		return false;
	at = find(blocks, &key);
	if (!blocks->slots[at])
		return false;
	item = blocks->slots[at] - 1;
	*out = blocks->items[item];
	close_gap(blocks, at);
	blocks->count--;
	if (item != blocks->count) {
		blocks->slots[find(blocks, &blocks->items[blocks->count].key)] = (uint32_t)item + 1;
		blocks->items[item] = blocks->items[blocks->count];
	}
	count_item(blocks, &key, -1);
	return true;
}

/* A token bucket of one second's worth, as over_limit() of bpf/verdict.bpf.h. */
static bool over_limit(struct blocked *item, int64_t now_ns)
{
	int64_t most = (int64_t)item->limit_pps * NS_PER_SECOND, passed = now_ns - item->last_ns;

	if (passed > NS_PER_SECOND)
		passed = NS_PER_SECOND;
	if (passed > 0 && item->tokens < most)
		item->tokens += passed * item->limit_pps;
	if (item->tokens > most)
		item->tokens = most;
	item->last_ns = now_ns;
	if (item->tokens < NS_PER_SECOND)
		return true;
	item->tokens -= NS_PER_SECOND;
	return false;
}

static struct blocked *in_force_for(struct blocks *blocks, const struct block_key *key,
				    const struct packet *packet, int64_t now_ns)
{
	struct blocked *item;
	size_t at = find(blocks, key);

	if (!blocks->slots[at])
		return NULL;
	item = &blocks->items[blocks->slots[at] - 1];
	return (item->classes & packet->classes) && now_ns < item->expires_ns ? item : NULL;
}

static struct blocked *in_force(struct blocks *blocks, const struct packet *packet, int64_t now_ns)
{
	unsigned int family = packet->flags & PACKET_IPV6 ? 1 : 0;

	for (uint32_t i = 0; i < blocks->length_count[family]; i++) {
		struct block_key key = { .len = blocks->lengths[family][i] };
		struct blocked *item;

		key.address = key.len == PREFIX_LEN_FULL ? packet->source
							 : address_masked(&packet->source, key.len);
		item = in_force_for(blocks, &key, packet, now_ns);
		if (!item && blocks->port_count && packet->destination_port) {
			key.port = packet->destination_port;
			key.protocol = packet->protocol;
			item = in_force_for(blocks, &key, packet, now_ns);
		}
		if (item)
			return item;
	}
	return NULL;
}

bool blocks_drop(struct blocks *blocks, const struct packet *packet, int64_t now_ns)
{
	struct blocked *item;

	if (packet_likely(!blocks->count))
		return false;
	item = in_force(blocks, packet, now_ns);
	if (!item || (item->limit_pps && !over_limit(item, now_ns)))
		return false;
	item->packets++;
	item->bytes += packet->bytes;
	return true;
}
