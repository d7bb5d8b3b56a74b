// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entries of several CPUs become one sample per source: sums that stop at their maximum, bitmaps
 * or-ed, and totals over CPUs by tables_drain.
 */
#include "unit/table_sim.h"

static struct table_entry entry_of(uint32_t number)
{
	return (struct table_entry){ .address = sim_address(number), .prefix_len = 128 };
}

static void add(struct merge *merge, const struct table_entry *entry)
{
	assert_int_equal(merge_add(merge, entry, 7), 0);
}

static void counters_add_up(void **state)
{
	struct table_entry a = entry_of(1), b = entry_of(1);
	const struct table_entry *sum;
	struct merge merge = { 0 };

	(void)state;
	a.bytes = 1ULL << 40, b.bytes = 5;
	a.packets = 10, b.packets = 20;
	a.answers = 1, b.answers = 2;
	a.udp = 3, b.udp = 4;
	a.icmp = 5, b.icmp = 6;
	a.syn = 7, b.syn = 8;
	a.established = 9, b.established = 10;
	a.dropped = 11, b.dropped = 12;
	a.malformed = 13, b.malformed = 14;
	a.fragments = 15, b.fragments = 16;
	a.syn_ack = 17, b.syn_ack = 18;
	a.stray = 19, b.stray = 20;
	a.odd_flags = 21, b.odd_flags = 22;
	a.sensitive = 23, b.sensitive = 24;
	a.amplifier = 25, b.amplifier = 26;
	a.other = 27, b.other = 28;
	a.protocols = 1, b.protocols = 4;
	a.restricted_tries = 29, b.restricted_tries = 30;
	a.restricted_port = 22, b.restricted_port = 161;
	b.restricted_udp = 1;
	b.assumed = 1;
	add(&merge, &a);
	add(&merge, &b);
	assert_int_equal(merge.count, 1);
	assert_int_equal(merge.samples[0].ifindex, 7);
	sum = &merge.samples[0].entry;
	assert_true(sum->bytes == (1ULL << 40) + 5 && sum->packets == 30);
	assert_true(sum->answers == 3 && sum->udp == 7 && sum->icmp == 11 && sum->syn == 15);
	assert_true(sum->established == 19 && sum->dropped == 23 && sum->malformed == 27);
	assert_true(sum->fragments == 31 && sum->syn_ack == 35 && sum->stray == 39);
	assert_true(sum->odd_flags == 43 && sum->sensitive == 47 && sum->amplifier == 51);
	assert_true(sum->other == 55 && sum->protocols == 5 && sum->assumed == 1);
	assert_true(sum->restricted_tries == 59 && sum->restricted_port == 161 &&
		    sum->restricted_udp == 1);
	b.restricted_tries = 0; /* its port is none then */
	b.restricted_port = 0;
	add(&merge, &b);
	assert_true(sum->restricted_tries == 59 && sum->restricted_port == 161);
	merge_free(&merge);
}

static void counters_stop_at_their_maximum(void **state)
{
	struct table_entry entry = entry_of(1);
	const struct table_entry *sum;
	struct merge merge = { 0 };

	(void)state;
	entry.packets = entry.syn = 0xf0000000;
	entry.stray = entry.other = entry.established = 0xfff0;
	entry.sensitive = entry.restricted_tries = 0xf0;
	for (int cpu = 0; cpu < 3; cpu++)
		add(&merge, &entry);
	sum = &merge.samples[0].entry;
	assert_true(sum->packets == UINT32_MAX && sum->syn == UINT32_MAX);
	assert_true(sum->stray == 0xffff && sum->other == 0xffff && sum->established == 0xffff);
	assert_true(sum->sensitive == 0xff && sum->restricted_tries == 0xff);
	merge_free(&merge);
}

/* What two CPUs saw is not counted twice. The larger part says where it went last. */
static void bitmaps_are_joined(void **state)
{
	struct table_entry a = entry_of(1), b = entry_of(1);
	const struct table_entry *sum;
	struct merge merge = { 0 };

	(void)state;
	a.ports[TRY_TCP] = 0xf, b.ports[TRY_TCP] = 0x3c;
	b.ports[TRY_OTHER] = 1;
	a.hosts[TRY_TCP] = 6, a.hosts[TRY_OTHER] = 1, a.distinct_hosts = 3;
	b.hosts[TRY_TCP] = 12, b.hosts[TRY_OTHER] = 1ULL << 63, b.distinct_hosts = 3;
	a.targets = 0x1f, a.distinct_targets = 5;
	b.targets = 0x3c | 1ULL << 63, b.distinct_targets = 5;
	a.packets = 5, a.last_port = 80, a.last_protocol = 6, a.last_peer = 1;
	b.packets = 6, b.last_port = 443, b.last_protocol = 17, b.last_peer = 2;
	b.last_address = sim_address(99);
	add(&merge, &a);
	add(&merge, &b);
	sum = &merge.samples[0].entry;
	assert_true(sum->ports[TRY_TCP] == 0x3f && sum->ports[TRY_OTHER] == 1);
	assert_true(sum->hosts[TRY_TCP] == 14 && sum->hosts[TRY_OTHER] == (1 | 1ULL << 63));
	assert_true(sum->targets == (0x3f | 1ULL << 63));
	assert_true(sum->distinct_targets == 7 && sum->distinct_hosts == 5);
	assert_true(sum->last_port == 443 && sum->last_protocol == 17 && sum->last_peer == 2);
	assert_memory_equal(&sum->last_address, &b.last_address, 16);
	/* all 128 bits of hosts are one more than the number holds */
	a.hosts[TRY_TCP] = a.hosts[TRY_OTHER] = a.targets = ~0ULL;
	add(&merge, &a);
	assert_true(sum->distinct_hosts == 127 && sum->distinct_targets == 64);
	merge_free(&merge);
}

/* A prefix has members where an address has its last peer. */
static void members_are_joined(void **state)
{
	struct table_entry a = entry_of(1), b = entry_of(1);
	const struct table_entry *sum;
	struct merge merge = { 0 };

	(void)state;
	a.prefix_len = b.prefix_len = 64;
	a.packets = 5, a.members = 1;
	b.packets = 6, b.members = 2, b.last_port = 443;
	add(&merge, &a);
	add(&merge, &b);
	sum = &merge.samples[0].entry;
	assert_true(sum->members == 3 && sum->last_port == 443);
	assert_int_equal(sum->last_address.halves[1], 0);
	merge_free(&merge);
}

/* A prefix and the address that it starts with are two sources. */
static void prefixes_are_not_addresses(void **state)
{
	struct table_entry address = entry_of(1), prefix = entry_of(1);
	struct merge merge = { 0 };

	(void)state;
	prefix.prefix_len = 64;
	add(&merge, &address);
	add(&merge, &prefix);
	add(&merge, &address);
	assert_int_equal(merge.count, 2);
	merge_free(&merge);
}

static void many_sources_and_again(void **state)
{
	struct merge merge = { 0 };
	const uint32_t n = 50000;

	(void)state;
	for (int interval = 0; interval < 3; interval++) {
		merge_clear(&merge);
		assert_int_equal(merge.count, 0);
		for (int cpu = 0; cpu < 3; cpu++)
			for (uint32_t i = 0; i < n; i++) {
				struct table_entry entry = entry_of(i * 0x10001);

				entry.packets = i + 1;
				add(&merge, &entry);
			}
		assert_int_equal(merge.count, n);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(merge.samples[i].entry.address.words[3], i * 0x10001);
			assert_int_equal(merge.samples[i].entry.packets, 3 * (i + 1));
		}
	}
	merge_free(&merge);
	assert_true(!merge.samples && !merge.index && merge.count == 0);
	merge_clear(&merge);
}

/* ---- two CPUs' tables in one drain ------------------------------------------------------------
 */

/* The second slot's part of two slots' memory, as a table of its own to count into. */
static struct sim slot_of(struct sim *both, uint32_t slot)
{
	struct sim one = *both;

	one.headers += (size_t)slot * 2 * both->tables.bucket_count;
	one.entries += (size_t)slot * 2 * both->tables.bucket_count;
	one.tables.totals += slot * 2;
	return one;
}

static void cpus_are_added_up(void **state)
{
	struct sim both = { .control.epoch = 5 }, cpu[2];
	struct merge merge = { 0 };
	struct tables_sum sum;

	(void)state;
	frames_begin(&both.random, 41);
	both.headers = calloc(4 * 64, sizeof(*both.headers));
	both.entries = calloc(4 * 64, sizeof(*both.entries));
	both.tables = (struct tables){ .headers = both.headers,
				       .entries = both.entries,
				       .totals = calloc(4, sizeof(struct table_totals)),
				       .bucket_count = 64,
				       .slots = 2 };
	assert_true(both.headers && both.entries && both.tables.totals);
	both.control.keys[1] = sim_key(&both);
	for (int i = 0; i < 2; i++)
		cpu[i] = slot_of(&both, (uint32_t)i);
	for (uint32_t i = 0; i < 100; i++) {
		sim_source(&cpu[0], i);
		sim_source(&cpu[1], i + 50);
		sim_source(&cpu[1], i + 50);
	}
	assert_int_equal(tables_drain(&both.tables, 5, 0.25, &merge, &sum), 0);
	assert_true(sum.packets == 300 && sum.attributed == 300 && sum.bytes == 300 * 60);
	assert_int_equal(merge.count, 150);
	for (size_t i = 0; i < merge.count; i++) {
		uint32_t number = merge.samples[i].entry.address.words[3];

		assert_int_equal(merge.samples[i].entry.packets,
				 (number < 100 ? 1 : 0) + (number >= 50 ? 2 : 0));
	}
	/* drained is drained; and a CPU without packets adds nothing of an older interval */
	assert_int_equal(tables_drain(&both.tables, 7, 0.25, &merge, &sum), 0);
	assert_true(sum.packets == 0 && merge.count == 0);
	for (int slot = 0; slot < 4; slot++)
		assert_int_equal(both.tables.totals[slot].dirty[0], 0);
	merge_free(&merge);
	free(both.tables.totals);
	free(both.headers);
	free(both.entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_add_up),
		cmocka_unit_test(counters_stop_at_their_maximum),
		cmocka_unit_test(bitmaps_are_joined),
		cmocka_unit_test(members_are_joined),
		cmocka_unit_test(prefixes_are_not_addresses),
		cmocka_unit_test(many_sources_and_again),
		cmocka_unit_test(cpus_are_added_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
