/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scans and what is like them, packet by packet through the data plane's own counting, wake records
 * included, with many random keys: what must be found, how soon, and what must not.
 */
#include "detect_world.h"
#include "entry.h"
#include "table.h"

#define SOURCE	 "203.0.113.9"
#define INTERVAL (250 * MS)

/* One source and all that the sensor knows of it. */
struct wire {
	struct world *world;
	struct sensor_control control;
	struct table_entry entry; /* of the running interval */
	uint64_t random;
	uint32_t sent;
	uint16_t source_port;
	enum relation relation; /* of what is sent next */
	uint32_t found;		/* detectors, as bits */
	uint32_t found_at;	/* packets sent when the first one was */
	int64_t found_ns;	/* since the start */
	int64_t start_ns, used_ns;
};

static uint64_t wire_random(struct wire *wire)
{
	uint64_t x = wire->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	wire->random = x;
	return x * 0x2545f4914f6cdd1dULL;
}

static void wire_open(struct wire *wire, uint64_t seed)
{
	*wire = (struct wire){ .world = world_defaults(), .random = seed * 0x9e3779b97f4a7c15ULL };
	for (int i = 0; i < 4; i++)
		wire->control.bitmap_key.word[i] = wire_random(wire);
	wire->control.bitmap_key.sum = wire_random(wire);
	wire->control.bitmap_key.finish = wire_random(wire) | 1;
	wire->control.sensitive_ports[22 / 64] |= 1ULL << 22 % 64;
	wire->control.amplifier_ports[53 / 64] |= 1ULL << 53 % 64;
	detect_wake_marks(&wire->world->config, &wire->control.marks);
	wire->entry = entry_of(SOURCE);
	wire->source_port = 50000;
	wire->relation = RELATION_UNASKED;
	wire->start_ns = wire->world->now.boot_ns;
	/* so that the running interval has a start */
	world_drain(wire->world, INTERVAL, NULL);
}

static void wire_close(struct wire *wire)
{
	world_free(wire->world);
}

static void wire_note(struct wire *wire, int64_t now_ns)
{
	for (size_t i = 0; i < wire->world->findings.count; i++)
		wire->found |= 1u << wire->world->findings.items[i].detector;
	if (wire->found && !wire->found_at) {
		wire->found_at = wire->sent;
		wire->found_ns = now_ns - wire->start_ns;
	}
}

/* Drains the interval, and as many more as it takes to be that much later than the last one. */
static void wire_wait(struct wire *wire, int64_t ns)
{
	for (wire->used_ns += ns; wire->used_ns >= INTERVAL; wire->used_ns -= INTERVAL) {
		world_drain(wire->world, INTERVAL, wire->entry.packets ? &wire->entry : NULL);
		wire_note(wire, wire->world->now.boot_ns);
		wire->entry = entry_of(SOURCE);
	}
}

static void wire_send(struct wire *wire, struct packet *packet)
{
	struct table_subject subject = { .prefix_len = PREFIX_LEN_FULL };
	uint32_t news;

	packet->source = subject.address = wire->entry.address;
	packet->source_port = wire->source_port;
	subject.peer = packet->destination;
	if (!packet->bytes)
		packet->bytes = 60;
	news = table_add(&wire->entry, &subject, packet, &wire->control,
			 packet->classes & CLASS_SYN ? RELATION_UNASKED : wire->relation, 0);
	wire->sent++;
	if (table_wakes(&wire->entry, packet, news, &wire->control.marks)) {
		world_wake(wire->world, wire->used_ns, &wire->entry);
		wire_note(wire, wire->world->now.boot_ns + wire->used_ns);
	}
}

static struct address host(uint32_t number)
{
	return address_from_ipv4(__builtin_bswap32(0xc6120000u + number)); /* 198.18.0.0/15 */
}

static void tcp(struct wire *wire, uint32_t to, uint16_t port, uint8_t flags)
{
	struct packet packet = { .destination = host(to),
				 .classes = (flags & (TCP_SYN | TCP_ACK)) == TCP_SYN ? CLASS_SYN
										     : CLASS_TCP,
				 .protocol = PROTOCOL_TCP,
				 .tcp_flags = flags,
				 .destination_port = port };

	wire_send(wire, &packet);
}

static void syn(struct wire *wire, uint32_t to, uint16_t port)
{
	tcp(wire, to, port, TCP_SYN);
}

/* A connection: opened, and with some packets of data. */
static void connection(struct wire *wire, uint32_t to, uint16_t port)
{
	enum relation before = wire->relation;

	syn(wire, to, port);
	wire->relation = RELATION_COMPLETES;
	tcp(wire, to, port, TCP_ACK);
	wire->relation = RELATION_ANSWER;
	for (int i = 0; i < 5; i++)
		tcp(wire, to, port, TCP_ACK | TCP_PSH);
	wire->relation = before;
}

static void udp(struct wire *wire, uint32_t to, uint16_t port, uint32_t bytes)
{
	struct packet packet = { .destination = host(to),
				 .bytes = bytes,
				 .classes = CLASS_UDP,
				 .protocol = PROTOCOL_UDP,
				 .destination_port = port };

	wire_send(wire, &packet);
}

static void ping(struct wire *wire, uint32_t to)
{
	struct packet packet = { .destination = host(to),
				 .classes = CLASS_ICMP,
				 .protocol = PROTOCOL_ICMP,
				 .icmp_type = ICMP4_ECHO };

	wire_send(wire, &packet);
}

static void protocol(struct wire *wire, struct address to, uint8_t number)
{
	struct packet packet = { .destination = to, .classes = CLASS_OTHER, .protocol = number };

	wire_send(wire, &packet);
}

static bool is_found(const struct wire *wire, enum detector_id id)
{
	return wire->found >> id & 1;
}

/* ---- scans and sweeps -------------------------------------------------------------------------
 */

/* Ports in a row, the worst case for a bad hash, and all over the place. */
static void test_fast_scan_with_any_key(void **state)
{
	uint32_t first = UINT32_MAX, last = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		for (uint32_t i = 0; i < 60 && !wire.found; i++)
			syn(&wire, 1, (uint16_t)(seed % 2 ? 1000 + i : wire_random(&wire)));
		assert_true(is_found(&wire, DETECTOR_PORT_SCAN));
		first = wire.found_at < first ? wire.found_at : first;
		last = wire.found_at > last ? wire.found_at : last;
		wire_close(&wire);
	}
	print_message("found at probe %u to %u\n", first, last);
	assert_true(first > 20 && last <= 50);
}

/* Spread over intervals: what was seen before the running one counts as well. */
static void test_scan_across_intervals(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		for (uint32_t i = 0; i < 60 && !wire.found; i++) {
			syn(&wire, 1, (uint16_t)(1000 + i));
			wire_wait(&wire, 15 * MS);
		}
		assert_true(is_found(&wire, DETECTOR_PORT_SCAN));
		assert_in_range(wire.found_at, 21, 50);
		wire_close(&wire);
	}
}

/* The one interval knows most of the ports, the next finds the scan before it ends. */
static void test_wakes_for_known_sources(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		for (uint32_t i = 0; i < 32 && !wire.found; i++) {
			syn(&wire, 1, (uint16_t)(1000 + i));
			if (i == 13)
				wire_wait(&wire, INTERVAL);
		}
		assert_true(is_found(&wire, DETECTOR_PORT_SCAN));
		wire_close(&wire);
	}
}

/* UDP, and with the flags of nmap -sA and -sM: other probes, the same ports. */
static void test_other_probes_scan_too(void **state)
{
	static const uint8_t flags[] = { TCP_ACK, TCP_FIN | TCP_ACK, TCP_SYN | TCP_FIN, 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		for (uint16_t i = 0; i < 50; i++) {
			if (seed % 5 == 4)
				udp(&wire, 1, 1000 + i, 60);
			else
				tcp(&wire, 1, 1000 + i, flags[seed % 5]);
		}
		assert_true(is_found(&wire, DETECTOR_PORT_SCAN));
		assert_in_range(wire.found_at, 15, 50);
		wire_close(&wire);
	}
}

/* Ports of three hosts in turn, over UDP. */
static void test_udp_scan_of_some_hosts(void **state)
{
	uint32_t last = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		for (uint32_t i = 0; i < 65 && !wire.found; i++) {
			udp(&wire, 1 + i % 3, (uint16_t)(1 + wire_random(&wire) % 65535), 60);
			wire_wait(&wire, 30 * MS);
		}
		assert_true(is_found(&wire, DETECTOR_PORT_SCAN));
		last = wire.found_at > last ? wire.found_at : last;
		wire_close(&wire);
	}
	print_message("found at probe %u at most\n", last);
}

static void test_slow_scan(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		for (uint32_t i = 0; i < 120 && !wire.found; i++) {
			if (seed % 2)
				syn(&wire, 1, (uint16_t)wire_random(&wire));
			else
				tcp(&wire, 1, (uint16_t)(1 + i), TCP_ACK);
			wire_wait(&wire, SECOND);
		}
		assert_true(is_found(&wire, DETECTOR_PORT_SCAN));
		assert_in_range(wire.found_ns, 60 * SECOND, 120 * SECOND);
		wire_close(&wire);
	}
}

/* By way of an FTP server: 3 SYNs a second, each port three times. */
static void test_bounced_scan(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		wire.source_port = 20;
		for (uint32_t i = 0; i < 360 && !wire.found; i++) {
			syn(&wire, 1, (uint16_t)(1000 + i / 3));
			wire_wait(&wire, SECOND / 3);
		}
		assert_true(is_found(&wire, DETECTOR_PORT_SCAN));
		wire_close(&wire);
	}
}

/* One service, looked for everywhere. */
static void test_fast_sweep_with_any_key(void **state)
{
	uint32_t first = UINT32_MAX, last = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		for (uint32_t i = 0; i < 60 && !wire.found; i++) {
			syn(&wire, seed % 2 ? i : (uint32_t)wire_random(&wire) % 100000, 445);
			wire_wait(&wire, seed % 3 * 15 * MS);
		}
		assert_true(is_found(&wire, DETECTOR_HOST_SWEEP));
		first = wire.found_at < first ? wire.found_at : first;
		last = wire.found_at > last ? wire.found_at : last;
		wire_close(&wire);
	}
	print_message("found at probe %u to %u\n", first, last);
	assert_true(first > 20 && last <= 50);
}

/* Real connections to a server beside each probe are a poor excuse: four for each, three times. */
static void test_sweep_beside_connections(void **state)
{
	uint32_t probes = 0, last[5] = { 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		uint32_t beside = seed % 2 ? 1 : 4;
		struct wire wire;

		wire_open(&wire, seed);
		for (probes = 0; probes < 150 && !wire.found; probes++) {
			syn(&wire, 10 + probes, 445);
			for (uint32_t k = 0; k < beside; k++)
				connection(&wire, 1, 80);
			wire_wait(&wire, 30 * MS);
		}
		assert_true(is_found(&wire, DETECTOR_HOST_SWEEP));
		last[beside] = probes > last[beside] ? probes : last[beside];
		wire_close(&wire);
	}
	print_message("found at probe %u at most, %u\n", last[1], last[4]);
	assert_true(last[1] <= 50 && last[4] <= 120);
}

static void test_ping_sweep_with_any_key(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		for (uint32_t i = 0; i < 50; i++) {
			ping(&wire, i);
			wire_wait(&wire, 8 * MS);
		}
		assert_true(is_found(&wire, DETECTOR_HOST_SWEEP));
		assert_in_range(wire.found_at, 21, 50);
		wire_close(&wire);
	}
}

/* Three SYNs for each host on few ports, and UDP to its own kind, each at another port. */
static void test_bot(void **state)
{
	static const uint16_t ports[] = { 23, 8080, 23, 2323, 23 };
	int64_t latest_ns = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		for (uint32_t i = 0; i < 60 && !wire.found; i++) {
			for (uint32_t again = 0; again < 3 && again <= i; again++)
				syn(&wire, i - again, ports[(i - again) % 5]);
			if (i % 2)
				udp(&wire, 500 + i, (uint16_t)wire_random(&wire), 100);
			wire_wait(&wire, SECOND * 10 / 17);
		}
		assert_true(is_found(&wire, DETECTOR_HOST_SWEEP));
		latest_ns = wire.found_ns > latest_ns ? wire.found_ns : latest_ns;
		wire_close(&wire);
	}
	print_message("found after %.1f s at most\n", (double)latest_ns / SECOND);
	assert_true(latest_ns <= 30 * SECOND);
}

/* Ten ports on each of ten hosts, host by host or port by port: neither is many. */
static void test_thin_scan(void **state)
{
	uint32_t last = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		for (uint32_t i = 0; i < 100 && !wire.found; i++) {
			if (seed % 2)
				syn(&wire, i % 10, (uint16_t)(8000 + i / 10));
			else
				syn(&wire, i / 10, (uint16_t)(8000 + i % 10));
			wire_wait(&wire, 60 * MS);
		}
		assert_true(is_found(&wire, DETECTOR_PORT_SCAN));
		assert_true(wire.found_at > 20);
		last = wire.found_at > last ? wire.found_at : last;
		wire_close(&wire);
	}
	print_message("found at probe %u at most\n", last);
	assert_true(last <= 60);
}

/* A packet to a resolver beside each probe is no excuse, nor is a real connection. */
static void test_scan_beside_harmless_packets(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		for (uint32_t i = 0; i < 200 && !wire.found; i++) {
			udp(&wire, 1, (uint16_t)(1000 + i), 60);
			udp(&wire, 2, 53, 60);
			wire_wait(&wire, 50 * MS);
		}
		assert_in_range(wire.found_at, 40, 100);
		wire_close(&wire);

		wire_open(&wire, seed);
		for (uint32_t i = 0; i < 200 && !wire.found; i++) {
			syn(&wire, 1, (uint16_t)(1000 + i));
			connection(&wire, 1, 80);
			wire_wait(&wire, 50 * MS);
		}
		assert_true(is_found(&wire, DETECTOR_PORT_SCAN));
		assert_true(wire.found_at <= 8 * 70); /* 8 packets each time */
		wire_close(&wire);
	}
}

/* Where the other side is seen, an ACK of his own ends no handshake: SYNs stay what they are. */
static void test_forged_acks_hide_no_syns(void **state)
{
	struct wire wire;

	(void)state;
	wire_open(&wire, 1);
	for (uint32_t i = 0; i < 300 && !wire.found; i++) {
		wire.source_port = (uint16_t)wire_random(&wire);
		syn(&wire, 1, 80);
		tcp(&wire, 1, 80, TCP_ACK);
	}
	assert_true(is_found(&wire, DETECTOR_SYN_FLOOD));
	assert_int_equal(wire.found_at, 2 * 201 - 1);
	wire_close(&wire);
}

/* ---- other stealthy probes ----------------------------------------------------------------------
 */

static void test_flood_out_of_nowhere(void **state)
{
	static const uint8_t flags[] = { TCP_ACK, TCP_RST, TCP_FIN | TCP_ACK };

	(void)state;
	for (uint64_t seed = 0; seed < 3; seed++) {
		struct wire wire;

		wire_open(&wire, seed + 1);
		wire.source_port = 443;
		for (uint32_t i = 0; i < 5000 && !is_found(&wire, DETECTOR_STEALTH_SCAN); i++) {
			tcp(&wire, 1, (uint16_t)(32768 + wire_random(&wire) % 28000), flags[seed]);
			wire_wait(&wire, 4 * MS);
		}
		assert_true(is_found(&wire, DETECTOR_STEALTH_SCAN));
		assert_false(is_found(&wire, DETECTOR_PORT_SCAN));
		wire_close(&wire);
	}
}

/*
 * The other halves of a content network's flows take another way: each begins out of nowhere, and
 * goes on. And 200 idle connections end at once.
 */
static void test_half_seen_flows_are_no_scan(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		wire.source_port = 443;
		for (uint32_t i = 0; i < 20000; i++) {
			uint32_t client = (uint32_t)wire_random(&wire) % 20;
			uint16_t port = (uint16_t)(32768 + wire_random(&wire) % 28000);

			wire.relation = RELATION_UNASKED;
			tcp(&wire, client, port, TCP_SYN | TCP_ACK);
			tcp(&wire, client, port, TCP_ACK);
			wire.relation = RELATION_ANSWER;
			for (int k = 0; k < 3; k++)
				tcp(&wire, client, port, TCP_ACK);
			wire_wait(&wire, 5 * MS);
		}
		wire.relation = RELATION_UNASKED;
		for (uint32_t i = 0; i < 200; i++)
			tcp(&wire, i % 20, (uint16_t)(40000 + i), TCP_FIN | TCP_ACK);
		wire_wait(&wire, SECOND);
		assert_int_equal(wire.found, 0);
		wire_close(&wire);
	}
}

/* nmap -sO, at once and one protocol a second. */
static void test_protocol_scan(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		for (uint32_t i = 0; i < 20 && !wire.found; i++) {
			protocol(&wire, host(1), (uint8_t)(100 + i));
			wire_wait(&wire, seed % 2 ? MS : SECOND);
		}
		wire_wait(&wire, INTERVAL);
		assert_true(is_found(&wire, DETECTOR_STEALTH_SCAN));
		if (seed % 2 == 0)
			assert_in_range(wire.found_at, 4, 12);
		wire_close(&wire);
	}
}

/* A router's OSPF, PIM, VRRP and IGMP are for groups; a tunnel or two are no scan either. */
static void test_routers_are_no_protocol_scan(void **state)
{
	static const uint8_t protocols[] = { 89, 103, 112, 2, 88 };
	struct wire wire;

	(void)state;
	wire_open(&wire, 1);
	for (uint32_t i = 0; i < 1000; i++) {
		struct address group = address_from_ipv4(__builtin_bswap32(0xe0000000u + i % 20));

		wire.relation = RELATION_RELATED;
		protocol(&wire, group, protocols[i % 5]);
		wire.relation = RELATION_UNASKED;
		protocol(&wire, host(1), i % 2 ? 47 : 50);
		wire_wait(&wire, 500 * MS);
	}
	assert_int_equal(wire.found, 0);
	wire_close(&wire);
}

/* ---- what is like a scan
 * --------------------------------------------------------------------------- */

/*
 * 52 hosts and 49 ports in 10 s over TCP, a SYN sent four times to each; 240 and 308 over UDP, some
 * to the program's own port.
 */
static void test_peer_to_peer(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		for (uint32_t i = 0; i < 1200; i++) {
			uint32_t peer = i / 4 * 1000; /* a new one every 200 ms */

			for (uint32_t age = 0; age < 4 && i % 4 == 0; age++) {
				uint32_t old = peer - age * 8000;

				if (old <= peer)
					syn(&wire, old, (uint16_t)(1024 + mix(old) % 60000));
			}
			for (uint32_t k = 0; k < 2; k++)
				udp(&wire, peer + i % 4 * 2 + k,
				    wire_random(&wire) % 10 < 3
					    ? 6346
					    : (uint16_t)(1024 + wire_random(&wire) % 60000),
				    100);
			if (i % 4 == 0)
				connection(&wire, peer + 9, (uint16_t)(1024 + mix(peer) % 60000));
			wire_wait(&wire, 50 * MS);
		}
		assert_int_equal(wire.found, 0);
		wire_close(&wire);
	}
}

/* A resolver answers 43 ports of a client whose questions are not seen, then of one whose are. */
static void test_resolver_is_no_scan(void **state)
{
	struct wire wire;

	(void)state;
	wire_open(&wire, 1);
	wire.source_port = 53;
	wire.relation = RELATION_UNKNOWN;
	for (uint32_t i = 0; i < 4000; i++) {
		if (i == 2000)
			wire.relation = RELATION_ANSWER;
		udp(&wire, 3, (uint16_t)(20000 + i * 7), i % 5 ? 120 : 900);
		wire_wait(&wire, 6 * MS);
	}
	assert_int_equal(wire.found, 0);
	wire_close(&wire);
}

/* A resolver of our own network, a clock, or a browser with QUIC asks hundreds of hosts. */
static void test_asking_many_services_is_no_sweep(void **state)
{
	static const uint16_t ports[] = { 53, 443, 123, 853 };
	struct wire wire;

	(void)state;
	wire_open(&wire, 1);
	for (uint32_t i = 0; i < 4000; i++) {
		udp(&wire, i, ports[i % 4], 80);
		wire_wait(&wire, 12 * MS);
	}
	assert_int_equal(wire.found, 0);
	wire_close(&wire);
}

/* Bursts of 120 connections a second, all of them completed; one in fifty servers is dead. */
static void test_load_and_browsing(void **state)
{
	struct wire wire;

	(void)state;
	wire_open(&wire, 1);
	for (uint32_t i = 0; i < 3000; i++) {
		if (i % 50)
			connection(&wire, wire_random(&wire) % 4 ? 1 : i, i % 3 ? 443 : 80);
		else
			syn(&wire, i, 443);
		wire_wait(&wire, i % 240 < 120 ? 8 * MS : 30 * MS);
	}
	assert_int_equal(wire.found, 0);
	wire_close(&wire);
}

/* A thousand users behind one address: five tries fail each second among 200 that do not. */
static void test_office_is_no_sweep(void **state)
{
	struct wire wire;

	(void)state;
	wire_open(&wire, 1);
	for (uint32_t i = 0; i < 6000; i++) {
		for (uint32_t k = 0; k < 10; k++)
			connection(&wire, (uint32_t)wire_random(&wire) % 3000, 443);
		if (i % 4 == 0)
			syn(&wire, 5000 + (uint32_t)wire_random(&wire) % 300, 443);
		wire_wait(&wire, 50 * MS);
	}
	assert_int_equal(wire.found, 0);
	wire_close(&wire);
}

/* A stack sends a SYN again after 1, 3 and 7 seconds. */
static const uint32_t again_s[] = { 0, 1, 3, 7 };

/* 300 hosts, of which one in ten is dead, at different paces. */
static void test_crawler_is_no_sweep(void **state)
{
	static const int64_t paces_ns[] = { SECOND, 200 * MS, 100 * MS, 25 * MS };

	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		int64_t pace_ns = paces_ns[seed % 4];
		struct wire wire;

		wire_open(&wire, seed);
		for (uint32_t i = 0; i < 300 + 7 * SECOND / pace_ns; i++) {
			for (size_t k = 0; k < 4; k++) {
				uint32_t ago = (uint32_t)(again_s[k] * SECOND / pace_ns);

				if (ago <= i && i - ago < 300 && (i - ago) % 10 == 3)
					syn(&wire, i - ago, 443);
			}
			if (i < 300 && i % 10 != 3)
				connection(&wire, i, 443);
			wire_wait(&wire, pace_ns);
		}
		assert_int_equal(wire.found, 0);
		wire_close(&wire);
	}
}

/* A page with parts on 40 hosts, six connections to each; eight of the hosts are dead. */
static void test_browser_with_dead_hosts(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct wire wire;

		wire_open(&wire, seed);
		for (uint32_t second = 0; second < 12; second++) {
			for (size_t k = 0; k < 4; k++)
				for (uint32_t i = 0; i < 48 && again_s[k] == second; i++)
					syn(&wire, i / 6, i % 2 ? 443 : 80);
			for (uint32_t i = 0; i < 32 * 6 && !second; i++) {
				connection(&wire, 100 + i / 6, i % 2 ? 443 : 80);
				wire_wait(&wire, 2 * MS);
			}
			wire_wait(&wire, SECOND);
		}
		assert_int_equal(wire.found, 0);
		wire_close(&wire);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fast_scan_with_any_key),
		cmocka_unit_test(test_scan_across_intervals),
		cmocka_unit_test(test_wakes_for_known_sources),
		cmocka_unit_test(test_other_probes_scan_too),
		cmocka_unit_test(test_udp_scan_of_some_hosts),
		cmocka_unit_test(test_slow_scan),
		cmocka_unit_test(test_bounced_scan),
		cmocka_unit_test(test_fast_sweep_with_any_key),
		cmocka_unit_test(test_sweep_beside_connections),
		cmocka_unit_test(test_ping_sweep_with_any_key),
		cmocka_unit_test(test_bot),
		cmocka_unit_test(test_thin_scan),
		cmocka_unit_test(test_scan_beside_harmless_packets),
		cmocka_unit_test(test_forged_acks_hide_no_syns),
		cmocka_unit_test(test_flood_out_of_nowhere),
		cmocka_unit_test(test_half_seen_flows_are_no_scan),
		cmocka_unit_test(test_protocol_scan),
		cmocka_unit_test(test_routers_are_no_protocol_scan),
		cmocka_unit_test(test_peer_to_peer),
		cmocka_unit_test(test_resolver_is_no_scan),
		cmocka_unit_test(test_asking_many_services_is_no_sweep),
		cmocka_unit_test(test_load_and_browsing),
		cmocka_unit_test(test_office_is_no_sweep),
		cmocka_unit_test(test_crawler_is_no_sweep),
		cmocka_unit_test(test_browser_with_dead_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
