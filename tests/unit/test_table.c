// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The interval table on plain memory, in simulated time: who is counted, how exactly, and what the
 * drained table says of those who are not. What one packet adds to its entry is test_entry's.
 */
#include "unit/table_sim.h"
#include <math.h>
#include <stdio.h>

#define BUCKETS	 8192 /* the default of sensor.table_buckets */
#define INTERVAL 0.25

static struct sim sim;

static int open_small(void **state)
{
	(void)state;
	sim_open(&sim, 1024, 11);
	return 0;
}

static int open_whole(void **state)
{
	(void)state;
	sim_open(&sim, BUCKETS, 12);
	return 0;
}

static int close_sim(void **state)
{
	(void)state;
	sim_close(&sim);
	return 0;
}

/* Slow sources matter: a packet a source, and each is there in full. */
static void first_packet_makes_an_entry(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		struct address address = sim_address(i * 0x10101);
		struct packet packet = sim_tcp(&address, (uint16_t)(i + 1), TCP_SYN);
		const struct table_entry *entry = sim_packet(&sim, &packet);

		assert_non_null(entry);
		assert_memory_equal(&entry->address, &address, sizeof(address));
		assert_true(entry->packets == 1 && entry->bytes == 60 && entry->syn == 1 &&
			    entry->distinct_targets == 1 && entry->distinct_hosts == 1 &&
			    entry->last_port == i + 1 && entry->prefix_len == PREFIX_LEN_FULL);
	}
	sim_drain(&sim, INTERVAL);
	assert_int_equal(sim.merge.count, 1000);
	assert_int_equal(sim.sum.attributed, 1000);
	assert_int_equal(sim.sum.packets, 1000);
	assert_int_equal(sim.sum.bytes, 60000);
	assert_true(sim.sum.sources_estimate == 1000 && sim.sum.blind_below_pps == 0);
}

/* Nothing of one interval is in the next but one, which has the same memory. */
static void intervals_are_apart(void **state)
{
	(void)state;
	for (uint32_t interval = 0; interval < 4; interval++) {
		for (uint32_t i = 0; i < 500; i++)
			for (uint32_t n = 0; n <= interval; n++)
				assert_non_null(sim_source(&sim, interval % 2 * 250 + i));
		sim_drain(&sim, INTERVAL);
		assert_int_equal(sim.merge.count, 500);
		assert_int_equal(sim.sum.packets, 500 * (interval + 1));
		assert_int_equal(sim.sum.attributed, 500 * (interval + 1));
		assert_int_equal(sim_sample(&sim, interval % 2 * 250)->packets, interval + 1);
		sim_flip(&sim);
	}
}

/*
 * 10,000 sources, eight packets each. By chance nine of them share one of 8,192 buckets in one
 * interval of twenty; otherwise nothing is unattributed.
 */
static void ten_thousand_sources_are_attributed(void **state)
{
	int whole = 0, intervals = 20;

	(void)state;
	for (int interval = 0; interval < intervals; interval++) {
		uint32_t base = (uint32_t)sim_random(&sim);

		for (uint32_t n = 0; n < 8; n++)
			for (uint32_t i = 0; i < 10000; i++)
				sim_source(&sim, interval % 2 ? base + i : base + (i << 8));
		sim_drain(&sim, INTERVAL);
		assert_int_equal(sim.sum.packets, 80000);
		assert_true(sim.sum.attributed >= 80000 - 3 * 8);
		whole += sim.sum.attributed == 80000;
		sim_flip(&sim);
	}
	assert_true(whole >= intervals - 3);
}

/* The heavy senders: 1,000 packets/s each inside 2 million random sources a second. */
static void heavy_sources_survive_a_flood(void **state)
{
	struct steady sources[100];

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		sources[i] = (struct steady){ .number = 2 * i, .pps = 1000 };
	for (int interval = 0; interval < 2; interval++) {
		sim_interval(&sim, 2e6, sources, 100, INTERVAL);
		assert_int_equal(sim.sum.packets, 500000 + 25000);
		for (uint32_t i = 0; i < 100; i++) {
			assert_int_equal(sources[i].sent, 250);
			assert_in_range(sources[i].attributed, 245, 250);
		}
		assert_true(sim.sum.attributed < sim.sum.packets / 4);
		assert_true(fabs(sim.sum.sources_estimate / 500100 - 1) < 0.15);
	}
}

/* ---- the blind floor ------------------------------------------------------------------------- */

#define RATES 16
#define EACH  40

/* The rate at which half of an even source's packets are counted, between rates a fifth apart. */
static double measure_floor(struct sim *s, double flood_pps, double lowest, double *published)
{
	static struct steady sources[RATES * EACH];
	double sent[RATES] = { 0 }, got[RATES] = { 0 };
	int intervals = 4;

	*published = 0;
	for (uint32_t i = 0; i < RATES * EACH; i++)
		sources[i] =
			(struct steady){ .number = 2 * i, .pps = lowest * pow(1.2, i % RATES) };
	for (int interval = 0; interval < intervals; interval++) {
		sim_interval(s, flood_pps, sources, RATES * EACH, INTERVAL);
		*published += s->sum.blind_below_pps / intervals;
		for (int i = 0; i < RATES * EACH; i++) {
			sent[i % RATES] += sources[i].sent;
			got[i % RATES] += sources[i].attributed;
		}
	}
	for (int rate = RATES - 1; rate >= 0; rate--)
		if (got[rate] < sent[rate] / 2)
			return sources[rate].pps * sqrt(1.2);
	return 0;
}

/* Right within a factor of 2, as the issue asks; it is better than that. Table and floods scaled.
 */
static void blind_floor_is_right(void **state)
{
	static const double floods[] = { 0.5e6, 1e6, 2e6, 4e6, 8e6 };

	(void)state;
	for (size_t i = 0; i < sizeof(floods) / sizeof(*floods); i++) {
		double scale = 1024.0 / BUCKETS, published, measured;

		measured =
			measure_floor(&sim, floods[i] * scale, floods[i] / 65536 / 4, &published);
		print_message("%.1f million random sources a second: blind below %.1f/s, measured "
			      "%.1f/s\n",
			      floods[i] / 1e6, published, measured);
		assert_true(measured > 0);
		assert_true(published < measured * 1.5 && published > measured / 1.5);
	}
}

/* ---- the number of sources --------------------------------------------------------------------
 */

static void sources_are_estimated(void **state)
{
	static const uint32_t counts[] = { 9000, 20000, 50000, 200000 };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		double squares = 0, mean = 0;
		int runs = 8;

		for (int run = 0; run < runs; run++) {
			double error;

			for (uint32_t n = 0; n < counts[i]; n++)
				sim_source(&sim, n * 0x9e3779b1);
			for (uint32_t n = 0; n < counts[i]; n += 3) /* again: no new source */
				sim_source(&sim, n * 0x9e3779b1);
			sim_drain(&sim, INTERVAL);
			assert_true(sim.sum.replaced > 0);
			error = sim.sum.sources_estimate / counts[i] - 1;
			mean += error / runs;
			squares += error * error / runs;
			assert_true(fabs(error) < 0.2);
			sim_flip(&sim);
		}
		/* 512 registers: 4.6 % */
		assert_true(sqrt(squares) < 0.10);
		assert_true(fabs(mean) < 0.05);
	}
}

/* ---- the bucket ------------------------------------------------------------------------------ */

static struct table_header *only_header(void)
{
	return sim_bucket(&sim, 0).header;
}

static int open_one_bucket(void **state)
{
	(void)state;
	sim_open(&sim, 1, 13);
	return 0;
}

/* Eight sources have room. The ninth takes votes in turn, then a slot, then makes its entry. */
static void votes_decide(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		assert_non_null(sim_source(&sim, i));
	for (uint32_t i = 1; i < 8; i++)
		assert_non_null(sim_source(&sim, i));
	assert_non_null(sim_source(&sim, 0)); /* all have two votes */
	for (uint32_t i = 0; i < 8; i++)
		assert_null(sim_source(&sim, 100 + i)); /* one vote left each */
	assert_int_equal(only_header()->valid, 0xff);
	assert_int_equal(sim_totals(&sim)->replaced, 0);
	assert_null(sim_source(&sim, 200)); /* takes slot 0, whose source was 0 */
	assert_int_equal(only_header()->valid, 0xfe);
	assert_int_equal(sim_totals(&sim)->replaced, 1);
	assert_int_equal(sim_source(&sim, 200)->packets, 2); /* the first is not lost */
	assert_null(sim_source(&sim, 0));
	assert_int_equal(sim_source(&sim, 7)->packets, 3);
	sim_drain(&sim, INTERVAL);
	assert_int_equal(sim.sum.packets, 8 + 8 + 8 + 1 + 1 + 1 + 1);
	assert_int_equal(sim.sum.attributed, 5 * 2 + 3 + 2); /* 0, come back, pushed out 1 */
}

/* Whatever the hash, no tag is the empty slot's, and the whole address decides. */
static void tags_are_never_zero(void **state)
{
	struct packet packet = { .bytes = 60, .classes = CLASS_TCP, .tcp_flags = TCP_ACK };
	struct table_subject subject = { .prefix_len = PREFIX_LEN_FULL };
	struct table_bucket bucket = sim_bucket(&sim, 0);
	struct table_entry *first;

	(void)state;
	for (uint64_t hash = 0; hash < 1ULL << 48; hash += 1ULL << 32)
		assert_true(table_tag(hash) != 0);
	assert_int_equal(table_find(&bucket, 0, &subject, 60), BUCKET_ENTRIES);
	/* the same hash for all: eight entries, found by address */
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 8; i++) {
			subject.address = sim_address(i);
			first = table_claim(&bucket, sim_totals(&sim), 0, sim.control.epoch, 0,
					    &subject, packet.bytes);
			assert_non_null(first);
			table_add(first, &subject, &packet, &sim.control, RELATION_UNASKED, 0);
			assert_int_equal(first->packets, round + 1);
			assert_memory_equal(&first->address, &subject.address, 16);
		}
	/* half the address is not enough */
	subject.address = sim_address(3);
	subject.address.halves[0] = 1;
	assert_int_equal(table_find(&bucket, 0, &subject, 60), BUCKET_ENTRIES);
}

/* Votes stop at their maximum; a slot that was taken over has the second packet's length twice. */
static void votes_saturate(void **state)
{
	struct address address = sim_address(1);
	struct packet packet = sim_tcp(&address, 80, TCP_ACK);

	(void)state;
	packet.bytes = 100000;
	for (int i = 0; i < 70000; i++)
		sim_packet(&sim, &packet);
	assert_int_equal(only_header()->votes[0], 0xff);
	assert_int_equal(sim_packet(&sim, &packet)->packets, 70001);
	assert_true(sim_packet(&sim, &packet)->bytes == 70002 * 100000ULL);
	for (uint32_t i = 2; i < 9; i++)
		sim_source(&sim, i);
	packet.source = sim_address(50);
	for (int i = 0; i < 2; i++)
		sim_packet(&sim, &packet); /* a vote of slot 0, then slot 1 whole */
	assert_int_equal(only_header()->votes[0], 0xfe);
	assert_true(sim_packet(&sim, &packet)->bytes == 2 * 100000ULL);
}

#define SMALL(name) cmocka_unit_test_setup_teardown(name, open_small, close_sim)
#define WHOLE(name) cmocka_unit_test_setup_teardown(name, open_whole, close_sim)
#define ONE(name)   cmocka_unit_test_setup_teardown(name, open_one_bucket, close_sim)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SMALL(first_packet_makes_an_entry),
		SMALL(intervals_are_apart),
		WHOLE(ten_thousand_sources_are_attributed),
		WHOLE(heavy_sources_survive_a_flood),
		SMALL(blind_floor_is_right),
		SMALL(sources_are_estimated),
		ONE(votes_decide),
		ONE(tags_are_never_zero),
		ONE(votes_saturate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
