// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits: of a source and of what is sent to a destination. How many pass, on whatever CPU; for
 * whom they count; and what detection is told of those that did not pass.
 */
#include "bpf/program_world.h"
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "base/address.h"
#include "contact.h"

#define SYN	 0x02
#define ACK	 0x10
#define VICTIM	 0xcb007101 /* of frame_tcp4 and frame_udp4 */
#define ATTACKER 0xc6120001
#define NEVER	 1 /* packets a second: one at once, then not before the test is over */

static struct world world;
static uint32_t next_id;

static int make_world(void **state)
{
	(void)state;
	next_id = 1;
	world_open(&world, NULL);
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	world_close(&world, false);
	return 0;
}

static struct rule limit_of(const char *prefix, uint32_t classes, uint32_t pps)
{
	struct rule rule = { .id = next_id++,
			     .action = ACTION_LIMIT,
			     .classes = classes,
			     .limit_pps = pps,
			     .expires = moment_plus(moment_now(), 600 * NS_PER_SECOND) };

	assert_int_equal(prefix_parse(prefix, &rule.prefix), 0);
	return rule;
}

static bool is_none(const void *context, const struct block_key *key)
{
	(void)context;
	(void)key;
	return false;
}

static void put(const struct rule *rule)
{
	assert_int_equal(dropmap_put(world.dropmap, rule, moment_now()), 0);
}

/* What is sent to an address, by everybody together. port 0: to all of them. */
static struct rule limit_to(const char *address, uint32_t classes, uint8_t protocol, uint16_t port,
			    uint32_t pps)
{
	struct rule rule = limit_of(address, classes, pps);

	rule.to_destination = true;
	rule.protocol = protocol;
	rule.port = port;
	put(&rule);
	return rule;
}

static bool drops(const struct frame *frame)
{
	return world_run(&world, frame) == XDP_DROP;
}

static bool drops_tcp(uint32_t source, uint16_t port, uint8_t flags)
{
	struct frame frame;

	frame_tcp4(&frame, source, port, flags);
	return drops(&frame);
}

static bool drops_udp(uint32_t source, uint16_t port)
{
	struct frame frame;

	frame_udp4(&frame, source, 40000, port);
	return drops(&frame);
}

static bool drops_ping(uint32_t source)
{
	struct frame frame;

	frame_begin(&frame);
	frame_ethernet(&frame, 0x0800);
	frame_ipv4(&frame, source, VICTIM, 1, 0, 8);
	frame_put32(&frame, 0x08000000);
	frame_pad(&frame, 4);
	return drops(&frame);
}

static uint64_t hits(const struct rule *rule)
{
	uint64_t packets = 0, bytes;

	assert_int_equal(dropmap_hits(world.dropmap, rule, &packets, &bytes), 0);
	return packets;
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* ---- of a source
 * ----------------------------------------------------------------------------------------- */

/* Sends for a while, a few thousand packets a second. Returns how many passed. */
static unsigned int passed_within(uint32_t source, int64_t ns, int64_t *took_ns)
{
	const struct timespec pause = { .tv_nsec = NS_PER_MS };
	int64_t start = moment_now().boot_ns;
	unsigned int passed = 0;

	do {
		for (int i = 0; i < 10; i++)
			passed += !drops_tcp(source, 443, ACK);
		nanosleep(&pause, NULL);
		*took_ns = moment_now().boot_ns - start;
	} while (*took_ns < ns);
	return passed;
}

/* A second's worth at once, then as the rate has it, all on one CPU. */
static void rate_passes(void **state)
{
	struct rule rule = limit_of("192.0.2.9", CLASS_ALL, 1000);
	unsigned int burst = 0, passed;
	int64_t took_ns;
	double expected;

	(void)state;
	put(&rule);
	while (!drops_tcp(0xc0000209, 443, ACK))
		burst++;
	assert_in_range(burst, 1000, 1200);
	passed = passed_within(0xc0000209, 600 * NS_PER_MS, &took_ns);
	expected = 1000 * (took_ns / 1e9);
	assert_true(passed > expected * 0.95 - 12 && passed < expected * 1.05 + 12);
	assert_true(hits(&rule) > 0);
}

/* RSS leaves a flow on one CPU: it gets the whole of even a small rate, however many there are. */
static void small_rate_is_whole_on_one_cpu(void **state)
{
	struct rule rule = limit_of("192.0.2.9", CLASS_SYN, 4);
	unsigned int passed = 0;
	int64_t took_ns;

	(void)state;
	put(&rule);
	for (int i = 0; i < 100; i++)
		passed += !drops_tcp(0xc0000209, 443, SYN);
	assert_in_range(passed, 4, 5);
	assert_false(drops_tcp(0xc0000209, 443, ACK)); /* another class */
	rule.classes = CLASS_ALL;
	put(&rule);
	passed = passed_within(0xc0000209, 1100 * NS_PER_MS, &took_ns);
	assert_in_range(passed, 4, 4 * took_ns / NS_PER_SECOND + 2);
}

/* All CPUs together have the rate once. */
static void cpus_share_a_rate(void **state)
{
	struct rule rule = limit_of("192.0.2.9", CLASS_ALL, 20);
	unsigned int passed = 0;
	cpu_set_t mine;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(mine), &mine), 0);
	put(&rule);
	for (int i = 0; i < 200; i++) {
		run_on(i % libbpf_num_possible_cpus());
		passed += !drops_tcp(0xc0000209, 443, ACK);
	}
	assert_int_equal(sched_setaffinity(0, sizeof(mine), &mine), 0);
	assert_in_range(passed, 20, 25);
}

/* Nor does a rule that is renewed, or told to the map again, begin anew. */
static void renewal_is_no_new_burst(void **state)
{
	struct rule rule = limit_of("192.0.2.9", CLASS_ALL, 100);
	unsigned int passed = 0;

	(void)state;
	put(&rule);
	while (!drops_tcp(0xc0000209, 443, ACK))
		passed++;
	put(&rule);
	assert_int_equal(dropmap_sync(world.dropmap, &rule, 1, moment_now()), 0);
	for (int i = 0; i < 100; i++)
		passed += !drops_tcp(0xc0000209, 443, ACK);
	assert_in_range(passed, 100, 150);
}

static void limit_of_nothing_is_a_drop(void **state)
{
	struct rule rule = limit_of("192.0.2.9", CLASS_ALL, 0);

	(void)state;
	put(&rule);
	for (int i = 0; i < 10; i++)
		assert_true(drops_tcp(0xc0000209, 443, ACK));
}

/* ---- of a destination
 * ------------------------------------------------------------------------------------ */

/* Whoever sends it, and nothing but the class. */
static void everybody_together(void **state)
{
	struct rule rule = limit_to("203.0.113.1", CLASS_SYN, 6, 0, 10);
	unsigned int passed = 0;

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		passed += !drops_tcp(ATTACKER + i, (uint16_t)(80 + i), SYN);
	assert_in_range(passed, 10, 12);
	assert_int_equal(hits(&rule), 100 - passed);
	assert_false(drops_tcp(ATTACKER, 80, ACK) || drops_tcp(ATTACKER, 80, SYN | ACK));
	assert_false(drops_udp(ATTACKER, 80) || drops_ping(ATTACKER));
	assert_int_equal(dropmap_remove(world.dropmap, &rule), 0);
	assert_false(drops_tcp(ATTACKER, 80, SYN));
}

static void of_one_port(void **state)
{
	struct rule dns, udp;

	(void)state;
	dns = limit_to("203.0.113.1", CLASS_UDP, 17, 53, NEVER);
	assert_false(drops_udp(ATTACKER, 53));
	assert_true(drops_udp(ATTACKER + 1, 53));
	assert_false(drops_udp(ATTACKER, 54) || drops_udp(ATTACKER, 54));
	assert_false(drops_tcp(ATTACKER, 53, SYN) || drops_tcp(ATTACKER, 53, SYN));
	/* the port's limit first, for the others that of all ports */
	udp = limit_to("203.0.113.1", CLASS_UDP, 17, 0, NEVER);
	assert_true(drops_udp(ATTACKER, 53));
	assert_false(drops_udp(ATTACKER, 54));
	assert_true(drops_udp(ATTACKER, 55));
	assert_int_equal(hits(&dns), 2);
	assert_int_equal(hits(&udp), 1);
	assert_int_equal(dropmap_remove(world.dropmap, &udp), 0);
	assert_false(drops_udp(ATTACKER, 55));
	assert_true(drops_udp(ATTACKER, 53));
}

static void of_icmp_and_of_ipv6(void **state)
{
	unsigned char source[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 9 };
	struct frame frame;

	(void)state;
	limit_to("203.0.113.1", CLASS_ICMP, 1, 0, NEVER);
	assert_false(drops_ping(ATTACKER));
	assert_true(drops_ping(ATTACKER + 1));
	frame_tcp6(&frame, source, 443, SYN);
	assert_false(drops(&frame));
	limit_to("2001:db8::1", CLASS_SYN, 6, 443, NEVER);
	assert_false(drops(&frame));
	assert_true(drops(&frame));
	frame_tcp6(&frame, source, 444, SYN);
	assert_false(drops(&frame));
	frame_tcp6(&frame, source, 443, ACK);
	assert_false(drops(&frame));
}

/* A block of the same address as a source is another matter. */
static void address_as_source_is_apart(void **state)
{
	struct rule rule = limit_to("203.0.113.1", CLASS_UDP, 17, 0, NEVER);
	struct rule source = limit_of("203.0.113.1", CLASS_UDP, 0);

	(void)state;
	assert_false(drops_udp(VICTIM, 53)); /* from it, and to it */
	assert_true(drops_udp(VICTIM, 53));
	put(&source);
	assert_true(drops_udp(VICTIM, 53));
	assert_int_equal(hits(&source), 1);
	assert_int_equal(hits(&rule), 1);
}

/* However many there are, and whichever go: the others stay. */
static void many_destinations(void **state)
{
	struct rule rules[200];
	char text[32];

	(void)state;
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "203.0.113.%d", 1 + i);
		rules[i] = limit_to(text, CLASS_SYN, 6, 0, 0);
	}
	for (int i = 199; i > 0; i--) {
		assert_true(drops_tcp(ATTACKER, 80, SYN));
		assert_int_equal(dropmap_remove(world.dropmap, &rules[i]), 0);
	}
	assert_true(drops_tcp(ATTACKER, 80, SYN));
	assert_int_equal(dropmap_remove(world.dropmap, &rules[0]), 0);
	assert_false(drops_tcp(ATTACKER, 80, SYN));
}

/* What a source's own limit lets pass is held against its destination's as well. */
static void both_limits_count(void **state)
{
	struct rule source = limit_of("198.18.0.1", CLASS_ALL, 50);
	unsigned int passed = 0;

	(void)state;
	put(&source);
	limit_to("203.0.113.1", CLASS_SYN, 6, 0, 5);
	for (int i = 0; i < 100; i++)
		passed += !drops_tcp(ATTACKER, 80, SYN);
	assert_in_range(passed, 5, 7);
}

/* Who is protected is not limited with the others. */
static void protected_sources_pass(void **state)
{
	struct protected_list list = { 0 };
	struct prefix prefix;

	(void)state;
	assert_int_equal(prefix_parse("198.18.0.0/24", &prefix), 0);
	assert_int_equal(protected_list_add(&list, &prefix, "test"), 0);
	limit_to("203.0.113.1", CLASS_SYN, 6, 0, NEVER);
	assert_false(drops_tcp(ATTACKER, 80, SYN));
	assert_true(drops_tcp(ATTACKER, 80, SYN));
	assert_int_equal(dropmap_protect(world.dropmap, &list), 0);
	assert_false(drops_tcp(ATTACKER, 80, SYN));
	assert_true(drops_tcp(ATTACKER + 256, 80, SYN));
	protected_list_free(&list);
}

/* Built anew, and taken to rules and back. */
static void kept_and_listed(void **state)
{
	struct rule rule = limit_to("203.0.113.1", CLASS_UDP, 17, 53, NEVER), *rules = NULL;
	struct block_key key, same;
	size_t n = 0;

	(void)state;
	dropmap_maintain(world.dropmap, moment_plus(moment_now(), NS_PER_SECOND));
	assert_int_equal(dropmap_rules(world.dropmap, is_none, NULL, moment_now(), &rules, &n), 0);
	assert_int_equal(n, 1);
	key = rule_key(&rules[0]);
	same = rule_key(&rule);
	assert_memory_equal(&key, &same, sizeof(key));
	assert_int_equal(rules[0].limit_pps, NEVER);
	assert_false(drops_udp(ATTACKER, 53));
	assert_true(drops_udp(ATTACKER, 53));
	assert_int_equal(dropmap_sync(world.dropmap, NULL, 0, moment_now()), 0);
	assert_false(drops_udp(ATTACKER, 53));
	free(rules);
}

static void observed_only(void **state)
{
	struct rule rule = limit_to("203.0.113.1", CLASS_SYN, 6, 0, NEVER);

	(void)state;
	dropmap_set_observe(world.dropmap, true);
	for (int i = 0; i < 5; i++)
		assert_false(drops_tcp(ATTACKER, 80, SYN));
	assert_int_equal(hits(&rule), 4);
}

/* ---- what detection is told
 * ------------------------------------------------------------------------------ */

/* The running interval's entry of a source. */
static struct table_entry entry_of(uint32_t source)
{
	const struct address address = address_from_ipv4(__builtin_bswap32(source));
	int fd = bpf_map__fd(world.bpf->maps.source_entries);
	static struct table_entries bucket;

	for (uint32_t i = 0; i < WORLD_BUCKETS; i++) {
		assert_int_equal(bpf_map_lookup_elem(fd, &i, &bucket), 0);
		for (int slot = 0; slot < BUCKET_ENTRIES; slot++)
			if (address_equal(&bucket.slot[slot].address, &address))
				return bucket.slot[slot];
	}
	fail_msg("the source has no entry");
	return (struct table_entry){ 0 };
}

/*
 * What a limit of its destination stops is counted for a source as dropped, and otherwise as if it
 * had passed: an answer is an answer, and what nobody asked for still wakes.
 */
static void limited_packets_are_looked_at(void **state)
{
	struct contacts *notes = world.contacts.notes;
	struct frame question, answer;
	struct table_entry entry;

	(void)state;
	notes->learning = 0;
	limit_to("203.0.113.1", CLASS_UDP, 17, 0, NEVER);
	frame_begin(&question); /* the victim asks a server on port 53 */
	frame_ethernet(&question, 0x0800);
	frame_ipv4(&question, VICTIM, ATTACKER, 17, 0x4000, 8);
	frame_udp(&question, 5000, 53, 0);
	world_leave(&world, &question);
	frame_udp4(&answer, ATTACKER, 53, 5000);
	assert_false(drops(&answer));
	assert_true(drops(&answer) && drops(&answer));
	entry = entry_of(ATTACKER);
	assert_int_equal(entry.packets, 3);
	assert_int_equal(entry.dropped, 2);
	assert_int_equal(entry.answers, 3);
	assert_int_equal(entry.udp, 0);

	world.control->marks.udp = 8;
	world.control->marks.per_interval = 64;
	for (int i = 0; i < 8; i++)
		assert_true(drops_udp(ATTACKER + 1, 1000));
	entry = entry_of(ATTACKER + 1);
	assert_int_equal(entry.udp, 8);
	assert_int_equal(entry.dropped, 8);
	assert_true(entry.distinct_targets > 0);
}

static uint64_t wakes(void)
{
	struct table_totals totals;
	uint32_t table = world.control->epoch & 1;

	assert_int_equal(
		bpf_map_lookup_elem(bpf_map__fd(world.bpf->maps.source_totals), &table, &totals),
		0);
	return totals.wakes;
}

/* A source of which something is stopped for its destination's sake may yet be found; one that is
 * blocked has been. */
static void limited_sources_wake(void **state)
{
	struct rule blocked = limit_of("198.18.0.9", CLASS_ALL, 0);

	(void)state;
	world.control->marks.syn = 8;
	world.control->marks.per_interval = 64;
	limit_to("203.0.113.1", CLASS_SYN, 6, 0, NEVER);
	put(&blocked);
	for (uint32_t i = 0; i < 8; i++)
		assert_true(drops_tcp(0xc6120009, 80, SYN));
	assert_int_equal(wakes(), 0);
	for (uint32_t i = 0; i < 8; i++)
		drops_tcp(ATTACKER, 80, SYN);
	assert_int_equal(wakes(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rate_passes),
		TEST(small_rate_is_whole_on_one_cpu),
		TEST(cpus_share_a_rate),
		TEST(renewal_is_no_new_burst),
		TEST(limit_of_nothing_is_a_drop),
		TEST(everybody_together),
		TEST(of_one_port),
		TEST(of_icmp_and_of_ipv6),
		TEST(address_as_source_is_apart),
		TEST(many_destinations),
		TEST(both_limits_count),
		TEST(protected_sources_pass),
		TEST(kept_and_listed),
		TEST(observed_only),
		TEST(limited_packets_are_looked_at),
		TEST(limited_sources_wake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
