/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many proven attackers of one prefix become one rule; when not, and what becomes of it. */
#include <stdio.h>
#include "policy_box.h"

static struct finding proven(const struct box *box, const char *source)
{
	struct finding finding = finding_of(box, source);

	finding.detector = DETECTOR_BRUTE_FORCE;
	finding.evidence = EVIDENCE_PROVEN;
	finding.count = 11;
	finding.limit = (struct limit){ 10, 120 };
	return finding;
}

static size_t find(struct box *box, const struct finding *finding)
{
	box->changes.count = 0;
	assert_int_equal(policy_decide(box->policy, finding, 1, &box->changes), 0);
	return box->changes.count;
}

static size_t offend(struct box *box, const char *format, unsigned int number)
{
	char source[64];
	struct finding finding;

	snprintf(source, sizeof(source), format, number);
	finding = proven(box, source);
	return find(box, &finding);
}

/* That many offenders, each with a change of its own; the last ones are in box->changes. */
static void offend_all(struct box *box, const char *format, unsigned int from, unsigned int n)
{
	for (unsigned int i = from; i < from + n; i++)
		assert_int_equal(offend(box, format, i), 1);
}

static const struct rule *rule_of(const struct box *box, const char *text)
{
	struct prefix prefix = prefix_text(text);

	return policy_find(box->policy, &prefix);
}

static void test_eight_addresses_become_their_64(void **state)
{
	struct box *box = box_new();
	struct prefix wide = prefix_text("2001:db8:1:2::/64");
	const struct rule *rule;
	int64_t latest_ns;

	(void)state;
	offend_all(box, "2001:db8:1:2::%x", 1, 7);
	assert_int_equal(policy_rule_count(box->policy), 7);
	pass(box, 100);
	latest_ns = box->now.boot_ns + 600 * SECOND;
	/* added; the wide one added; all eight removed: in this order nothing passes meanwhile */
	assert_int_equal(offend(box, "2001:db8:1:2::%x", 8), 10);
	assert_int_equal(box->changes.items[0].kind, RULE_ADDED);
	assert_int_equal(box->changes.items[1].kind, RULE_ADDED);
	assert_true(prefix_equal(&box->changes.items[1].rule.prefix, &wide));
	for (size_t i = 2; i < 10; i++) {
		assert_int_equal(box->changes.items[i].kind, RULE_REMOVED);
		assert_int_equal(box->changes.items[i].removed_why, REMOVED_ROLLED_UP);
		assert_int_equal(box->changes.items[i].rule.prefix.len, 128);
	}
	assert_int_equal(policy_rule_count(box->policy), 1);
	rule = rule_of(box, "2001:db8:1:2:ffff::1");
	assert_int_equal(rule->id, box->changes.items[1].rule.id);
	assert_int_equal(rule->evidence, EVIDENCE_PROVEN);
	assert_int_equal(rule->action, ACTION_DROP);
	assert_int_equal(rule->classes, CLASS_ALL);
	assert_int_equal(rule->expires.boot_ns, latest_ns);
	assert_string_equal(rule->reason,
			    "8 proven attackers of this /64, the last for: 11 connections to login "
			    "services in 120 s (limit 10 in 120 s), last to 198.51.100.7 port "
			    "80/tcp");
	/* who is in it needs no rule of his own */
	assert_int_equal(offend(box, "2001:db8:1:2::%x", 9), 0);
	/* their offences are theirs: the next block is longer, the neighbour's is not */
	pass(box, 600);
	assert_int_equal(expire(box), 1);
	offend(box, "2001:db8:1:2::%x", 8);
	assert_int_equal(box->changes.items[0].rule.expires.boot_ns,
			 box->now.boot_ns + 2400 * SECOND);
	offend(box, "2001:db8:1:2::%x", 99);
	assert_int_equal(box->changes.items[0].rule.expires.boot_ns,
			 box->now.boot_ns + 600 * SECOND);
	box_free(box);
}

static void test_sixteen_64s_become_their_56(void **state)
{
	struct box *box = box_new();
	char format[64];

	(void)state;
	for (unsigned int net = 0; net < 16; net++) {
		snprintf(format, sizeof(format), "2001:db8:1:%x::%%x", net);
		offend_all(box, format, 1, 7);
		assert_int_equal(offend(box, format, 8), net < 15 ? 10 : 27);
	}
	/* the last step: address, /64, /56; then the /64s go, then the addresses */
	assert_int_equal(box->changes.items[2].kind, RULE_ADDED);
	assert_int_equal(box->changes.items[2].rule.prefix.len, 56);
	assert_int_equal(policy_rule_count(box->policy), 1);
	assert_int_equal(rule_of(box, "2001:db8:1:ff::1")->prefix.len, 56);
	assert_null(rule_of(box, "2001:db8:1:100::1"));
	box_free(box);
}

static void test_sixty_four_ipv4_addresses(void **state)
{
	struct box *box = box_new();

	(void)state;
	offend_all(box, "203.0.113.%u", 1, 63);
	offend_all(box, "203.0.114.%u", 1, 63); /* another one's */
	assert_int_equal(offend(box, "203.0.113.%u", 200), 66);
	assert_int_equal(policy_rule_count(box->policy), 64);
	assert_int_equal(rule_of(box, "203.0.113.77")->prefix.len, 120);
	assert_non_null(
		strstr(rule_of(box, "203.0.113.77")->reason, "64 proven attackers of this /24"));
	assert_null(rule_of(box, "203.0.114.77"));
	box_free(box);
}

/* Only whole drops on proof. */
static void test_other_rules_do_not_count(void **state)
{
	struct box *box = box_new();
	struct block_request request = { .origin = ORIGIN_MANUAL };
	char error[POLICY_ERROR], source[64];
	struct finding finding;

	(void)state;
	offend_all(box, "2001:db8:1:2::%x", 1, 7);
	for (unsigned int i = 0x10; i < 0x30; i++) {
		snprintf(source, sizeof(source), "2001:db8:1:2::%x", i);
		finding = proven(box, source);
		finding.evidence = EVIDENCE_UNPROVEN;
		assert_int_equal(find(box, &finding), 1);
		finding.source.address.bytes[14] = 1;
		finding.evidence = EVIDENCE_PROVEN;
		finding.port_only = true;
		assert_int_equal(find(box, &finding), 1);
		request.prefix = finding.source;
		request.prefix.address.bytes[14] = 2;
		box->changes.count = 0;
		policy_block(box->policy, &request, box->now, &box->changes, error);
		assert_int_equal(box->changes.count, 1);
	}
	box->config.detectors[DETECTOR_BRUTE_FORCE].action = ACTION_LIMIT;
	policy_reconfigure(box->policy, &box->config);
	offend_all(box, "2001:db8:1:2::%x", 0x100, 8);
	box->config.detectors[DETECTOR_BRUTE_FORCE].action = ACTION_DROP;
	policy_reconfigure(box->policy, &box->config);
	assert_null(rule_of(box, "2001:db8:1:2:ffff::1"));
	assert_int_equal(offend(box, "2001:db8:1:2::%x", 8), 10);
	box_free(box);
}

/* ---- when not -------------------------------------------------------------------------------- */

static void test_nothing_protected_inside(void **state)
{
	struct box *box = box_new();

	(void)state;
	protect(box, "2001:db8:1:2::cafe", "access.allow");
	offend_all(box, "2001:db8:1:2::%x", 1, 15);
	assert_int_equal(policy_rule_count(box->policy), 15);
	/* tried again at twice as many, when it is no longer protected */
	protect(box, NULL, NULL);
	assert_int_equal(offend(box, "2001:db8:1:2::%x", 16), 18);
	assert_int_equal(policy_rule_count(box->policy), 1);
	/* protection that comes later ends it */
	assert_int_equal(protect(box, "2001:db8:1:2::cafe", "access.allow"), 1);
	assert_int_equal(policy_rule_count(box->policy), 0);
	box_free(box);
}

static void test_no_peer_inside(void **state)
{
	struct box *box = box_new();
	struct peer_answer answer = { .address = prefix_text("2001:db8:1:2::77").address,
				      .assured = true };

	(void)state;
	policy_peer(box->policy, &answer, box->now, &box->changes);
	offend_all(box, "2001:db8:1:2::%x", 1, 15);
	assert_int_equal(policy_rule_count(box->policy), 15);
	pass(box, 300); /* nobody has seen him since */
	assert_int_equal(offend(box, "2001:db8:1:2::%x", 16), 18);
	box_free(box);
}

static void test_nothing_unblocked_inside(void **state)
{
	struct box *box = box_new();
	struct prefix prefix = prefix_text("2001:db8:1:2::77");
	struct finding finding = proven(box, "2001:db8:1:2::77");

	(void)state;
	find(box, &finding);
	assert_int_equal(policy_unblock_prefix(box->policy, &prefix, box->now, &box->changes), 1);
	offend_all(box, "2001:db8:1:2::%x", 1, 12);
	assert_int_equal(policy_rule_count(box->policy), 12);
	box_free(box);
}

static void test_somebodys_own_rule_stays(void **state)
{
	struct box *box = box_new();
	struct block_request request = { .prefix = prefix_text("2001:db8:1:2::/64"),
					 .limit_pps = 10,
					 .origin = ORIGIN_MANUAL };
	char error[POLICY_ERROR];

	(void)state;
	policy_block(box->policy, &request, box->now, &box->changes, error);
	offend_all(box, "2001:db8:1:2::%x", 1, 12);
	assert_int_equal(policy_rule_count(box->policy), 13);
	box_free(box);
}

/* ---- what becomes of it ---------------------------------------------------------------------- */

/* A guess about the prefix gives way to proof. */
static void test_in_the_place_of_a_limit(void **state)
{
	struct box *box = box_new();
	struct finding finding = finding_of(box, "2001:db8:1:2::/64");

	(void)state;
	assert_int_equal(find(box, &finding), 1);
	assert_int_equal(box->changes.items[0].rule.action, ACTION_LIMIT);
	offend_all(box, "2001:db8:1:2::%x", 1, 7);
	assert_int_equal(offend(box, "2001:db8:1:2::%x", 8), 11);
	assert_int_equal(box->changes.items[1].removed_why, REMOVED_REPLACED);
	assert_int_equal(box->changes.items[2].kind, RULE_ADDED);
	assert_int_equal(rule_of(box, "2001:db8:1:2::ffff")->action, ACTION_DROP);
	box_free(box);
}

/* It does not end before those who go on have rules of their own, which may be one again. */
static void test_who_goes_on_is_never_let_through(void **state)
{
	struct box *box = box_new();
	int64_t expires_ns;

	(void)state;
	offend_all(box, "2001:db8:1:2::%x", 1, 7);
	offend(box, "2001:db8:1:2::%x", 8);
	expires_ns = rule_of(box, "2001:db8:1:2::1")->expires.boot_ns;
	pass(box, 299);
	assert_int_equal(offend(box, "2001:db8:1:2::%x", 100), 0);
	pass(box, 2);
	/* some go on: theirs are made, the prefix ends */
	offend_all(box, "2001:db8:1:2::%x", 100, 7);
	/* all of them: renewed before its members go */
	assert_int_equal(offend(box, "2001:db8:1:2::%x", 107), 10);
	assert_int_equal(box->changes.items[1].kind, RULE_RENEWED);
	assert_int_equal(box->changes.items[1].rule.prefix.len, 64);
	assert_true(rule_of(box, "2001:db8:1:2::1")->expires.boot_ns > expires_ns);
	assert_int_equal(policy_rule_count(box->policy), 1);
	box_free(box);
}

/* In a full table too: one place is kept for it. */
static void test_a_full_table_is_rolled_up(void **state)
{
	struct box *box = box_new();

	(void)state;
	policy_room(box->policy, 9);
	offend_all(box, "2001:db8:1:2::%x", 1, 7);
	assert_int_equal(offend(box, "2001:db8:1:2::%x", 8), 10);
	assert_int_equal(policy_rule_count(box->policy), 1);
	box_free(box);
}

/* 100,000 additions, each /64 rolled up: as many steps as rules, not their square. */
static void test_many_families(void **state)
{
	struct box *box = box_new();
	struct finding finding = proven(box, "2001:db8::1");

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		finding.source.address.bytes[5] = (uint8_t)(i >> 11); /* each in a /56 of its own */
		finding.source.address.bytes[6] = (uint8_t)(i >> 3);
		finding.source.address.bytes[15] = (uint8_t)(i & 7);
		assert_int_equal(find(box, &finding), (i & 7) == 7 ? 10 : 1);
	}
	assert_int_equal(policy_rule_count(box->policy), 12500);
	box->changes.count = 0;
	assert_int_equal(policy_clear(box->policy, REMOVED_SHUTDOWN, box->now, &box->changes), 0);
	box_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eight_addresses_become_their_64),
		cmocka_unit_test(test_sixteen_64s_become_their_56),
		cmocka_unit_test(test_sixty_four_ipv4_addresses),
		cmocka_unit_test(test_other_rules_do_not_count),
		cmocka_unit_test(test_nothing_protected_inside),
		cmocka_unit_test(test_no_peer_inside),
		cmocka_unit_test(test_nothing_unblocked_inside),
		cmocka_unit_test(test_somebodys_own_rule_stays),
		cmocka_unit_test(test_in_the_place_of_a_limit),
		cmocka_unit_test(test_who_goes_on_is_never_let_through),
		cmocka_unit_test(test_a_full_table_is_rolled_up),
		cmocka_unit_test(test_many_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
