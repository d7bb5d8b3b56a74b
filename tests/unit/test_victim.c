/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Floods of one host from everywhere: what is one, what only looks like it, how it is described. */
#include <math.h>
#include "victim_world.h"

static struct stream syn_stream(void)
{
	return (struct stream){ .to = address_of(VICTIM),
				.sources = ANYBODY,
				.protocol = PROTOCOL_TCP,
				.flags = TCP_SYN,
				.port = 25565,
				.bytes = 60,
				.ttl = 54 };
}

static struct stream question_stream(void)
{
	return (struct stream){ .to = address_of(VICTIM),
				.sources = 3000,
				.protocol = PROTOCOL_UDP,
				.port = 53,
				.bytes = 80,
				.ttl = 60 };
}

static const struct trait *trait_of(const struct finding *finding, enum trait_field field)
{
	for (size_t i = 0; i < TRAIT_FIELDS && finding->traits[i].share; i++) {
		if (finding->traits[i].field == field)
			return &finding->traits[i];
	}
	return NULL;
}

static void assert_trait(const struct finding *finding, enum trait_field field, uint16_t value,
			 uint8_t share)
{
	const struct trait *trait = trait_of(finding, field);

	assert_non_null(trait);
	assert_int_equal(trait->value, value);
	assert_int_equal(trait->share, share);
}

/* ---- floods ---------------------------------------------------------------------------------- */

/* 41,000 a second, each from another source: found by the first interval. */
static void test_syn_flood(void **state)
{
	struct gate *gate = gate_new();
	struct stream syns = syn_stream();
	const struct finding *finding;

	(void)state;
	assert_int_equal(gate_run(gate, &syns, 41000, 0), 0);
	gate_send(gate, &syns, 41000 / 4);
	assert_int_equal(gate_drain(gate), 1);
	finding = &gate->findings.items[0];
	assert_int_equal(finding->detector, DETECTOR_VICTIM_FLOOD);
	assert_true(address_equal(&finding->destination, &syns.to));
	assert_true(finding->has_destination);
	assert_int_equal(finding->source.len, PREFIX_LEN_MAPPED);
	assert_true(address_is_ipv4(&finding->source.address));
	assert_int_equal(finding->protocol, 6);
	assert_int_equal(finding->port, 25565);
	assert_int_equal(finding->classes, CLASS_SYN);
	assert_int_equal(finding->limit.count, 1000);
	assert_int_equal(finding->at.boot_ns, gate->now.boot_ns);
	assert_int_equal(finding->lasted_ns, 0);
	assert_in_range(finding->count, 10200, 10300);
	assert_in_range(finding->sources, 9000, 10300);
	assert_trait(finding, TRAIT_LENGTH, 60, 100);
	assert_trait(finding, TRAIT_FLAGS, TCP_SYN, 100);
	assert_trait(finding, TRAIT_TTL, 54, 100);
	assert_trait(finding, TRAIT_DESTINATION_PORT, 25565, 100);
	assert_null(trait_of(finding, TRAIT_SOURCE_PORT));
	assert_null(trait_of(finding, TRAIT_ICMP_TYPE));
	/* and in each interval, as long as it lasts */
	gate_run(gate, &syns, 41000, 3);
	assert_int_equal(gate->findings.count, 1);
	assert_in_range(gate->findings.items[0].count, 40500, 41500);
	gate_free(gate);
}

/* 6,677 answers of 3,178 name servers in 1.08 s to a host that sends nothing. */
static void test_dns_reflection(void **state)
{
	struct gate *gate = gate_new();
	struct stream answers = question_stream(), fragments;
	const struct finding *finding;

	(void)state;
	answers.sources = 3178;
	answers.source_port = 53;
	answers.port = 0;
	answers.bytes = 850;
	answers.relation = RELATION_UNKNOWN; /* nobody has seen packets of this host */
	gate_send(gate, &answers, 1670);
	assert_int_equal(gate_drain(gate), 1);
	finding = &gate->findings.items[0];
	assert_int_equal(finding->protocol, 17);
	assert_int_equal(finding->port, 0);
	assert_int_equal(finding->classes, CLASS_UDP);
	assert_trait(finding, TRAIT_SOURCE_PORT, 53, 100);
	assert_trait(finding, TRAIT_LENGTH, 850, 100);
	assert_in_range(finding->sources, 500, 1700);
	gate_run(gate, &answers, 6677, 1);
	assert_in_range(gate->findings.items[0].sources, 2000, 5000);
	/* what else comes to this host is not in the way */
	fragments = answers;
	fragments.source_port = 4000;
	gate_send(gate, &fragments, 400);
	gate_send(gate, &answers, 1670);
	gate_drain(gate);
	assert_in_range(trait_of(&gate->findings.items[0], TRAIT_SOURCE_PORT)->share, 90, 98);
	gate_free(gate);
}

/* Beside a connection, or to a group: likely wanted, but not from everybody. */
static void test_related_datagrams(void **state)
{
	struct gate *gate = gate_new();
	struct stream media = question_stream();

	(void)state;
	media.to = address_of("233.252.0.7");
	media.relation = RELATION_RELATED;
	gate->control.destination_every = 1;
	media.sources = 1;
	assert_int_equal(gate_run(gate, &media, 5000, 3), 0);
	media.sources = 3000;
	gate_run(gate, &media, 30000, 2);
	assert_int_equal(gate->findings.count, 1);
	assert_in_range(gate->findings.items[0].sources, 1700, 3600);
	gate_free(gate);
}

static void test_udp_flood(void **state)
{
	struct gate *gate = gate_new();
	struct stream udp = question_stream();
	const struct finding *finding;

	(void)state;
	udp.sources = 200;
	udp.port = 0;
	udp.to = address_of("2001:db8::7");
	gate_send(gate, &udp, 5000);
	assert_int_equal(gate_drain(gate), 1);
	finding = &gate->findings.items[0];
	assert_int_equal(finding->source.len, 0);
	assert_int_equal(finding->source.address.halves[0], 0);
	assert_int_equal(finding->protocol, 17);
	assert_int_equal(finding->port, 0);
	assert_in_range(finding->sources, 170, 230);
	gate_free(gate);
}

/* What follows the first fragment has no ports: none is named. */
static void test_fragments(void **state)
{
	struct gate *gate = gate_new();
	struct stream fragments = question_stream();
	const struct finding *finding = NULL;

	(void)state;
	fragments.fragments = true;
	gate_send(gate, &fragments, 5000);
	assert_int_equal(gate_drain(gate), 1);
	finding = &gate->findings.items[0];
	assert_int_equal(finding->port, 0);
	assert_null(trait_of(finding, TRAIT_SOURCE_PORT));
	assert_null(trait_of(finding, TRAIT_DESTINATION_PORT));
	assert_trait(finding, TRAIT_LENGTH, 80, 100);
	gate_free(gate);
}

static void test_syn_ack_reflection(void **state)
{
	struct gate *gate = gate_new();
	struct stream answers = syn_stream();
	const struct finding *finding;

	(void)state;
	answers.flags = TCP_SYN | TCP_ACK;
	answers.sources = 400;
	answers.source_port = 443;
	answers.port = 0;
	gate_send(gate, &answers, 2000);
	assert_int_equal(gate_drain(gate), 1);
	finding = &gate->findings.items[0];
	assert_int_equal(finding->classes, CLASS_TCP);
	assert_trait(finding, TRAIT_FLAGS, TCP_SYN | TCP_ACK, 100);
	assert_trait(finding, TRAIT_SOURCE_PORT, 443, 100);
	gate_free(gate);
}

static void test_icmp_flood(void **state)
{
	struct gate *gate = gate_new();
	struct stream pings = syn_stream();
	const struct finding *finding;

	(void)state;
	pings.protocol = PROTOCOL_ICMP;
	pings.icmp_type = 8;
	gate_send(gate, &pings, 2000);
	assert_int_equal(gate_drain(gate), 1);
	finding = &gate->findings.items[0];
	assert_int_equal(finding->classes, CLASS_ICMP);
	assert_int_equal(finding->protocol, 1);
	assert_int_equal(finding->port, 0);
	assert_trait(finding, TRAIT_ICMP_TYPE, 8, 100);
	assert_null(trait_of(finding, TRAIT_FLAGS));
	assert_null(trait_of(finding, TRAIT_DESTINATION_PORT));
	gate_free(gate);
}

/* Out of nowhere: TCP that is no SYN, and protocols without ports. */
static void test_other_floods(void **state)
{
	struct gate *gate = gate_new();
	struct stream acks = syn_stream(), gre = syn_stream();

	(void)state;
	acks.flags = TCP_ACK;
	gate_send(gate, &acks, 3000);
	assert_int_equal(gate_drain(gate), 1);
	assert_trait(&gate->findings.items[0], TRAIT_FLAGS, TCP_ACK, 100);
	gre.protocol = 47;
	gate_send(gate, &gre, 3000);
	gate_drain(gate);
	assert_int_equal(gate->findings.count, 1);
	assert_int_equal(gate->findings.items[0].protocol, 47);
	assert_int_equal(gate->findings.items[0].classes, CLASS_OTHER);
	gate_free(gate);
}

/* Two hosts, and two kinds of flood at one of them: each is told of. */
static void test_floods_beside_each_other(void **state)
{
	struct gate *gate = gate_new();
	struct stream syns = syn_stream(), udp = question_stream(), others = syn_stream();

	(void)state;
	others.to = address_of("198.51.100.8");
	others.port = 80;
	gate_send(gate, &syns, 1300);
	gate_send(gate, &udp, 1300);
	gate_send(gate, &others, 1300);
	assert_int_equal(gate_drain(gate), 3);
	for (size_t i = 0; i < 3; i++) {
		const struct finding *finding = &gate->findings.items[i];
		bool first = address_equal(&finding->destination, &syns.to);

		assert_int_equal(finding->port, !first				    ? 80
						: finding->protocol == PROTOCOL_UDP ? 53
										    : 25565);
	}
	gate_free(gate);
}

/* ---- what is none ---------------------------------------------------------------------------- */

static void test_just_under_the_limit(void **state)
{
	struct gate *gate = gate_new();
	struct stream syns = syn_stream();

	(void)state;
	gate->control.destination_every = 1;
	assert_int_equal(gate_run(gate, &syns, 960, 30), 0);
	assert_int_not_equal(gate_run(gate, &syns, 1040, 2), 0);
	gate_free(gate);
	/* what was there all the time is usual, and so is a little more */
	gate = gate_new();
	gate->control.destination_every = 1;
	assert_int_equal(gate_run(gate, &syns, 960, 61), 0);
	assert_int_equal(gate_run(gate, &syns, 1500, 30), 0);
	gate_free(gate);
}

/* One in 64 is counted: more than the limit is still found, half of it is not. */
static void test_counting_few(void **state)
{
	struct gate *gate = gate_new();
	struct stream syns = syn_stream();

	(void)state;
	gate->control.destination_every = 64;
	assert_int_equal(gate_run(gate, &syns, 400, 60), 0);
	assert_int_not_equal(gate_run(gate, &syns, 2000, 2), 0);
	assert_in_range(gate->findings.items[0].count, 1400, 2600);
	/* and what is there is counted, however much */
	gate_run(gate, &syns, 2000000, 2);
	assert_in_range(gate->findings.items[0].count, 1990000, 2010000);
	gate_free(gate);
}

/* A loud source is the other detectors'; it does not hide a flood from everywhere either. */
static void test_loud_sources(void **state)
{
	struct gate *gate = gate_new();
	struct stream loud = syn_stream(), quiet = syn_stream();

	(void)state;
	loud.sources = 1;
	assert_int_equal(gate_run(gate, &loud, 20000, 3), 0);
	loud.sources = 5;
	assert_int_equal(gate_run(gate, &loud, 20000, 3), 0);
	/* a few strangers beside it do not make it a crowd */
	quiet.sources = 100;
	for (int i = 0; i < 12; i++) {
		gate_send(gate, &quiet, 100);
		gate_send(gate, &loud, 5000);
		assert_int_equal(gate_drain(gate), 0);
	}
	quiet.sources = ANYBODY;
	for (int i = 0; i < 4; i++) {
		gate_send(gate, &quiet, 1000);
		gate_send(gate, &loud, 2000);
		gate_drain(gate);
	}
	assert_int_equal(gate->findings.count, 1);
	assert_in_range(gate->findings.items[0].count, 3600, 4400);
	gate_free(gate);
}

static void test_few_sources(void **state)
{
	struct gate *gate = gate_new();
	struct stream syns = syn_stream();

	(void)state;
	syns.sources = 15;
	assert_int_equal(gate_run(gate, &syns, 10000, 3), 0);
	syns.sources = 40;
	assert_int_equal(gate_run(gate, &syns, 10000, 1), 4);
	assert_in_range(gate->findings.items[0].sources, 36, 44);
	gate_free(gate);
}

/* Answers and packets of connections are no flood, whatever their number. */
static void test_what_was_asked_for(void **state)
{
	struct gate *gate = gate_new();
	struct stream answers = question_stream(), data = syn_stream();

	(void)state;
	answers.source_port = 53;
	answers.relation = RELATION_ANSWER;
	data.flags = TCP_ACK;
	data.relation = RELATION_ANSWER;
	for (int i = 0; i < 12; i++) {
		gate_send(gate, &answers, 20000);
		gate_send(gate, &data, 20000);
		assert_int_equal(gate_drain(gate), 0);
	}
	gate_free(gate);
}

static double roll(struct gate *gate)
{
	return (1 + frames_random(&gate->random, 1000000)) / 1000001.;
}

/* Sends as many as chance counts of so many packets: Poisson's distribution. */
static void send_by_chance(struct gate *gate, const struct stream *stream, uint32_t packets)
{
	double left = (double)packets / gate->control.destination_every;

	for (left += log(roll(gate)); left > 0; left += log(roll(gate)))
		gate_packet(gate, stream);
}

/* Connections that come about: of SYNs and ACKs one kind is ahead of the other by chance. */
static void serve_the_web(uint32_t relation)
{
	static const struct {
		uint32_t every, connections;
		int intervals;
	} loads[] = { { 8, 2500, 2400 }, { 64, 20000, 2400 }, { 64, 750, 30000 } };
	struct gate *gate = gate_new();
	struct stream syns = syn_stream(), ends = syn_stream();

	syns.sources = ends.sources = 5000;
	ends.flags = TCP_ACK;
	ends.relation = relation;
	for (size_t load = 0; load < sizeof(loads) / sizeof(*loads); load++) {
		gate->control.destination_every = loads[load].every;
		for (int i = 0; i < loads[load].intervals; i++) {
			send_by_chance(gate, &syns, loads[load].connections);
			send_by_chance(gate, &ends, loads[load].connections);
			assert_int_equal(gate_drain(gate), 0);
		}
	}
	/* as many again that nobody completes */
	for (int i = 0; i < 4; i++) {
		gate_send(gate, &syns, 40000);
		gate_send(gate, &ends, 20000);
		gate_drain(gate);
	}
	assert_int_equal(gate->findings.count, 1);
	assert_int_equal(gate->findings.items[0].classes, CLASS_SYN);
	gate_free(gate);
}

static void test_busy_web_server(void **state)
{
	(void)state;
	serve_the_web(RELATION_COMPLETES);
}

/* Its SYN-ACKs go another way: a first ACK passes for the end of a handshake, if there was a SYN.
 */
static void test_busy_web_server_half_seen(void **state)
{
	struct gate *gate = gate_new();
	struct stream acks = syn_stream();

	(void)state;
	serve_the_web(RELATION_ASSUMED);
	acks.flags = TCP_ACK;
	acks.relation = RELATION_ASSUMED;
	gate_send(gate, &acks, 3000);
	assert_int_equal(gate_drain(gate), 1);
	assert_int_equal(gate->findings.items[0].classes, CLASS_TCP);
	assert_trait(&gate->findings.items[0], TRAIT_FLAGS, TCP_ACK, 100);
	gate_free(gate);
}

/* Many come at once, from far away: the first handshakes have not all come to their end. */
static void test_crowd_of_guests(void **state)
{
	struct gate *gate = gate_new();
	struct stream syns = syn_stream(), ends = syn_stream();

	(void)state;
	ends.flags = TCP_ACK;
	ends.relation = RELATION_COMPLETES;
	gate_send(gate, &syns, 5000); /* 20,000 a second, 80 ms from here */
	gate_send(gate, &ends, 3400);
	assert_int_equal(gate_drain(gate), 0);
	for (int i = 0; i < 40; i++) {
		gate_send(gate, &syns, 5000);
		gate_send(gate, &ends, 5000);
		assert_int_equal(gate_drain(gate), 0);
	}
	gate_free(gate);
}

/* All ACKs come an interval after their SYNs. */
static void test_handshakes_across_intervals(void **state)
{
	struct gate *gate = gate_new();
	struct stream syns = syn_stream(), ends = syn_stream();

	(void)state;
	ends.flags = TCP_ACK;
	ends.relation = RELATION_COMPLETES;
	for (int i = 0; i < 200; i++) {
		gate_send(gate, i % 2 ? &ends : &syns, 900);
		assert_int_equal(gate_drain(gate), 0);
	}
	gate_free(gate);
}

/* On two interfaces at once, a server has the SYNs of both, and the handshakes. */
static void test_two_interfaces(void **state)
{
	struct gate *gate = gate_new();
	struct stream syns = syn_stream(), ends = syn_stream();
	size_t findings = 0;

	(void)state;
	ends.flags = TCP_ACK;
	ends.relation = RELATION_COMPLETES;
	for (int i = 0; i < 400; i++) {
		send_by_chance(gate, i % 2 ? &ends : &syns, 4000);
		send_by_chance(gate, i % 2 ? &syns : &ends, 4000);
		assert_int_equal(gate_drain(gate), 0);
		if (i % 2 == 0) /* the other one's interval is of the same time */
			gate->now = moment_plus(gate->now, -INTERVAL);
	}
	/* half of a flood on each */
	syns.to = address_of("198.51.100.8");
	for (int i = 0; i < 8; i++) {
		gate_send(gate, &syns, 150);
		findings += gate_drain(gate);
		if (i % 2 == 0)
			gate->now = moment_plus(gate->now, -INTERVAL);
	}
	assert_int_not_equal(findings, 0);
	assert_in_range(gate->findings.items[0].count, 1100, 1300);
	gate_free(gate);
}

/* Limits are what the configuration says, also where few packets are counted: 15 for 120. */
static void test_low_limit(void **state)
{
	struct gate *gate = gate_new();
	struct stream syns = syn_stream();

	(void)state;
	gate_limit(gate, 200, 10);
	assert_int_equal(detect_reconfigure(gate->detect, &gate->config), 0);
	assert_int_equal(gate_run(gate, &syns, 8, 30), 0);
	assert_int_not_equal(gate_run(gate, &syns, 32, 30), 0);
	assert_int_equal(gate->findings.items[0].limit.seconds, 10);
	gate_free(gate);
}

/* A download beside it is neither counted nor looked at. */
static void test_answers_beside_a_flood(void **state)
{
	struct gate *gate = gate_new();
	struct stream acks = syn_stream(), data = syn_stream();

	(void)state;
	acks.flags = data.flags = TCP_ACK;
	data.sources = 1;
	data.bytes = 1514;
	data.relation = RELATION_ANSWER;
	for (int i = 0; i < 4; i++) {
		gate_send(gate, &acks, 1000);
		gate_send(gate, &data, 3000);
		gate_drain(gate);
	}
	assert_int_equal(gate->findings.count, 1);
	assert_in_range(gate->findings.items[0].count, 3800, 4200);
	assert_trait(&gate->findings.items[0], TRAIT_LENGTH, 60, 100);
	gate_free(gate);
}

/* ---- what is usual --------------------------------------------------------------------------- */

/* Notes what the destination sent back, for all that was counted since the last interval. */
static void answer_all(struct gate *gate, struct contacts *contacts)
{
	for (size_t i = 0; i < gate->sampled && i < PACKET_SAMPLES; i++) {
		const struct packet_sample *packet = &gate->packets[i];
		uint32_t ports = (uint32_t)packet->source_port << 16 | packet->destination_port;

		uint64_t ends = contact_ends(contacts, &packet->source, &packet->destination);

		contact_set(contacts,
			    contact_hash(contacts, ends, ports, CONTACT_FLOW | packet->protocol));
	}
	gate->contacts = contacts;
}

static size_t serve(struct gate *gate, struct contacts *contacts, const struct stream *stream,
		    uint32_t rate, uint32_t seconds)
{
	size_t findings = 0;

	for (uint32_t i = 0; i < 4 * seconds; i++) {
		gate_send(gate, stream, rate / 4);
		answer_all(gate, contacts);
		findings += gate_drain(gate);
	}
	return findings;
}

/* A name server that is busy when fwgen comes. */
static void test_service_that_answers(void **state)
{
	struct contacts *contacts = calloc(1, sizeof(*contacts));
	struct stream questions = question_stream(), answers = question_stream();
	struct gate *gate = gate_new();

	(void)state;
	assert_non_null(contacts);
	contacts->remote_key = contacts->local_key = gate->control.bitmap_key;
	contacts->local_key.word[3] ^= 0xdeadbeefcafe;
	contacts->ports_key = 0x9e3779b97f4a7c15;
	contacts->kind_key = 0xc2b2ae3d27d4eb4f;
	assert_int_equal(serve(gate, contacts, &questions, 5000, 600), 0);
	assert_int_equal(serve(gate, contacts, &questions, 10000, 120), 0);
	/* questions that it does not get to, and answers that it did not ask for */
	assert_int_not_equal(gate_run(gate, &questions, 50000, 2), 0);
	answers.source_port = 53;
	answers.port = 0;
	for (int i = 0; i < 4; i++) {
		gate_send(gate, &questions, 1250);
		gate_send(gate, &answers, 1250);
		gate_drain(gate);
	}
	assert_int_equal(gate->findings.count, 1);
	assert_in_range(gate->findings.items[0].count, 4500, 5500);
	gate_free(gate);
	free(contacts);
}

/* The same where nothing is known of answers: told of at first, then known. */
static void test_busy_server_from_the_start(void **state)
{
	struct gate *gate = gate_new();
	struct stream questions = question_stream();

	(void)state;
	assert_int_not_equal(gate_run(gate, &questions, 5000, 50), 0);
	gate_run(gate, &questions, 5000, 39);
	for (int i = 0; i < 8 && !gate->findings.count; i++)
		gate_run(gate, &questions, 5000, 1);
	assert_true(gate->findings.items[0].usual);
	assert_in_range(gate->findings.items[0].lasted_ns, 50 * SECOND, 70 * SECOND);
	assert_int_equal(gate_run(gate, &questions, 5000, 3600), 0);
	assert_int_equal(gate_run(gate, &questions, 10000, 600), 0);
	assert_int_equal(gate_run(gate, &questions, 5000, 600), 0);
	assert_in_range(gate_run(gate, &questions, 50000, 2), 7, 8);
	gate_free(gate);
}

/* A night's 1,000 a second become 32,000 by noon. */
static void test_slow_growth_is_usual(void **state)
{
	struct gate *gate = gate_new();
	struct stream questions = question_stream();
	double rate = 900;

	(void)state;
	gate->control.destination_every = 64;
	gate_run(gate, &questions, (uint32_t)rate, 600);
	for (int i = 0; i < 60 * 60 * 4; i++) {
		gate_send(gate, &questions, (uint32_t)(rate / 4));
		assert_int_equal(gate_drain(gate), 0);
		rate *= 1 + 0.693 / (10 * 60 * 4);
	}
	assert_true(rate > 50000);
	/* a flood is not: four times of it within a minute */
	for (int i = 0; i < 60 * 4; i++) {
		gate_send(gate, &questions, (uint32_t)(rate / 4));
		gate_drain(gate);
		rate *= 1 + 1.386 / (60 * 4);
	}
	assert_int_equal(gate->findings.count, 1);
	gate_free(gate);
}

static size_t run_hours(struct gate *gate, const struct stream *stream, uint32_t rate,
			uint32_t hours)
{
	size_t findings = 0;

	for (uint32_t i = 0; i < hours * 360; i++) {
		gate_send(gate, stream, 10 * rate);
		findings += gate_drain_after(gate, 10 * SECOND);
	}
	return findings;
}

/* A flood stays one for hours; what goes on for a day is how it is now. */
static void test_long_flood(void **state)
{
	struct gate *gate = gate_new();
	struct stream syns = syn_stream();

	(void)state;
	gate->control.destination_every = 64;
	gate_run(gate, &syns, 100, 90);
	assert_int_equal(run_hours(gate, &syns, 10000, 6), 6 * 360);
	assert_in_range(run_hours(gate, &syns, 10000, 2), 1, 2 * 360 - 1);
	assert_int_equal(run_hours(gate, &syns, 10000, 2), 0);
	/* more is a flood again, whatever was usual */
	assert_in_range(gate_run(gate, &syns, 100000, 1), 3, 4);
	gate_free(gate);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void test_flood_is_over(void **state)
{
	struct gate *gate = gate_new();
	struct stream syns = syn_stream(), none = syn_stream();
	const struct finding *finding;

	(void)state;
	gate_run(gate, &none, 0, 70);
	gate_run(gate, &syns, 40000, 5);
	/* a pause is no end */
	assert_int_equal(gate_run(gate, &none, 0, 20), 0);
	assert_int_equal(gate_run(gate, &syns, 40000, 5), 20);
	assert_int_equal(gate_run(gate, &none, 0, 30), 0);
	assert_int_equal(gate_drain(gate), 1);
	finding = &gate->findings.items[0];
	assert_true(address_equal(&finding->destination, &syns.to));
	assert_in_range(finding->lasted_ns, 29 * SECOND, 31 * SECOND);
	assert_in_range(finding->count, 398000, 402000);
	assert_int_equal(finding->port, 25565);
	assert_int_equal(finding->protocol, 6);
	assert_int_equal(finding->classes, CLASS_SYN);
	assert_false(finding->usual);
	assert_in_range(finding->sources, 35000, 41000);
	/* once */
	assert_int_equal(gate_run(gate, &none, 0, 60), 0);
	/* and it may begin again */
	assert_int_equal(gate_run(gate, &syns, 40000, 1), 4);
	gate_free(gate);
}

/* ---- sources --------------------------------------------------------------------------------- */

static double estimate(struct gate *gate, uint32_t sources, uint32_t rate)
{
	struct stream syns = syn_stream();

	syns.sources = sources;
	gate_run(gate, &syns, rate, 1);
	assert_int_equal(gate->findings.count, 1);
	return (double)gate->findings.items[0].sources;
}

static void test_estimates(void **state)
{
	static const struct {
		uint32_t sources, rate, every, low, high;
	} cases[] = {
		{ 30, 20000, 8, 28, 32 },
		{ 300, 20000, 8, 280, 320 },
		{ 3000, 20000, 8, 2400, 3600 },
		{ 20000, 20000, 8, 9000, 20000 },
		{ ANYBODY, 20000, 8, 18000, 20100 },
		/* those that are there, of more that could be: 2000 * (1 - 1/e) */
		{ 2000, 2000, 2, 1100, 1450 },
		{ 2000, 1900, 1, 1190, 1260 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct gate *gate = gate_new();
		double found;

		gate->control.destination_every = cases[i].every;
		found = estimate(gate, cases[i].sources, cases[i].rate);
		assert_in_range((uint32_t)found, cases[i].low, cases[i].high);
		gate_free(gate);
	}
}

/* A sensor without samples: the bitmap of the entry says whether there are many. */
static void test_without_samples(void **state)
{
	struct gate *gate = gate_new();
	struct stream syns = syn_stream();

	(void)state;
	gate->no_samples = true;
	syns.sources = 1;
	assert_int_equal(gate_run(gate, &syns, 20000, 2), 0);
	syns.sources = ANYBODY;
	assert_int_equal(gate_run(gate, &syns, 20000, 1), 4);
	assert_in_range(gate->findings.items[0].sources, 200, 300);
	assert_int_equal(gate->findings.items[0].port, 25565);
	assert_int_equal(gate->findings.items[0].traits[0].share, 0);
	gate_free(gate);
}

/* Few of the samples are of this host: those of the last second are taken together. */
static void test_few_samples(void **state)
{
	struct gate *gate = gate_new();
	struct stream syns = syn_stream(), others = syn_stream();

	(void)state;
	others.relation = RELATION_ANSWER;
	others.flags = TCP_ACK;
	others.to = address_of("198.51.100.9");
	for (int i = 0; i < 12; i++) {
		gate_send(gate, &others, 30000);
		gate_send(gate, &syns, 32);
		gate_send(gate, &others, 3800);
		gate_send(gate, &syns, 1200);
		gate_drain(gate);
	}
	assert_int_equal(gate->findings.count, 1);
	assert_trait(&gate->findings.items[0], TRAIT_FLAGS, TCP_SYN, 100);
	gate_free(gate);
}

/* ---- the table ------------------------------------------------------------------------------ */

static struct address number_address(uint32_t number)
{
	return address_from_ipv4(__builtin_bswap32(0xc6120000u + number));
}

/* 100,000 hosts that get a little each: they push out neither the flood nor who is usually busy. */
static void test_many_destinations(void **state)
{
	struct gate *gate = gate_new();
	struct stream questions = question_stream(), syns = syn_stream(), spray = syn_stream();

	(void)state;
	questions.to = address_of("198.51.100.53");
	gate_run(gate, &questions, 5000, 300);
	gate->control.destination_every = 1;
	for (int i = 0; i < 2; i++) {
		gate_send(gate, &questions, 1250);
		gate_send(gate, &syns, 1250);
		for (uint32_t host = 0; host < 100000; host++) {
			spray.to = number_address(host);
			for (int j = 0; j < 16; j++)
				gate_packet(gate, &spray);
		}
		gate_drain(gate);
	}
	assert_int_equal(gate->findings.count, 1);
	assert_true(address_equal(&gate->findings.items[0].destination, &syns.to));
	gate_free(gate);
}

static void test_new_limits(void **state)
{
	struct gate *gate = gate_new();
	struct stream syns = syn_stream();

	(void)state;
	gate_run(gate, &syns, 800, 5);
	gate_limit(gate, 500, 1);
	assert_int_equal(detect_reconfigure(gate->detect, &gate->config), 0);
	assert_int_not_equal(gate_run(gate, &syns, 800, 2), 0);
	assert_int_equal(gate->findings.items[0].limit.count, 500);
	gate->config.detectors[DETECTOR_VICTIM_FLOOD].enabled = false;
	assert_int_equal(detect_reconfigure(gate->detect, &gate->config), 0);
	assert_int_equal(gate_run(gate, &syns, 80000, 2), 0);
	gate_free(gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syn_flood),
		cmocka_unit_test(test_dns_reflection),
		cmocka_unit_test(test_related_datagrams),
		cmocka_unit_test(test_udp_flood),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_syn_ack_reflection),
		cmocka_unit_test(test_icmp_flood),
		cmocka_unit_test(test_other_floods),
		cmocka_unit_test(test_floods_beside_each_other),
		cmocka_unit_test(test_just_under_the_limit),
		cmocka_unit_test(test_counting_few),
		cmocka_unit_test(test_loud_sources),
		cmocka_unit_test(test_few_sources),
		cmocka_unit_test(test_what_was_asked_for),
		cmocka_unit_test(test_busy_web_server),
		cmocka_unit_test(test_busy_web_server_half_seen),
		cmocka_unit_test(test_crowd_of_guests),
		cmocka_unit_test(test_handshakes_across_intervals),
		cmocka_unit_test(test_two_interfaces),
		cmocka_unit_test(test_low_limit),
		cmocka_unit_test(test_answers_beside_a_flood),
		cmocka_unit_test(test_service_that_answers),
		cmocka_unit_test(test_busy_server_from_the_start),
		cmocka_unit_test(test_slow_growth_is_usual),
		cmocka_unit_test(test_long_flood),
		cmocka_unit_test(test_flood_is_over),
		cmocka_unit_test(test_estimates),
		cmocka_unit_test(test_without_samples),
		cmocka_unit_test(test_few_samples),
		cmocka_unit_test(test_many_destinations),
		cmocka_unit_test(test_new_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
