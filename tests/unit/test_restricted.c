/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services that are for some only: what of a packet is noted in its entry, how CPUs add it up, and
 * what is found about whom.
 */
#include "unit/table_sim.h"
#include <stdio.h>
#include "base/address.h"
#include "base/clock.h"
#include "detect/detect.h"
#include "sense/merge.h"
#include "sense/restricted.h"

#define OUTSIDER "203.0.113.9"
#define INSIDER	 "10.1.2.3"

static struct sim sim;
static struct config *config;
static struct detect *detect;
static struct finding_list findings;

static int open_all(void **state)
{
	static const char text[] =
		"{\"access\": {\"services\": ["
		" {\"protocol\": \"tcp\", \"port\": 22, \"from\": [\"10.0.0.0/8\", "
		"\"2001:db8:1::/64\"]},"
		" {\"protocol\": \"udp\", \"port\": 161, \"from\": [\"10.0.0.0/8\"]}]}}";
	char error[CONFIG_ERROR_TEXT] = "";

	(void)state;
	if (config_parse(text, strlen(text), "/", &config, error))
		fail_msg("%s", error);
	sim_open(&sim, 64, 3);
	restricted_set(&sim.control, config);
	assert_int_equal(detect_new(config, &detect), 0);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	detect_free(&detect);
	finding_list_free(&findings);
	config_free(&config);
	sim_close(&sim);
	return 0;
}

static struct packet packet_to(uint8_t protocol, uint16_t port, uint8_t flags)
{
	struct packet packet = {
		.source = sim_address(1),
		.destination = sim_address(2),
		.bytes = 100,
		.protocol = protocol,
		.tcp_flags = flags,
		.source_port = 40000,
		.destination_port = port,
	};

	if (protocol == PROTOCOL_UDP)
		packet.classes = CLASS_UDP;
	else
		packet.classes = flags == TCP_SYN ? CLASS_SYN : CLASS_TCP;
	return packet;
}

/* Counts the packet; returns how many tries its source's entry has then. */
static unsigned int tries(struct packet packet, uint32_t relation)
{
	const struct table_entry *entry;

	sim.relation = relation;
	entry = sim_packet(&sim, &packet);
	assert_non_null(entry);
	return entry->restricted_tries;
}

/* ---- what is noted -------------------------------------------------------------------------- */

static void a_handshake_that_is_complete(void **state)
{
	struct packet packet = packet_to(PROTOCOL_TCP, 22, TCP_ACK);
	const struct table_entry *entry;

	(void)state;
	/* what anybody can forge */
	assert_int_equal(tries(packet_to(PROTOCOL_TCP, 22, TCP_SYN), RELATION_UNASKED), 0);
	assert_int_equal(tries(packet, RELATION_UNASKED), 0);
	assert_int_equal(tries(packet, RELATION_UNKNOWN), 0);
	assert_int_equal(tries(packet, RELATION_ANSWER), 0);
	/* another port, and the other protocol's */
	assert_int_equal(tries(packet_to(PROTOCOL_TCP, 23, TCP_ACK), RELATION_COMPLETES), 0);
	assert_int_equal(tries(packet_to(PROTOCOL_TCP, 161, TCP_ACK), RELATION_COMPLETES), 0);
	assert_int_equal(tries(packet, RELATION_COMPLETES), 1);
	entry = sim_packet(&sim, &packet);
	assert_int_equal(entry->restricted_tries, 2);
	assert_int_equal(entry->restricted_port, 22);
	assert_false(entry->restricted_udp);
	assert_false(entry->assumed);
	assert_int_equal(tries(packet, RELATION_ASSUMED), 3);
	for (int i = 0; i < 300; i++)
		tries(packet, RELATION_COMPLETES);
	assert_int_equal(tries(packet, RELATION_COMPLETES), 255);
}

static void udp_that_nobody_asked_for(void **state)
{
	struct packet packet = packet_to(PROTOCOL_UDP, 161, 0);

	(void)state;
	assert_int_equal(tries(packet, RELATION_ANSWER), 0);
	assert_int_equal(tries(packet, RELATION_RELATED), 0);
	assert_int_equal(tries(packet_to(PROTOCOL_UDP, 22, 0), RELATION_UNASKED), 0);
	assert_int_equal(tries(packet, RELATION_UNASKED), 1);
	packet.flags = PACKET_FRAGMENT | PACKET_LATER_FRAGMENT;
	assert_int_equal(tries(packet, RELATION_UNASKED), 1);
}

static void nothing_without_services(void **state)
{
	struct config none = { 0 };

	(void)state;
	restricted_set(&sim.control, &none);
	assert_int_equal(tries(packet_to(PROTOCOL_TCP, 22, TCP_ACK), RELATION_COMPLETES), 0);
	assert_int_equal(sim.control.restricted_ports[0][0], 0);
}

static void cpus_are_added_up(void **state)
{
	struct table_entry a = { .address = sim_address(1), .prefix_len = 128, .packets = 9 },
			   b = a;
	const struct table_entry *sum;
	struct merge merge = { 0 };

	(void)state;
	a.restricted_tries = 200;
	a.restricted_port = 161;
	a.restricted_udp = 1;
	b.packets = 100; /* the larger part has none */
	assert_int_equal(merge_add(&merge, &b, 1), 0);
	assert_int_equal(merge_add(&merge, &a, 1), 0);
	assert_int_equal(merge_add(&merge, &b, 1), 0);
	sum = &merge.samples[0].entry;
	assert_int_equal(sum->restricted_tries, 200);
	assert_int_equal(sum->restricted_port, 161);
	assert_true(sum->restricted_udp);
	assert_int_equal(merge_add(&merge, &a, 1), 0);
	assert_int_equal(sum->restricted_tries, 255);
	merge_free(&merge);
}

/* ---- what is found -------------------------------------------------------------------------- */

static struct table_entry user(const char *source, uint8_t protocol, uint16_t port, uint8_t n)
{
	struct table_entry entry = { .packets = n,
				     .restricted_tries = n,
				     .restricted_port = port,
				     .restricted_udp = protocol == 17,
				     .last_port = port };
	struct prefix prefix;

	assert_int_equal(prefix_parse(source, &prefix), 0);
	entry.address = prefix.address;
	entry.prefix_len = (uint8_t)prefix.len;
	if (protocol == 17)
		entry.udp = n;
	else
		entry.established = n;
	return entry;
}

/* The only finding about an interval with this entry, or NULL. */
static const struct finding *found(struct table_entry entry)
{
	static struct moment now = { .boot_ns = 5000 * NS_PER_SECOND };
	struct traffic traffic = { .start = now, .end = moment_plus(now, 250 * NS_PER_MS) };
	struct sample sample = { .entry = entry };

	now = traffic.end;
	findings.count = 0;
	assert_int_equal(detect_samples(detect, &traffic, &sample, 1, &findings), 0);
	assert_in_range(findings.count, 0, 1);
	return findings.count ? findings.items : NULL;
}

static void outsiders_are_found_at_once(void **state)
{
	struct table_entry entry = user(OUTSIDER, 6, 22, 1);
	const struct finding *finding = found(entry);

	(void)state;
	assert_non_null(finding);
	assert_int_equal(finding->detector, DETECTOR_UNAUTHORIZED);
	assert_int_equal(finding->evidence, EVIDENCE_PROVEN);
	assert_int_equal(finding->count, 1);
	assert_int_equal(finding->port, 22);
	assert_int_equal(finding->protocol, 6);
	assert_true(finding->port_only);
	assert_int_equal(finding->classes, CLASS_SYN | CLASS_TCP);
	/* a handshake whose other half was not seen proves nothing */
	entry.assumed = 1;
	assert_int_equal(found(entry)->evidence, EVIDENCE_UNPROVEN);
	finding = found(user(OUTSIDER, 17, 161, 3));
	assert_int_equal(finding->evidence, EVIDENCE_UNPROVEN);
	assert_int_equal(finding->classes, CLASS_UDP);
	assert_int_equal(finding->protocol, 17);
	assert_non_null(found(user("2001:db8:2::1", 6, 22, 1)));
}

static void insiders_are_not(void **state)
{
	(void)state;
	assert_null(found(user(INSIDER, 6, 22, 200)));
	assert_null(found(user(INSIDER, 17, 161, 200)));
	assert_null(found(user("2001:db8:1::5", 6, 22, 1)));
	/* inside for one service, outside for another */
	assert_non_null(found(user("2001:db8:1::5", 17, 161, 1)));
	/* a prefix that is counted as one, where some may */
	assert_null(found(user("2001:db8:1::/64", 6, 22, 1)));
	assert_null(found(user("2001:db8::/32", 6, 22, 1)));
	assert_non_null(found(user("2001:db8:2::/64", 6, 22, 1)));
	/* noted under a configuration that is gone */
	assert_null(found(user(OUTSIDER, 6, 23, 1)));
}

static void a_new_configuration_counts(void **state)
{
	(void)state;
	config->access.services[0].from[0] = (struct prefix){ 0 };
	assert_int_equal(prefix_parse("203.0.113.0/24", &config->access.services[0].from[0]), 0);
	assert_non_null(found(user(OUTSIDER, 6, 22, 1)));
	assert_int_equal(detect_reconfigure(detect, config), 0);
	assert_null(found(user(OUTSIDER, 6, 22, 1)));
	assert_non_null(found(user(INSIDER, 6, 22, 1)));
	config->detectors[DETECTOR_UNAUTHORIZED].enabled = false;
	assert_int_equal(detect_reconfigure(detect, config), 0);
	assert_null(found(user(INSIDER, 6, 22, 1)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_handshake_that_is_complete), TEST(udp_that_nobody_asked_for),
		TEST(nothing_without_services),	    TEST(cpus_are_added_up),
		TEST(outsiders_are_found_at_once),  TEST(insiders_are_not),
		TEST(a_new_configuration_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
