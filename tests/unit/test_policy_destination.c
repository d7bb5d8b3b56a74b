/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of what is sent to a host: by detectors, by hand, and never taken for one of a source. */
#include <errno.h>
#include "policy_box.h"

#define VICTIM "192.0.2.1"

static struct finding flood(const struct box *box)
{
	return (struct finding){
		.at = box->now,
		.source = prefix_text("0.0.0.0/0"),
		.detector = DETECTOR_VICTIM_FLOOD,
		.count = 41000,
		.limit = { .count = 10000, .seconds = 10 },
		.classes = CLASS_SYN,
		.protocol = 6,
		.port = 80,
		.has_destination = true,
		.destination = prefix_text(VICTIM).address,
		.sources = 19000,
	};
}

static struct box *box_limiting(void)
{
	struct box *box = box_new();

	box->config.detectors[DETECTOR_VICTIM_FLOOD].action = ACTION_LIMIT;
	policy_reconfigure(box->policy, &box->config);
	return box;
}

static size_t find(struct box *box, const struct finding *finding)
{
	box->changes.count = 0;
	assert_int_equal(policy_decide(box->policy, finding, 1, &box->changes), 0);
	return box->changes.count;
}

static struct rule only_rule(const struct box *box)
{
	struct rule rule;

	assert_int_equal(policy_rule_count(box->policy), 1);
	assert_int_equal(policy_rules(box->policy, &rule, 1), 1);
	return rule;
}

static void test_a_flood_is_limited_where_configured(void **state)
{
	struct box *box = box_limiting();
	struct finding finding = flood(box);
	struct prefix victim = prefix_text(VICTIM);
	struct block_key key;
	struct rule rule;

	(void)state;
	protect(box, VICTIM, "own address on eth0"); /* it is for its good */
	assert_int_equal(find(box, &finding), 2);
	assert_int_equal(box->changes.items[0].kind, RULE_ALARMED);
	assert_int_equal(box->changes.items[0].sources, 19000);
	assert_int_equal(box->changes.items[1].kind, RULE_ADDED);
	rule = only_rule(box);
	assert_true(rule.to_destination && rule_limits_destination(&rule));
	assert_true(prefix_equal(&rule.prefix, &victim));
	assert_int_equal(rule.action, ACTION_LIMIT);
	assert_int_equal(rule.classes, CLASS_SYN);
	assert_int_equal(rule.protocol, 6);
	assert_int_equal(rule.port, 80);
	assert_int_equal(rule.limit_pps, 1000);
	assert_int_equal(rule.evidence, EVIDENCE_UNPROVEN);
	assert_int_equal(rule.expires.boot_ns, box->now.boot_ns + 60 * SECOND);
	key = rule_key(&rule);
	assert_int_equal(key.kind, BLOCK_DESTINATION);
	/* renewed while it goes on; protection that is told anew does not end it */
	pass(box, 31);
	finding.at = box->now;
	assert_int_equal(find(box, &finding), 1);
	assert_int_equal(box->changes.items[0].kind, RULE_RENEWED);
	assert_int_equal(protect(box, VICTIM, "own address on eth0"), 0);
	/* its end is told, the rule runs out */
	finding.lasted_ns = 31 * SECOND;
	assert_int_equal(find(box, &finding), 1);
	assert_int_equal(box->changes.items[0].kind, RULE_ALARM_OVER);
	pass(box, 60);
	assert_int_equal(expire(box), 1);
	box_free(box);
}

static void test_other_floods_only_alarm(void **state)
{
	static const uint32_t classes[] = { CLASS_TCP, CLASS_OTHER, CLASS_ALL,
					    CLASS_SYN | CLASS_UDP };
	struct box *box = box_limiting();

	(void)state;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		struct finding finding = flood(box);

		finding.classes = classes[i];
		assert_int_equal(find(box, &finding), 1);
		assert_int_equal(box->changes.items[0].kind, RULE_ALARMED);
	}
	box->config.detectors[DETECTOR_VICTIM_FLOOD].action = ACTION_ALARM; /* the default */
	policy_reconfigure(box->policy, &box->config);
	pass(box, 601);
	for (uint32_t class = CLASS_SYN; class <= CLASS_ICMP; class <<= 1) {
		struct finding finding = flood(box);

		finding.classes = class;
		assert_int_equal(find(box, &finding), 1);
	}
	assert_int_equal(policy_rule_count(box->policy), 0);
	box_free(box);
}

static void test_several_ports_and_icmp(void **state)
{
	struct box *box = box_limiting();
	struct finding finding = flood(box);

	(void)state;
	finding.classes = CLASS_UDP;
	finding.port = 0;
	finding.limit = (struct limit){ 5, 10 };
	assert_int_equal(find(box, &finding), 2);
	assert_int_equal(only_rule(box).port, 0);
	assert_int_equal(only_rule(box).protocol, 17);
	assert_int_equal(only_rule(box).limit_pps, 1);
	finding.destination = prefix_text("2001:db8::1").address;
	finding.classes = CLASS_ICMP;
	assert_int_equal(find(box, &finding), 2);
	assert_int_equal(box->changes.items[1].rule.protocol, 58);
	box_free(box);
}

static struct block_request request_to(const char *destination)
{
	return (struct block_request){ .prefix = prefix_text(destination),
				       .to_destination = true,
				       .classes = CLASS_SYN,
				       .port = 80,
				       .limit_pps = 1000,
				       .origin = ORIGIN_MANUAL };
}

/* Whoever has the address, and sends, is not touched by what limits what is sent to it. */
static void test_it_is_no_rule_of_a_source(void **state)
{
	struct box *box = box_new();
	struct block_request request = request_to("203.0.113.9");
	struct prefix address = prefix_text("203.0.113.9");
	struct peer_answer answer = { .address = address.address, .assured = true };
	char error[POLICY_ERROR] = "";
	struct finding finding = finding_of(box, "203.0.113.9");

	(void)state;
	assert_int_equal(policy_block(box->policy, &request, box->now, &box->changes, error), 0);
	assert_null(policy_find(box->policy, &address));
	assert_int_equal(protect(box, "203.0.113.0/24", "access.allow"), 0);
	protect(box, NULL, NULL);
	/* and is blocked for what he does, as anybody */
	assert_int_equal(decide(box, &finding)->kind, RULE_ADDED);
	assert_false(policy_find(box->policy, &address)->to_destination);
	box->changes.count = 0;
	policy_peer(box->policy, &answer, box->now, &box->changes);
	assert_int_equal(box->changes.count, 2);
	assert_int_equal(policy_rule_count(box->policy), 2);
	/* without a port it has the length of an address, too */
	request.port = 0;
	assert_int_equal(policy_block(box->policy, &request, box->now, &box->changes, error), 0);
	assert_false(policy_find(box->policy, &address)->to_destination);
	/* unblocking ends all that is of just this address */
	box->changes.count = 0;
	assert_int_equal(policy_unblock_prefix(box->policy, &address, box->now, &box->changes), 3);
	assert_int_equal(policy_rule_count(box->policy), 0);
	box_free(box);
}

/* His own addresses too: what is sent to them is what he may want less of. */
static void test_by_hand_to_a_protected_address(void **state)
{
	struct box *box = box_new();
	struct block_request request = request_to(VICTIM);
	char error[POLICY_ERROR] = "";
	struct rule rule;

	(void)state;
	protect(box, VICTIM, "own address on eth0");
	assert_int_equal(policy_block(box->policy, &request, box->now, &box->changes, error), 0);
	rule = only_rule(box);
	assert_int_equal(rule.protocol, 6);
	/* it comes back after a restart although it is protected */
	policy_free(&box->policy);
	assert_int_equal(policy_new(&box->config, 99, &box->policy), 0);
	protect(box, VICTIM, "own address on eth0");
	box->changes.count = 0;
	assert_int_equal(policy_restore(box->policy, &rule, 1, box->now, &box->changes), 0);
	assert_int_equal(box->changes.items[0].kind, RULE_ADDED);
	box_free(box);
}

static void test_unblocked_it_is_left_alone(void **state)
{
	struct box *box = box_limiting();
	struct finding finding = flood(box);
	struct prefix victim = prefix_text(VICTIM);

	(void)state;
	find(box, &finding);
	assert_int_equal(policy_unblock_prefix(box->policy, &victim, box->now, &box->changes), 1);
	assert_int_equal(find(box, &finding), 1);
	assert_int_equal(box->changes.items[0].refused_why, REFUSED_HELD);
	/* the host itself may be blocked for what it sends */
	assert_int_equal(decide_source(box, VICTIM)->kind, RULE_ADDED);
	box_free(box);
}

/* They do not crowd out blocks of sources, nor are they displaced; but there is an end. */
static void test_bounded_apart(void **state)
{
	struct box *box = box_limiting();
	struct finding finding = flood(box), source = finding_of(box, "203.0.113.9");

	(void)state;
	box->config.response.max_unproven_blocks = 1;
	policy_reconfigure(box->policy, &box->config);
	for (uint32_t i = 0; i < 300; i++) {
		finding.destination = address_from_ipv4(__builtin_bswap32(0xc6120000u + i));
		find(box, &finding);
		assert_int_equal(box->changes.items[1].kind, i < 256 ? RULE_ADDED : RULE_REFUSED);
	}
	assert_int_equal(find(box, &source), 1);
	assert_int_equal(box->changes.items[0].kind, RULE_ADDED);
	assert_int_equal(policy_rule_count(box->policy), 257);
	box_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_flood_is_limited_where_configured),
		cmocka_unit_test(test_other_floods_only_alarm),
		cmocka_unit_test(test_several_ports_and_icmp),
		cmocka_unit_test(test_it_is_no_rule_of_a_source),
		cmocka_unit_test(test_by_hand_to_a_protected_address),
		cmocka_unit_test(test_unblocked_it_is_left_alone),
		cmocka_unit_test(test_bounded_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
