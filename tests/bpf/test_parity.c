// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Do both compilers' builds of include/ do the same? The loaded program on 100,000 generated frames
 * against the same headers compiled here: verdicts, totals, wake records, and both tables byte by
 * byte. Whether what both do is right is asked elsewhere (test_parse, test_table, test_verdict).
 */
#include "bpf/program_world.h"
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "base/address.h"
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
static struct wake_list expected, woken;
static unsigned int drops, wakes; /* proof that the frames reach what they are for */
static struct frames frames;
static struct frame batch[BATCH];
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

static void mirror_source(const struct packet *packet, struct table_totals *totals, int dropped)
{
	struct table_subject subject = { .address = packet->source,
					 .peer = packet->destination,
					 .member = packet->source,
					 .prefix_len = PREFIX_LEN_FULL };
	uint32_t epoch = world.control->epoch, index, news = 0;
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
	entry = table_account(&bucket, totals, index, epoch, hash, &subject, packet, world.control,
			      dropped, &news);
	if (entry && !dropped && table_wakes(entry, packet, news, &world.control->marks))
		mirror_wake(totals, entry);
}

static void mirror_destination(const struct packet *packet, int dropped)
{
	struct table_subject subject = { .address = packet->destination,
					 .peer = packet->source,
					 .prefix_len = PREFIX_LEN_FULL };
	uint32_t epoch = world.control->epoch, index, news = 0;
	struct table_totals *totals = &here->destination_totals[epoch & 1];
	struct table_bucket bucket;
	uint64_t hash;

	table_begin(totals, epoch);
	table_count_totals(totals, packet, dropped);
	hash = hash_address(&world.control->keys[epoch & 1], &subject.address);
	index = table_bucket_index(hash, WORLD_BUCKETS - 1);
	bucket = bucket_of(&here->destinations, index);
	table_account(&bucket, totals, index, epoch, hash, &subject, packet, world.control, dropped,
		      &news);
}

static uint32_t mirror_xdp(const unsigned char *data, uint32_t length)
{
	struct table_totals *totals = &here->totals[world.control->epoch & 1];
	struct packet packet;
	enum packet_status status = packet_parse(data, data + length, length, &packet);
	int dropped = status == PACKET_IP && mirror_verdict(&packet);

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
	mirror_source(&packet, totals, dropped);
	if (totals->packets % world.control->destination_every == 0)
		mirror_destination(&packet, dropped);
	return dropped ? XDP_DROP : XDP_PASS;
}

/* Through a buffer that ends where the frame does, so that the sanitizer sees a read behind it. */
static uint32_t mirror_run(const struct frame *frame)
{
	unsigned char *data = malloc(frame->length);
	uint32_t action;

	assert_non_null(data);
	memcpy(data, frame->bytes, frame->length);
	action = mirror_xdp(data, frame->length);
	free(data);
	return action;
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
	restore(&kernel_sources, &before->sources);
	restore(&kernel_destinations, &before->destinations);
	for (int i = 0; i < BATCH; i++) {
		const char *what;

		expected.count = 0;
		mirror_run(&batch[i]);
		world_run(&world, &batch[i]);
		what = difference();
		if (what) {
			frame_print(&batch[i]);
			fail_msg("the %s differ after this frame", what);
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

		frames_next(&frames, &batch[i]);
		ours = mirror_run(&batch[i]);
		theirs = world_run(&world, &batch[i]);
		if (ours != theirs) {
			frame_print(&batch[i]);
			fail_msg("XDP action %u, expected %u", theirs, ours);
		}
		drops += ours == XDP_DROP;
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

/* Ends the epoch as the poller does. Returns how many frames it has counted. */
static uint64_t end_epoch(uint64_t *attributed, uint64_t *unattributed)
{
	struct sensor_control *control = world.control;
	struct drained ours = { 0 }, theirs = { 0 }, destinations = { 0 };
	uint32_t epoch = control->epoch;

	drain(&ours, here->sources.headers, here->sources.entries, here->totals);
	drain(&theirs, kernel_sources.headers, kernel_sources.entries, kernel_totals);
	assert_int_equal(ours.merge.count, theirs.merge.count);
	for (size_t i = 0; i < ours.merge.count; i++)
		assert_memory_equal(&ours.merge.samples[i].entry, &theirs.merge.samples[i].entry,
				    sizeof(struct table_entry));
	assert_true(theirs.sum.attributed <= theirs.sum.packets);
	*attributed += theirs.sum.attributed;
	*unattributed += theirs.sum.packets - theirs.sum.attributed;
	drain(&destinations, here->destinations.headers, here->destinations.entries,
	      here->destination_totals);
	drain(&destinations, kernel_destinations.headers, kernel_destinations.entries,
	      kernel_destination_totals);

	control->keys[(epoch + 1) & 1] = world_key(epoch);
	control->hot_lengths = epoch / 2 & 1;
	control->destination_every = epoch & 1 ? 8 : 1;
	control->marks = (struct wake_marks){ .packets = 4,
					      .syn = 2,
					      .udp = 3,
					      .icmp = 2,
					      .odd_flags = 2,
					      .ports = 3,
					      .hosts = 3,
					      .per_interval = epoch % 3 ? 2000 : 500,
					      .packets_limit = 5 };
	control->epoch = epoch + 1;
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
	frames_begin(&frames, FRAMES_SEED);
	for (int i = 0; i < FRAMES / BATCH; i++) {
		run_batch(ring);
		if ((i + 1) % BATCHES_AN_EPOCH == 0)
			counted += end_epoch(&attributed, &unattributed);
	}
	ring_buffer__free(ring);
	print_message("%llu attributed, %llu unattributed, %llu not IP\n",
		      (unsigned long long)attributed, (unsigned long long)unattributed,
		      (unsigned long long)(counted - attributed - unattributed));
	assert_int_equal(counted, FRAMES);
	assert_true(attributed > FRAMES / 4 && unattributed > FRAMES / 20);
	assert_true(drops > FRAMES / 50 && wakes > FRAMES / 50);
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
