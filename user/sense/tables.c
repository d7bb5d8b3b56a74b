// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Draining: what one epoch counted, from the mapped tables into samples and sums, at a cost
 * proportional to the buckets that were used. Also what the counts cannot say by themselves: how
 * many sources there were, and below which rate the table was blind.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include "sense/tables.h"

static void *map(int fd, size_t bytes, int protection)
{
	void *at = mmap(NULL, bytes, protection, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

int tables_map(struct tables *tables, const struct tables_fds *fds, uint32_t bucket_count,
	       uint32_t slots)
{
	size_t buckets = (size_t)slots * 2 * bucket_count;
	struct tables new = { .bucket_count = bucket_count, .slots = slots };

	new.headers_bytes = buckets * sizeof(struct table_header);
	new.entries_bytes = buckets * sizeof(struct table_entries);
	new.totals_bytes = (size_t)slots * 2 * sizeof(struct table_totals);
	new.headers = map(fds->headers, new.headers_bytes, PROT_READ);
	new.entries = map(fds->entries, new.entries_bytes, PROT_READ);
	new.totals = map(fds->totals, new.totals_bytes, PROT_READ | PROT_WRITE);
	if (!new.headers || !new.entries || !new.totals) {
		int err = -errno;

		tables_unmap(&new);
		return err;
	}
	*tables = new;
	return 0;
}

static void unmap(const void *at, size_t bytes)
{
	if (at && bytes)
		munmap((void *)at, bytes);
}

void tables_unmap(struct tables *tables)
{
	unmap(tables->headers, tables->headers_bytes);
	unmap(tables->entries, tables->entries_bytes);
	unmap(tables->totals, tables->totals_bytes);
	*tables = (struct tables){ 0 };
}

/*
 * HyperLogLog (Flajolet et al., 2007, figure 3) over registers joined by maximum; below 2.5 m by
 * the empty registers.
 */
static double estimate(const uint8_t registers[ESTIMATOR_REGISTERS])
{
	const double m = ESTIMATOR_REGISTERS;
	double sum = 0, raw;
	int zeros = 0;

	for (int i = 0; i < ESTIMATOR_REGISTERS; i++) {
		sum += ldexp(1, -registers[i]);
		zeros += registers[i] == 0;
	}
	raw = 0.7213 / (1 + 1.079 / m) * m * m / sum;
	if (raw <= 2.5 * m && zeros)
		return m * log(m / zeros);
	return raw;
}

/*
 * A slot is looked at, in turn, by the misses of its bucket, and loses a vote each time: a source
 * that sends slower than that loses its slot. `taken` slots shared the misses, so each was looked
 * at misses / taken times. (That a bucket with room costs nobody a vote, and that the votes of that
 * time carry on, cancel each other: in simulation half of a source's packets are counted at 1.0 to
 * 1.1 times this rate, from 0.4 to 8 million random sources a second, 0.05 to 2 seconds. Where
 * only a few buckets were full it errs on the safe side.)
 */
static double blind_below(const struct table_totals *totals, uint64_t taken, double seconds)
{
	if (totals->replaced == 0 || taken == 0 || seconds <= 0)
		return 0;
	return totals->misses / (double)taken / seconds;
}

static void add_totals(struct tables_sum *sum, const struct table_totals *totals,
		       uint8_t registers[ESTIMATOR_REGISTERS])
{
	sum->packets += totals->packets;
	sum->bytes += totals->bytes;
	sum->tcp += totals->tcp;
	sum->udp += totals->udp;
	sum->icmp += totals->icmp;
	sum->other += totals->other;
	sum->dropped += totals->dropped;
	sum->dropped_bytes += totals->dropped_bytes;
	sum->malformed += totals->malformed;
	sum->not_ip += totals->not_ip;
	sum->misses += totals->misses;
	sum->replaced += totals->replaced;
	sum->wakes += totals->wakes;
	sum->wakes_lost += totals->wakes_lost;
	for (int i = 0; i < ESTIMATOR_REGISTERS; i++)
		if (totals->estimator[i] > registers[i])
			registers[i] = totals->estimator[i];
}

struct drain {
	struct merge *merge;
	struct tables_sum *sum;
	uint64_t taken; /* slots in use */
	int err;
};

static void drain_bucket(struct drain *drain, const struct table_header *header,
			 const struct table_entries *entries)
{
	for (int slot = 0; slot < BUCKET_ENTRIES; slot++) {
		const struct table_entry *entry = &entries->slot[slot];

		drain->taken += header->votes[slot] != 0;
		if (!((header->valid >> slot) & 1))
			continue;
		drain->sum->attributed += entry->packets;
		if (!drain->err)
			drain->err = merge_add(drain->merge, entry, 0);
	}
}

int tables_drain(struct tables *tables, uint32_t epoch, double seconds, struct merge *merge,
		 struct tables_sum *sum)
{
	uint8_t registers[ESTIMATOR_REGISTERS] = { 0 };
	struct drain drain = { .merge = merge, .sum = sum };

	*sum = (struct tables_sum){ 0 };
	merge_clear(merge);
	for (uint32_t slot = 0; slot < tables->slots; slot++) {
		uint32_t table = slot * 2 + (epoch & 1);
		struct table_totals *totals = &tables->totals[table];
		size_t first = (size_t)table * tables->bucket_count;
		double blind;

		if (totals->epoch != epoch)
			continue; /* this CPU had no packet */
		drain.taken = 0;
		for (uint32_t word = 0; word < (tables->bucket_count + 63) / 64; word++) {
			for (uint64_t dirty = totals->dirty[word]; dirty; dirty &= dirty - 1) {
				size_t at = first + word * 64 + __builtin_ctzll(dirty);

				drain_bucket(&drain, &tables->headers[at], &tables->entries[at]);
			}
			totals->dirty[word] = 0;
		}
		add_totals(sum, totals, registers);
		blind = blind_below(totals, drain.taken, seconds);
		if (blind > sum->blind_below_pps)
			sum->blind_below_pps = blind;
	}
	/* nobody was pushed out: the samples are all there were */
	sum->sources_estimate = sum->replaced ? estimate(registers) : merge->count;
	if (sum->sources_estimate < merge->count)
		sum->sources_estimate = merge->count;
	return drain.err;
}
