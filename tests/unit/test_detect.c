/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each detector through the whole of detection: what it finds, what it must not, and when. */
#include "detect_world.h"
#include "table.h"

#define ATTACKER "203.0.113.9"
#define CLIENT	 "192.0.2.33"

/* ---- floods -------------------------------------------------------------------------------- */

static void test_packet_flood(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of(ATTACKER);
	const struct finding *finding;

	(void)state;
	entry_packets(&entry, 5000, 6);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	entry = entry_of(ATTACKER);
	entry_packets(&entry, 1, 6);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	finding = &world->findings.items[0];
	assert_int_equal(finding->detector, DETECTOR_PACKET_FLOOD);
	assert_int_equal(finding->count, 5001);
	assert_int_equal(finding->limit.count, 5000);
	assert_int_equal(finding->evidence, EVIDENCE_UNPROVEN);
	assert_int_equal(finding->classes, CLASS_TCP);
	assert_int_equal(finding->protocol, 6);
	assert_int_equal(finding->source.len, 128);
	assert_int_equal(finding->at.boot_ns, world->now.boot_ns);
	assert_false(finding->provisional);
	assert_false(finding->has_destination);
	/* others are not meant */
	entry = entry_of(CLIENT);
	entry_packets(&entry, 1000, 6);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	world_free(world);
}

/* Of a download one packet in 256 counts, of connections that are established no SYN. */
static void test_packet_flood_of_answers(void **state)
{
	struct world *world = world_empty();
	struct table_entry entry = entry_of(CLIENT);

	(void)state;
	world_limit(world, DETECTOR_PACKET_FLOOD, 5000, 1);
	world_start(world);
	entry_syns(&entry, 1000, 7, 80);
	entry_opens(&entry, 1000);
	entry_acks(&entry, 4990 * 256 - 1000);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	/* what nobody asked for counts beside it */
	entry = entry_of(CLIENT);
	entry_packets(&entry, 9, 6);
	entry_acks(&entry, 256 + 255);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	entry = entry_of(CLIENT);
	entry_acks(&entry, 256);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	assert_int_equal(world->findings.items[0].detector, DETECTOR_PACKET_FLOOD);
	assert_int_equal(world->findings.items[0].count, 5001);
	world_free(world);
}

/* The ACK of a handshake whose other half is not seen was asked for by nothing. */
static void test_packet_flood_of_assumed_handshakes(void **state)
{
	struct world *world = world_empty();
	struct table_entry entry = entry_of(ATTACKER);

	(void)state;
	world_limit(world, DETECTOR_PACKET_FLOOD, 5000, 1);
	world_start(world);
	entry_packets(&entry, 5001, 6);
	entry.established = 5001;
	entry.assumed = 1;
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	assert_int_equal(world->findings.items[0].count, 5001);
	world_free(world);
}

static void test_byte_flood(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of(ATTACKER);

	(void)state;
	entry.packets = entry.answers = 1000;
	entry.bytes = 50000000;
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	assert_non_null(world_found(world, DETECTOR_BYTE_FLOOD));
	assert_in_range(world->findings.items[0].count, 99990000, 100000000);
	world_free(world);
}

static void test_syn_flood(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of(ATTACKER);
	const struct finding *finding;

	(void)state;
	entry_syns(&entry, 201, 7, 80);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	finding = world_found(world, DETECTOR_SYN_FLOOD);
	assert_non_null(finding);
	assert_int_equal(finding->count, 201);
	assert_int_equal(finding->classes, CLASS_SYN);
	assert_int_equal(finding->protocol, 6);
	assert_int_equal(finding->port, 80);
	assert_true(finding->has_destination);
	assert_true(address_equal(&finding->destination, &entry.last_address));
	world_free(world);
}

/* 1000 connections a second, each with its handshake and some data, from one load generator. */
static void test_web_load_is_no_attack(void **state)
{
	struct world *world = world_new();

	(void)state;
	for (int i = 0; i < 400; i++) {
		struct table_entry entry = entry_of(CLIENT);

		entry_syns(&entry, 240, 7, 80);
		entry_opens(&entry, 240);
		entry_acks(&entry, 700);
		assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	}
	world_free(world);
}

/* The SYNs end one interval, their ACKs come some later: the SYNs are taken back. */
static void test_handshakes_across_the_boundary(void **state)
{
	struct world *world = world_new();

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct table_entry entry = entry_of(CLIENT);

		if (i % 2)
			entry_opens(&entry, 150);
		else
			entry_syns(&entry, 150, 7, 80);
		assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	}
	world_free(world);
}

/* By satellite: three intervals from the SYN to the ACK, and new SYNs in each. None is left over.
 */
static void test_long_round_trips(void **state)
{
	struct world *world = world_empty();
	struct table_entry entry;

	(void)state;
	world_limit(world, DETECTOR_SYN_FLOOD, 150, 10);
	world_start(world);
	for (int i = 0; i < 23; i++) {
		entry = entry_of(CLIENT);
		if (i < 20)
			entry_syns(&entry, 40, 7, 443);
		if (i >= 3)
			entry_opens(&entry, 40);
		assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	}
	entry = entry_of(CLIENT);
	entry_syns(&entry, 150, 7, 443);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	entry = entry_of(CLIENT);
	entry_syns(&entry, 1, 7, 443);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	assert_int_equal(world->findings.items[0].count, 151);
	world_free(world);
}

/* An open connection's packets hide nothing, and a completed handshake one SYN. */
static void test_acks_hide_no_syns(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of(ATTACKER);

	(void)state;
	entry_acks(&entry, 1000);
	entry_opens(&entry, 1);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	entry = entry_of(ATTACKER);
	entry_acks(&entry, 1000);
	entry_opens(&entry, 50);
	entry_syns(&entry, 251, 7, 80);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	assert_int_equal(world->findings.items[0].count, 201);
	world_free(world);
}

static void test_udp_flood(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of(ATTACKER);

	(void)state;
	entry_udp(&entry, 2000, 7, 9999);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	entry = entry_of(ATTACKER);
	entry_udp(&entry, 500, 7, 9999);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	assert_int_equal(world->findings.items[0].detector, DETECTOR_UDP_FLOOD);
	assert_int_equal(world->findings.items[0].classes, CLASS_UDP);
	assert_int_equal(world->findings.items[0].protocol, 17);
	assert_int_equal(world->findings.items[0].port, 9999);
	world_free(world);
}

static void test_icmp_flood(void **state)
{
	static const char *const sources[] = { ATTACKER, "2001:db8::9" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct world *world = world_new();
		struct table_entry entry = entry_of(sources[i]);

		entry_packets(&entry, 300, 1);
		assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
		assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
		assert_int_equal(world->findings.items[0].detector, DETECTOR_ICMP_FLOOD);
		assert_int_equal(world->findings.items[0].protocol, i ? 58 : 1);
		assert_int_equal(world->findings.items[0].port, 0);
		world_free(world);
	}
}

/* ---- scans --------------------------------------------------------------------------------- */

static void test_fast_scan(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of(ATTACKER);
	const struct finding *finding;

	(void)state;
	for (uint16_t port = 1; port <= 150; port++)
		entry_syns(&entry, 1, 7, port);
	world_drain(world, 150 * MS, &entry);
	finding = world_found(world, DETECTOR_PORT_SCAN);
	assert_non_null(finding);
	assert_in_range(finding->count, 100, 150);
	assert_in_range(finding->ports, 100, 200);
	assert_int_equal(finding->hosts, 1);
	assert_int_equal(finding->classes, CLASS_SYN);
	assert_null(world_found(world, DETECTOR_HOST_SWEEP));
	world_free(world);
}

/* Returns the number of intervals until the detector fires, or -1. */
static int scan(struct world *world, enum detector_id id, int64_t interval_ns, int intervals,
		int every, bool sweep)
{
	for (int i = 0; i < intervals; i++) {
		struct table_entry entry = entry_of(ATTACKER);
		uint32_t step = (uint32_t)(i / every);

		if (i % every) {
			world_drain(world, interval_ns, NULL);
			continue;
		}
		entry_syns(&entry, 1, sweep ? step : 7, sweep ? 445 : (uint16_t)(100 + step));
		world_drain(world, interval_ns, &entry);
		if (world_found(world, id))
			return i;
		assert_int_equal(world->findings.count, 0);
	}
	return -1;
}

/* nmap --scan-delay 1s: 60 in 900 s after a minute, whatever the interval. */
static void test_slow_scan(void **state)
{
	struct world *world = world_new();
	int at = scan(world, DETECTOR_PORT_SCAN, 250 * MS, 4000, 4, false);

	(void)state;
	assert_in_range(at, 60 * 4, 75 * 4);
	assert_int_equal(world->findings.items[0].limit.count, 60);
	assert_int_equal(world->findings.items[0].limit.seconds, 900);
	world_free(world);

	world = world_new();
	assert_in_range(scan(world, DETECTOR_PORT_SCAN, SECOND, 1000, 1, false), 60, 75);
	world_free(world);

	/* a port in 20 s is below both limits */
	world = world_new();
	assert_int_equal(scan(world, DETECTOR_PORT_SCAN, SECOND, 4000, 20, false), -1);
	world_free(world);
}

/* A scan that led to a rule is not held against a later, harmless packet; a new scan is. */
static void test_forgotten_tries(void **state)
{
	struct world *world = world_new();
	struct table_entry scan_entry = entry_of(ATTACKER), harmless = entry_of(ATTACKER);
	struct prefix source = prefix_of(&scan_entry.address);

	(void)state;
	for (uint16_t port = 1; port <= 100; port++)
		entry_syns(&scan_entry, 1, 7, port);
	entry_syns(&harmless, 1, 7, 443);
	world_drain(world, 250 * MS, &scan_entry);
	assert_non_null(world_found(world, DETECTOR_PORT_SCAN));
	assert_true(world_drain(world, 250 * MS, &harmless) > 0); /* still in the windows */

	detect_forget_tries(world->detect, &source);
	assert_int_equal(world_drain(world, 250 * MS, &harmless), 0);
	world_drain(world, 250 * MS, &scan_entry);
	assert_non_null(world_found(world, DETECTOR_PORT_SCAN));
	world_free(world);
}

static void test_slow_sweep(void **state)
{
	struct world *world = world_new();

	(void)state;
	assert_in_range(scan(world, DETECTOR_HOST_SWEEP, 250 * MS, 4000, 2, true), 2 * 90, 2 * 120);
	world_free(world);
}

static void test_ping_sweep(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of(ATTACKER);

	(void)state;
	for (uint32_t host = 0; host < 90; host++) {
		entry_packets(&entry, 1, 1);
		entry_target(&entry, TRY_OTHER, host, 0);
	}
	entry.ports[TRY_OTHER] = 0; /* pings have none */
	entry.targets = entry.distinct_targets = 0;
	world_drain(world, 250 * MS, &entry);
	assert_non_null(world_found(world, DETECTOR_HOST_SWEEP));
	assert_int_equal(world->findings.items[0].classes, CLASS_ICMP);
	world_free(world);
}

/* 25 hosts and 6 ports is a bot that looks for victims; the limit is another's business. */
static void test_bot_is_a_sweep(void **state)
{
	struct world *world = world_empty();
	struct table_entry entry = entry_of(ATTACKER);

	(void)state;
	world_limit(world, DETECTOR_PORT_SCAN, 4, 10);
	world_limit(world, DETECTOR_HOST_SWEEP, 20, 10);
	world_start(world);
	for (uint32_t i = 0; i < 50; i++)
		entry_syns(&entry, 1, i % 25, (uint16_t)(20 + i % 6));
	world_drain(world, 250 * MS, &entry);
	assert_non_null(world_found(world, DETECTOR_HOST_SWEEP));
	assert_null(world_found(world, DETECTOR_PORT_SCAN));
	world_free(world);
}

/* The largest peer-to-peer hosts seen: TCP 52 hosts and 49 ports, UDP 240 and 308, within 10 s. */
static void test_peer_to_peer_is_no_scan(void **state)
{
	struct world *world = world_new();

	(void)state;
	for (uint32_t round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < 40; i++) {
			struct table_entry entry = entry_of(CLIENT);
			uint32_t peer = round * 10000 + i * 8;

			entry_syns(&entry, 1, peer, (uint16_t)(1024 + mix(peer) % 60000));
			if (i % 4 == 0)
				entry_syns(&entry, 1, peer + 1,
					   (uint16_t)(1024 + mix(peer + 1) % 60000));
			for (uint32_t k = 0; k < 6; k++)
				entry_udp(&entry, 3, peer + k,
					  (uint16_t)(1024 + mix(peer + k) % 60000));
			for (uint32_t k = 0; k < 2; k++)
				entry_udp(&entry, 1, peer + k,
					  (uint16_t)(1024 + mix(peer + 100 + k) % 60000));
			assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
		}
	}
	world_free(world);
}

/* Established connections to many hosts, or many ports (passive FTP), are what they are. */
static void test_established_is_no_scan(void **state)
{
	struct world *world = world_new();

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		struct table_entry entry = entry_of(CLIENT);

		for (uint32_t k = 0; k < 5; k++)
			entry_syns(&entry, 1, i * 5 + k, 443);
		entry_syns(&entry, 1, 7, (uint16_t)(30000 + i));
		entry_opens(&entry, 6);
		entry_acks(&entry, 40);
		assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	}
	world_free(world);
}

/* A browser opens many connections at once and their handshakes end in the next interval. */
static void test_late_handshakes_are_no_sweep(void **state)
{
	struct world *world = world_new();

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		struct table_entry entry = entry_of(CLIENT);

		for (uint32_t k = 0; k < 20 && i % 2 == 0; k++)
			entry_syns(&entry, 1, i * 20 + k, 443);
		if (i % 2)
			entry_opens(&entry, 20);
		assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	}
	world_free(world);
}

/* The first try, which is kept in the source itself, counts like the others. */
static void test_first_try_counts(void **state)
{
	struct world *world = world_empty();

	(void)state;
	world_limit(world, DETECTOR_PORT_SCAN, 4, 10);
	world_start(world);
	assert_int_equal(scan(world, DETECTOR_PORT_SCAN, SECOND, 10, 1, false), 4);
	world_free(world);

	/* not from longer ago than the window */
	world = world_empty();
	world_limit(world, DETECTOR_PORT_SCAN, 4, 10);
	world_start(world);
	assert_int_equal(scan(world, DETECTOR_PORT_SCAN, SECOND, 1, 1, false), -1);
	world_drain(world, 9 * SECOND, NULL);
	assert_int_equal(scan(world, DETECTOR_PORT_SCAN, 500 * MS, 4, 1, false), -1);
	world_free(world);
}

/* One dead host among many live ones: no more ports or hosts than tries that failed. */
static void test_failed_tries_bound_the_estimate(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of(CLIENT);

	(void)state;
	for (uint16_t port = 1; port <= 100; port++)
		entry_syns(&entry, 1, 7, port);
	entry_opens(&entry, 95);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	world_free(world);
}

/* ---- windows, wake records ----------------------------------------------------------------- */

/* Half of the burst in one interval, half in the next: the boundary must not double the limit. */
static void test_burst_across_the_boundary(void **state)
{
	static const int64_t intervals_ns[] = { 50 * MS, 100 * MS, 250 * MS, 500 * MS };

	(void)state;
	for (size_t i = 0; i < sizeof(intervals_ns) / sizeof(intervals_ns[0]); i++) {
		struct world *world = world_new();
		struct table_entry entry = entry_of(ATTACKER);

		entry_syns(&entry, 110, 7, 80);
		assert_int_equal(world_drain(world, intervals_ns[i], &entry), 0);
		assert_int_equal(world_drain(world, intervals_ns[i], &entry), 1);
		assert_int_equal(world->findings.items[0].count, 220);
		world_free(world);
	}
}

static void test_steady_rate_just_above_the_limit(void **state)
{
	struct world *world = world_new();
	bool found = false;

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct table_entry entry = entry_of(ATTACKER);

		entry_syns(&entry, 51, 7, 80);
		found |= world_drain(world, 251 * MS, &entry) > 0;
	}
	assert_true(found);
	for (int i = 0; i < 40; i++) {
		struct table_entry entry = entry_of(CLIENT);

		entry_syns(&entry, 49, 7, 80);
		assert_int_equal(world_drain(world, 251 * MS, &entry), 0);
	}
	world_free(world);
}

static void test_attack_ends(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of(ATTACKER);

	(void)state;
	entry_syns(&entry, 1000, 7, 80);
	for (int i = 0; i < 5; i++)
		assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	entry = entry_of(ATTACKER);
	entry_acks(&entry, 10);
	/* still above in this window, but nothing of the kind came: not reported again */
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	for (int i = 0; i < 4; i++)
		world_drain(world, 250 * MS, NULL);
	entry = entry_of(ATTACKER);
	entry_syns(&entry, 1, 7, 80);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	world_free(world);
}

static bool same(const struct finding *a, const struct finding *b)
{
	return a->detector == b->detector && a->count == b->count && a->ports == b->ports &&
	       a->hosts == b->hosts && a->classes == b->classes && a->port == b->port &&
	       a->limit.seconds == b->limit.seconds && prefix_equal(&a->source, &b->source);
}

/* A copy of what the interval will be drained with finds the same, and leaves no trace. */
static void test_provisional_is_the_same_as_drained(void **state)
{
	struct world *world = world_new();
	size_t compared = 0;

	(void)state;
	for (uint32_t i = 0; i < 400; i++) {
		struct table_entry entry = entry_of(ATTACKER);
		struct finding_list early = { 0 };
		uint64_t memory, tracked;

		for (uint32_t k = 0; k < mix(i) % 12; k++)
			entry_syns(&entry, 1 + mix(i + k) % 15, i % 9, (uint16_t)(i * 4 + k));
		entry_acks(&entry, mix(i + 9) % 60);
		entry_opens(&entry, mix(i + 3) % 60);
		if (i % 3 == 0)
			entry_udp(&entry, mix(i + 5) % 1500, i % 9, 5000);
		memory = detect_memory_bytes(world->detect);
		tracked = detect_tracked(world->detect);
		for (int again = 0; again < 3; again++)
			world_wake(world, 250 * MS, &entry);
		assert_int_equal(detect_tracked(world->detect), tracked);
		assert_int_equal(detect_memory_bytes(world->detect), memory);
		for (size_t f = 0; f < world->findings.count; f++) {
			assert_true(world->findings.items[f].provisional);
			assert_int_equal(finding_list_add(&early, &world->findings.items[f]), 0);
		}
		world_drain(world, 250 * MS, &entry);
		/* before the first interval ends, the provisional one has no start to go by */
		if (i > 0) {
			assert_int_equal(early.count, world->findings.count);
			for (size_t f = 0; f < early.count; f++)
				assert_true(same(&early.items[f], &world->findings.items[f]));
			compared += early.count;
		}
		finding_list_free(&early);
		if (i % 50 == 49)
			world_drain(world, 30 * SECOND, NULL);
	}
	assert_true(compared > 100);
	world_free(world);
}

/* Nor does a copy take SYNs back for good: only the interval's own ACKs do, once. */
static void test_provisional_takes_nothing_back(void **state)
{
	struct world *world = world_empty();
	struct table_entry acks = entry_of(CLIENT), syns = entry_of(CLIENT);

	(void)state;
	world_limit(world, DETECTOR_SYN_FLOOD, 20, 1);
	world_limit(world, DETECTOR_HOST_SWEEP, 13, 10);
	world_start(world);
	for (uint32_t host = 0; host < 13; host++)
		entry_syns(&syns, 1, host, 443);
	assert_int_equal(world_drain(world, 250 * MS, &syns), 0);
	entry_opens(&acks, 10);
	for (int again = 0; again < 3; again++)
		assert_int_equal(world_wake(world, 10 * MS, &acks), 0);
	assert_int_equal(world_drain(world, 250 * MS, &acks), 0);
	syns = entry_of(CLIENT);
	for (uint32_t host = 20; host < 38; host++)
		entry_syns(&syns, 1, host, 443);
	assert_int_equal(world_drain(world, 250 * MS, &syns), 2);
	assert_int_equal(world->findings.items[0].count, 21);
	/* about 21 beside 10 connections; taken back thrice none would be left */
	assert_in_range(world->findings.items[1].count, 14, 21 * 21 / (21 + 10 / 2));
	world_free(world);
}

/* The window's past counts for a wake record, too. */
static void test_provisional_adds_to_the_past(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of(ATTACKER);

	(void)state;
	entry_syns(&entry, 150, 7, 80);
	assert_int_equal(world_wake(world, 0, &entry), 0);
	assert_int_equal(detect_tracked(world->detect), 0);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	assert_int_equal(world_wake(world, 10 * MS, &entry), 1);
	assert_int_equal(world->findings.items[0].count, 300);
	world_free(world);
}

/* An attack within one interval of 10 s, by its wake records. */
static void test_long_interval_is_found_by_wake(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of(ATTACKER);

	(void)state;
	world_drain(world, 10 * SECOND, NULL);
	entry_syns(&entry, 2048, 7, 80);
	assert_int_equal(world_wake(world, 9 * SECOND, &entry), 1);
	assert_int_equal(world_drain(world, 10 * SECOND, &entry), 1);
	/* the same number spread over 10 s may be below the limit all the time */
	entry = entry_of(CLIENT);
	entry_syns(&entry, 1900, 7, 80);
	assert_int_equal(world_drain(world, 10 * SECOND, &entry), 0);
	world_free(world);
}

static void test_hot_prefix_is_the_source(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of("2001:db8:1:2::");
	const struct finding *finding;

	(void)state;
	entry.prefix_len = 64;
	entry_syns(&entry, 300, 7, 80);
	entry.members = 0xf0f0; /* where an address has its last peer */
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	finding = &world->findings.items[0];
	assert_int_equal(finding->source.len, 64);
	assert_false(finding->has_destination);
	assert_true(address_equal(&finding->source.address, &entry.address));
	world_free(world);
}

/* ---- configuration ------------------------------------------------------------------------- */

static void test_reconfigure_keeps_what_was_counted(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of(ATTACKER);

	(void)state;
	entry_syns(&entry, 100, 7, 80);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	world->config.detectors[DETECTOR_SYN_FLOOD].limits[0] = (struct limit){ 150, 2 };
	world->config.detectors[DETECTOR_UDP_FLOOD].enabled = false;
	assert_int_equal(detect_reconfigure(world->detect, &world->config), 0);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	assert_int_equal(world->findings.items[0].count, 200);
	assert_int_equal(world->findings.items[0].limit.seconds, 2);
	entry = entry_of(ATTACKER);
	entry_udp(&entry, 4000, 7, 9999);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	world_free(world);
}

static void test_reconfigure_keeps_ports(void **state)
{
	struct world *world = world_new();

	(void)state;
	assert_int_equal(scan(world, DETECTOR_PORT_SCAN, SECOND, 50, 1, false), -1);
	world->config.detectors[DETECTOR_PORT_SCAN].limits[0] = (struct limit){ 40, 600 };
	world->config.detectors[DETECTOR_PORT_SCAN].limit_count = 1;
	assert_int_equal(detect_reconfigure(world->detect, &world->config), 0);
	/* the port is an old one: what fires is what was seen before */
	assert_int_equal(scan(world, DETECTOR_PORT_SCAN, SECOND, 1, 1, false), 0);
	world_free(world);
}

static void test_wake_marks(void **state)
{
	struct world *world = world_new();
	struct wake_marks marks;

	(void)state;
	world_limit(world, DETECTOR_SYN_FLOOD, 5000, 60);
	detect_wake_marks(&world->config, &marks);
	assert_int_equal(marks.packets, 1000);
	assert_int_equal(marks.syn, 201);
	assert_int_equal(marks.udp, 2001);
	assert_int_equal(marks.icmp, 501);
	assert_int_equal(marks.per_interval, 128);
	assert_int_equal(marks.odd_flags, UINT32_MAX);
	/* at a quarter of the limits: 5 of 64 bits say 5, 6 say 6; 13 say 14, 14 say 15, 15 say 17
	 */
	assert_int_equal(marks.targets, 6);
	assert_int_equal(marks.hosts, 15);

	world->config.sensor.wake_packets = 100000;
	world->config.detectors[DETECTOR_UDP_FLOOD].enabled = false;
	world->config.detectors[DETECTOR_HOST_SWEEP].enabled = false;
	detect_wake_marks(&world->config, &marks);
	assert_int_equal(marks.packets, 5001);
	assert_int_equal(marks.udp, UINT32_MAX);
	assert_int_equal(marks.hosts, UINT32_MAX);
	world_free(world);
}

/* The wakes of a scan's interval begin below its limit, and one comes soon after it is passed. */
static void test_wakes_find_a_scan_in_time(void **state)
{
	struct world *world = world_new();
	struct table_entry entry = entry_of(ATTACKER);
	unsigned int wakes = 0, targets;
	struct wake_marks marks;
	bool found = false;
	uint16_t port = 0;

	(void)state;
	detect_wake_marks(&world->config, &marks);
	while (!found && port < 100) {
		targets = entry.distinct_targets;
		entry_syns(&entry, 1, 7, ++port);
		if (entry.distinct_targets == targets ||
		    !table_mark_bits(entry.distinct_targets, marks.targets))
			continue;
		wakes++;
		found = world_wake(world, 0, &entry) == 1;
	}
	assert_in_range(port, 21, 27);
	assert_in_range(wakes, 4, 7);
	world_free(world);
}

/* ---- views --------------------------------------------------------------------------------- */

static void test_top(void **state)
{
	struct world *world = world_new();
	struct source_status top[10];
	struct table_entry entry;

	(void)state;
	assert_int_equal(detect_top(world->detect, top, 10), 0);
	for (uint32_t i = 0; i < 50; i++) {
		struct sample sample = { .entry = entry_of(CLIENT) };
		struct traffic traffic = { .start = world->now,
					   .end = moment_plus(world->now, 250 * MS) };

		sample.entry.address.bytes[15] = (uint8_t)i;
		entry_acks(&sample.entry, 1 + mix(i) % 1000);
		assert_int_equal(
			detect_samples(world->detect, &traffic, &sample, 1, &world->findings), 0);
	}
	entry = entry_of(ATTACKER);
	entry_syns(&entry, 5000, 7, 80);
	entry.dropped = 12;
	world_drain(world, 250 * MS, &entry);
	assert_int_equal(detect_tracked(world->detect), 51);
	assert_int_equal(detect_top(world->detect, top, 10), 10);
	assert_true(address_equal(&top[0].source.address, &entry.address));
	assert_int_equal(top[0].packets, 5000);
	assert_int_equal(top[0].bytes, 300000);
	assert_int_equal(top[0].dropped, 12);
	assert_int_equal(top[0].detectors, 1u << DETECTOR_SYN_FLOOD);
	assert_true(top[0].packets_per_second == 20000.0);
	for (int i = 1; i < 10; i++)
		assert_true(top[i].packets_per_second <= top[i - 1].packets_per_second);

	/* who has been silent for a while has no rate any more */
	entry = entry_of(CLIENT);
	entry_acks(&entry, 1);
	world_drain(world, 60000 * MS, &entry);
	assert_int_equal(detect_top(world->detect, top, 10), 10);
	assert_true(address_equal(&top[0].source.address, &entry.address));
	assert_int_equal(top[1].packets, 5000);
	assert_true(top[1].packets_per_second == 0);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet_flood),
		cmocka_unit_test(test_packet_flood_of_answers),
		cmocka_unit_test(test_packet_flood_of_assumed_handshakes),
		cmocka_unit_test(test_byte_flood),
		cmocka_unit_test(test_syn_flood),
		cmocka_unit_test(test_web_load_is_no_attack),
		cmocka_unit_test(test_handshakes_across_the_boundary),
		cmocka_unit_test(test_long_round_trips),
		cmocka_unit_test(test_acks_hide_no_syns),
		cmocka_unit_test(test_udp_flood),
		cmocka_unit_test(test_icmp_flood),
		cmocka_unit_test(test_fast_scan),
		cmocka_unit_test(test_slow_scan),
		cmocka_unit_test(test_forgotten_tries),
		cmocka_unit_test(test_slow_sweep),
		cmocka_unit_test(test_ping_sweep),
		cmocka_unit_test(test_bot_is_a_sweep),
		cmocka_unit_test(test_peer_to_peer_is_no_scan),
		cmocka_unit_test(test_established_is_no_scan),
		cmocka_unit_test(test_late_handshakes_are_no_sweep),
		cmocka_unit_test(test_first_try_counts),
		cmocka_unit_test(test_failed_tries_bound_the_estimate),
		cmocka_unit_test(test_burst_across_the_boundary),
		cmocka_unit_test(test_steady_rate_just_above_the_limit),
		cmocka_unit_test(test_attack_ends),
		cmocka_unit_test(test_provisional_is_the_same_as_drained),
		cmocka_unit_test(test_provisional_takes_nothing_back),
		cmocka_unit_test(test_provisional_adds_to_the_past),
		cmocka_unit_test(test_long_interval_is_found_by_wake),
		cmocka_unit_test(test_hot_prefix_is_the_source),
		cmocka_unit_test(test_reconfigure_keeps_what_was_counted),
		cmocka_unit_test(test_reconfigure_keeps_ports),
		cmocka_unit_test(test_wake_marks),
		cmocka_unit_test(test_wakes_find_a_scan_in_time),
		cmocka_unit_test(test_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
