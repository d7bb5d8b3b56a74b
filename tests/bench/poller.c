// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a drain costs for each source that was active: the tables of many CPUs in plain memory,
 * filled by the functions that the XDP program uses, then read and merged as at each tick.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include "bench.h"
#include "hash.h"
#include "parse.h"
#include "sense/tables.h"
#include "table.h"

#define BUCKETS		 8192
#define SOURCES_PER_SLOT 40960 /* five a bucket: few are pushed out */
#define EPOCH		 2

static void *reserve(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		die("failed to reserve %zu bytes: %m", bytes);
	return at;
}

/* One packet of each source, the sources spread over the slots; `each` slots see the same one. */
static void fill(struct table_header *headers, struct table_entries *entries,
		 struct table_totals *totals, uint32_t slots, uint32_t sources, uint32_t each,
		 const struct sensor_control *control)
{
	unsigned char frame[FRAME_BYTES];
	size_t bytes = frame_build(FRAME_UDP, frame);

	for (uint32_t n = 0; n < sources * each; n++) {
		uint32_t source = __builtin_bswap32(0x0a000000 + n / each);
		uint32_t table = n % slots * 2 + (EPOCH & 1), index;
		struct table_subject subject = { .prefix_len = PREFIX_LEN_FULL };
		struct table_bucket bucket;
		struct table_entry *entry;
		struct packet packet;
		uint64_t hash;

		__builtin_memcpy(frame + 26, &source, sizeof(source));
		packet_parse(frame, frame + bytes, bytes, &packet);
		subject.address = packet.source;
		subject.peer = packet.destination;
		table_begin(&totals[table], EPOCH);
		table_count_totals(&totals[table], &packet, 0);
		hash = hash_address(&control->keys[0], &subject.address);
		index = table_bucket_index(hash, BUCKETS - 1);
		bucket.header = &headers[(size_t)table * BUCKETS + index];
		bucket.entries = &entries[(size_t)table * BUCKETS + index];
		entry = table_claim(&bucket, &totals[table], index, EPOCH, hash, &subject,
				    packet.bytes);
		if (entry)
			table_add(entry, &subject, &packet, control, RELATION_UNASKED, 0);
	}
}

/* The dirty bits go with the reading; the counts stay, so the same tables can be read again. */
static void mark_dirty(struct table_totals *totals, uint32_t slots)
{
	for (uint32_t slot = 0; slot < slots; slot++)
		for (uint32_t word = 0; word < BUCKETS / 64; word++)
			totals[slot * 2 + (EPOCH & 1)].dirty[word] = ~0ULL;
}

static void measure(const struct bench *bench, const char *variant, uint32_t sources, uint32_t each,
		    const struct sensor_control *control)
{
	uint32_t slots = (sources * each + SOURCES_PER_SLOT - 1) / SOURCES_PER_SLOT;
	struct tables tables = { .bucket_count = BUCKETS, .slots = slots };
	size_t buckets = (size_t)slots * 2 * BUCKETS;
	size_t totals_bytes = (size_t)slots * 2 * sizeof(struct table_totals);
	struct table_header *headers = reserve(buckets * sizeof(*headers));
	struct table_entries *entries = reserve(buckets * sizeof(*entries));
	struct merge merge = { 0 };
	double ns[BENCH_RUNS_MAX];

	tables.headers = headers;
	tables.entries = entries;
	tables.totals = reserve(totals_bytes);
	fill(headers, entries, tables.totals, slots, sources, each, control);
	for (unsigned int run = 0; run <= bench->runs; run++) {
		struct tables_sum sum;
		double start;

		mark_dirty(tables.totals, slots);
		start = bench_clock_ns(CLOCK_THREAD_CPUTIME_ID);
		if (tables_drain(&tables, EPOCH, 0.25, &merge, &sum))
			die("failed to drain: out of memory");
		if (merge.count < sources / 10 * 9)
			die("the drain found %zu of %u sources", merge.count, sources);
		if (run > 0) /* the first one grows the merge, once in a daemon's life */
			ns[run - 1] =
				(bench_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start) / merge.count;
	}
	bench_report("poller", variant, ns, bench->runs);
	merge_free(&merge);
	munmap(headers, buckets * sizeof(*headers));
	munmap(entries, buckets * sizeof(*entries));
	munmap(tables.totals, totals_bytes);
}

void bench_poller(const struct bench *bench)
{
	struct sensor_control *control = calloc(1, sizeof(*control));

	if (!control || getrandom(&control->keys, sizeof(control->keys), 0) < 0 ||
	    getrandom(&control->bitmap_key, sizeof(control->bitmap_key), 0) < 0)
		die("failed to make a key: %m");
	bench_pin(bench->cpu);
	measure(bench, "65536_sources", 65536, 1, control);
	measure(bench, "65536_sources_on_8_cpus", 65536, 8, control);
	measure(bench, "1000000_sources", 1000000, 1, control);
	free(control);
}
