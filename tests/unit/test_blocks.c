/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replay's rules in force against a plain list of them, and its count of sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/clock.h"
#include "replay/blocks.h"
#include "replay/tally.h"

#define SECOND NS_PER_SECOND

static const struct hash_key key = { .word = { 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f,
					       0x165667b19e3779f9, 0x27d4eb2f165667c5 },
				     .sum = 13,
				     .finish = 0x2545f4914f6cdd1d };

static struct rule rule_for(const char *prefix, int64_t until_ns)
{
	struct rule rule = { .id = 1, .classes = CLASS_ALL, .expires.boot_ns = until_ns };

	assert_int_equal(prefix_parse(prefix, &rule.prefix), 0);
	return rule;
}

static struct packet packet_from(const char *source, uint32_t class)
{
	struct packet packet = { .bytes = 100, .classes = class };

	assert_int_equal(address_parse(source, &packet.source), 0);
	packet.flags = address_is_ipv4(&packet.source) ? 0 : PACKET_IPV6;
	return packet;
}

static bool drops(struct blocks *blocks, const char *source, uint32_t class, int64_t now_ns)
{
	struct packet packet = packet_from(source, class);

	return blocks_drop(blocks, &packet, now_ns);
}

static void put(struct blocks *blocks, const struct rule *rule)
{
	assert_int_equal(blocks_put(blocks, rule), 0);
}

static void a_rule_holds_until_its_time(void **state)
{
	struct rule rule = rule_for("192.0.2.1", 10 * SECOND);
	struct blocked stopped;
	struct blocks blocks;

	(void)state;
	blocks_init(&blocks, &key);
	assert_false(drops(&blocks, "192.0.2.1", CLASS_UDP, 0));
	put(&blocks, &rule);
	assert_true(drops(&blocks, "192.0.2.1", CLASS_UDP, 0));
	assert_true(drops(&blocks, "192.0.2.1", CLASS_UDP, 10 * SECOND - 1));
	assert_false(drops(&blocks, "192.0.2.1", CLASS_UDP, 10 * SECOND));
	assert_false(drops(&blocks, "192.0.2.2", CLASS_UDP, 0));
	assert_false(drops(&blocks, "2001:db8::1", CLASS_UDP, 0));
	rule.expires.boot_ns = 20 * SECOND;
	put(&blocks, &rule);
	assert_true(drops(&blocks, "192.0.2.1", CLASS_UDP, 10 * SECOND));
	assert_true(blocks_remove(&blocks, &rule, &stopped));
	assert_int_equal(stopped.packets, 3);
	assert_int_equal(stopped.bytes, 300);
	assert_false(blocks_remove(&blocks, &rule, &stopped));
	assert_false(drops(&blocks, "192.0.2.1", CLASS_UDP, 0));
	blocks_free(&blocks);
}

/* A rule for one class of an address does not hide the one of its network. */
static void the_narrowest_rule_that_applies(void **state)
{
	struct rule syn = rule_for("198.51.100.7", SECOND),
		    all = rule_for("198.51.100.0/24", SECOND);
	struct rule six = rule_for("2001:db8::/32", SECOND), every = rule_for("::/0", SECOND);
	struct blocks blocks;

	(void)state;
	syn.classes = CLASS_SYN;
	blocks_init(&blocks, &key);
	put(&blocks, &syn);
	assert_true(drops(&blocks, "198.51.100.7", CLASS_SYN, 0));
	assert_false(drops(&blocks, "198.51.100.7", CLASS_TCP, 0));
	put(&blocks, &all);
	assert_true(drops(&blocks, "198.51.100.7", CLASS_TCP, 0));
	assert_true(drops(&blocks, "198.51.100.255", CLASS_ICMP, 0));
	assert_false(drops(&blocks, "198.51.101.0", CLASS_ICMP, 0));
	put(&blocks, &six);
	assert_true(drops(&blocks, "2001:db8:ffff::1", CLASS_UDP, 0));
	assert_false(drops(&blocks, "2001:db9::1", CLASS_UDP, 0));
	put(&blocks, &every);
	assert_true(drops(&blocks, "2001:db9::1", CLASS_UDP, 0));
	assert_false(drops(&blocks, "203.0.113.1", CLASS_UDP, 0));
	blocks_free(&blocks);
}

static void a_limit_lets_its_rate_pass(void **state)
{
	struct rule rule = rule_for("203.0.113.1", 100 * SECOND);
	unsigned int passed = 0;
	struct blocks blocks;

	(void)state;
	rule.action = ACTION_LIMIT;
	rule.limit_pps = 100;
	blocks_init(&blocks, &key);
	put(&blocks, &rule);
	/* 10,000 a second for 5 seconds: a second's worth at once, then the rate */
	for (int i = 0; i < 50000; i++)
		passed += !drops(&blocks, "203.0.113.1", CLASS_UDP, i * SECOND / 10000);
	assert_in_range(passed, 598, 602);
	/* a renewal does not fill the bucket */
	put(&blocks, &rule);
	assert_true(drops(&blocks, "203.0.113.1", CLASS_UDP, 49999 * SECOND / 10000));
	/* after a long silence there is one second's worth again, not more */
	passed = 0;
	for (int i = 0; i < 1000; i++)
		passed += !drops(&blocks, "203.0.113.1", CLASS_UDP, 50 * SECOND);
	assert_int_equal(passed, 100);
	blocks_free(&blocks);
}

/* Thousands put in and taken out in no order: none is lost, none is left. */
static void nobody_gets_lost(void **state)
{
	enum { RULES = 5000 };
	static bool there[RULES];
	struct blocked stopped;
	struct blocks blocks;

	(void)state;
	blocks_init(&blocks, &key);
	srand(1);
	for (int i = 0; i < 100000; i++) {
		int n = rand() % RULES;
		struct address address =
			address_from_ipv4(__builtin_bswap32(0x0a000000 + (uint32_t)n));
		struct rule rule = { .prefix = prefix_of(&address),
				     .classes = CLASS_ALL,
				     .expires.boot_ns = SECOND };

		if (rand() % 2) {
			put(&blocks, &rule);
			there[n] = true;
		} else {
			assert_int_equal(blocks_remove(&blocks, &rule, &stopped), there[n]);
			there[n] = false;
		}
	}
	for (int n = 0; n < RULES; n++) {
		struct packet packet = { .classes = CLASS_UDP };

		packet.source = address_from_ipv4(__builtin_bswap32(0x0a000000 + (uint32_t)n));
		assert_int_equal(blocks_drop(&blocks, &packet, 0), there[n]);
	}
	blocks_free(&blocks);
}

/* ---- the count of sources -------------------------------------------------------------------- */

static void add(struct tally *tally, uint32_t source, bool dropped)
{
	struct address address = address_from_ipv4(__builtin_bswap32(source));

	assert_int_equal(tally_add(tally, &address, dropped), 0);
}

static void sources_are_counted_exactly(void **state)
{
	struct tally tally;

	(void)state;
	tally_init(&tally, &key, 1000000);
	for (uint32_t i = 0; i < 300000; i++)
		add(&tally, i % 20000, i % 20000 == 7);
	add(&tally, 42, false);
	tally_sort(&tally);
	assert_int_equal(tally.count, 20000);
	assert_int_equal(tally.omitted, 0);
	assert_int_equal(tally.places[0].packets, 16);
	assert_int_equal(tally.places[0].address.words[3], __builtin_bswap32(42));
	for (size_t i = 1; i < tally.count; i++) {
		assert_int_equal(tally.places[i].packets, 15);
		assert_int_equal(tally.places[i].dropped,
				 tally.places[i].address.words[3] == __builtin_bswap32(7) ? 15 : 0);
	}
	tally_free(&tally);
}

/* More sources than fit: the loud ones keep their counts, memory stays as it is. */
static void the_quiet_are_forgotten(void **state)
{
	struct tally tally;
	size_t size;

	(void)state;
	tally_init(&tally, &key, 10000);
	for (uint32_t i = 0; i < 10000; i++)
		add(&tally, i, false);
	size = tally.size;
	for (uint32_t round = 0; round < 50; round++)
		for (uint32_t i = 0; i < 100; i++)
			add(&tally, i, true);
	for (uint32_t i = 0; i < 1000000; i++)
		add(&tally, 1000000 + i, false);
	assert_int_equal(tally.size, size);
	assert_true(tally.count <= 10000);
	assert_int_equal(tally.omitted, 10000 + 1000000 - tally.count);
	tally_sort(&tally);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(tally.places[i].packets, 51);
		assert_int_equal(tally.places[i].dropped, 50);
	}
	assert_int_equal(tally.places[100].packets, 1);
	tally_free(&tally);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_holds_until_its_time),
		cmocka_unit_test(the_narrowest_rule_that_applies),
		cmocka_unit_test(a_limit_lets_its_rate_pass),
		cmocka_unit_test(nobody_gets_lost),
		cmocka_unit_test(sources_are_counted_exactly),
		cmocka_unit_test(the_quiet_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
