/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One CPU's interval table on plain memory, in simulated time: a random-source flood at a steady
 * rate and sources that send evenly, packet by packet in the order of their times.
 */
#ifndef FWGEN_TESTS_TABLE_SIM_H
#define FWGEN_TESTS_TABLE_SIM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/frames.h"
#include "sense/tables.h"
#include "table.h"

struct sim {
	struct tables tables;
	struct table_header *headers;
	struct table_entries *entries;
	struct sensor_control control;
	uint32_t relation; /* that packets have to their destination */
	struct frames random;
	struct merge merge;
	struct tables_sum sum;
};

/* A source that sends evenly, and what the drained table says of it. */
struct steady {
	uint32_t number;
	double pps;
	uint32_t sent, attributed;
};

static inline uint64_t sim_random(struct sim *sim)
{
	return (uint64_t)frames_random(&sim->random, UINT32_MAX) << 32 |
	       frames_random(&sim->random, UINT32_MAX);
}

static inline struct hash_key sim_key(struct sim *sim)
{
	struct hash_key key = { .sum = sim_random(sim), .finish = sim_random(sim) | 1 };

	for (int i = 0; i < 4; i++)
		key.word[i] = sim_random(sim);
	return key;
}

/* The next interval: new key, new epoch, as sensor_flip does. */
static inline void sim_flip(struct sim *sim)
{
	sim->control.epoch++;
	sim->control.keys[sim->control.epoch & 1] = sim_key(sim);
}

static inline void sim_open(struct sim *sim, uint32_t buckets, uint64_t seed)
{
	memset(sim, 0, sizeof(*sim));
	frames_begin(&sim->random, seed);
	sim->headers = calloc(2 * buckets, sizeof(*sim->headers));
	sim->entries = calloc(2 * buckets, sizeof(*sim->entries));
	sim->tables = (struct tables){ .headers = sim->headers,
				       .entries = sim->entries,
				       .totals = calloc(2, sizeof(struct table_totals)),
				       .bucket_count = buckets,
				       .slots = 1 };
	assert_true(sim->headers && sim->entries && sim->tables.totals);
	sim->control.epoch = 1;
	sim->control.bitmap_key = sim_key(sim);
	memset(&sim->control.marks, 0xff, sizeof(sim->control.marks));
	sim_flip(sim);
}

static inline void sim_close(struct sim *sim)
{
	merge_free(&sim->merge);
	free(sim->tables.totals);
	free(sim->headers);
	free(sim->entries);
}

static inline struct table_totals *sim_totals(struct sim *sim)
{
	return &sim->tables.totals[sim->control.epoch & 1];
}

static inline struct address sim_address(uint32_t number)
{
	return (struct address){ .words = { 0, 0, PACKET_MAPPED_WORD, number } };
}

static inline struct packet sim_tcp(const struct address *source, uint16_t port, uint8_t flags)
{
	return (struct packet){
		.source = *source,
		.destination = sim_address(0x0100007f),
		.bytes = 60,
		.classes = (flags & (TCP_SYN | TCP_ACK)) == TCP_SYN ? CLASS_SYN : CLASS_TCP,
		.protocol = PROTOCOL_TCP,
		.tcp_flags = flags,
		.source_port = 40000,
		.destination_port = port,
	};
}

/* A bucket of the running interval. */
static inline struct table_bucket sim_bucket(struct sim *sim, uint32_t index)
{
	size_t at = (sim->control.epoch & 1) * sim->tables.bucket_count + index;

	return (struct table_bucket){ &sim->headers[at], &sim->entries[at] };
}

/* Counts the packet as fwgen_xdp does. Returns its entry, or NULL. */
static inline struct table_entry *sim_packet(struct sim *sim, const struct packet *packet)
{
	struct table_subject subject = { .address = packet->source,
					 .peer = packet->destination,
					 .prefix_len = PREFIX_LEN_FULL };
	uint32_t epoch = sim->control.epoch, index;
	struct table_totals *totals = sim_totals(sim);
	struct table_bucket bucket;
	struct table_entry *entry;
	uint64_t hash;

	table_begin(totals, epoch);
	table_count_totals(totals, packet, 0);
	hash = hash_address(&sim->control.keys[epoch & 1], &subject.address);
	index = table_bucket_index(hash, sim->tables.bucket_count - 1);
	bucket = sim_bucket(sim, index);
	entry = table_claim(&bucket, totals, index, epoch, hash, &subject, packet->bytes);
	if (entry)
		table_add(entry, &subject, packet, &sim->control, sim->relation, 0);
	return entry;
}

static inline struct table_entry *sim_source(struct sim *sim, uint32_t number)
{
	struct address address = sim_address(number);
	struct packet packet = sim_tcp(&address, 80, TCP_ACK);

	return sim_packet(sim, &packet);
}

static inline void sim_drain(struct sim *sim, double seconds)
{
	assert_int_equal(
		tables_drain(&sim->tables, sim->control.epoch, seconds, &sim->merge, &sim->sum), 0);
}

/* The drained sample of a source, or NULL. */
static inline const struct table_entry *sim_sample(const struct sim *sim, uint32_t number)
{
	struct address address = sim_address(number);

	for (size_t i = 0; i < sim->merge.count; i++)
		if (!memcmp(&sim->merge.samples[i].entry.address, &address, sizeof(address)))
			return &sim->merge.samples[i].entry;
	return NULL;
}

/* ---- a flood and steady sources ------------------------------------------------------------- */

struct sim_event {
	double at;
	uint32_t who;
};

static inline int sim_compare(const void *a, const void *b)
{
	double left = ((const struct sim_event *)a)->at, right = ((const struct sim_event *)b)->at;

	return (left > right) - (left < right);
}

static inline struct sim_event *sim_schedule(struct sim *sim, struct steady *sources, size_t n,
					     double seconds, size_t *count)
{
	struct sim_event *events;
	size_t most = 0;

	for (size_t i = 0; i < n; i++)
		most += (size_t)(sources[i].pps * seconds) + 2;
	events = calloc(most + 1, sizeof(*events));
	assert_non_null(events);
	*count = 0;
	for (size_t i = 0; i < n; i++) {
		double gap = 1 / sources[i].pps;
		double at = gap * frames_random(&sim->random, 1 << 20) / (1 << 20);

		sources[i].sent = 0;
		for (; at < seconds; at += gap, sources[i].sent++)
			events[(*count)++] = (struct sim_event){ at, (uint32_t)i };
	}
	qsort(events, *count, sizeof(*events), sim_compare);
	return events;
}

/* One interval: the flood and the sources, drained, what each source got back in `attributed`. */
static inline void sim_interval(struct sim *sim, double flood_pps, struct steady *sources, size_t n,
				double seconds)
{
	uint64_t flood = (uint64_t)(flood_pps * seconds);
	size_t count, next = 0;
	struct sim_event *events = sim_schedule(sim, sources, n, seconds, &count);

	for (uint64_t i = 0; i <= flood; i++) {
		double now = i < flood ? i / flood_pps : seconds;

		for (; next < count && events[next].at <= now; next++)
			sim_source(sim, sources[events[next].who].number);
		if (i < flood)
			sim_source(sim, (uint32_t)sim_random(sim) | 1);
	}
	free(events);
	sim_drain(sim, seconds);
	for (size_t i = 0; i < n; i++)
		sources[i].attributed = 0;
	for (size_t i = 0; i < sim->merge.count; i++) {
		const struct table_entry *entry = &sim->merge.samples[i].entry;
		uint32_t number = entry->address.words[3];

		/* steady sources are even numbers in a row, flooding ones are odd */
		if (!(number & 1) && number / 2 < n)
			sources[number / 2].attributed = entry->packets;
	}
	sim_flip(sim);
}

#endif
