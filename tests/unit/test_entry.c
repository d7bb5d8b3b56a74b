// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What one packet adds to its entry: counters and where they stop, ports and hosts that were tried,
 * what a completed handshake takes back, and which packet wakes the poller. How an entry is found
 * is test_table's.
 */
#include "unit/table_sim.h"
#include <stdio.h>

static struct sim sim;

static int open_sim(void **state)
{
	(void)state;
	sim_open(&sim, 64, 21);
	sim.control.sensitive_ports[22 / 64] |= 1ULL << 22;
	sim.control.restricted = 1;
	sim.control.restricted_ports[0][23 / 64] |= 1ULL << 23;
	sim.control.restricted_ports[1][161 / 64] |= 1ULL << (161 % 64);
	sim.control.amplifier_ports[53 / 64] |= 1ULL << 53;
	sim.control.amplifier_ports[11211 / 64] |= 1ULL << (11211 % 64);
	return 0;
}

static int close_sim(void **state)
{
	(void)state;
	sim_close(&sim);
	return 0;
}

static struct packet from_one(uint32_t classes, uint8_t protocol)
{
	return (struct packet){ .source = sim_address(1),
				.destination = sim_address(2),
				.bytes = 100,
				.classes = classes,
				.protocol = protocol,
				.source_port = 40000,
				.destination_port = 80 };
}

static struct packet tcp(uint8_t flags)
{
	struct packet packet = from_one(CLASS_TCP, PROTOCOL_TCP);

	if ((flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		packet.classes = CLASS_SYN;
	packet.tcp_flags = flags;
	return packet;
}

static const struct table_entry *add_as(uint32_t relation, struct packet packet)
{
	const struct table_entry *entry;

	sim.relation = relation;
	entry = sim_packet(&sim, &packet);
	assert_non_null(entry);
	return entry;
}

static const struct table_entry *add(struct packet packet)
{
	return add_as(RELATION_UNASKED, packet);
}

/* ---- counters ------------------------------------------------------------------------------- */

struct flag_case {
	uint8_t flags, relation;
	uint32_t syn, established, answers;
	uint16_t syn_ack, stray, odd, tries;
};

static void tcp_flags_are_told_apart(void **state)
{
	enum { U = RELATION_UNASKED, A = RELATION_ANSWER, N = RELATION_UNKNOWN };
	static const struct flag_case cases[] = {
		{ TCP_SYN, U, 1, 0, 0, 0, 0, 0, 1 },
		{ TCP_SYN | TCP_ACK, U, 0, 0, 0, 1, 0, 0, 0 },
		{ TCP_SYN | TCP_ACK, A, 0, 0, 1, 0, 0, 0, 0 },
		{ TCP_SYN | TCP_ACK, N, 0, 0, 1, 0, 0, 0, 0 },
		{ TCP_ACK, U, 0, 0, 0, 0, 1, 0, 1 },
		{ TCP_ACK, A, 0, 0, 1, 0, 0, 0, 0 },
		{ TCP_ACK, N, 0, 0, 1, 0, 0, 0, 0 },
		{ TCP_ACK, RELATION_COMPLETES, 0, 1, 1, 0, 0, 0, 0 },
		{ TCP_ACK | TCP_PSH, RELATION_ASSUMED, 0, 1, 0, 0, 0, 0, 0 },
		{ TCP_FIN | TCP_ACK, U, 0, 0, 0, 0, 1, 0, 1 },
		{ TCP_RST, U, 0, 0, 0, 0, 1, 0, 0 },
		{ TCP_RST | TCP_ACK, U, 0, 0, 0, 0, 1, 0, 0 },
		{ TCP_RST | TCP_ACK, A, 0, 0, 1, 0, 0, 0, 0 },
		{ 0, U, 0, 0, 0, 0, 0, 1, 1 },
		{ 0, A, 0, 0, 1, 0, 0, 1, 1 },
		{ 0, N, 0, 0, 0, 0, 0, 1, 1 },
		{ TCP_FIN, U, 0, 0, 0, 0, 0, 1, 1 },
		{ TCP_FIN, A, 0, 0, 1, 0, 0, 1, 1 },
		{ TCP_FIN | TCP_PSH | TCP_URG, U, 0, 0, 0, 0, 0, 1, 1 },
		{ TCP_SYN | TCP_FIN, U, 1, 0, 0, 0, 0, 1, 1 },
		{ TCP_SYN | TCP_RST, U, 1, 0, 0, 0, 0, 1, 1 },
		{ TCP_SYN | TCP_FIN | TCP_ACK, U, 0, 0, 0, 0, 0, 1, 1 },
		{ TCP_SYN | TCP_RST | TCP_ACK, U, 0, 0, 0, 0, 0, 1, 1 },
	};
	size_t count = sizeof(cases) / sizeof(*cases);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const struct flag_case *c = &cases[i];
		struct packet packet = tcp(c->flags);
		const struct table_entry *e;

		packet.source = sim_address((uint32_t)i);
		e = add_as(c->relation, packet);
		if (e->packets != 1 || e->syn != c->syn || e->established != c->established ||
		    e->answers != c->answers || e->syn_ack != c->syn_ack || e->stray != c->stray ||
		    e->odd_flags != c->odd || e->distinct_targets != c->tries ||
		    e->distinct_hosts != c->tries ||
		    e->assumed != (c->relation == RELATION_ASSUMED))
			fail_msg("flags %02x, relation %u: syn %u, established %u, answers %u, "
				 "syn_ack %u, stray %u, odd %u, targets %u",
				 c->flags, c->relation, e->syn, e->established, e->answers,
				 e->syn_ack, e->stray, e->odd_flags, e->distinct_targets);
	}
}

static void each_protocol_has_its_counter(void **state)
{
	struct packet later = from_one(CLASS_TCP | CLASS_FRAGMENT, PROTOCOL_TCP);
	struct packet broken = from_one(CLASS_UDP, PROTOCOL_UDP);
	const struct table_entry *e;

	(void)state;
	later.flags = PACKET_FRAGMENT | PACKET_LATER_FRAGMENT;
	broken.flags = PACKET_MALFORMED;
	add(tcp(TCP_ACK));
	add(from_one(CLASS_UDP, PROTOCOL_UDP));
	add(from_one(CLASS_ICMP, PROTOCOL_ICMP));
	add(from_one(CLASS_OTHER, 47));
	add(later);
	e = add(broken);
	assert_true(e->packets == 6 && e->bytes == 600);
	assert_true(e->stray == 1 && e->udp == 2 && e->icmp == 1 && e->other == 1);
	assert_true(e->fragments == 1 && e->malformed == 1);
	assert_int_equal(e->odd_flags, 0); /* a later fragment has no flags */
	assert_int_equal(__builtin_popcount(e->protocols), 1);
	assert_int_equal(e->last_protocol, PROTOCOL_UDP);
	sim_drain(&sim, 0.25);
	assert_true(sim.sum.tcp == 2 && sim.sum.udp == 2 && sim.sum.icmp == 1 &&
		    sim.sum.other == 1 && sim.sum.malformed == 1);
}

/* Answers are counted as such, whatever they are: only what cannot be stays what it is. */
static void answers_are_nothing_else(void **state)
{
	struct packet later = from_one(CLASS_UDP | CLASS_FRAGMENT, PROTOCOL_UDP);
	struct packet dns = from_one(CLASS_UDP, PROTOCOL_UDP);
	const struct table_entry *e;

	(void)state;
	later.flags = PACKET_FRAGMENT | PACKET_LATER_FRAGMENT;
	dns.source_port = 53;
	dns.bytes = 1400;
	add_as(RELATION_ANSWER, tcp(TCP_ACK));
	add_as(RELATION_ANSWER, dns);
	add_as(RELATION_ANSWER, from_one(CLASS_ICMP, PROTOCOL_ICMP));
	add_as(RELATION_ANSWER, from_one(CLASS_OTHER, 47));
	add_as(RELATION_ANSWER, later);
	later.flags |= PACKET_MALFORMED;
	e = add_as(RELATION_ANSWER, later);
	assert_true(e->packets == 6 && e->answers == 6);
	assert_true(!e->udp && !e->icmp && !e->other && !e->stray && !e->fragments);
	assert_true(!e->distinct_targets && !e->distinct_hosts && !e->protocols && !e->amplifier);
	assert_int_equal(e->malformed, 1);
}

static uint32_t udp_of(uint32_t relation, uint16_t from, uint16_t to, uint32_t n)
{
	static uint32_t source = 100;
	struct packet packet = from_one(CLASS_UDP, PROTOCOL_UDP);
	const struct table_entry *e = NULL;

	packet.source = sim_address(source++);
	packet.source_port = from;
	packet.destination_port = to;
	for (uint32_t i = 0; i < n; i++)
		e = add_as(relation, packet);
	assert_non_null(e);
	assert_int_equal(e->answers + e->udp, n);
	return e->udp;
}

/* Seven in eight pass for answers; which ones is secret, so no order of packets can dodge it. */
static void likely_packets_count_in_part(void **state)
{
	struct packet data = tcp(TCP_ACK | TCP_PSH), reply = from_one(CLASS_ICMP, PROTOCOL_ICMP);
	struct packet gre = from_one(CLASS_OTHER, 47);
	const struct table_entry *e = NULL;

	(void)state;
	assert_in_range(udp_of(RELATION_RELATED, 5000, 5001, 8000), 800, 1200);
	assert_in_range(udp_of(RELATION_UNKNOWN, 443, 50000, 8000), 800, 1200);
	assert_int_equal(udp_of(RELATION_UNKNOWN, 443, 443, 100), 100);
	assert_int_equal(udp_of(RELATION_UNKNOWN, 5000, 50000, 100), 100);
	for (int i = 0; i < 8000; i++)
		e = add_as(RELATION_RELATED, data);
	assert_int_equal(e->answers + e->stray, 8000);
	assert_int_equal(e->distinct_targets, 0);
	assert_in_range(e->stray, 800, 1200);
	/* what is surely wanted, in between, does not take the places of those that count */
	data.source = sim_address(7);
	for (int i = 0; i < 8000; i++) {
		add_as(RELATION_ANSWER, data);
		e = add_as(RELATION_RELATED, data);
	}
	assert_int_equal(e->answers + e->stray, 16000);
	assert_in_range(e->stray, 800, 1200);
	reply.source = sim_address(8);
	for (int i = 0; i < 8000; i++)
		e = add_as(RELATION_UNKNOWN, reply);
	assert_in_range(e->icmp, 800, 1200);
	assert_int_equal(e->answers + e->icmp, 8000);
	gre.source = sim_address(9);
	for (int i = 0; i < 8000; i++)
		e = add_as(RELATION_RELATED, gre);
	assert_in_range(e->other, 800, 1200);
	assert_int_equal(e->answers + e->other, 8000);
	assert_int_equal(e->protocols, 0);
}

static void special_ports_are_counted(void **state)
{
	struct packet ssh = tcp(TCP_SYN), answer = from_one(CLASS_UDP, PROTOCOL_UDP);
	const struct table_entry *e;

	(void)state;
	ssh.destination_port = 22;
	add(ssh);
	ssh.tcp_flags = TCP_ACK;
	ssh.classes = CLASS_TCP;
	add_as(RELATION_ANSWER, ssh);
	add(ssh);
	assert_int_equal(add_as(RELATION_UNKNOWN, ssh)->sensitive, 0);
	add_as(RELATION_ASSUMED, ssh);
	assert_int_equal(add_as(RELATION_COMPLETES, ssh)->sensitive, 2);
	answer.source_port = 53;
	add(answer);
	add_as(RELATION_UNKNOWN, answer); /* small: may have been asked for */
	answer.bytes = TABLE_AMPLIFIED_BYTES;
	add_as(RELATION_UNKNOWN, answer);
	add_as(RELATION_ANSWER, answer);
	answer.source_port = 11211;
	add(answer);
	answer.source_port = 54;
	add(answer);
	answer.source_port = 1024;
	answer.destination_port = 53;
	e = add(answer);
	assert_int_equal(e->amplifier, 3);
}

/* Of connections to mail and databases a quarter counts as logins; which ones is secret. */
static void logins_by_machines_count_in_part(void **state)
{
	struct packet mail = tcp(TCP_ACK), ssh = tcp(TCP_ACK);
	const struct table_entry *e = NULL;

	(void)state;
	sim.control.sensitive_ports[0] |= 1ULL << 25;
	mail.destination_port = 25;
	for (uint16_t n = 0; n < 400; n++) {
		mail.source_port = (uint16_t)(40000 + n);
		e = add_as(RELATION_COMPLETES, mail);
	}
	assert_in_range(e->sensitive, 70, 130);
	ssh.source = sim_address(3);
	ssh.destination_port = 22;
	for (uint16_t n = 0; n < 100; n++) {
		ssh.source_port = (uint16_t)(40000 + n);
		e = add_as(RELATION_COMPLETES, ssh);
	}
	assert_int_equal(e->sensitive, 100);
}

/* Who uses a port that is for some only: by a completed handshake, or by UDP that nobody asked for.
 */
static void restricted_ports_are_counted(void **state)
{
	struct packet telnet = tcp(TCP_ACK), snmp = from_one(CLASS_UDP, PROTOCOL_UDP);
	const struct table_entry *e;

	(void)state;
	telnet.destination_port = 23;
	snmp.destination_port = 161;
	add_as(RELATION_ANSWER, telnet);
	add_as(RELATION_ANSWER, snmp);
	add(telnet);
	telnet.tcp_flags = TCP_SYN;
	telnet.classes = CLASS_SYN;
	assert_int_equal(add(telnet)->restricted_tries, 0);
	telnet.tcp_flags = TCP_ACK;
	telnet.classes = CLASS_TCP;
	e = add_as(RELATION_COMPLETES, telnet);
	assert_true(e->restricted_tries == 1 && e->restricted_port == 23 && !e->restricted_udp);
	e = add(snmp);
	assert_true(e->restricted_tries == 2 && e->restricted_port == 161 && e->restricted_udp);
	/* each protocol has ports of its own */
	telnet.destination_port = 161;
	add_as(RELATION_COMPLETES, telnet);
	snmp.destination_port = 23;
	assert_int_equal(add(snmp)->restricted_tries, 2);
	sim.control.restricted = 0;
	snmp.destination_port = 161;
	assert_int_equal(add(snmp)->restricted_tries, 2);
}

static void counters_stop_at_their_maximum(void **state)
{
	struct packet packet = tcp(TCP_SYN | TCP_RST | TCP_ACK), other = from_one(CLASS_OTHER, 47);
	struct packet login = tcp(TCP_ACK), telnet = tcp(TCP_ACK);
	struct packet dns = from_one(CLASS_UDP, PROTOCOL_UDP);
	const struct table_entry *e = NULL;

	(void)state;
	login.destination_port = 22;
	telnet.destination_port = 23;
	dns.source_port = 53;
	for (int i = 0; i < 0x10010; i++) {
		packet.flags = 0;
		packet.tcp_flags = TCP_SYN | TCP_RST | TCP_ACK;
		add(packet);
		packet.tcp_flags = TCP_SYN | TCP_ACK;
		add(packet);
		packet.tcp_flags = TCP_ACK;
		add(packet);
		add(other);
		add(dns);
		add_as(RELATION_COMPLETES, login);
		add_as(RELATION_COMPLETES, telnet);
		packet.flags = PACKET_MALFORMED | PACKET_FRAGMENT;
		e = add(packet);
	}
	assert_int_equal(e->stray, 0xffff);
	assert_int_equal(e->syn_ack, 0xffff);
	assert_int_equal(e->odd_flags, 0xffff);
	assert_int_equal(e->malformed, 0xffff);
	assert_int_equal(e->fragments, 0xffff);
	assert_int_equal(e->other, 0xffff);
	assert_int_equal(e->amplifier, 0xffff);
	assert_int_equal(e->established, 0xffff);
	assert_int_equal(e->sensitive, 0xff);
	assert_int_equal(e->restricted_tries, 0xff);
	assert_int_equal(e->packets, 8 * 0x10010);
}

/* ---- tries ---------------------------------------------------------------------------------- */

struct tries_case {
	uint32_t relation;
	uint8_t protocol, flags; /* flags: of TCP */
	uint16_t from, to;	 /* the first of ten ports */
	bool tries;
};

/* What nobody asked for is a try; where that cannot be known, the ports of UDP must do. */
static const struct tries_case tries_cases[] = {
	{ RELATION_UNASKED, PROTOCOL_TCP, TCP_SYN, 40000, 1, true },
	{ RELATION_UNASKED, PROTOCOL_TCP, TCP_ACK, 40000, 1, true },
	{ RELATION_UNASKED, PROTOCOL_UDP, 0, 40000, 1, true },
	{ RELATION_UNASKED, PROTOCOL_UDP, 0, 53, 1, true },
	{ RELATION_UNASKED, PROTOCOL_ICMP, 0, 0, 1, false },
	{ RELATION_ANSWER, PROTOCOL_TCP, TCP_ACK, 40000, 1, false },
	{ RELATION_ANSWER, PROTOCOL_UDP, 0, 40000, 1, false },
	{ RELATION_RELATED, PROTOCOL_TCP, TCP_ACK, 40000, 1, false },
	{ RELATION_RELATED, PROTOCOL_UDP, 0, 40000, 1, false },
	{ RELATION_UNKNOWN, PROTOCOL_TCP, TCP_ACK, 40000, 1, false },
	{ RELATION_UNKNOWN, PROTOCOL_UDP, 0, 40000, 1, true },
	{ RELATION_UNKNOWN, PROTOCOL_UDP, 0, 53, 1, false },
	/* a service's port, or a client's, at the one end or at the other */
	{ RELATION_UNKNOWN, PROTOCOL_UDP, 0, 1023, 2000, false },
	{ RELATION_UNKNOWN, PROTOCOL_UDP, 0, 1024, 2000, true },
	{ RELATION_UNKNOWN, PROTOCOL_UDP, 0, 32767, 32768, false },
	{ RELATION_UNKNOWN, PROTOCOL_UDP, 0, 32767, 32758, true },
	{ RELATION_UNKNOWN, PROTOCOL_UDP, 0, 32768, 40000, true },
	{ RELATION_UNASKED, PROTOCOL_UDP, 0, 32767, 40000, true },
	/* TCP out of nowhere: to a client it is the end of an idle connection */
	{ RELATION_UNASKED, PROTOCOL_TCP, TCP_ACK, 443, 1024, false },
	{ RELATION_UNASKED, PROTOCOL_TCP, TCP_ACK, 443, 1014, true },
	{ RELATION_UNASKED, PROTOCOL_TCP, TCP_ACK, 50000, 40000, true },
	{ RELATION_UNASKED, PROTOCOL_TCP, TCP_SYN, 443, 1024, true },
	/* the probes of traceroute, and what honest hosts ask many servers for */
	{ RELATION_UNASKED, PROTOCOL_UDP, 0, 40000, TABLE_TRACE_FIRST, false },
	{ RELATION_UNASKED, PROTOCOL_UDP, 0, 40000, TABLE_TRACE_LAST - 9, false },
	{ RELATION_UNASKED, PROTOCOL_UDP, 0, 40000, TABLE_TRACE_LAST + 1, true },
	{ RELATION_UNASKED, PROTOCOL_UDP, 0, 40000, TABLE_TRACE_FIRST - 10, true },
	{ RELATION_UNASKED, PROTOCOL_TCP, TCP_SYN, 40000, TABLE_TRACE_FIRST, true },
};

static uint32_t class_of(uint8_t protocol, uint8_t flags)
{
	if (protocol == PROTOCOL_TCP)
		return flags == TCP_SYN ? CLASS_SYN : CLASS_TCP;
	return protocol == PROTOCOL_UDP ? CLASS_UDP : CLASS_ICMP;
}

static void tries_are_told_from_answers(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < sizeof(tries_cases) / sizeof(*tries_cases); i++) {
		const struct tries_case *c = &tries_cases[i];
		struct packet packet = from_one(class_of(c->protocol, c->flags), c->protocol);
		const struct table_entry *e = NULL;

		packet.source = sim_address(i);
		packet.source_port = c->from;
		packet.tcp_flags = c->flags;
		for (uint16_t n = 0; n < 10; n++) {
			packet.destination_port = (uint16_t)(c->to + n);
			e = add_as(c->relation, packet);
		}
		if ((c->tries && e->distinct_targets < 6) || (!c->tries && e->distinct_targets))
			fail_msg("case %u: %u targets", i, e->distinct_targets);
	}
}

/* Names, time and QUIC are asked of many servers; their neighbours are not. */
static void asking_services_is_no_try(void **state)
{
	static const uint16_t asked[] = { 53, 80, 123, 443, 853 };
	struct packet packet = from_one(CLASS_UDP, PROTOCOL_UDP);
	const struct table_entry *e = NULL;

	(void)state;
	for (uint32_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
		for (uint32_t host = 0; host < 10; host++) {
			packet.destination_port = asked[i];
			packet.destination = sim_address(host);
			e = add(packet);
		}
	assert_true(!e->distinct_targets && !e->distinct_hosts && e->udp == 50);
	for (uint32_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		packet.destination_port = (uint16_t)(asked[i] + 1);
		e = add(packet);
	}
	assert_in_range(e->distinct_targets, 3, 5);
	/* what comes from an amplifier and is as large as an answer to it tries nothing either */
	packet.source = sim_address(7);
	packet.source_port = 11211;
	packet.destination_port = 2000;
	packet.bytes = TABLE_AMPLIFIED_BYTES;
	assert_int_equal(add(packet)->distinct_targets, 0);
	packet.bytes--;
	assert_int_equal(add(packet)->distinct_targets, 1);
}

static void sweeps_are_seen(void **state)
{
	struct packet ping = from_one(CLASS_ICMP, PROTOCOL_ICMP), six = ping;
	const struct table_entry *e = NULL;

	(void)state;
	ping.icmp_type = 8;
	six.protocol = PROTOCOL_ICMPV6;
	six.icmp_type = 128;
	six.source = sim_address(9);
	for (uint32_t i = 0; i < 10; i++) {
		ping.destination = six.destination = sim_address(__builtin_bswap32(i));
		e = add(ping);
		assert_memory_equal(&e->last_address, &ping.destination, 16);
	}
	assert_in_range(e->distinct_hosts, 6, 10);
	assert_true(!e->hosts[TRY_TCP] && !e->distinct_targets && !e->ports[TRY_OTHER]);
	assert_int_equal(add(six)->distinct_hosts, 1);
	ping.icmp_type = 0; /* the answers of a ping are none */
	ping.source = sim_address(10);
	assert_int_equal(add(ping)->distinct_hosts, 0);
}

/*
 * distinct_* is the number of bits, whatever comes, and hosts tried over TCP are apart from the
 * rest; the same try again changes nothing.
 */
static void distinct_counts_are_the_bits(void **state)
{
	struct packet packet;
	const struct table_entry *e = NULL;
	struct table_entry before;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		uint32_t kind = i < 1000 ? TRY_TCP : (uint32_t)sim_random(&sim) & 1, bits;

		packet = kind == TRY_TCP ? tcp(TCP_SYN) : from_one(CLASS_UDP, PROTOCOL_UDP);
		packet.destination_port = (uint16_t)(1000 + sim_random(&sim) % 1000);
		packet.destination = sim_address((uint32_t)sim_random(&sim));
		e = add(packet);
		bits = (uint32_t)(__builtin_popcountll(e->hosts[0]) +
				  __builtin_popcountll(e->hosts[1]));
		assert_int_equal(e->distinct_targets, __builtin_popcountll(e->targets));
		assert_int_equal(e->distinct_hosts, bits < 127 ? bits : 127);
		assert_int_equal(e->last_port, packet.destination_port);
		if (i < 1000)
			assert_true(!e->hosts[TRY_OTHER] && !e->ports[TRY_OTHER]);
	}
	assert_true(e->distinct_targets == TRY_TARGET_BITS && e->distinct_hosts == 127);
	assert_int_equal(e->ports[TRY_TCP], UINT32_MAX);
	before = *e;
	add(packet);
	assert_memory_equal(before.hosts, e->hosts, sizeof(before.hosts));
	assert_memory_equal(before.ports, e->ports, sizeof(before.ports));
	assert_true(before.targets == e->targets);
}

/* The same host and port by another protocol is another try: UDP in front of each SYN hides none.
 */
static void kinds_do_not_hide_each_other(void **state)
{
	const struct table_entry *e;

	(void)state;
	for (uint16_t port = 1; port <= 5; port++) {
		struct packet udp = from_one(CLASS_UDP, PROTOCOL_UDP), syn = tcp(TCP_SYN);

		udp.destination_port = syn.destination_port = port;
		add(udp);
		e = add(syn);
		assert_int_equal(e->ports[TRY_TCP], e->ports[TRY_OTHER]);
		assert_int_equal(e->hosts[TRY_TCP], e->hosts[TRY_OTHER]);
		assert_int_equal(e->distinct_hosts, 2);
	}
}

/* ---- what a connection takes back ----------------------------------------------------------- */

static struct packet towards(uint8_t flags, uint32_t host, uint16_t port)
{
	struct packet packet = tcp(flags);

	packet.destination = sim_address(host);
	packet.destination_port = port;
	return packet;
}

/* Who completes what he tries has tried nothing; the next failure counts again. */
static void connections_take_their_tries_back(void **state)
{
	static const uint32_t relations[] = { RELATION_COMPLETES, RELATION_ASSUMED };
	const struct table_entry *e;

	(void)state;
	for (uint32_t i = 0; i < 500; i++) {
		uint32_t host = i % 20;
		uint16_t port = (uint16_t)(1 + i % 7);

		e = add(towards(TCP_SYN, host, port));
		assert_true(e->distinct_targets == 1 && e->distinct_hosts == 1);
		e = add_as(relations[i & 1], towards(TCP_ACK, host, port));
		assert_true(!e->distinct_targets && !e->targets);
		assert_true(!e->distinct_hosts && !e->hosts[TRY_TCP]);
		assert_int_equal(e->established, i + 1);
	}
	e = add(towards(TCP_SYN, 499 % 20, 1 + 499 % 7)); /* the last one, once more */
	assert_true(e->distinct_targets == 1 && e->distinct_hosts == 1);
}

/* A connection to one host says nothing of the others, nor of what is not TCP. */
static void connections_take_no_other_tries_back(void **state)
{
	enum { ONE = 11, TWO = 12, THREE = 13 }; /* their bits differ with the seed's key */
	struct packet ping = from_one(CLASS_ICMP, PROTOCOL_ICMP);
	const struct table_entry *e;

	(void)state;
	ping.icmp_type = 8;
	ping.destination = sim_address(ONE);
	add(ping);
	add(towards(TCP_SYN, ONE, 80));
	e = add(towards(TCP_SYN, TWO, 80));
	assert_true(e->distinct_targets == 2 && e->distinct_hosts == 3);
	e = add_as(RELATION_COMPLETES,
		   towards(TCP_ACK, THREE, 80)); /* tried in an earlier interval */
	assert_true(e->distinct_targets == 2 && e->distinct_hosts == 3);
	e = add_as(RELATION_COMPLETES,
		   towards(TCP_ACK, ONE, 81)); /* another port of a host tried */
	assert_true(e->distinct_targets == 2 && e->distinct_hosts == 2);
	e = add_as(RELATION_COMPLETES, towards(TCP_ACK, ONE, 80));
	assert_true(e->distinct_targets == 1 && e->distinct_hosts == 2);
	assert_int_equal(__builtin_popcountll(e->hosts[TRY_OTHER]), 1);
	/* neither a wrong ACK nor a later packet of a connection does */
	add(towards(TCP_ACK, TWO, 80));
	e = add_as(RELATION_ANSWER, towards(TCP_ACK, TWO, 80));
	assert_true(e->distinct_targets == 1 && e->distinct_hosts == 2);
}

/* ---- hot prefixes --------------------------------------------------------------------------- */

/*
 * A prefix counted as one source notes how many addresses it had, a bit for each, and what they
 * tried together. Where an address has its last peer in full, it has its members.
 */
static void hot_prefix_is_one_source(void **state)
{
	struct table_subject subject = { .address.words = { 0xb80d0120 }, .prefix_len = 64 };
	struct table_entry entry;
	uint64_t members;

	(void)state;
	table_entry_init(&entry, &subject);
	for (uint32_t i = 0; i < 20; i++) {
		struct packet packet = towards(TCP_SYN, 0x01020300 + i % 10, 80);

		subject.peer = packet.destination;
		subject.member = subject.address;
		subject.member.words[3] = i % 10;
		table_add(&entry, &subject, &packet, &sim.control, RELATION_UNASKED, 0);
	}
	members = entry.members;
	assert_int_equal(entry.prefix_len, 64);
	assert_int_equal(entry.packets, 20);
	assert_in_range(__builtin_popcountll(members), 6, 10);
	assert_int_equal(entry.last_address.halves[1], 0);
	assert_in_range(entry.distinct_targets, 6, 10);
	assert_in_range(entry.distinct_hosts, 6, 10);
	for (uint32_t i = 0; i < 10; i++) {
		struct packet packet = towards(TCP_ACK, 0x01020300 + i, 80);

		subject.peer = packet.destination;
		table_add(&entry, &subject, &packet, &sim.control, RELATION_COMPLETES, 0);
	}
	assert_true(!entry.distinct_targets && !entry.distinct_hosts);
	assert_true((entry.members & members) == members && !entry.last_address.halves[1]);
}

/* ---- wakes ---------------------------------------------------------------------------------- */

static void marks_wake_at_each_doubling(void **state)
{
	static const uint32_t wakes[] = { 100, 128, 256, 512, 1024 };
	size_t next = 0;

	(void)state;
	for (uint32_t n = 0; n < 2000; n++) {
		bool expected = next < 5 && n == wakes[next];

		assert_int_equal(table_mark(n, 100), expected);
		next += expected;
	}
	assert_int_equal(next, 5);
}

/* How many of n equal packets wake, when only the given mark is within reach. */
static int wakes_as(uint32_t relation, struct wake_marks marks, struct packet packet, int n)
{
	struct table_subject subject = { .address = packet.source, .prefix_len = PREFIX_LEN_FULL };
	struct table_entry entry;
	int wakes = 0;

	table_entry_init(&entry, &subject);
	for (int i = 0; i < n; i++) {
		uint32_t news;

		packet.destination_port++;
		subject.peer = sim_address(packet.destination_port);
		news = table_add(&entry, &subject, &packet, &sim.control, relation, 0);
		wakes += table_wakes(&entry, &packet, news, &marks) != 0;
	}
	return wakes;
}

static int wakes_of(struct wake_marks marks, struct packet packet, int n)
{
	return wakes_as(RELATION_UNASKED, marks, packet, n);
}

/*
 * Handshakes that came to their end are taken off the SYNs, so that whoever opens many connections
 * wakes nobody; and who stays at the mark wakes once for each handshake that he completes.
 */
static void completed_handshakes_do_not_wake(void **state)
{
	const struct wake_marks marks = { .packets = ~0u, .syn = 10, .packets_limit = ~0u };
	struct packet syn = tcp(TCP_SYN), ack = tcp(TCP_ACK);
	const struct table_entry *e;

	(void)state;
	for (int i = 0; i < 30; i++) {
		e = add(syn);
		assert_false(table_wakes(e, &syn, 0, &marks));
		add_as(RELATION_COMPLETES, ack);
	}
	add_as(RELATION_COMPLETES, ack);
	for (int i = 1; i <= 11; i++) {
		e = add(syn);
		assert_int_equal(table_wakes(e, &syn, 0, &marks), i == 11);
	}
	for (int i = 0; i < 5; i++) { /* another's SYNs, of no handshake, do not */
		add_as(RELATION_COMPLETES, ack);
		e = add(syn);
		assert_true(table_wakes(e, &syn, 0, &marks));
		assert_false(table_wakes(add(syn), &syn, 0, &marks));
		add_as(RELATION_COMPLETES, ack);
	}
}

/* What is only assumed hides nothing: forged ACKs beside forged SYNs would. */
static void assumed_handshakes_do_not_hide_syns(void **state)
{
	const struct wake_marks marks = { .packets = ~0u, .syn = 10, .packets_limit = ~0u };
	struct packet syn = tcp(TCP_SYN), ack = tcp(TCP_ACK);

	(void)state;
	for (int i = 1; i <= 20; i++) {
		const struct table_entry *e;

		add_as(RELATION_ASSUMED, ack);
		e = add(syn);
		assert_int_equal(table_wakes(e, &syn, 0, &marks), i == 10 || i == 16);
	}
}

static void each_mark_wakes(void **state)
{
	struct wake_marks none, marks;

	(void)state;
	memset(&none, 0xff, sizeof(none));
	assert_int_equal(wakes_of(none, tcp(TCP_SYN), 1000), 0);
	marks = none, marks.packets = 10;
	assert_int_equal(wakes_of(marks, tcp(TCP_ACK), 9), 0);
	assert_int_equal(wakes_of(marks, tcp(TCP_ACK), 64), 4); /* 10, 16, 32, 64 */
	marks.packets_limit = 41;
	assert_int_equal(wakes_of(marks, tcp(TCP_ACK), 64), 5);
	marks = none, marks.packets = 8, marks.packets_limit = 11;
	assert_int_equal(wakes_of(marks, tcp(TCP_ACK), 10), 1);
	assert_int_equal(wakes_of(marks, tcp(TCP_ACK), 15), 2); /* 8, 11 */
	marks = none, marks.syn = 10;
	assert_int_equal(wakes_of(marks, tcp(TCP_SYN), 16), 2);
	assert_int_equal(wakes_of(marks, tcp(TCP_ACK), 64), 0);
	marks = none, marks.udp = 10;
	assert_int_equal(wakes_of(marks, from_one(CLASS_UDP, PROTOCOL_UDP), 16), 2);
	assert_int_equal(wakes_as(RELATION_ANSWER, marks, from_one(CLASS_UDP, PROTOCOL_UDP), 16),
			 0);
	assert_int_equal(wakes_of(marks, from_one(CLASS_ICMP, PROTOCOL_ICMP), 16), 0);
	marks = none, marks.icmp = 10;
	assert_int_equal(wakes_of(marks, from_one(CLASS_ICMP, PROTOCOL_ICMP), 16), 2);
	marks = none, marks.odd_flags = 10;
	assert_int_equal(wakes_of(marks, tcp(TCP_FIN), 16), 2);
	marks = none, marks.targets = 10;
	assert_int_equal(wakes_as(RELATION_ANSWER, marks, tcp(TCP_ACK), 1000), 0);
	assert_int_equal(wakes_of(marks, tcp(TCP_SYN), 9), 0);
	assert_int_equal(wakes_of(marks, tcp(TCP_SYN), 1000), 19); /* 10, 13, 16, ... 64 */
	marks = none, marks.hosts = 10;
	assert_int_equal(wakes_of(marks, tcp(TCP_SYN), 1000), 19);
}

/* Bits wake at every third from the mark on; what was tried before is news to nobody. */
static void tries_wake_at_every_third(void **state)
{
	struct table_subject subject = { .peer = sim_address(2), .prefix_len = PREFIX_LEN_FULL };
	const struct wake_marks marks = { ~0u, ~0u, ~0u, ~0u, ~0u, 5, ~0u, ~0u, ~0u };
	struct table_entry entry;

	(void)state;
	table_entry_init(&entry, &subject);
	for (uint32_t i = 0; i < 200; i++) {
		struct packet packet = towards(TCP_SYN, 2, (uint16_t)(1 + i / 2));
		uint32_t before = entry.distinct_targets, bits, news;

		news = table_add(&entry, &subject, &packet, &sim.control, RELATION_UNASKED, 0);
		bits = entry.distinct_targets;
		assert_int_equal((news & NEWS_TARGET) != 0, bits > before);
		assert_int_equal(table_wakes(&entry, &packet, news, &marks),
				 bits > before && bits >= 5 && (bits - 5) % 3 == 0);
	}
	assert_true(entry.distinct_targets > 40);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_sim, close_sim)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tcp_flags_are_told_apart),
		TEST(each_protocol_has_its_counter),
		TEST(answers_are_nothing_else),
		TEST(likely_packets_count_in_part),
		TEST(special_ports_are_counted),
		TEST(logins_by_machines_count_in_part),
		TEST(restricted_ports_are_counted),
		TEST(counters_stop_at_their_maximum),
		TEST(tries_are_told_from_answers),
		TEST(asking_services_is_no_try),
		TEST(sweeps_are_seen),
		TEST(distinct_counts_are_the_bits),
		TEST(kinds_do_not_hide_each_other),
		TEST(connections_take_their_tries_back),
		TEST(connections_take_no_other_tries_back),
		TEST(hot_prefix_is_one_source),
		TEST(marks_wake_at_each_doubling),
		TEST(completed_handshakes_do_not_wake),
		TEST(assumed_handshakes_do_not_hide_syns),
		TEST(each_mark_wakes),
		TEST(tries_wake_at_every_third),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
