/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a finding says for who has to spare somebody: which packets are to blame, and whether its
 * source has connections here. */
#include "detect_world.h"

#define ATTACKER "203.0.113.9"
#define CLIENT	 "203.0.113.10"

/* What to limit where all packets were counted: whatever is an eighth of it. */
static void test_the_packets_to_blame(void **state)
{
	static const struct {
		uint32_t syns, udp, icmp, others, answers;
		uint8_t last_protocol;
		uint32_t wanted;
	} cases[] = {
		{ .udp = 6000, .last_protocol = 17, .wanted = CLASS_UDP },
		{ .syns = 3000, .udp = 3000, .last_protocol = 6, .wanted = CLASS_SYN | CLASS_UDP },
		{ .syns = 700, .icmp = 5300, .last_protocol = 1, .wanted = CLASS_ICMP },
		{ .syns = 800, .icmp = 5200, .last_protocol = 1, .wanted = CLASS_SYN | CLASS_ICMP },
		{ .others = 6000, .last_protocol = 6, .wanted = CLASS_TCP },
		{ .others = 6000, .last_protocol = 47, .wanted = CLASS_OTHER },
		/* his connections are not to blame for his flood */
		{ .udp = 6000, .answers = 200000, .last_protocol = 6, .wanted = CLASS_UDP },
		/* unless they are the flood */
		{ .answers = 2000000, .last_protocol = 6, .wanted = CLASS_TCP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *world = world_new();
		struct table_entry entry = entry_of(ATTACKER);
		const struct finding *finding;

		entry_packets(&entry, cases[i].syns, 6);
		entry.syn = cases[i].syns;
		entry_packets(&entry, cases[i].udp, 17);
		entry_packets(&entry, cases[i].icmp, 1);
		entry_packets(&entry, cases[i].others, 47);
		entry_acks(&entry, cases[i].answers);
		entry.last_protocol = cases[i].last_protocol;
		world_drain(world, 250 * MS, &entry);
		finding = world_found(world, DETECTOR_PACKET_FLOOD);
		assert_non_null(finding);
		assert_int_equal(finding->classes, cases[i].wanted);
		world_free(world);
	}
}

/* Who has had exchanges while he is tracked, and how many there are of them. */
static void test_who_has_connections(void **state)
{
	struct world *world = world_new();
	struct table_entry flood = entry_of(ATTACKER), entry = entry_of(CLIENT);

	(void)state;
	entry_packets(&flood, 6000, 17);
	assert_true(world_drain(world, 250 * MS, &flood) > 0);
	assert_false(world->findings.items[0].established);
	assert_int_equal(detect_established(world->detect), 0);
	/* a handshake of which only one side was seen may be anybody's */
	entry.established = 1;
	entry.assumed = 1;
	entry_packets(&entry, 2, 6);
	world_drain(world, 250 * MS, &entry);
	assert_int_equal(detect_established(world->detect), 0);
	entry_acks(&entry, 1);
	world_drain(world, 250 * MS, &entry);
	world_drain(world, 250 * MS, &entry);
	assert_int_equal(detect_established(world->detect), 1);
	/* it is remembered when he floods later, in a wake record too */
	flood.address = entry.address;
	assert_true(world_wake(world, 10 * MS, &flood) > 0);
	assert_true(world->findings.items[0].established);
	assert_true(world_drain(world, 250 * MS, &flood) > 0);
	assert_true(world->findings.items[0].established);
	/* as long as he is tracked */
	for (int i = 0; i < 10; i++)
		world_drain(world, 3600 * SECOND, NULL);
	assert_int_equal(detect_tracked(world->detect), 0);
	assert_int_equal(detect_established(world->detect), 0);
	world_free(world);
}

/* How much of the count is of now: what the rate is judged by. */
static void test_what_is_recent(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of(ATTACKER);
	const struct finding *finding;

	(void)state;
	entry_packets(&entry, 4000, 17);
	world_drain(world, 250 * MS, &entry);
	entry = entry_of(ATTACKER);
	entry_packets(&entry, 1500, 17);
	world_drain(world, 250 * MS, &entry);
	finding = world_found(world, DETECTOR_PACKET_FLOOD);
	assert_int_equal(finding->count, 5500);
	assert_int_equal(finding->recent, 1500);
	/* of an interval that took four seconds a fourth */
	entry = entry_of(CLIENT);
	entry_packets(&entry, 40000, 17);
	world_drain(world, 4 * SECOND, &entry);
	assert_int_equal(world_found(world, DETECTOR_PACKET_FLOOD)->recent, 10000);
	/* ports: those of this interval */
	entry = entry_of("203.0.113.11");
	for (uint16_t port = 1; port <= 15; port++)
		entry_syns(&entry, 1, 1, port);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	entry = entry_of("203.0.113.11");
	for (uint16_t port = 101; port <= 120; port++)
		entry_syns(&entry, 1, 1, port);
	world_drain(world, 250 * MS, &entry);
	finding = world_found(world, DETECTOR_PORT_SCAN);
	assert_in_range(finding->count, 28, 42);
	assert_in_range(finding->recent, 14, 26);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_packets_to_blame),
		cmocka_unit_test(test_who_has_connections),
		cmocka_unit_test(test_what_is_recent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
