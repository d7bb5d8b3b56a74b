// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How the drop map keeps its blocks, seen through the loaded program: many of them, removal, exact
 * hit counters, synchronising, and maps that outlive their daemon. Pins are in a bpffs of this
 * test's own, in a mount namespace of its own.
 */
#include "bpf/program_world.h"
#include <dirent.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>
#include "base/address.h"
#include "enforce/dropmap_maps.h"

#define ACK  0x10
#define MANY 100000

static struct world world;
static char pins[] = "/tmp/fwg-dropmap-XXXXXX";

/* ---- blocks and packets by number
 * ----------------------------------------------------------------- */

static struct address source(uint32_t number)
{
	return address_from_ipv4(__builtin_bswap32(number));
}

static struct rule rule_of(uint32_t id, uint32_t number)
{
	struct address address = source(number);

	return (struct rule){ .id = id,
			      .prefix = prefix_of(&address),
			      .classes = CLASS_ALL,
			      .expires = moment_plus(moment_now(), 600 * NS_PER_SECOND) };
}

static struct rule put(uint32_t id, uint32_t number)
{
	struct rule rule = rule_of(id, number);

	assert_int_equal(dropmap_put(world.dropmap, &rule, moment_now()), 0);
	return rule;
}

/* With `extra` bytes behind the 54 of the headers. */
static bool drops_long(uint32_t number, size_t extra)
{
	struct frame frame;

	frame_tcp4(&frame, number, 443, ACK);
	frame_pad(&frame, extra);
	return world_run(&world, &frame) == XDP_DROP;
}

static bool drops(uint32_t number)
{
	return drops_long(number, 0);
}

static uint64_t hits_of(const struct rule *rule)
{
	uint64_t packets, bytes;

	assert_int_equal(dropmap_hits(world.dropmap, rule, &packets, &bytes), 0);
	assert_int_equal(bytes, packets * 54);
	return packets;
}

/* As the daemon's ticks do; the clock is the test's. */
static bool is_none(const void *context, const struct block_key *key)
{
	(void)context;
	(void)key;
	return false;
}

static void maintain(void)
{
	static struct moment now;

	now = moment_plus(now.boot_ns ? now : moment_now(), NS_PER_SECOND);
	dropmap_maintain(world.dropmap, now);
}

static uint64_t rules_in_map(void)
{
	struct enforcer_status status;

	dropmap_status(world.dropmap, &status);
	return status.rules;
}

/* Bits that stand in the filter of the version in force. */
static unsigned int filter_bits(void)
{
	struct verdict_control control;
	struct verdict_maps maps;
	struct filter_line line;
	struct prefix_set *set;
	uint32_t zero = 0;
	unsigned int bits = 0;

	dropmap_maps(world.dropmap, &maps);
	assert_int_equal(bpf_map_lookup_elem(maps.verdict_control, &zero, &control), 0);
	set = &control.blocks[control.version & 1];
	for (uint32_t i = 0; i <= set->filter_mask; i++) {
		uint32_t at = set->filter_base + i;

		assert_int_equal(bpf_map_lookup_elem(maps.filters, &at, &line), 0);
		for (int word = 0; word < 8; word++)
			bits += (unsigned int)__builtin_popcountll(line.words[word]);
	}
	return bits;
}

/* ---- the tests
 * -------------------------------------------------------------------------------------- */

static void removal_lets_pass(void **state)
{
	struct rule first, second, other;

	(void)state;
	first = put(1, 0xc0000201);
	second = put(2, 0xc0000202);
	assert_in_range(filter_bits(), 3, 6);
	other = rule_of(9, 0xc0000201);
	assert_int_equal(dropmap_remove(world.dropmap, &other), -ENOENT);
	assert_true(drops(0xc0000201));
	assert_int_equal(dropmap_remove(world.dropmap, &first), 0);
	assert_false(drops(0xc0000201));
	assert_true(drops(0xc0000202));
	assert_int_equal(dropmap_remove(world.dropmap, &first), -ENOENT);
	maintain();
	assert_true(drops(0xc0000202) && !drops(0xc0000201));
	assert_in_range(filter_bits(), 1, 3);
	assert_int_equal(dropmap_remove(world.dropmap, &second), 0);
	maintain();
	assert_false(drops(0xc0000202));
	assert_int_equal(filter_bits(), 0);
	assert_int_equal(rules_in_map(), 0);
	/* what was removed can come back, with its counter at zero */
	first = put(3, 0xc0000201);
	assert_true(drops(0xc0000201));
	assert_int_equal(hits_of(&first), 1);
}

/* Up to 100,000 blocks, the filter grows with them: each drops, as many others pass. */
static void many_blocks(void **state)
{
	struct rule last;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		last = put(i + 1, 0x0b000000 + i * 7);
		if (i % 20000 == 0)
			maintain();
	}
	maintain();
	assert_int_equal(rules_in_map(), MANY);
	assert_true(filter_bits() > 2 * MANY); /* nearly three each */
	for (uint32_t i = 0; i < MANY; i++)
		if (!drops(0x0b000000 + i * 7))
			fail_msg("block %u of %u does not drop", i, MANY);
	for (uint32_t i = 0; i < MANY; i++)
		if (drops(0x0b000000 + i * 7 + 1 + i % 6))
			fail_msg("the neighbour of block %u is dropped", i);
	assert_int_equal(hits_of(&last), 1);
}

/* The daemon's size, to the last one: what is there drops, and goes on to. */
static void full_map_keeps_what_it_has(void **state)
{
	struct rule rule;

	(void)state;
	for (uint32_t i = 0; i < WORLD_MAX_BLOCKS; i++) {
		put(i + 1, 0x0b000000 + i);
		if (i % 20000 == 0)
			maintain();
	}
	rule = rule_of(WORLD_MAX_BLOCKS + 1, 0xc0000201);
	assert_int_equal(dropmap_put(world.dropmap, &rule, moment_now()), -ENOSPC);
	assert_false(drops(0xc0000201));
	maintain();
	for (uint32_t i = 0; i < WORLD_MAX_BLOCKS; i += 97)
		if (!drops(0x0b000000 + i))
			fail_msg("block %u of a full map does not drop", i);
	rule = rule_of(8, 0x0b000007);
	rule.expires = moment_plus(moment_now(), 900 * NS_PER_SECOND);
	assert_int_equal(dropmap_put(world.dropmap, &rule, moment_now()), 0);
	assert_int_equal(dropmap_remove(world.dropmap, &rule), 0);
	put(WORLD_MAX_BLOCKS + 1, 0xc0000201);
	assert_true(drops(0xc0000201) && !drops(0x0b000007));
	assert_int_equal(rules_in_map(), WORLD_MAX_BLOCKS);
}

static void full_map_says_so(void **state)
{
	struct dropmap_options options = { .max_blocks = 4 };
	struct enforcer_status status;
	struct rule rule, others[4];
	struct dropmap *small;
	char error[512];

	(void)state;
	assert_int_equal(dropmap_open(&options, &small, error), 0);
	for (uint32_t i = 0; i < 5; i++) {
		rule = rule_of(i + 1, 0xc0000201 + i);
		assert_int_equal(dropmap_put(small, &rule, moment_now()), i < 4 ? 0 : -ENOSPC);
	}
	/* what is there can be renewed, which makes no room: the fifth is still missing */
	rule = rule_of(2, 0xc0000202);
	rule.classes = CLASS_SYN;
	assert_int_equal(dropmap_put(small, &rule, moment_now()), 0);
	dropmap_status(small, &status);
	assert_int_equal(status.state, ENFORCER_UNENFORCED);
	assert_int_equal(status.rules, 4);
	assert_true(status.reason[0] != '\0');
	rule = rule_of(1, 0xc0000201);
	assert_int_equal(dropmap_remove(small, &rule), 0);
	rule = rule_of(5, 0xc0000205);
	assert_int_equal(dropmap_put(small, &rule, moment_now()), 0);
	dropmap_status(small, &status);
	assert_int_equal(status.state, ENFORCER_ENFORCED);
	/* all of them others than before: what goes makes room for what comes */
	for (uint32_t i = 0; i < 4; i++)
		others[i] = rule_of(i + 10, 0xc0000301 + i);
	assert_int_equal(dropmap_sync(small, others, 4, moment_now()), 0);
	dropmap_status(small, &status);
	assert_int_equal(status.state, ENFORCER_ENFORCED);
	assert_int_equal(status.rules, 4);
	dropmap_close(&small, false);
}

/* Every CPU counts for itself; the sum is exact, block by block. */
static void hits_are_exact(void **state)
{
	struct rule rules[20];
	cpu_set_t all, one;

	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		rules[i] = put(i + 1, 0xc0000200 + i);
	assert_int_equal(sched_getaffinity(0, sizeof(one), &one), 0);
	for (int cpu = 0; cpu < 2; cpu++) {
		CPU_ZERO(&all);
		CPU_SET(cpu, &all);
		if (sched_setaffinity(0, sizeof(all), &all))
			assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
		for (uint32_t i = 0; i < 20; i++)
			for (uint32_t n = 0; n < i; n++)
				assert_true(drops(0xc0000200 + i));
	}
	sched_setaffinity(0, sizeof(one), &one);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(hits_of(&rules[i]), 2 * i);
	/* a renewed block goes on counting */
	rules[3] = put(4, 0xc0000203);
	assert_int_equal(hits_of(&rules[3]), 6);
}

static void bytes_are_the_frames(void **state)
{
	struct rule rule = put(1, 0xc0000201);
	uint64_t packets, bytes;

	(void)state;
	for (size_t extra = 0; extra < 1400; extra += 100)
		assert_true(drops_long(0xc0000201, extra));
	assert_int_equal(dropmap_hits(world.dropmap, &rule, &packets, &bytes), 0);
	assert_int_equal(packets, 14);
	assert_int_equal(bytes, 14 * 54 + 100 * (13 * 14 / 2));
}

/* ---- while packets come
 * --------------------------------------------------------------------------- */

#define TURNED_BLOCKS 20000

static struct {
	bool stop;
	unsigned long dropped, passed;
} traffic;

static void *send_blocked(void *unused)
{
	cpu_set_t all;

	(void)unused;
	memset(&all, 0xff, sizeof(all)); /* not on the one that builds */
	sched_setaffinity(0, sizeof(all), &all);
	while (!__atomic_load_n(&traffic.stop, __ATOMIC_RELAXED)) {
		bool dropped = drops(0x0b000000 + TURNED_BLOCKS - 1); /* filled in last */

		__atomic_fetch_add(dropped ? &traffic.dropped : &traffic.passed, 1,
				   __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Building the filter anew, and turning to it, lets no blocked packet through. */
static void rebuild_lets_nothing_through(void **state)
{
	struct rule victim;
	pthread_t sender;

	(void)state;
	for (uint32_t i = 0; i < TURNED_BLOCKS; i++)
		put(i + 1, 0x0b000000 + i);
	maintain();
	traffic.stop = false;
	traffic.dropped = traffic.passed = 0;
	assert_int_equal(pthread_create(&sender, NULL, send_blocked, NULL), 0);
	for (uint32_t turn = 1; turn <= 20; turn++) {
		unsigned long seen = __atomic_load_n(&traffic.dropped, __ATOMIC_RELAXED);

		victim = rule_of(turn + 1, 0x0b000000 + turn);
		assert_int_equal(dropmap_remove(world.dropmap, &victim), 0);
		maintain();
		while (__atomic_load_n(&traffic.dropped, __ATOMIC_RELAXED) < seen + 20 &&
		       !__atomic_load_n(&traffic.passed, __ATOMIC_RELAXED))
			sched_yield();
	}
	__atomic_store_n(&traffic.stop, true, __ATOMIC_RELAXED);
	pthread_join(sender, NULL);
	assert_int_equal(traffic.passed, 0);
	assert_true(traffic.dropped >= 20 * 20);
}

static void sync_makes_it_so(void **state)
{
	struct rule wanted[3];

	(void)state;
	put(1, 0xc0000201);
	put(2, 0xc0000202);
	put(3, 0xc0000203);
	assert_true(drops(0xc0000202));
	wanted[0] = rule_of(2, 0xc0000202);
	wanted[1] = rule_of(4, 0xc0000204);
	wanted[2] = rule_of(5, 0xc0000205);
	assert_int_equal(dropmap_sync(world.dropmap, wanted, 3, moment_now()), 0);
	for (int turn = 0; turn < 2; turn++) {
		assert_false(drops(0xc0000201) || drops(0xc0000203));
		assert_true(drops(0xc0000202) && drops(0xc0000204) && drops(0xc0000205));
		maintain();
	}
	assert_int_equal(rules_in_map(), 3);
	assert_int_equal(hits_of(&wanted[0]), 3); /* kept over the sync */
	assert_int_equal(dropmap_sync(world.dropmap, NULL, 0, moment_now()), 0);
	assert_false(drops(0xc0000202) || drops(0xc0000204));
	assert_int_equal(rules_in_map(), 0);
}

/* One that cannot be is left out and told; all the others are in, in whatever batch. */
static void sync_leaves_out_what_cannot_be(void **state)
{
	struct rule *rules = calloc(5000, sizeof(*rules));
	struct enforcer_status status;

	(void)state;
	assert_non_null(rules);
	for (uint32_t i = 0; i < 5000; i++)
		rules[i] = rule_of(i + 1, 0x0b000000 + i);
	for (uint32_t i = 0; i <= SET_LENGTHS; i++) { /* one length too many */
		struct address address = { .bytes = { 0x20, 0x01, 0x0d, 0xb8 } };

		rules[3000 + i].prefix =
			(struct prefix){ .address = address_masked(&address, 33 + i),
					 .len = 33 + i };
	}
	assert_int_equal(dropmap_sync(world.dropmap, rules, 5000, moment_now()), -ENOSPC);
	dropmap_status(world.dropmap, &status);
	assert_int_equal(status.state, ENFORCER_UNENFORCED);
	assert_non_null(strstr(status.reason, "lengths"));
	assert_int_equal(status.rules, 5000 - 1);
	assert_true(drops(0x0b000000) && drops(0x0b000000 + 2999) && drops(0x0b000000 + 4999));
	free(rules);
}

/* ---- pins
 * ------------------------------------------------------------------------------------------- */

static int pin_count(void)
{
	DIR *dir = opendir(pins);
	struct dirent *entry;
	int count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) /* the kernel puts maps.debug and progs.debug there */
		count += entry->d_name[0] != '.' && !strstr(entry->d_name, ".debug");
	closedir(dir);
	return count;
}

static void protect(uint32_t number)
{
	struct protected_list list = { 0 };
	struct address address = source(number);
	struct prefix prefix = prefix_of(&address);

	assert_int_equal(protected_list_add(&list, &prefix, "test"), 0);
	assert_int_equal(dropmap_protect(world.dropmap, &list), 0);
	protected_list_free(&list);
}

/* The daemon goes, its blocks stay; the next one takes them over with all they have. */
static void blocks_are_adopted(void **state)
{
	struct fwgen_bpf *old;
	struct rule kept, rule;

	(void)state;
	put(1, 0xc0000201);
	kept = put(2, 0xc0000202);
	put(3, 0xc0000203);
	protect(0xc0000203);
	assert_true(drops(0xc0000202) && !drops(0xc0000203));
	assert_true(pin_count() > 0);

	dropmap_close(&world.dropmap, true);
	assert_true(drops(0xc0000201) && drops(0xc0000202) && !drops(0xc0000203));
	old = world.bpf;
	world_open(&world, pins);
	assert_true(drops(0xc0000201) && drops(0xc0000202) && !drops(0xc0000203));
	assert_int_equal(rules_in_map(), 3);
	assert_int_equal(hits_of(&kept), 3);
	rule = put(4, 0xc0000204); /* a counter that is not in use */
	assert_true(drops(0xc0000204));
	assert_int_equal(hits_of(&rule), 1);
	assert_int_equal(hits_of(&kept), 3);

	rule = rule_of(3, 0xc0000203);
	assert_int_equal(dropmap_sync(world.dropmap, &rule, 1, moment_now()), 0);
	maintain();
	assert_false(drops(0xc0000203)); /* its protection came along */
	assert_int_equal(dropmap_sync(world.dropmap, &kept, 1, moment_now()), 0);
	maintain();
	assert_true(!drops(0xc0000201) && drops(0xc0000202) && !drops(0xc0000204));
	protect(0xc0000209); /* the earlier protection ends */
	put(3, 0xc0000203);
	assert_true(drops(0xc0000203));
	fwgen_bpf__destroy(old);
}

/* Adopted maps tell of their blocks what a rule needs to go on, and of those only that have time.
 */
static void blocks_become_rules(void **state)
{
	struct rule limit = rule_of(7, 0xc0000207), over = rule_of(8, 0xc0000208), *rules;
	struct moment now;
	size_t count = 0;

	(void)state;
	limit.action = ACTION_LIMIT;
	limit.limit_pps = 250;
	limit.classes = CLASS_SYN | CLASS_UDP;
	limit.prefix.len = 120;
	limit.prefix.address = address_masked(&limit.prefix.address, 120);
	over.expires = moment_now();
	assert_int_equal(dropmap_put(world.dropmap, &limit, moment_now()), 0);
	assert_int_equal(dropmap_put(world.dropmap, &over, moment_now()), 0);
	dropmap_close(&world.dropmap, true);
	fwgen_bpf__destroy(world.bpf);
	world_open(&world, pins);

	now = moment_plus(moment_now(), NS_PER_SECOND);
	assert_int_equal(dropmap_rules(world.dropmap, is_none, NULL, now, &rules, &count), 0);
	assert_int_equal(count, 1);
	assert_memory_equal(&rules[0].prefix, &limit.prefix, sizeof(limit.prefix));
	assert_int_equal(rules[0].id, 7);
	assert_int_equal(rules[0].action, ACTION_LIMIT);
	assert_int_equal(rules[0].limit_pps, 250);
	assert_int_equal(rules[0].classes, CLASS_SYN | CLASS_UDP);
	assert_int_equal(rules[0].evidence, EVIDENCE_UNPROVEN);
	assert_in_range(rules[0].expires.boot_ns, limit.expires.boot_ns - 20 * NS_PER_MS,
			limit.expires.boot_ns + 20 * NS_PER_MS);
	assert_int_equal(rules[0].expires.wall_ns - now.wall_ns,
			 rules[0].expires.boot_ns - now.boot_ns);
	free(rules);
}

/* An earlier program on the same maps obeys what the next daemon says. */
static void earlier_program_follows(void **state)
{
	struct dropmap_options options = { .pin_dir = pins, .max_blocks = WORLD_MAX_BLOCKS };
	char error[512];

	(void)state;
	put(1, 0xc0000201);
	dropmap_close(&world.dropmap, true);
	assert_int_equal(dropmap_open(&options, &world.dropmap, error), 0);
	put(2, 0xc0000202);
	assert_true(drops(0xc0000201) && drops(0xc0000202));
	assert_int_equal(dropmap_sync(world.dropmap, NULL, 0, moment_now()), 0);
	maintain();
	assert_false(drops(0xc0000201) || drops(0xc0000202));
}

/* Pins that are not all there, or of another shape, are begun anew. */
static void odd_pins_are_not_adopted(void **state)
{
	struct dropmap_options options = { .pin_dir = pins, .max_blocks = 16 };
	struct rule rule = rule_of(1, 0xc0000201);
	char error[512], path[128];
	struct dropmap *other;
	struct enforcer_status status;

	(void)state;
	put(1, 0xc0000201);
	world_close(&world, true);
	assert_int_equal(dropmap_open(&options, &other, error), 0);
	dropmap_status(other, &status);
	assert_int_equal(status.rules, 0);
	assert_int_equal(dropmap_put(other, &rule, moment_now()), 0);
	dropmap_close(&other, true);
	snprintf(path, sizeof(path), "%s/block_hits", pins);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(dropmap_open(&options, &other, error), 0);
	dropmap_status(other, &status);
	assert_int_equal(status.rules, 0);
	dropmap_close(&other, false);
	assert_int_equal(pin_count(), 0);
	world_open(&world, pins);
	assert_false(drops(0xc0000201));
}

static int make_world(void **state)
{
	(void)state;
	world_open(&world, NULL);
	return 0;
}

static int make_pinned_world(void **state)
{
	(void)state;
	world_open(&world, pins);
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	world_close(&world, false);
	return pin_count();
}

static int mount_own(void **state)
{
	(void)state;
	if (!mkdtemp(pins) || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("bpf", pins, "bpf", 0, NULL))
		fail_msg("failed to mount a bpffs on %s: %s", pins, strerror(errno));
	return 0;
}

static int unmount_own(void **state)
{
	(void)state;
	umount(pins);
	return rmdir(pins);
}

#define TEST(name)   cmocka_unit_test_setup_teardown(name, make_world, end_world)
#define PINNED(name) cmocka_unit_test_setup_teardown(name, make_pinned_world, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(removal_lets_pass),
		TEST(many_blocks),
		TEST(full_map_says_so),
		TEST(full_map_keeps_what_it_has),
		TEST(hits_are_exact),
		TEST(bytes_are_the_frames),
		TEST(rebuild_lets_nothing_through),
		TEST(sync_makes_it_so),
		TEST(sync_leaves_out_what_cannot_be),
		PINNED(blocks_are_adopted),
		PINNED(blocks_become_rules),
		PINNED(earlier_program_follows),
		PINNED(odd_pins_are_not_adopted),
	};

	return cmocka_run_group_tests(tests, mount_own, unmount_own);
}
