// SPDX-License-Identifier: GPL-2.0-or-later
/* Blocks of one port in the drop map: what the program drops for them, and what it lets pass. */
#include "bpf/program_world.h"
#include <linux/bpf.h>
#include <stdlib.h>
#include "base/address.h"

#define SYN 0x02
#define ACK 0x10

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

/* port 0: of everything. */
static struct rule block(const char *prefix, uint8_t protocol, uint16_t port)
{
	struct rule rule = { .id = next_id++,
			     .classes = port ? protocol_classes(protocol) : CLASS_ALL,
			     .port = port,
			     .protocol = protocol,
			     .expires = moment_plus(moment_now(), 600 * NS_PER_SECOND) };

	assert_int_equal(prefix_parse(prefix, &rule.prefix), 0);
	assert_int_equal(dropmap_put(world.dropmap, &rule, moment_now()), 0);
	return rule;
}

static bool drops_tcp(const char *source, uint16_t port, uint8_t flags)
{
	struct address address;
	struct frame frame;

	assert_int_equal(address_parse(source, &address), 0);
	if (address_is_ipv4(&address))
		frame_tcp4(&frame, __builtin_bswap32(address.words[3]), port, flags);
	else
		frame_tcp6(&frame, address.bytes, port, flags);
	return world_run(&world, &frame) == XDP_DROP;
}

static bool drops_udp(const char *source, uint16_t port)
{
	struct address address;
	struct frame frame;

	assert_int_equal(address_parse(source, &address), 0);
	frame_udp4(&frame, __builtin_bswap32(address.words[3]), 40000, port);
	return world_run(&world, &frame) == XDP_DROP;
}

static uint64_t hits(const struct rule *rule)
{
	uint64_t packets = 0, bytes;

	assert_int_equal(dropmap_hits(world.dropmap, rule, &packets, &bytes), 0);
	return packets;
}

static bool is_none(const void *context, const struct block_key *key)
{
	(void)context;
	(void)key;
	return false;
}

static void only_that_port(void **state)
{
	struct rule ssh, mysql;

	(void)state;
	assert_false(drops_tcp("192.0.2.7", 22, SYN));
	ssh = block("192.0.2.7", 6, 22);
	block("2001:db8::7", 6, 22);
	assert_true(drops_tcp("192.0.2.7", 22, SYN));
	assert_true(drops_tcp("192.0.2.7", 22, ACK));
	assert_true(drops_tcp("2001:db8::7", 22, SYN));
	assert_false(drops_tcp("192.0.2.7", 23, SYN));
	assert_false(drops_tcp("192.0.2.7", 22 + 256, SYN));
	assert_false(drops_tcp("2001:db8::7", 80, ACK));
	assert_false(drops_udp("192.0.2.7", 22));
	assert_false(drops_tcp("192.0.2.8", 22, SYN));
	mysql = block("192.0.2.7", 6, 3306);
	block("192.0.2.7", 17, 161);
	assert_true(drops_tcp("192.0.2.7", 3306, SYN));
	assert_true(drops_udp("192.0.2.7", 161));
	assert_false(drops_tcp("192.0.2.7", 161, SYN));
	assert_int_equal(hits(&ssh), 2);
	assert_int_equal(hits(&mysql), 1);
	/* each goes by itself */
	assert_int_equal(dropmap_remove(world.dropmap, &ssh), 0);
	assert_false(drops_tcp("192.0.2.7", 22, SYN));
	assert_true(drops_tcp("192.0.2.7", 3306, SYN));
	assert_true(drops_udp("192.0.2.7", 161));
}

/* Which port a later fragment is for, nothing tells: it passes, and its datagram has no beginning.
 */
static void fragments(void **state)
{
	struct frame frame;

	(void)state;
	block("192.0.2.7", 17, 161);
	frame_begin(&frame);
	frame_ethernet(&frame, 0x0800);
	frame_ipv4(&frame, 0xc0000207, 0xc6336401, 17, 0x2000, 8 + 8);
	frame_udp(&frame, 40000, 161, 100);
	frame_pad(&frame, 8);
	assert_int_equal(world_run(&world, &frame), XDP_DROP);
	frame_begin(&frame);
	frame_ethernet(&frame, 0x0800);
	frame_ipv4(&frame, 0xc0000207, 0xc6336401, 17, 64, 16);
	frame_pad(&frame, 16);
	assert_int_equal(world_run(&world, &frame), XDP_PASS);
}

/* A block of everything, beside it, before it and behind it. */
static void beside_a_block_of_everything(void **state)
{
	struct rule all, port, net;

	(void)state;
	all = block("192.0.2.7", 0, 0);
	port = block("192.0.2.7", 6, 22);
	assert_true(drops_tcp("192.0.2.7", 22, SYN) && drops_tcp("192.0.2.7", 23, SYN));
	assert_int_equal(hits(&all), 2);
	assert_int_equal(hits(&port), 0);
	assert_int_equal(dropmap_remove(world.dropmap, &all), 0);
	assert_true(drops_tcp("192.0.2.7", 22, SYN));
	assert_false(drops_tcp("192.0.2.7", 23, SYN));
	/* a port of the network, another port of the address */
	net = block("192.0.2.0/24", 6, 80);
	assert_true(drops_tcp("192.0.2.7", 80, SYN) && drops_tcp("192.0.2.7", 22, SYN));
	assert_false(drops_tcp("192.0.2.8", 22, SYN));
	assert_int_equal(hits(&net), 1);
}

/* The next version of the filter and the next run have them too, with their ports. */
static void kept_and_listed(void **state)
{
	struct moment now = moment_now();
	struct rule ssh = block("192.0.2.7", 6, 22), snmp = block("2001:db8::/64", 17, 161), wanted,
		    *rules = NULL;
	size_t n = 0;

	(void)state;
	wanted = block("198.51.100.1", 0, 0);
	assert_int_equal(dropmap_remove(world.dropmap, &wanted), 0);
	dropmap_maintain(world.dropmap, moment_plus(now, NS_PER_SECOND));
	assert_true(drops_tcp("192.0.2.7", 22, SYN));
	assert_int_equal(dropmap_rules(world.dropmap, is_none, NULL, now, &rules, &n), 0);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		const struct rule *put = rules[i].id == ssh.id ? &ssh : &snmp;
		const struct block_key key = rule_key(&rules[i]), same = rule_key(put);

		assert_memory_equal(&key, &same, sizeof(key));
		assert_int_equal(rules[i].classes, put->classes);
	}
	free(rules);
	/* a sync without it takes it out */
	assert_int_equal(dropmap_sync(world.dropmap, &snmp, 1, now), 0);
	assert_false(drops_tcp("192.0.2.7", 22, SYN));
	assert_int_equal(dropmap_sync(world.dropmap, NULL, 0, now), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_that_port),
		TEST(fragments),
		TEST(beside_a_block_of_everything),
		TEST(kept_and_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
