// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hundred thousand blocks, of addresses and of prefixes of every length, and what a plain search
 * for the longest prefix says of the same packets: with what was added at once, after the filter
 * was built anew, and after half of it was removed.
 */
#include "bpf/program_world.h"
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include "base/address.h"

#define BLOCKS	100000
#define PACKETS 20000
#define SLOTS	(1 << 18)
#define ACK	0x10
#define SYN	0x02

static struct world world;
static struct frames dice;

/* The reference: a table of keys, asked for every length from the longest on. */
static struct rule *table[SLOTS];
static struct rule *rules;
static size_t rule_count;

static size_t slot_of(const struct block_key *key)
{
	const unsigned char *bytes = (const unsigned char *)key;
	uint64_t hash = 14695981039346656037ULL; /* FNV-1a */

	for (size_t i = 0; i < sizeof(*key); i++)
		hash = (hash ^ bytes[i]) * 1099511628211ULL;
	return hash % SLOTS;
}

static struct rule **find(const struct block_key *key)
{
	size_t slot = slot_of(key);

	for (; table[slot]; slot = (slot + 1) % SLOTS) {
		const struct block_key there = rule_key(table[slot]);

		if (!memcmp(&there, key, sizeof(there)))
			break;
	}
	return &table[slot];
}

/* The rule that decides about the packet, or NULL. */
static const struct rule *longest(const struct address *source, uint32_t classes, uint16_t port)
{
	uint32_t shortest = address_is_ipv4(source) ? PREFIX_LEN_MAPPED : 0;

	for (uint32_t len = PREFIX_LEN_FULL + 1; len-- > shortest;) {
		struct block_key key = { .address = address_masked(source, len), .len = len };
		const struct rule *rule = *find(&key);

		if (rule && rule->classes & classes && rule->id)
			return rule;
		key.port = port;
		key.protocol = 6;
		rule = *find(&key);
		if (rule && rule->id)
			return rule;
	}
	return NULL;
}

/* ---- random blocks and packets
 * ---------------------------------------------------------------------------- */

static struct address random_address(bool six)
{
	struct address address = address_from_ipv4(frames_random(&dice, UINT32_MAX));

	if (six) {
		address.words[0] = __builtin_bswap32(0x20000000 | frames_random(&dice, 1 << 28));
		for (int i = 1; i < 4; i++)
			address.words[i] = frames_random(&dice, UINT32_MAX);
	}
	return address;
}

/* Few short ones, or everything would be blocked. */
static uint32_t random_length(bool six)
{
	static const uint32_t sixes[] = { 19, 29, 32,  33,  36,	 40,  44,  47,	48,  49, 50,
					  52, 56, 57,  60,  61,	 62,  63,  64,	65,  72, 80,
					  96, 97, 104, 112, 113, 119, 120, 121, 124, 127 };
	uint32_t kind = frames_random(&dice, 10000);

	if (kind < 9000)
		return PREFIX_LEN_FULL;
	if (six)
		return sixes[kind < 9005 ? 0 : 1 + frames_random(&dice, 31)];
	if (kind < 9002)
		return PREFIX_LEN_MAPPED + 6 + frames_random(&dice, 7);
	return PREFIX_LEN_MAPPED + 13 + frames_random(&dice, 19);
}

static void random_rule(struct rule *rule, uint32_t id)
{
	bool six = !frames_random(&dice, 4);
	struct address address = random_address(six);
	uint32_t len = random_length(six), kind = frames_random(&dice, 10);

	*rule = (struct rule){ .id = id,
			       .prefix = { .address = address_masked(&address, len), .len = len },
			       .classes = CLASS_ALL,
			       .expires = moment_plus(moment_now(), 3600 * NS_PER_SECOND) };
	if (kind == 0)
		rule->classes = CLASS_SYN;
	else if (kind == 1)
		rule->classes = CLASS_TCP | CLASS_UDP;
	if (kind != 2)
		return;
	rule->port = (uint16_t)(80 + frames_random(&dice, 2));
	rule->protocol = 6;
	rule->classes = protocol_classes(6);
}

static void add_rules(void)
{
	struct moment now = moment_now();

	for (uint32_t i = 0; i < BLOCKS; i++) {
		struct rule *rule = &rules[rule_count], **at;
		struct block_key key;

		random_rule(rule, (uint32_t)rule_count + 1);
		key = rule_key(rule);
		at = find(&key);
		if (*at)
			continue; /* that key is taken */
		*at = rule;
		rule_count++;
		assert_int_equal(dropmap_put(world.dropmap, rule, now), 0);
	}
}

/* Of a block's prefix, beside one, or anywhere. */
static struct address random_source(void)
{
	const struct rule *rule = &rules[frames_random(&dice, (uint32_t)rule_count)];
	struct address address = random_address(!address_is_ipv4(&rule->prefix.address));
	const struct address *base = &rule->prefix.address;
	struct address inside;

	if (!frames_random(&dice, 4))
		return random_address(!frames_random(&dice, 4));
	inside = address_masked(&address, rule->prefix.len);
	for (int i = 0; i < 16; i++)
		address.bytes[i] ^= inside.bytes[i] ^ base->bytes[i];
	if (!frames_random(&dice, 4)) /* one bit beside it */
		address.bytes[15 - frames_random(&dice, 4)] ^=
			(uint8_t)(1 << frames_random(&dice, 8));
	return address;
}

static void check_packets(void)
{
	unsigned int dropped = 0;

	for (int i = 0; i < PACKETS; i++) {
		struct address source = random_source();
		uint16_t port = (uint16_t)(80 + frames_random(&dice, 3));
		bool syn = frames_random(&dice, 2);
		uint32_t wanted;
		struct frame frame;
		char text[ADDRESS_TEXT];

		wanted = longest(&source, syn ? CLASS_SYN : CLASS_TCP, port) ? XDP_DROP : XDP_PASS;
		if (address_is_ipv4(&source))
			frame_tcp4(&frame, __builtin_bswap32(source.words[3]), port,
				   syn ? SYN : ACK);
		else
			frame_tcp6(&frame, source.bytes, port, syn ? SYN : ACK);
		if (world_run(&world, &frame) != wanted)
			fail_msg("packet %d from %s to port %u should be %s", i,
				 address_format(&source, text), port,
				 wanted == XDP_DROP ? "dropped" : "passed");
		dropped += wanted == XDP_DROP;
	}
	assert_in_range(dropped, PACKETS / 10, PACKETS - PACKETS / 10);
}

static void maintain(int turn)
{
	dropmap_maintain(world.dropmap, moment_plus(moment_now(), turn * NS_PER_SECOND));
}

static void remove_half(void)
{
	for (size_t i = 0; i < rule_count; i += 2) {
		assert_int_equal(dropmap_remove(world.dropmap, &rules[i]), 0);
		rules[i].id = 0; /* in its slot still, or what is behind it would not be found */
	}
}

static void same_as_a_plain_search(uint64_t seed)
{
	print_message("seed %llu\n", (unsigned long long)seed);
	frames_begin(&dice, seed);
	world_open(&world, NULL);
	rules = calloc(BLOCKS, sizeof(*rules));
	assert_non_null(rules);
	memset(table, 0, sizeof(table));
	rule_count = 0;
	add_rules();
	check_packets();
	maintain(1);
	check_packets();
	remove_half();
	check_packets();
	maintain(2);
	check_packets();
	free(rules);
	world_close(&world, false);
}

static void fixed_seed(void **state)
{
	(void)state;
	same_as_a_plain_search(FRAMES_SEED);
}

static void random_seed(void **state)
{
	uint64_t seed = 0;

	(void)state;
	assert_int_equal(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
	same_as_a_plain_search(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_seed),
		cmocka_unit_test(random_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
