/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Detectors of packets that nobody asked for, of logins and of what cannot be, with the limits that
 * fwgen comes with: what each finds, what it must not, and how somebody might try to hide from it.
 * Floods of SYN, UDP and ICMP are in test_detect.c, scans in test_scans.c.
 */
#include "detect_world.h"

#define ATTACKER "203.0.113.9"
#define CLIENT	 "192.0.2.33"

/* ---- fragments, malformed packets -------------------------------------------------------------
 */

static void entry_fragments(struct table_entry *entry, uint16_t n)
{
	entry_packets(entry, n, 17);
	entry->fragments += n;
}

static void test_fragment_flood(void **state)
{
	struct world *world = world_defaults();
	struct table_entry entry = entry_of(ATTACKER);
	const struct finding *finding;

	(void)state;
	entry_fragments(&entry, 1000);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	entry = entry_of(ATTACKER);
	entry_fragments(&entry, 1);
	world_drain(world, 250 * MS, &entry);
	finding = world_found(world, DETECTOR_FRAGMENT_FLOOD);
	assert_non_null(finding);
	assert_int_equal(finding->count, 1001);
	assert_int_equal(finding->classes, CLASS_FRAGMENT);
	assert_int_equal(finding->protocol, 17);
	assert_int_equal(finding->evidence, EVIDENCE_UNPROVEN);
	world_free(world);
}

/* NFS over UDP: 1616 fragments a second, of an exchange that both sides take part in. */
static void test_asked_fragments_are_no_flood(void **state)
{
	struct world *world = world_defaults();

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct table_entry entry = entry_of(CLIENT);

		entry.packets = entry.answers = 2000;
		entry_fragments(&entry, 3);
		assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	}
	world_free(world);
}

/* Slower than the limit of a second, in bursts, among a hundred times as many honest packets. */
static void test_fragments_among_others(void **state)
{
	struct world *world = world_defaults();
	int at = -1;

	(void)state;
	for (int i = 0; i < 40 && at < 0; i++) {
		struct table_entry entry = entry_of(ATTACKER);

		entry_acks(&entry, 20000);
		if (i % 4 == 0)
			entry_fragments(&entry, 400);
		world_drain(world, 250 * MS, &entry);
		if (world_found(world, DETECTOR_FRAGMENT_FLOOD))
			at = i;
	}
	assert_in_range(at, 4 * 7, 4 * 9);
	world_free(world);
}

static void test_malformed(void **state)
{
	struct world *world = world_defaults();
	struct table_entry entry = entry_of(ATTACKER);
	const struct finding *finding;

	(void)state;
	entry_acks(&entry, 200);
	entry.malformed = 200;
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	world_drain(world, 8 * SECOND, NULL);
	entry = entry_of(ATTACKER);
	entry_acks(&entry, 10000);
	entry.malformed = 1;
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	finding = world_found(world, DETECTOR_MALFORMED);
	assert_non_null(finding);
	assert_int_equal(finding->count, 201);
	assert_int_equal(finding->classes, CLASS_TCP);
	world_free(world);
}

/* A broken network card: now and then one. */
static void test_few_malformed_are_no_attack(void **state)
{
	struct world *world = world_defaults();

	(void)state;
	for (int i = 0; i < 400; i++) {
		struct table_entry entry = entry_of(CLIENT);

		entry_acks(&entry, 100);
		entry.malformed = 4;
		assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	}
	world_free(world);
}

/* ---- impossible flags ---------------------------------------------------------------------------
 */

static void entry_odd(struct table_entry *entry, uint16_t n, uint16_t port)
{
	entry_packets(entry, n, 6);
	entry->odd_flags += n;
	entry_target(entry, TRY_TCP, 7, port);
}

static void test_odd_flags(void **state)
{
	struct world *world = world_defaults();
	struct table_entry entry = entry_of(ATTACKER);
	const struct finding *finding;

	(void)state;
	entry_odd(&entry, 30, 80);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	entry = entry_of(ATTACKER);
	entry_odd(&entry, 1, 80);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	finding = world_found(world, DETECTOR_STEALTH_SCAN);
	assert_non_null(finding);
	assert_int_equal(finding->count, 31);
	assert_int_equal(finding->classes, CLASS_TCP);
	assert_int_equal(finding->protocol, 6);
	assert_int_equal(finding->port, 80);
	assert_null(finding->what);
	world_free(world);
}

/* One every ten seconds, beside a connection of a thousand packets a second. */
static void test_slow_odd_flags(void **state)
{
	struct world *world = world_defaults();
	int found = 0;

	(void)state;
	for (int i = 0; i < 90 * 10 && !found; i++) {
		struct table_entry entry = entry_of(ATTACKER);

		entry_acks(&entry, 1000);
		if (i % 10 == 0)
			entry_odd(&entry, 1, 80);
		world_drain(world, SECOND, &entry);
		if (world_found(world, DETECTOR_STEALTH_SCAN))
			found = i;
	}
	assert_in_range(found, 600, 700);
	world_free(world);
}

static void test_wakes_at_odd_flags(void **state)
{
	struct world *world = world_defaults();
	struct table_entry entry = entry_of(ATTACKER);
	struct wake_marks marks;

	(void)state;
	detect_wake_marks(&world->config, &marks);
	assert_int_equal(marks.odd_flags, 31);
	assert_int_equal(marks.udp, 201); /* reflection */
	entry_odd(&entry, 31, 80);
	assert_int_equal(world_wake(world, 0, &entry), 1);
	world_free(world);
}

/* ---- reflection
 * ---------------------------------------------------------------------------------- */

static void entry_amplified(struct table_entry *entry, uint16_t n)
{
	entry_packets(entry, n, 17);
	entry->amplifier += n;
}

static void test_amplified_answers(void **state)
{
	struct world *world = world_defaults();
	struct table_entry entry = entry_of(ATTACKER);
	const struct finding *finding;

	(void)state;
	entry_amplified(&entry, 200);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	entry = entry_of(ATTACKER);
	entry_amplified(&entry, 1);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	finding = world_found(world, DETECTOR_REFLECTION);
	assert_non_null(finding);
	assert_int_equal(finding->count, 201);
	assert_int_equal(finding->classes, CLASS_UDP);
	assert_int_equal(finding->protocol, 17);
	world_free(world);
}

static void test_unasked_syn_acks(void **state)
{
	struct world *world = world_defaults();
	struct table_entry entry = entry_of(ATTACKER);
	const struct finding *finding;

	(void)state;
	entry_packets(&entry, 201, 6);
	entry.syn_ack = 201;
	world_drain(world, 250 * MS, &entry);
	finding = world_found(world, DETECTOR_REFLECTION);
	assert_non_null(finding);
	assert_int_equal(finding->count, 201);
	assert_int_equal(finding->classes, CLASS_TCP);
	assert_int_equal(finding->protocol, 6);
	world_free(world);
}

/* A resolver's answers to questions that went another way: large ones are some of all. */
static void test_resolver_is_no_reflection(void **state)
{
	struct world *world = world_defaults();

	(void)state;
	for (int i = 0; i < 400; i++) {
		struct table_entry entry = entry_of(CLIENT);

		entry.packets = 500;
		entry.answers = 490;
		entry.udp = 60;
		entry.amplifier = 150;
		assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	}
	world_free(world);
}

/* A web server whose SYN-ACKs alone are missed, since each connection then goes on. */
static void test_half_seen_handshakes_are_no_reflection(void **state)
{
	struct world *world = world_defaults();

	(void)state;
	for (int i = 0; i < 400; i++) {
		struct table_entry entry = entry_of(CLIENT);

		entry_packets(&entry, 200, 6);
		entry.syn_ack = entry.stray = 100;
		entry_acks(&entry, 200);
		assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	}
	world_free(world);
}

/* What harmless packets hide is as many of the flood, no more. */
static void test_reflection_behind_other_packets(void **state)
{
	struct world *world = world_defaults();
	struct table_entry entry = entry_of(ATTACKER);

	(void)state;
	entry_acks(&entry, 300);
	entry_amplified(&entry, 501);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	assert_int_equal(world->findings.items[0].count, 201);
	world_free(world);
}

/* ---- logins
 * -------------------------------------------------------------------------------------- */

static void entry_logins(struct table_entry *entry, uint16_t n)
{
	entry_syns(entry, n, 7, 22);
	entry_opens(entry, n);
	entry_acks(entry, n * 20u);
	entry->sensitive += n;
}

static void test_brute_force(void **state)
{
	struct world *world = world_defaults();
	const struct finding *finding;

	(void)state;
	/* one in 6 s, as the slowest of the known tools: found at the eleventh */
	for (int i = 0; i <= 10; i++) {
		struct table_entry entry = entry_of(ATTACKER);

		world_drain(world, 5750 * MS, NULL);
		entry_logins(&entry, 1);
		assert_int_equal(world_drain(world, 250 * MS, &entry), i == 10 ? 1 : 0);
	}
	finding = world_found(world, DETECTOR_BRUTE_FORCE);
	assert_non_null(finding);
	assert_int_equal(finding->count, 11);
	assert_int_equal(finding->evidence, EVIDENCE_PROVEN);
	assert_int_equal(finding->classes, CLASS_SYN);
	assert_int_equal(finding->protocol, 6);
	assert_int_equal(finding->port, 22);
	assert_true(finding->has_destination && finding->once);
	world_free(world);
}

/* A SYN that a block drops is no login, but says that its source goes on. */
static void test_brute_force_behind_a_block(void **state)
{
	struct world *world = world_defaults();
	struct source_status status;
	const struct finding *finding;

	(void)state;
	for (int i = 0; i <= 10; i++) {
		struct table_entry entry = entry_of(ATTACKER);

		entry_syns(&entry, 1, 7, 22);
		entry.dropped = 1;
		world_drain(world, 250 * MS, &entry);
	}
	finding = world_found(world, DETECTOR_BRUTE_FORCE);
	assert_non_null(finding);
	assert_true(finding->renews_only);
	assert_int_equal(detect_top(world->detect, &status, 1), 1);
	assert_int_equal(status.detectors & 1u << DETECTOR_BRUTE_FORCE, 0); /* nobody saw a login */
	assert_int_equal(finding->evidence, EVIDENCE_UNPROVEN);
	assert_int_equal(finding->count, 11);
	world_free(world);
}

/* Returns whether a source that logs in once in that time is found within five hours. */
static bool slow_logins_are_found(int64_t every_ns)
{
	struct world *world = world_defaults();
	int64_t end_ns = world->now.boot_ns + 5 * 3600 * SECOND, next_ns = world->now.boot_ns;
	bool found = false;

	while (!found && world->now.boot_ns < end_ns) {
		struct table_entry entry = entry_of(ATTACKER);
		bool due = world->now.boot_ns >= next_ns;

		if (due) {
			entry_logins(&entry, 1);
			next_ns += every_ns;
		} else {
			entry_acks(&entry, 1);
		}
		world_drain(world, 250 * MS, &entry);
		found = world_found(world, DETECTOR_BRUTE_FORCE);
	}
	world_free(world);
	return found;
}

/* The window of an hour, in intervals of 250 ms. */
static void test_slow_brute_force(void **state)
{
	(void)state;
	assert_true(slow_logins_are_found(42 * SECOND));
	assert_false(slow_logins_are_found(60 * SECOND));
}

/* A window that an hour is counted in is kept for as long, and for no longer. */
static void test_quiet_brute_force_is_kept(void **state)
{
	struct world *world = world_defaults();
	struct table_entry entry = entry_of(ATTACKER), client = entry_of(CLIENT);
	bool found = false;

	(void)state;
	for (int i = 0; i < 9; i++) {
		entry = entry_of(ATTACKER);
		entry_logins(&entry, 9);
		world_drain(world, 250 * MS, &entry);
		found |= world_found(world, DETECTOR_BRUTE_FORCE) != NULL;
		for (int minute = 0; minute < 5; minute++)
			world_drain(world, 60 * SECOND, NULL);
	}
	assert_true(found);
	/* this one has windows of seconds only */
	entry_syns(&client, 5, 7, 80);
	world_drain(world, 250 * MS, &client);
	assert_int_equal(detect_tracked(world->detect), 2);
	world_drain(world, 120 * SECOND, NULL);
	assert_int_equal(detect_tracked(world->detect), 2); /* its try is kept for longer */
	for (int minute = 0; minute < 35; minute++)
		world_drain(world, 60 * SECOND, NULL);
	assert_int_equal(detect_tracked(world->detect), 1);
	for (int minute = 0; minute < 120; minute++)
		world_drain(world, 60 * SECOND, NULL);
	assert_int_equal(detect_tracked(world->detect), 0);
	world_free(world);
}

/* A poller that fetches mail every minute, and an administrator with a few sessions. */
static void test_logins_in_peace(void **state)
{
	struct world *world = world_defaults();

	(void)state;
	for (int i = 0; i < 4 * 3600; i++) {
		struct table_entry entry = entry_of(CLIENT);

		entry_acks(&entry, 30);
		if (i % (4 * 60) == 0)
			entry_logins(&entry, 1);
		assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	}
	world_free(world);
}

/* SYNs to login services are no logins, however many; packets of open sessions neither. */
static void test_forged_logins(void **state)
{
	struct world *world = world_defaults();

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct table_entry entry = entry_of(ATTACKER);

		entry_syns(&entry, 10, 7, 22);
		entry_acks(&entry, 1000);
		world_drain(world, 250 * MS, &entry);
		assert_null(world_found(world, DETECTOR_BRUTE_FORCE));
	}
	world_free(world);
}

/* One handshake of which one side was not seen takes the proof from its window, not for good. */
static void test_assumed_logins_prove_nothing(void **state)
{
	struct world *world = world_defaults();
	struct table_entry entry = entry_of(ATTACKER);

	(void)state;
	entry_logins(&entry, 1);
	entry.assumed = 1;
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	entry = entry_of(ATTACKER);
	entry_logins(&entry, 10);
	assert_int_equal(world_wake(world, 100 * MS, &entry), 1);
	assert_int_equal(world->findings.items[0].evidence, EVIDENCE_UNPROVEN);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	assert_int_equal(world->findings.items[0].evidence, EVIDENCE_UNPROVEN);

	world_drain(world, 125 * SECOND, NULL);
	entry = entry_of(ATTACKER);
	entry_logins(&entry, 11);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	assert_int_equal(world->findings.items[0].limit.seconds, 120);
	assert_int_equal(world->findings.items[0].evidence, EVIDENCE_PROVEN);
	/* connections that were assumed, but not to login services, take nothing */
	entry.assumed = 1;
	entry.sensitive = 0;
	world_drain(world, 250 * MS, &entry);
	entry = entry_of(ATTACKER);
	entry_logins(&entry, 1);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	assert_int_equal(world->findings.items[0].evidence, EVIDENCE_PROVEN);
	/* within the hour's window it is not forgotten */
	entry = entry_of(ATTACKER);
	entry_logins(&entry, 60);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 2);
	assert_int_equal(world->findings.items[1].limit.seconds, 3600);
	assert_int_equal(world->findings.items[1].evidence, EVIDENCE_UNPROVEN);
	world_free(world);
}

/* Logins that have led to a rule are used up: a single one after it is no second offence. */
static void test_logins_are_evidence_once(void **state)
{
	struct world *world = world_defaults();
	struct table_entry entry = entry_of(ATTACKER);
	struct prefix source = prefix_of(&entry.address);

	(void)state;
	entry_logins(&entry, 80);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 2);
	detect_forget_tries(world->detect, &source);
	world_drain(world, 700 * SECOND, NULL);
	entry = entry_of(ATTACKER);
	entry_logins(&entry, 1);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	entry_logins(&entry, 10);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fragment_flood),
		cmocka_unit_test(test_asked_fragments_are_no_flood),
		cmocka_unit_test(test_fragments_among_others),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_few_malformed_are_no_attack),
		cmocka_unit_test(test_odd_flags),
		cmocka_unit_test(test_slow_odd_flags),
		cmocka_unit_test(test_wakes_at_odd_flags),
		cmocka_unit_test(test_amplified_answers),
		cmocka_unit_test(test_unasked_syn_acks),
		cmocka_unit_test(test_resolver_is_no_reflection),
		cmocka_unit_test(test_half_seen_handshakes_are_no_reflection),
		cmocka_unit_test(test_reflection_behind_other_packets),
		cmocka_unit_test(test_brute_force),
		cmocka_unit_test(test_brute_force_behind_a_block),
		cmocka_unit_test(test_slow_brute_force),
		cmocka_unit_test(test_quiet_brute_force_is_kept),
		cmocka_unit_test(test_logins_in_peace),
		cmocka_unit_test(test_forged_logins),
		cmocka_unit_test(test_assumed_logins_prove_nothing),
		cmocka_unit_test(test_logins_are_evidence_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
