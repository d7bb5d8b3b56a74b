/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Floods of one host from everywhere: what is one, what only looks like it, how it is described. */
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
	assert_int_equal(gate_run(gate, &syns, 960, 60), 0);
	assert_int_not_equal(gate_run(gate, &syns, 1040, 2), 0);
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

/* Connections that come about; how many there are changes by chance and by the hour. */
static void test_busy_web_server(void **state)
{
	struct gate *gate = gate_new();
	struct stream syns = syn_stream(), ends = syn_stream();

	(void)state;
	syns.sources = ends.sources = 5000;
	ends.flags = TCP_ACK;
	ends.relation = RELATION_COMPLETES;
	for (unsigned int every = 8; every <= 64; every *= 8) {
		gate->control.destination_every = every;
		for (int i = 0; i < 2000; i++) {
			uint32_t rate = 1000 * every / 8 + (i % 100) * 50;

			/* a tenth of the ACKs comes an interval later */
			gate_send(gate, &syns, rate - 200 + frames_random(&gate->random, 400));
			gate_send(gate, &ends, rate * 9 / 10 + frames_random(&gate->random, 200));
			assert_int_equal(gate_drain(gate), 0);
		}
	}
	/* as many again that nobody completes */
	gate_run(gate, &(struct stream){ 0 }, 0, 2);
	for (int i = 0; i < 4; i++) {
		gate_send(gate, &syns, 40000);
		gate_send(gate, &ends, 20000);
		gate_drain(gate);
	}
	assert_int_equal(gate->findings.count, 1);
	gate_free(gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syn_flood),
		cmocka_unit_test(test_dns_reflection),
		cmocka_unit_test(test_udp_flood),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
