// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Do both compilers' builds of include/ do the same? The loaded programs on 100,000 generated
 * frames, some of which leave, some answer those, against the same headers compiled here: verdicts,
 * totals, wake records, samples, and tables and notes byte by byte. Whether what both do is right
 * is asked elsewhere (test_parse, test_table, test_contact, test_verdict).
 */
#include "bpf/program_world.h"
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "base/address.h"
#include "bpf/exchange.h"
#include "parse.h"
#include "sense/tables.h"
#include "table.h"

#define FRAMES		 100000
#define BATCH		 1000
#define BATCHES_AN_EPOCH 5
#define WAKES_MAX	 1500

/* The tables of one side; destination buckets are WORLD_BUCKETS too. */
struct table {
	struct table_header headers[2 * WORLD_BUCKETS];
	struct table_entries entries[2 * WORLD_BUCKETS];
};

struct side {
	struct table sources, destinations;
	struct table_totals totals[2], destination_totals[2];
	struct packet_sample samples[2 * PACKET_SAMPLES];
	struct contacts contacts;
};

/* The kernel's, as it is mapped. */
struct kernel_table {
	struct table_header *headers;
	struct table_entries *entries;
};

struct wake_list {
	size_t count;
	struct wake_record records[WAKES_MAX];
};

static struct world world;
static struct side *here, *before; /* ours, and as it was when the batch began */
static struct kernel_table kernel_sources, kernel_destinations;
static struct table_totals *kernel_totals, *kernel_destination_totals;
static struct packet_sample *kernel_samples;
static struct contacts_memory our_contacts; /* over here->contacts */
static struct wake_list expected, woken;
static unsigned int drops, wakes; /* proof that the frames reach what they are for */
static unsigned int left, relations[RELATION_ASSUMED + 1];
static struct {
	unsigned int wrong_acks, later_fragments, echo_replies, errors_ours, errors_others;
	unsigned int multicast, strays, restricted, hot;
} reached;
static struct exchange exchange;
static struct exchange_frame batch[BATCH];
static struct prefix hot;

/* ---- fwgen_xdp, compiled by cc ----------------------------------------------------------------
 */

struct blocked {
	const char *prefix;
	uint32_t classes;
};

static const struct blocked blocked[] = {
	{ "192.0.2.3", CLASS_ALL },	   { "192.0.2.4", CLASS_UDP },
	{ "192.0.2.8/29", CLASS_SYN },	   { "198.18.4.0/22", CLASS_ALL },
	{ "2001:db8::5", CLASS_ALL },	   { "2001:db8::6", CLASS_FRAGMENT },
	{ "2001:db8:64::/64", CLASS_ALL }, { "2001:db8::10/124", CLASS_ICMP | CLASS_OTHER },
};
static const char *const spared[] = { "192.0.2.9", "198.18.5.0/26", "2001:db8::12" };

static bool covers(const char *text, const struct packet *packet)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix_contains(&prefix, &packet->source);
}

/* The verdict by the words of the design, not by its data structures. */
static int mirror_verdict(const struct packet *packet)
{
	for (size_t i = 0; i < sizeof(spared) / sizeof(*spared); i++)
		if (covers(spared[i], packet))
			return 0;
	for (size_t i = 0; i < sizeof(blocked) / sizeof(*blocked); i++)
		if ((blocked[i].classes & packet->classes) && covers(blocked[i].prefix, packet))
			return 1;
	return 0;
}

static void mirror_wake(struct table_totals *totals, const struct table_entry *entry)
{
	struct wake_record *record = &expected.records[expected.count];

	if (totals->wakes >= world.control->marks.per_interval) {
		totals->wakes_lost++;
		return;
	}
	totals->wakes++;
	record->epoch = world.control->epoch;
	record->cpu = (uint32_t)world.cpu;
	record->entry = *entry;
	expected.count++;
}

static struct table_bucket bucket_of(struct table *table, uint32_t index)
{
	size_t at = (world.control->epoch & 1) * WORLD_BUCKETS + index;

	return (struct table_bucket){ &table->headers[at], &table->entries[at] };
}

/* Whether it is an ACK in a flow where a handshake waits for its own. */
static bool answers_pending(const struct packet *packet)
{
	struct contacts *notes = &here->contacts;
	uint64_t ends = contact_ends(notes, &packet->source, &packet->destination), flow;

	flow = contact_hash(notes, ends, contact_ports(packet), CONTACT_FLOW | packet->protocol);
	return packet->tcp_flags == TCP_ACK && !contact_no_ports(packet) &&
	       *contact_pending(contact_line(notes, flow), flow);
}

static void count_reached(const struct packet *packet, uint32_t relation, bool pending)
{
	bool icmp = packet->classes & CLASS_ICMP && !contact_no_ports(packet);
	bool answers = relation == RELATION_ANSWER;

	relations[relation]++;
	reached.wrong_acks += pending && relation != RELATION_COMPLETES;
	reached.strays += relation == RELATION_UNASKED && packet->classes & CLASS_TCP &&
			  packet->tcp_flags == TCP_ACK;
	reached.later_fragments += answers && packet->flags & PACKET_LATER_FRAGMENT;
	reached.errors_ours += icmp && relation == RELATION_RELATED && contact_is_error(packet);
	reached.errors_others += icmp && relation == RELATION_UNASKED && contact_is_error(packet);
	reached.echo_replies += icmp && answers && !contact_is_error(packet);
	reached.multicast += relation == RELATION_RELATED && packet->classes & CLASS_UDP &&
			     contact_is_multicast(&packet->destination);
}

static void check_reached(void)
{
	const unsigned int *counts = (const unsigned int *)&reached;

	print_message("%u ACKs of a wrong number, %u later fragments and %u echo replies that "
		      "answer, %u ICMP errors about what left and %u about other, %u to groups, "
		      "%u strays; %u sources with tries of restricted ports, %u targets of hot "
		      "prefixes\n",
		      reached.wrong_acks, reached.later_fragments, reached.echo_replies,
		      reached.errors_ours, reached.errors_others, reached.multicast, reached.strays,
		      reached.restricted, reached.hot);
	for (size_t i = 0; i < sizeof(reached) / sizeof(*counts); i++)
		assert_in_range(counts[i], 20, FRAMES);
}

/* A blocked source's packets are not looked up. */
static uint32_t mirror_relation(const struct packet *packet, const unsigned char *data,
				uint32_t length, int dropped)
{
	bool pending = answers_pending(packet);
	uint32_t relation;

	if (dropped && !(packet->classes & CLASS_SYN))
		return packet->classes & CLASS_TCP ? RELATION_ANSWER : RELATION_UNASKED;
	relation = contact_relation(&here->contacts, packet, data, data + length);
	count_reached(packet, relation, pending);
	return relation;
}

static void mirror_source(const struct packet *packet, const unsigned char *data, uint32_t length,
			  struct table_totals *totals, int dropped)
{
	struct table_subject subject = { .address = packet->source,
					 .peer = packet->destination,
					 .member = packet->source,
					 .prefix_len = PREFIX_LEN_FULL };
	uint32_t epoch = world.control->epoch, index, news;
	struct table_bucket bucket;
	struct table_entry *entry;
	uint64_t hash;

	if (world.control->hot_lengths && (packet->flags & PACKET_IPV6) &&
	    prefix_contains(&hot, &packet->source)) {
		subject.address = hot.address;
		subject.prefix_len = hot.len;
	}
	hash = hash_address(&world.control->keys[epoch & 1], &subject.address);
	index = table_bucket_index(hash, WORLD_BUCKETS - 1);
	bucket = bucket_of(&here->sources, index);
	entry = table_claim(&bucket, totals, index, epoch, hash, &subject, packet->bytes);
	totals->relation =
		entry ? mirror_relation(packet, data, length, dropped) : RELATION_UNKNOWN;
	if (!entry)
		return;
	news = table_add(entry, &subject, packet, world.control, totals->relation, dropped);
	if (!dropped && table_wakes(entry, packet, news, &world.control->marks))
		mirror_wake(totals, entry);
}

static void mirror_destination(const struct packet *packet, const unsigned char *data,
			       uint32_t length, uint32_t relation, int dropped)
{
	struct table_subject subject = { .address = packet->destination,
					 .peer = packet->source,
					 .prefix_len = PREFIX_LEN_FULL,
					 .is_destination = 1 };
	uint32_t epoch = world.control->epoch, index;
	struct table_totals *totals = &here->destination_totals[epoch & 1];
	struct packet_sample *samples = &here->samples[(epoch & 1) * PACKET_SAMPLES];
	struct table_bucket bucket;
	struct table_entry *entry;
	uint64_t hash;

	table_begin(totals, epoch);
	packet_sample_fill(&samples[totals->packets % PACKET_SAMPLES], packet, relation, data,
			   data + length);
	table_count_totals(totals, packet, dropped);
	hash = hash_address(&world.control->keys[epoch & 1], &subject.address);
	index = table_bucket_index(hash, WORLD_BUCKETS - 1);
	bucket = bucket_of(&here->destinations, index);
	entry = table_claim(&bucket, totals, index, epoch, hash, &subject, packet->bytes);
	if (entry)
		table_add(entry, &subject, packet, world.control, relation, dropped);
}

#define TEST_INTERFACE 1 /* a test run is on its namespace's loopback */

static uint32_t mirror_xdp(const unsigned char *data, uint32_t length)
{
	struct table_totals *totals = &here->totals[world.control->epoch & 1];
	struct packet packet;
	enum packet_status status = packet_parse(data, data + length, length, &packet);
	int dropped = status == PACKET_IP && mirror_verdict(&packet);

	packet.interface = TEST_INTERFACE;
	table_begin(totals, world.control->epoch);
	if (status == PACKET_TRUNCATED) {
		totals->packets++;
		totals->bytes += packet.bytes;
		totals->other++;
		totals->malformed++;
		return XDP_PASS;
	}
	if (status == PACKET_NOT_IP) {
		totals->not_ip++;
		return XDP_PASS;
	}
	table_count_totals(totals, &packet, dropped);
	mirror_source(&packet, data, length, totals, dropped);
	if (totals->packets % world.control->destination_every == 0)
		mirror_destination(&packet, data, length, totals->relation, dropped);
	return dropped ? XDP_DROP : XDP_PASS;
}

/* Says nothing of what becomes of the frame. */
static uint32_t mirror_egress(const unsigned char *data, uint32_t length)
{
	struct packet packet;

	if (packet_parse(data, data + length, length, &packet) != PACKET_IP)
		return (uint32_t)TC_ACT_UNSPEC;
	packet.interface = TEST_INTERFACE;
	contact_note(&here->contacts, &packet, data, data + length);
	return (uint32_t)TC_ACT_UNSPEC;
}

/* Through a buffer that ends where the frame does, so that the sanitizer sees a read behind it. */
static uint32_t mirror_run(const struct exchange_frame *item)
{
	const struct frame *frame = &item->frame;
	unsigned char *data = malloc(frame->length);
	uint32_t action;

	assert_non_null(data);
	memcpy(data, frame->bytes, frame->length);
	action = (item->leaves ? mirror_egress : mirror_xdp)(data, frame->length);
	free(data);
	return action;
}

static uint32_t kernel_run(const struct exchange_frame *item)
{
	return (item->leaves ? world_leave : world_run)(&world, &item->frame);
}

/* ---- comparing --------------------------------------------------------------------------------
 */

static int take_wake(void *context, void *data, size_t size)
{
	(void)context;
	assert_int_equal(size, sizeof(struct wake_record));
	assert_true(woken.count < WAKES_MAX);
	memcpy(&woken.records[woken.count++], data, size);
	return 0;
}

static bool differs(const struct table *ours, const struct kernel_table *theirs)
{
	return memcmp(ours->headers, theirs->headers, sizeof(ours->headers)) ||
	       memcmp(ours->entries, theirs->entries, sizeof(ours->entries));
}

static void restore(struct kernel_table *theirs, const struct table *ours)
{
	memcpy(theirs->headers, ours->headers, sizeof(ours->headers));
	memcpy(theirs->entries, ours->entries, sizeof(ours->entries));
}

static const char *difference(void)
{
	if (memcmp(here->totals, kernel_totals, sizeof(here->totals)))
		return "totals";
	if (memcmp(here->destination_totals, kernel_destination_totals,
		   sizeof(here->destination_totals)))
		return "destination totals";
	if (memcmp(here->samples, kernel_samples, sizeof(here->samples)))
		return "samples";
	if (memcmp(&here->contacts, world.contacts.notes, sizeof(here->contacts)))
		return "notes of what left";
	if (differs(&here->sources, &kernel_sources))
		return "source table";
	if (differs(&here->destinations, &kernel_destinations))
		return "destination table";
	return NULL;
}

/* Runs the batch again from where it began, frame by frame, and shows the first that differs. */
static void show_frame(void)
{
	*here = *before;
	memcpy(kernel_totals, before->totals, sizeof(before->totals));
	memcpy(kernel_destination_totals, before->destination_totals,
	       sizeof(before->destination_totals));
	memcpy(kernel_samples, before->samples, sizeof(before->samples));
	memcpy(world.contacts.notes, &before->contacts, sizeof(before->contacts));
	restore(&kernel_sources, &before->sources);
	restore(&kernel_destinations, &before->destinations);
	for (int i = 0; i < BATCH; i++) {
		const char *what;

		expected.count = 0;
		mirror_run(&batch[i]);
		kernel_run(&batch[i]);
		what = difference();
		if (what) {
			frame_print(&batch[i].frame);
			fail_msg("the %s differ after this frame, which %s", what,
				 batch[i].leaves ? "leaves" : "arrives");
		}
	}
	fail_msg("the batch differs, but not when it is run again");
}

static void compare_wakes(struct ring_buffer *ring)
{
	woken.count = 0;
	assert_true(ring_buffer__consume(ring) >= 0);
	assert_int_equal(woken.count, expected.count);
	assert_memory_equal(woken.records, expected.records,
			    expected.count * sizeof(*expected.records));
	wakes += expected.count;
	expected.count = 0;
}

static void run_batch(struct ring_buffer *ring)
{
	*before = *here;
	for (int i = 0; i < BATCH; i++) {
		uint32_t ours, theirs;

		exchange_next(&exchange, &batch[i]);
		ours = mirror_run(&batch[i]);
		theirs = kernel_run(&batch[i]);
		if (ours != theirs) {
			frame_print(&batch[i].frame);
			fail_msg("verdict %u, expected %u", theirs, ours);
		}
		left += batch[i].leaves;
		drops += !batch[i].leaves && ours == XDP_DROP;
	}
	if (difference())
		show_frame();
	compare_wakes(ring);
}

struct drained {
	struct merge merge;
	struct tables_sum sum;
};

static void drain(struct drained *out, const struct table_header *headers,
		  const struct table_entries *entries, struct table_totals *totals)
{
	struct tables tables = { .headers = headers,
				 .entries = entries,
				 .totals = totals,
				 .bucket_count = WORLD_BUCKETS,
				 .slots = 1 };

	assert_int_equal(tables_drain(&tables, world.control->epoch, 0.25, &out->merge, &out->sum),
			 0);
}

/* Half a minute of the notes' time: the third epoch is past the learning, every second one turns.
 */
static void turn_contacts(uint32_t epoch)
{
	struct moment now = { .boot_ns = epoch * 30 * NS_PER_SECOND };

	if (epoch == 4) {
		our_contacts.learning_until_ns = now.boot_ns + CONTACTS_LEARNING_NS;
		world.contacts.learning_until_ns = our_contacts.learning_until_ns;
	}
	contacts_turn(&our_contacts, now);
	contacts_turn(&world.contacts, now);
}

/* Ends the epoch as the poller does. Returns how many frames it has counted. */
static uint64_t end_epoch(uint64_t *attributed, uint64_t *unattributed)
{
	struct sensor_control *control = world.control;
	struct drained ours = { 0 }, theirs = { 0 }, destinations = { 0 };
	uint32_t epoch = control->epoch;

	drain(&ours, here->sources.headers, here->sources.entries, here->totals);
	drain(&theirs, kernel_sources.headers, kernel_sources.entries, kernel_totals);
	assert_int_equal(ours.merge.count, theirs.merge.count);
	for (size_t i = 0; i < ours.merge.count; i++) {
		const struct table_entry *entry = &ours.merge.samples[i].entry;

		assert_memory_equal(entry, &theirs.merge.samples[i].entry, sizeof(*entry));
		reached.restricted += entry->restricted_tries > 0;
		if (entry->prefix_len != PREFIX_LEN_FULL)
			reached.hot += entry->distinct_targets;
	}
	assert_true(theirs.sum.attributed <= theirs.sum.packets);
	*attributed += theirs.sum.attributed;
	*unattributed += theirs.sum.packets - theirs.sum.attributed;
	drain(&destinations, here->destinations.headers, here->destinations.entries,
	      here->destination_totals);
	drain(&destinations, kernel_destinations.headers, kernel_destinations.entries,
	      kernel_destination_totals);

	control->keys[(epoch + 1) & 1] = world_key(epoch);
	control->hot_lengths = epoch / 2 & 1;
	control->restricted = epoch / 3 & 1;
	control->destination_every = epoch & 1 ? 8 : 1;
	control->marks = (struct wake_marks){ .packets = 4,
					      .syn = 2,
					      .udp = 3,
					      .icmp = 2,
					      .odd_flags = 2,
					      .targets = 3,
					      .hosts = 3,
					      .per_interval = epoch % 3 ? 2000 : 500,
					      .packets_limit = 5 };
	control->epoch = epoch + 1;
	turn_contacts(epoch);
	merge_free(&ours.merge);
	merge_free(&theirs.merge);
	merge_free(&destinations.merge);
	return theirs.sum.packets + theirs.sum.not_ip;
}

/* ---- the tests ----------------------------------------------------------------------------------
 */

static void both_builds_agree(void **state)
{
	struct ring_buffer *ring =
		ring_buffer__new(bpf_map__fd(world.bpf->maps.wakes), take_wake, NULL, NULL);
	uint64_t counted = 0, attributed = 0, unattributed = 0;

	(void)state;
	assert_non_null(ring);
	print_message("%d frames of seed %d\n", FRAMES, FRAMES_SEED);
	exchange_begin(&exchange, FRAMES_SEED);
	for (int i = 0; i < FRAMES / BATCH; i++) {
		run_batch(ring);
		if ((i + 1) % BATCHES_AN_EPOCH == 0)
			counted += end_epoch(&attributed, &unattributed);
	}
	ring_buffer__free(ring);
	print_message("%llu attributed, %llu unattributed, %llu not IP\n",
		      (unsigned long long)attributed, (unsigned long long)unattributed,
		      (unsigned long long)(counted - attributed - unattributed));
	assert_int_equal(counted + left, FRAMES);
	assert_true(attributed > FRAMES / 4 && unattributed > FRAMES / 20);
	assert_true(drops > FRAMES / 50 && wakes > FRAMES / 50);
	for (int i = 0; i <= RELATION_ASSUMED; i++) {
		print_message("relation %d: %u\n", i, relations[i]);
		assert_true(relations[i] > FRAMES / 1000);
	}
	check_reached();
}

/* A CPU without a table: its frames get their verdict, and are counted as overflow. */
static void cpu_without_table_overflows(void **state)
{
	struct table_totals totals = kernel_totals[world.control->epoch & 1];
	struct frame drop, pass;

	(void)state;
	world.control->cpu_slot[world.cpu] = SLOT_NONE;
	frame_tcp4(&drop, 0xc0000203, 80, 0x10);
	frame_tcp4(&pass, 0xc0000205, 80, 0x10);
	assert_int_equal(world_run(&world, &drop), XDP_DROP);
	assert_int_equal(world_run(&world, &pass), XDP_PASS);
	assert_int_equal(world.control->overflow_packets[world.cpu], 2);
	assert_int_equal(world.control->cpu_wanted[world.cpu], 1);
	assert_memory_equal(&kernel_totals[world.control->epoch & 1], &totals, sizeof(totals));
	world.control->cpu_slot[world.cpu] = 1;
}

static void *map_whole(const struct bpf_map *map, size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	assert_true(at != MAP_FAILED);
	return at;
}

static void add_blocks(void)
{
	struct moment now = moment_now();
	struct protected_list list = { 0 };
	struct prefix prefix;

	for (size_t i = 0; i < sizeof(blocked) / sizeof(*blocked); i++) {
		struct rule rule = { .id = (uint32_t)i + 1,
				     .classes = blocked[i].classes,
				     .expires = moment_plus(now, 600 * NS_PER_SECOND) };

		assert_int_equal(prefix_parse(blocked[i].prefix, &rule.prefix), 0);
		assert_int_equal(dropmap_put(world.dropmap, &rule, now), 0);
	}
	for (size_t i = 0; i < sizeof(spared) / sizeof(*spared); i++) {
		assert_int_equal(prefix_parse(spared[i], &prefix), 0);
		assert_int_equal(protected_list_add(&list, &prefix, "test"), 0);
	}
	assert_int_equal(dropmap_protect(world.dropmap, &list), 0);
	protected_list_free(&list);
}

static int make_world(void **state)
{
	uint8_t one = 1;

	(void)state;
	world_open(&world, NULL);
	here = calloc(1, sizeof(*here));
	before = calloc(1, sizeof(*before));
	assert_true(here && before);
	kernel_sources.headers =
		map_whole(world.bpf->maps.source_headers, sizeof(here->sources.headers));
	kernel_sources.entries =
		map_whole(world.bpf->maps.source_entries, sizeof(here->sources.entries));
	kernel_destinations.headers =
		map_whole(world.bpf->maps.destination_headers, sizeof(here->destinations.headers));
	kernel_destinations.entries =
		map_whole(world.bpf->maps.destination_entries, sizeof(here->destinations.entries));
	kernel_totals = map_whole(world.bpf->maps.source_totals, sizeof(here->totals));
	kernel_samples = map_whole(world.bpf->maps.packet_samples, sizeof(here->samples));
	contacts_init(&our_contacts, &here->contacts, true, (struct moment){ 0 });
	here->contacts.remote_key = world_key(4);
	here->contacts.local_key = world_key(5);
	here->contacts.ports_key = world_key(6).finish;
	here->contacts.kind_key = world_key(7).finish;
	*world.contacts.notes = here->contacts;
	world.contacts.learning_until_ns = our_contacts.learning_until_ns;
	world.contacts.turned = our_contacts.turned;
	kernel_destination_totals =
		map_whole(world.bpf->maps.destination_totals, sizeof(here->destination_totals));
	add_blocks();
	assert_int_equal(prefix_parse("2001:db8:64::/64", &hot), 0);
	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(world.bpf->maps.hot_prefixes), &hot, &one, BPF_ANY),
		0);
	world.control->hot_length[0] = 64;
	for (int port = 22; port < 65536; port += 367) /* 22 and 3325, ...; 389, ... */
		world.control->sensitive_ports[port / 64] |= 1ULL << (port % 64);
	for (int port = 443; port < 65536; port += 100)
		world.control->restricted_ports[0][port / 64] |= 1ULL << (port % 64);
	for (int port = 123; port < 65536; port += 100)
		world.control->restricted_ports[1][port / 64] |= 1ULL << (port % 64);
	for (int port = 53; port < 65536; port += 35)
		world.control->amplifier_ports[port / 64] |= 1ULL << (port % 64);
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	world_close(&world, false);
	free(here);
	free(before);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_builds_agree),
		cmocka_unit_test(cpu_without_table_overflows),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
