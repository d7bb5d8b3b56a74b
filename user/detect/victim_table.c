/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chains by address_hash over a pool, and a list by when a record was loud. What is much: victim.c.
 */
#include "detect/victim_table.h"

#include <errno.h>
#include <stdlib.h>
#include "base/address.h"

#define EVICT_SAMPLE 16 /* records compared for one eviction */
#define EVICT_VISITS 256
#define SWEEP_VISITS 64

int victim_table_init(struct victim_table *table, uint32_t max)
{
	uint32_t size = 1;

	while (size < max)
		size *= 2;
	*table = (struct victim_table){ .mask = size - 1 };
	table->heads = calloc(size, sizeof(*table->heads));
	if (!table->heads || pool_init(&table->pool, sizeof(struct victim), max)) {
		victim_table_done(table);
		return -ENOMEM;
	}
	return 0;
}

void victim_table_done(struct victim_table *table)
{
	pool_done(&table->pool);
	free(table->heads);
	*table = (struct victim_table){ 0 };
}

/* The link that points to the record: in heads, or in another record of the chain. */
static uint32_t *link_of(const struct victim_table *table, const struct address *address,
			 enum victim_kind kind)
{
	uint32_t *link = &table->heads[(address_hash(address) + kind) & table->mask];

	while (*link) {
		struct victim *victim = victim_at(table, *link);

		if (victim->kind == kind && address_equal(&victim->address, address))
			break;
		link = &victim->next;
	}
	return link;
}

struct victim *victim_find(const struct victim_table *table, const struct address *address,
			   enum victim_kind kind)
{
	return victim_at(table, *link_of(table, address, kind));
}

uint32_t victim_number(const struct victim_table *table, const struct victim *victim)
{
	return *link_of(table, &victim->address, (enum victim_kind)victim->kind);
}

static void put_newest(struct victim_table *table, struct victim *victim, uint32_t number)
{
	victim->newer = 0;
	victim->older = table->newest;
	if (table->newest)
		victim_at(table, table->newest)->newer = number;
	else
		table->oldest = number;
	table->newest = number;
}

static void take_out(struct victim_table *table, const struct victim *victim)
{
	struct victim *newer = victim_at(table, victim->newer);
	struct victim *older = victim_at(table, victim->older);

	*(newer ? &newer->older : &table->newest) = victim->older;
	*(older ? &older->newer : &table->oldest) = victim->newer;
}

static void drop(struct victim_table *table, struct victim *victim)
{
	uint32_t *link = link_of(table, &victim->address, (enum victim_kind)victim->kind);
	uint32_t number = *link;

	take_out(table, victim);
	*link = victim->next;
	pool_give(&table->pool, number);
}

static float weight_of(const struct victim *victim)
{
	return victim->mean > victim->rate ? victim->mean : victim->rate;
}

static bool evict(struct victim_table *table)
{
	struct victim *victim = victim_at(table, table->oldest), *least = NULL;

	for (int i = 0, sample = 0; victim && i < EVICT_VISITS && sample < EVICT_SAMPLE; i++) {
		if (!victim->flooded) {
			sample++;
			if (!least || weight_of(victim) < weight_of(least))
				least = victim;
		}
		victim = victim_at(table, victim->newer);
	}
	if (!least)
		return false;
	drop(table, least);
	table->evicted++;
	return true;
}

int victim_make(struct victim_table *table, const struct address *address, enum victim_kind kind,
		int64_t now_ns, struct victim **out)
{
	struct victim *victim;
	uint32_t number, *link;
	int r = pool_take(&table->pool, &number);

	if (r == -ENOSPC && evict(table))
		r = pool_take(&table->pool, &number);
	if (r)
		return r;
	victim = victim_at(table, number);
	victim->address = *address;
	victim->kind = (uint8_t)kind;
	victim->last_ns = victim->loud_ns = now_ns;
	link = &table->heads[(address_hash(address) + kind) & table->mask];
	victim->next = *link;
	*link = number;
	put_newest(table, victim, number);
	*out = victim;
	return 0;
}

void victim_touch(struct victim_table *table, struct victim *victim, int64_t now_ns)
{
	victim->loud_ns = now_ns;
	if (!victim->newer)
		return;
	uint32_t number = victim_at(table, victim->newer)->older;

	take_out(table, victim);
	put_newest(table, victim, number);
}

void victim_table_sweep(struct victim_table *table, int64_t before_ns)
{
	struct victim *victim;

	for (int i = 0; i < SWEEP_VISITS; i++) {
		victim = victim_at(table, table->oldest);
		if (!victim || victim->flooded || victim->loud_ns >= before_ns)
			return;
		drop(table, victim);
	}
}

uint64_t victim_table_bytes(const struct victim_table *table)
{
	return pool_bytes(&table->pool) + ((uint64_t)table->mask + 1) * sizeof(uint32_t);
}
