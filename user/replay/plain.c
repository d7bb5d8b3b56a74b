// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See fwgen_xdp(), count_destination() and fwgen_egress() in bpf/fwgen.bpf.c, which these follow
 * step by step, and sensor_flip(), sensor_collect() in sense/sensor.c. A capture shows both
 * directions: each packet arrives at its destination and has left its source.
 */
#include "replay/plain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "model/table_memory.h"
#include "replay/memory.h"
#include "sense/contacts.h"
#include "sense/hot_prefix.h"
#include "sense/tables.h"
#include "sense/restricted.h"
#include "table.h"

/* A table of the sensor's, which reads it through const pointers, and the memory itself. */
struct plain_table {
	struct tables tables;
	struct table_header *headers;
	struct table_entries *entries;
};

struct plain {
	struct sensor_control control;
	struct plain_table sources, destinations;
	struct packet_sample samples[PACKET_SAMPLES];
	struct merge source_merge, destination_merge;
	struct contacts_memory contacts;
	struct hot_prefixes hot;
	uint64_t random;
};

/* Protocols whose answers are larger than their questions, as in sense/sensor.c. */
static const uint16_t amplifier_ports[] = { 17,	 19,  53,   69,	  111,	123,  137,   161,  389,
					    427, 520, 1900, 3283, 3702, 5353, 11211, 27015 };

/* splitmix64 (Steele, Lea and Flood, 2014). */
static uint64_t next_random(struct plain *plain)
{
	uint64_t z = plain->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static struct hash_key new_key(struct plain *plain)
{
	struct hash_key key;

	for (int i = 0; i < 4; i++)
		key.word[i] = next_random(plain);
	key.sum = next_random(plain);
	key.finish = next_random(plain) | 1;
	return key;
}

static void set_ports(__u64 *bitmap, const uint16_t *ports, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bitmap[ports[i] / 64] |= 1ULL << (ports[i] % 64);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static size_t headers_bytes(const struct tables *tables)
{
	return 2 * (size_t)tables->bucket_count * sizeof(struct table_header);
}

static size_t entries_bytes(const struct tables *tables)
{
	return 2 * (size_t)tables->bucket_count * sizeof(struct table_entries);
}

static int open_table(struct plain_table *table, uint32_t buckets)
{
	struct tables *tables = &table->tables;

	tables->bucket_count = buckets;
	tables->slots = 1;
	tables->headers = table->headers = memory_new(headers_bytes(tables));
	tables->entries = table->entries = memory_new(entries_bytes(tables));
	tables->totals = calloc(2, sizeof(struct table_totals));
	return tables->headers && tables->entries && tables->totals ? 0 : -ENOMEM;
}

static void close_table(struct plain_table *table)
{
	memory_free(table->headers, headers_bytes(&table->tables));
	memory_free(table->entries, entries_bytes(&table->tables));
	free(table->tables.totals);
}

static void prepare_control(struct plain *plain, const struct config *config,
			    const struct wake_marks *marks)
{
	struct sensor_control *control = &plain->control;

	control->epoch = 2;
	control->bucket_mask = plain->sources.tables.bucket_count - 1;
	control->destination_bucket_mask = plain->destinations.tables.bucket_count - 1;
	control->destination_every = 1;
	control->keys[0] = new_key(plain);
	control->bitmap_key = new_key(plain);
	control->marks = *marks;
	plain->hot.map_fd = -1;
	plain->hot.control = control;
	set_ports(control->sensitive_ports, config->sensitive_ports, config->sensitive_port_count);
	set_ports(control->amplifier_ports, amplifier_ports,
		  sizeof(amplifier_ports) / sizeof(*amplifier_ports));
	restricted_set(control, config);
}

static int open_contacts(struct plain *plain, struct moment now)
{
	struct contacts *notes = memory_new(sizeof(*notes));

	if (!notes)
		return -ENOMEM;
	/* not learning: what a capture does not show of before is soon said again */
	contacts_init(&plain->contacts, notes, false, now);
	notes->remote_key = new_key(plain);
	notes->local_key = new_key(plain);
	notes->ports_key = next_random(plain) | 1;
	notes->kind_key = next_random(plain) | 1;
	return 0;
}

int plain_open(const struct config *config, const struct wake_marks *marks, struct moment now,
	       struct plain **out)
{
	uint32_t buckets = config->sensor.table_buckets;
	struct plain *plain = calloc(1, sizeof(*plain));

	if (!plain)
		return -ENOMEM;
	if (open_table(&plain->sources, buckets) ||
	    open_table(&plain->destinations, table_memory_destinations(buckets)) ||
	    open_contacts(plain, now)) {
		plain_close(&plain);
		return -ENOMEM;
	}
	prepare_control(plain, config, marks);
	*out = plain;
	return 0;
}

void plain_close(struct plain **out)
{
	struct plain *plain = *out;

	if (!plain)
		return;
	close_table(&plain->sources);
	close_table(&plain->destinations);
	merge_free(&plain->source_merge);
	merge_free(&plain->destination_merge);
	memory_free(plain->contacts.notes, sizeof(struct contacts));
	free(plain);
	*out = NULL;
}

/* ---- a packet -------------------------------------------------------------------------------- */

static struct table_totals *totals_of(struct plain *plain, struct plain_table *table)
{
	struct table_totals *totals = &table->tables.totals[plain->control.epoch & 1];

	table_begin(totals, plain->control.epoch);
	return totals;
}

static struct table_entry *claim(struct plain *plain, struct plain_table *table,
				 struct table_totals *totals, const struct table_subject *subject,
				 uint32_t bytes)
{
	uint32_t epoch = plain->control.epoch, mask = table->tables.bucket_count - 1;
	uint64_t hash = hash_address(&plain->control.keys[epoch & 1], &subject->address);
	uint32_t index = table_bucket_index(hash, mask);
	size_t at = (size_t)(epoch & 1) * table->tables.bucket_count + index;
	struct table_bucket bucket = { &table->headers[at], &table->entries[at] };

	return table_claim(&bucket, totals, index, epoch, hash, subject, bytes);
}

/* An IPv6 source inside a hot prefix is counted as that prefix; all of them are /64. */
static void apply_hot_prefix(const struct plain *plain, struct table_subject *subject)
{
	struct prefix prefix = { .address.halves[0] = subject->address.halves[0], .len = 64 };

	subject->member = subject->address;
	if (!hot_prefixes_has(&plain->hot, &prefix))
		return;
	subject->address = prefix.address;
	subject->prefix_len = prefix.len;
}

static uint32_t relation_of(struct plain *plain, const struct packet *packet,
			    const struct captured *frame, bool dropped)
{
	if (packet->classes & CLASS_SYN)
		return RELATION_UNASKED;
	if (dropped)
		return packet->classes & CLASS_TCP ? RELATION_ANSWER : RELATION_UNASKED;
	return contact_relation(plain->contacts.notes, packet, frame->data, frame->end);
}

/* Whether the poller would get a record of this. */
static bool may_wake(const struct plain *plain, struct table_totals *totals)
{
	if (totals->wakes >= plain->control.marks.per_interval) {
		totals->wakes_lost++;
		return false;
	}
	totals->wakes++;
	return true;
}

static const struct table_entry *count_source(struct plain *plain, const struct packet *packet,
					      const struct captured *frame, bool dropped,
					      uint32_t *relation)
{
	struct table_subject subject = { .address = packet->source,
					 .peer = packet->destination,
					 .prefix_len = PREFIX_LEN_FULL };
	struct table_totals *totals = totals_of(plain, &plain->sources);
	struct table_entry *entry;
	uint32_t news;

	table_count_totals(totals, packet, dropped);
	if (plain->hot.count && packet->flags & PACKET_IPV6)
		apply_hot_prefix(plain, &subject);
	entry = claim(plain, &plain->sources, totals, &subject, packet->bytes);
	*relation = RELATION_UNKNOWN;
	if (!entry)
		return NULL;
	*relation = relation_of(plain, packet, frame, dropped);
	news = table_add(entry, &subject, packet, &plain->control, *relation, dropped);
	if (dropped || !table_wakes(entry, packet, news, &plain->control.marks))
		return NULL;
	return may_wake(plain, totals) ? entry : NULL;
}

static void count_destination(struct plain *plain, const struct packet *packet,
			      const struct captured *frame, bool dropped, uint32_t relation)
{
	struct table_subject subject = { .address = packet->destination,
					 .peer = packet->source,
					 .prefix_len = PREFIX_LEN_FULL,
					 .is_destination = 1 };
	struct table_totals *totals = totals_of(plain, &plain->destinations);
	struct table_entry *entry;

	packet_sample_fill(&plain->samples[totals->packets & (PACKET_SAMPLES - 1)], packet,
			   relation, frame->data, frame->end);
	table_count_totals(totals, packet, dropped);
	entry = claim(plain, &plain->destinations, totals, &subject, packet->bytes);
	if (entry)
		table_add(entry, &subject, packet, &plain->control, relation, dropped);
}

const struct table_entry *plain_packet(struct plain *plain, const struct packet *packet,
				       const struct captured *frame, bool dropped)
{
	const struct table_entry *woke;
	uint32_t relation;

	woke = count_source(plain, packet, frame, dropped, &relation);
	count_destination(plain, packet, frame, dropped, relation);
	/* dropped ones too: in the capture they did arrive, and what answers them is in it */
	contact_note(plain->contacts.notes, packet, frame->data, frame->end);
	return woke;
}

void plain_other(struct plain *plain, const struct captured *frame, enum packet_status status)
{
	struct table_totals *totals = totals_of(plain, &plain->sources);

	if (status != PACKET_TRUNCATED) {
		totals->not_ip++;
		return;
	}
	totals->packets++;
	totals->bytes += frame->wire_bytes;
	totals->other++;
	totals->malformed++;
}

/* ---- an interval ----------------------------------------------------------------------------- */

static void fill_traffic(const struct tables_sum *sum, struct traffic *traffic)
{
	snprintf(traffic->interface, sizeof(traffic->interface), "%s", PLAIN_INTERFACE);
	traffic->packets = sum->packets;
	traffic->bytes = sum->bytes;
	traffic->tcp = sum->tcp;
	traffic->udp = sum->udp;
	traffic->icmp = sum->icmp;
	traffic->other = sum->other;
	traffic->dropped = sum->dropped;
	traffic->dropped_bytes = sum->dropped_bytes;
	traffic->malformed = sum->malformed;
	traffic->not_ip = sum->not_ip;
	traffic->attributed = sum->attributed;
	traffic->unattributed = sum->packets - sum->attributed;
	traffic->sources_estimate = (uint64_t)sum->sources_estimate;
	traffic->wakes = sum->wakes;
	traffic->wakes_lost = sum->wakes_lost;
	traffic->blind_below_pps = sum->blind_below_pps;
}

/*
 * Nothing is counted between the flip and the end of the drain, so that one table of the two is
 * enough: epochs are even. Half the memory is never touched, which the cache is grateful for.
 */
static void flip(struct plain *plain)
{
	plain->control.epoch += 2;
	if (plain->control.epoch == 0)
		plain->control.epoch = 2;
	plain->control.keys[0] = new_key(plain);
}

int plain_collect(struct plain *plain, struct moment start, struct moment end, struct interval *out)
{
	double seconds = (double)(end.boot_ns - start.boot_ns) / NS_PER_SECOND;
	uint32_t epoch = plain->control.epoch;
	struct tables_sum sum, destinations;
	int err, destination_err;

	flip(plain);
	err = tables_drain(&plain->sources.tables, epoch, seconds, &plain->source_merge, &sum);
	destination_err = tables_drain(&plain->destinations.tables, epoch, seconds,
				       &plain->destination_merge, &destinations);
	*out = (struct interval){
		.traffic = { .start = start, .end = end },
		.sources = plain->source_merge.samples,
		.source_count = plain->source_merge.count,
		.destinations = plain->destination_merge.samples,
		.destination_count = plain->destination_merge.count,
		.destination_every = 1,
		.packets = plain->samples,
		.packet_count = destinations.packets < PACKET_SAMPLES ? destinations.packets
								      : PACKET_SAMPLES,
		.contacts = plain->contacts.notes,
	};
	fill_traffic(&sum, &out->traffic);
	hot_prefixes_update(&plain->hot, out->sources, out->source_count);
	contacts_turn(&plain->contacts, end);
	return err ? err : destination_err;
}

void plain_idle(struct plain *plain, struct moment now)
{
	contacts_turn(&plain->contacts, now);
}
