/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A source's running counts beside their limits: what they say, and that asking changes nothing. */
#include "unit/detect_world.h"

#define SOURCE "198.51.100.7"

static struct source_seen seen;

static bool look(const struct world *world, const char *text, int64_t after_ns)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return detect_source(world->detect, &prefix, world->now.boot_ns + after_ns, &seen);
}

/* The running count of the limit of that length, 0 for none. */
static uint64_t count_of(enum detector_id id, uint32_t seconds)
{
	for (size_t i = 0; i < seen.running_count; i++) {
		if (seen.running[i].detector == id && seen.running[i].limit.seconds == seconds)
			return seen.running[i].count;
	}
	return 0;
}

static void counts_grow_and_fade(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of(SOURCE);

	(void)state;
	assert_false(look(world, SOURCE, 0));
	entry_syns(&entry, 60, 7, 80);
	world_drain(world, 250 * MS, &entry);
	assert_true(look(world, SOURCE, 0));
	assert_int_equal(count_of(DETECTOR_SYN_FLOOD, 1), 60);
	assert_int_equal(seen.running[0].detector, DETECTOR_SYN_FLOOD); /* the nearest first */
	assert_int_equal(seen.running[0].limit.count, 200);
	world_drain(world, 250 * MS, &entry);
	assert_true(look(world, SOURCE, 0));
	assert_int_equal(count_of(DETECTOR_SYN_FLOOD, 1), 120);
	assert_int_equal(seen.status.packets, 120);
	assert_int_equal(seen.last_ns, world->now.boot_ns);
	/* as old as it is, without an interval that says so */
	assert_true(look(world, SOURCE, 2 * SECOND));
	assert_int_equal(count_of(DETECTOR_SYN_FLOOD, 1), 0);
	/* and looking so far ahead has changed nothing */
	assert_true(look(world, SOURCE, 0));
	assert_int_equal(count_of(DETECTOR_SYN_FLOOD, 1), 120);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	assert_true(look(world, SOURCE, 0));
	assert_int_equal(count_of(DETECTOR_SYN_FLOOD, 1), 240);
	assert_int_equal(seen.status.detectors, 1u << DETECTOR_SYN_FLOOD);
	world_free(world);
}

static void ports_that_were_tried(void **state)
{
	struct world *world = world_new();

	(void)state;
	for (uint16_t port = 1; port <= 12; port++) {
		struct table_entry entry = entry_of(SOURCE);

		entry_syns(&entry, 1, 7, port);
		assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	}
	assert_true(look(world, SOURCE, 0));
	assert_in_range(count_of(DETECTOR_PORT_SCAN, 10), 9, 15);
	assert_in_range(count_of(DETECTOR_PORT_SCAN, 900), 9, 15);
	assert_true(look(world, SOURCE, 30 * SECOND));
	assert_int_equal(count_of(DETECTOR_PORT_SCAN, 10), 0);
	assert_in_range(count_of(DETECTOR_PORT_SCAN, 900), 9, 15);
	world_free(world);
}

static void hot_prefixes_are_found_by_their_addresses(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of("2001:db8::");

	(void)state;
	entry.prefix_len = 64;
	entry_udp(&entry, 500, 7, 80);
	world_drain(world, 250 * MS, &entry);
	assert_true(look(world, "2001:db8::77", 0));
	assert_int_equal(seen.status.source.len, 64);
	assert_int_equal(count_of(DETECTOR_UDP_FLOOD, 1), 500);
	assert_false(look(world, "2001:db8:0:1::77", 0));
	assert_false(look(world, "2001:db8::/56", 0));
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_grow_and_fade),
		cmocka_unit_test(ports_that_were_tried),
		cmocka_unit_test(hot_prefixes_are_found_by_their_addresses),
	};

	return cmocka_run_group_tests_name("running", tests, NULL, NULL);
}
