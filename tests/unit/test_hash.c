// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does a random key make chosen addresses and ports behave as random ones do? Sequences that crowd
 * under a linear hash, or under none, are put into buckets, tags and bitmaps with many keys: every
 * key must do, not the average of them, since a key stays for an interval, the bitmaps' for a run.
 */
#include "unit/table_sim.h"
#include <math.h>
#include <stdio.h>

#define BUCKETS	  8192
#define ADDRESSES 32768
#define KEYS	  25

static struct sim sim;

/* ---- sequences an attacker may compute ------------------------------------------------------- */

static struct address random_ipv4(uint32_t i)
{
	(void)i;
	return sim_address((uint32_t)sim_random(&sim));
}

static struct address in_a_row(uint32_t i)
{
	return sim_address(__builtin_bswap32(0x0a000000 + i));
}

static struct address every_256th(uint32_t i)
{
	return sim_address(__builtin_bswap32(0x0a000000 + (i << 8)));
}

static struct address same_low_bits(uint32_t i)
{
	return sim_address(i << 16 | 0x1234);
}

static struct address same_low_and_high_bits(uint32_t i)
{
	return sim_address(i * 0x10001);
}

static struct address golden_steps(uint32_t i)
{
	return sim_address(i * 0x9e3779b1);
}

static struct address ipv6(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	return (struct address){ .words = { a, b, c, d } };
}

static struct address hosts_of_a_64(uint32_t i)
{
	return ipv6(0xb80d0120, 0, 0, __builtin_bswap32(i));
}

static struct address high_hosts_of_a_64(uint32_t i)
{
	return ipv6(0xb80d0120, 0, __builtin_bswap32(i), 0);
}

static struct address networks_64(uint32_t i)
{
	return ipv6(0xb80d0120, __builtin_bswap32(i), 0, 0x01000000);
}

static struct address networks_32(uint32_t i)
{
	return ipv6(0xb80d0120 + i, 0, 0, 0x01000000);
}

static struct address constant_sum(uint32_t i)
{
	return ipv6(0xb80d0120, i, 0, -i);
}

static struct address constant_xor(uint32_t i)
{
	return ipv6(0xb80d0120, i, i, 0x01000000);
}

struct sequence {
	const char *name;
	struct address (*address)(uint32_t i);
};

static const struct sequence sequences[] = {
	{ "random IPv4", random_ipv4 },
	{ "in a row", in_a_row },
	{ "every 256th", every_256th },
	{ "same low bits", same_low_bits },
	{ "same low and high bits", same_low_and_high_bits },
	{ "golden steps", golden_steps },
	{ "hosts of a /64", hosts_of_a_64 },
	{ "high hosts of a /64", high_hosts_of_a_64 },
	{ "/64s in a row", networks_64 },
	{ "/32s in a row", networks_32 },
	{ "two words of constant sum", constant_sum },
	{ "two equal words", constant_xor },
};

/* ---- the tests --------------------------------------------------------------------------------
 */

static int compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

struct crowding {
	double pairs;	     /* that share a bucket, in units of what chance expects */
	uint32_t fullest;    /* bucket */
	uint32_t same_place; /* pairs that share bucket and tag; chance: 2 */
};

static struct crowding measure(const struct sequence *sequence)
{
	static uint32_t load[BUCKETS], places[ADDRESSES];
	struct crowding out = { 0 };
	struct hash_key key = sim_key(&sim);

	memset(load, 0, sizeof(load));
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		struct address address = sequence->address(i);
		uint64_t hash = hash_address(&key, &address);
		uint32_t bucket = table_bucket_index(hash, BUCKETS - 1);

		places[i] = bucket << 16 | table_tag(hash);
		out.pairs += load[bucket]++;
		out.fullest = load[bucket] > out.fullest ? load[bucket] : out.fullest;
	}
	out.pairs /= (double)ADDRESSES * (ADDRESSES - 1) / 2 / BUCKETS;
	qsort(places, ADDRESSES, sizeof(*places), compare);
	for (uint32_t i = 1; i < ADDRESSES; i++)
		out.same_place += places[i] == places[i - 1];
	return out;
}

/* Random addresses: pairs 0.985 to 1.015, the fullest of 8,192 buckets under 22. */
static void chosen_addresses_spread_as_random_ones(void **state)
{
	(void)state;
	for (size_t s = 0; s < sizeof(sequences) / sizeof(*sequences); s++) {
		uint32_t same_place = 0;

		for (int k = 0; k < KEYS; k++) {
			struct crowding crowding = measure(&sequences[s]);

			same_place += crowding.same_place;
			if (fabs(crowding.pairs - 1) > 0.03 || crowding.fullest > 24)
				fail_msg("%s: %.3f times the pairs of chance in a bucket, %u in "
					 "the fullest",
					 sequences[s].name, crowding.pairs, crowding.fullest);
		}
		if (same_place > KEYS * 2 * 2 + 20) /* a random one keeps below this, too */
			fail_msg("%s: %u pairs share bucket and tag", sequences[s].name,
				 same_place);
	}
}

/* Another key, another place: what once shared a bucket does not share the next. */
static void keys_are_independent(void **state)
{
	struct hash_key first = sim_key(&sim), second = sim_key(&sim);
	uint32_t in_first = 0, in_both = 0;

	(void)state;
	for (uint32_t i = 0; i < 1 << 20; i++) {
		struct address address = in_a_row(i);

		if (table_bucket_index(hash_address(&first, &address), 255))
			continue;
		in_first++;
		in_both += table_bucket_index(hash_address(&second, &address), 255) == 0;
	}
	assert_in_range(in_first, 3800, 4400); /* 4,096 by chance */
	assert_in_range(in_both, 4, 36);       /* 16 */
}

/* SYNs to ports from `first` on, `step` apart, of one host. */
static struct table_entry scan(uint32_t count, uint32_t first, uint32_t step)
{
	struct table_entry entry = { .prefix_len = PREFIX_LEN_FULL };
	struct table_subject subject = { .peer = sim_address(1) };
	struct packet packet = sim_tcp(&subject.peer, 0, TCP_SYN);

	for (uint32_t i = 0; i < count; i++) {
		packet.destination_port = (uint16_t)(first + i * step);
		table_add(&entry, &subject, &packet, &sim.control, RELATION_UNASKED, 0);
	}
	return entry;
}

/* Bits that a scan sets in its source's bitmaps. */
static uint32_t port_bits(uint32_t count, uint32_t first, uint32_t step)
{
	return (uint32_t)__builtin_popcount(scan(count, first, step).ports[TRY_TCP]);
}

static uint32_t target_bits(uint32_t count, uint32_t first, uint32_t step)
{
	struct table_entry entry = scan(count, first, step);

	assert_int_equal(entry.distinct_targets, __builtin_popcountll(entry.targets));
	return entry.distinct_targets;
}

/* Of a port of hosts, each of which is a target too. */
static uint32_t host_bits(uint32_t count, uint32_t first, uint32_t step)
{
	struct table_entry entry = { .prefix_len = PREFIX_LEN_FULL };
	struct table_subject subject = { .peer = sim_address(1) };
	struct packet packet = sim_tcp(&subject.peer, 80, TCP_SYN);

	for (uint32_t i = 0; i < count; i++) {
		subject.peer = sim_address(__builtin_bswap32(first + i * step));
		table_add(&entry, &subject, &packet, &sim.control, RELATION_UNASKED, 0);
	}
	assert_int_equal(entry.distinct_hosts, __builtin_popcountll(entry.hosts[TRY_TCP]));
	return entry.distinct_hosts;
}

/*
 * With each of 2,000 keys: the mean as by chance, and no key with much less, which would hide a
 * scan for as long as the daemon runs.
 */
static void check_fill(const char *what, uint32_t (*fill)(uint32_t, uint32_t, uint32_t),
		       uint32_t bits, uint32_t count, uint32_t step)
{
	double chance = bits * (1 - pow(1 - 1.0 / bits, count)), mean = 0;
	uint32_t least = bits;
	int keys = 2000;

	for (int k = 0; k < keys; k++) {
		uint32_t set;

		sim.control.bitmap_key = sim_key(&sim);
		set = fill(count, 0xc6120001, step);
		mean += (double)set / keys;
		least = set < least ? set : least;
	}
	if (fabs(mean / chance - 1) > 0.01 || least < chance * 0.55)
		fail_msg("%u %s, %u apart: %.1f bits, %u at the least; %.1f by chance", count, what,
			 step, mean, least, chance);
}

static void sequences_fill_bitmaps_as_chance_does(void **state)
{
	static const uint32_t steps[] = { 1, 2, 3, 128, 256, 1021 };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		for (uint32_t count = 20; count <= 100; count += 80) {
			check_fill("ports", port_bits, TRY_PORT_BITS, count, steps[i]);
			check_fill("targets", target_bits, TRY_TARGET_BITS, count, steps[i]);
			check_fill("hosts", host_bits, TRY_HOST_BITS, count, steps[i]);
		}
	}
}

static int open_sim(void **state)
{
	(void)state;
	sim_open(&sim, 64, 31);
	return 0;
}

static int close_sim(void **state)
{
	(void)state;
	sim_close(&sim);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chosen_addresses_spread_as_random_ones),
		cmocka_unit_test(keys_are_independent),
		cmocka_unit_test(sequences_fill_bitmaps_as_chance_does),
	};

	return cmocka_run_group_tests(tests, open_sim, close_sim);
}
