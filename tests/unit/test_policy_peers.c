/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the box says of whom it talks with: unproven rules are narrowed, some are proven by it. */
#include <stdio.h>
#include "policy_box.h"

#define SOURCE "203.0.113.9"

static struct peer_answer answer_of(const char *address)
{
	return (struct peer_answer){ .address = prefix_text(address).address, .assured = true };
}

static size_t hear(struct box *box, const struct peer_answer *answer)
{
	box->changes.count = 0;
	assert_int_equal(policy_peer(box->policy, answer, box->now, &box->changes), 0);
	return box->changes.count;
}

static const struct rule *rule_of(const struct box *box, const char *address)
{
	struct prefix prefix = prefix_text(address);

	return policy_find(box->policy, &prefix);
}

static void test_a_peer_is_only_limited(void **state)
{
	struct box *box = box_new();
	struct peer_answer answer = answer_of(SOURCE);
	const struct rule *rule;
	struct policy_view view;
	struct prefix source = prefix_text(SOURCE);

	(void)state;
	decide_source(box, SOURCE);
	pass(box, 1);
	assert_int_equal(hear(box, &answer), 2);
	assert_int_equal(box->changes.items[0].kind, RULE_REMOVED);
	assert_int_equal(box->changes.items[0].removed_why, REMOVED_REPLACED);
	assert_int_equal(box->changes.items[1].kind, RULE_ADDED);
	rule = rule_of(box, SOURCE);
	assert_int_equal(rule->id, 18);
	assert_int_equal(rule->action, ACTION_LIMIT);
	assert_int_equal(rule->classes, CLASS_SYN); /* established TCP goes on */
	assert_int_equal(rule->limit_pps, 100);	    /* the limit is 200 in 1 s, this is less */
	assert_int_equal(rule->evidence, EVIDENCE_UNPROVEN);
	assert_int_equal(rule->expires.boot_ns, box->now.boot_ns + 59 * SECOND);
	assert_string_equal(rule->reason,
			    "312 SYNs without an established connection in 1 s (limit 200 in 1 s), "
			    "last to 198.51.100.7 port 80/tcp; only limited, since connections "
			    "with it exist");
	policy_explain(box->policy, &source, box->now, &view);
	assert_true(view.peer && view.has_rule);
	/* told again: nothing more to do */
	assert_int_equal(hear(box, &answer), 0);
	/* it is renewed while it goes on, and never made a drop again */
	for (int i = 0; i < 20; i++) {
		const struct rule_change *change;

		pass(box, 31);
		assert_int_equal(expire(box), 0);
		change = decide_source(box, SOURCE);
		assert_non_null(change);
		assert_int_equal(change->kind, RULE_RENEWED);
		assert_int_equal(change->rule.action, ACTION_LIMIT);
	}
	box_free(box);
}

/* What its own limit tolerates, at least one. */
static void test_the_limit_is_the_detectors(void **state)
{
	static const struct {
		struct limit limit;
		uint32_t wanted;
	} cases[] = { { { 500, 10 }, 50 }, { { 20, 900 }, 1 }, { { 5000, 1 }, 100 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct box *box = box_new();
		struct peer_answer answer = answer_of(SOURCE);
		struct finding finding = finding_of(box, SOURCE);

		finding.limit = cases[i].limit;
		decide(box, &finding);
		assert_int_equal(hear(box, &answer), 2);
		assert_int_equal(rule_of(box, SOURCE)->limit_pps, cases[i].wanted);
		box_free(box);
	}
}

/* Forged probes end nobody's connection: TCP that is no SYN may be his own. */
static void test_established_tcp_is_not_strangled(void **state)
{
	struct box *box = box_new();
	struct peer_answer answer = answer_of(SOURCE);
	struct finding finding = finding_of(box, SOURCE);

	(void)state;
	finding.detector = DETECTOR_STEALTH_SCAN;
	finding.limit = (struct limit){ 30, 10 };
	finding.classes = CLASS_TCP;
	decide(box, &finding);
	assert_int_equal(hear(box, &answer), 2);
	assert_int_equal(rule_of(box, SOURCE)->classes, CLASS_TCP);
	assert_int_equal(rule_of(box, SOURCE)->limit_pps, 100);
	box_free(box);
}

/* Who is only limited goes on within a network that somebody blocks: not for longer. */
static void test_a_limit_is_no_hole_in_a_block_around_it(void **state)
{
	struct box *box = box_new();
	struct peer_answer answer = answer_of(SOURCE);
	struct block_request request = { .prefix = prefix_text("203.0.113.0/24"),
					 .origin = ORIGIN_MANUAL };
	const struct rule_change *change;
	char error[POLICY_ERROR];

	(void)state;
	decide_source(box, SOURCE);
	assert_int_equal(hear(box, &answer), 2);
	assert_int_equal(policy_block(box->policy, &request, box->now, &box->changes, error), 0);
	change = decide_source(box, SOURCE);
	assert_non_null(change);
	assert_int_equal(change->kind, RULE_REMOVED);
	assert_int_equal(change->removed_why, REMOVED_REPLACED);
	assert_int_equal(rule_of(box, SOURCE)->origin, ORIGIN_MANUAL);
	assert_int_equal(rule_of(box, SOURCE)->action, ACTION_DROP);
	assert_null(decide_source(box, SOURCE));
	box_free(box);
}

/* A detector that counts everything leaves established TCP out, unless that is what was sent. */
static void test_never_all_classes(void **state)
{
	struct box *box = box_new();
	struct peer_answer answer = answer_of(SOURCE);
	struct finding finding = finding_of(box, SOURCE);
	struct rule rule;

	(void)state;
	finding.detector = DETECTOR_PACKET_FLOOD;
	finding.classes = CLASS_ALL;
	decide(box, &finding);
	assert_int_equal(rule_of(box, SOURCE)->classes, CLASS_ALL);
	assert_int_equal(hear(box, &answer), 2);
	assert_int_equal(rule_of(box, SOURCE)->classes, CLASS_ALL & ~CLASS_TCP);
	/* nor one of an earlier run, of which nobody knows the packets */
	answer = answer_of("203.0.113.10");
	rule = (struct rule){ .id = 99,
			      .prefix = prefix_text("203.0.113.10"),
			      .action = ACTION_LIMIT,
			      .limit_pps = 100,
			      .classes = CLASS_ALL,
			      .limit = { 200, 1 },
			      .expires = moment_plus(box->now, 30 * SECOND) };
	assert_int_equal(policy_restore(box->policy, &rule, 1, box->now, &box->changes), 0);
	assert_int_equal(hear(box, &answer), 2);
	assert_int_equal(rule_of(box, "203.0.113.10")->classes, CLASS_ALL & ~CLASS_TCP);
	box_free(box);
}

static void test_a_known_peer_begins_limited(void **state)
{
	struct box *box = box_new();
	struct peer_answer answer = answer_of(SOURCE);
	const struct rule_change *change;

	(void)state;
	answer.assured = false;
	answer.opened = true;
	assert_int_equal(hear(box, &answer), 0);
	change = decide_source(box, SOURCE);
	assert_int_equal(change->kind, RULE_ADDED);
	assert_int_equal(change->rule.action, ACTION_LIMIT);
	assert_int_equal(change->rule.classes, CLASS_SYN);
	/* for five minutes */
	pass(box, 300);
	assert_int_equal(expire(box), 1);
	change = decide_source(box, SOURCE);
	assert_int_equal(change->rule.action, ACTION_DROP);
	/* nobody there: nothing */
	answer = answer_of("203.0.113.10");
	answer.assured = false;
	decide_source(box, "203.0.113.10");
	assert_int_equal(hear(box, &answer), 0);
	assert_int_equal(rule_of(box, "203.0.113.10")->action, ACTION_DROP);
	box_free(box);
}

/* What it sends besides is limited too, once it is found. */
static void test_more_packets_are_taken_in(void **state)
{
	struct box *box = box_new();
	struct peer_answer answer = answer_of(SOURCE);
	struct finding finding = finding_of(box, SOURCE);

	(void)state;
	decide(box, &finding);
	hear(box, &answer);
	pass(box, 1);
	finding.at = box->now;
	finding.detector = DETECTOR_UDP_FLOOD;
	finding.classes = CLASS_UDP;
	finding.limit = (struct limit){ 50, 1 };
	box->changes.count = 0;
	assert_int_equal(policy_decide(box->policy, &finding, 1, &box->changes), 0);
	assert_int_equal(box->changes.count, 2);
	assert_int_equal(rule_of(box, SOURCE)->classes, CLASS_SYN | CLASS_UDP);
	assert_int_equal(rule_of(box, SOURCE)->action, ACTION_LIMIT);
	assert_int_equal(rule_of(box, SOURCE)->limit_pps, 50);
	assert_null(decide(box, &finding));
	box_free(box);
}

static void test_proof_is_never_narrowed(void **state)
{
	struct box *box = box_new();
	struct peer_answer answer = answer_of(SOURCE);
	struct finding finding = finding_of(box, SOURCE);

	(void)state;
	finding.evidence = EVIDENCE_PROVEN;
	decide(box, &finding);
	assert_int_equal(hear(box, &answer), 0);
	assert_int_equal(rule_of(box, SOURCE)->action, ACTION_DROP);
	/* and takes the place of a limit that is there */
	answer = answer_of("203.0.113.10");
	decide_source(box, "203.0.113.10");
	hear(box, &answer);
	finding.source = prefix_text("203.0.113.10");
	box->changes.count = 0;
	assert_int_equal(policy_decide(box->policy, &finding, 1, &box->changes), 0);
	assert_int_equal(rule_of(box, "203.0.113.10")->action, ACTION_DROP);
	assert_int_equal(rule_of(box, "203.0.113.10")->classes, CLASS_ALL);
	assert_null(strstr(rule_of(box, "203.0.113.10")->reason, "only limited"));
	box_free(box);
}

/* Rules of people, of one port and of prefixes are as they are. */
static void test_other_rules_are_left_alone(void **state)
{
	struct box *box = box_new();
	struct peer_answer answer = answer_of(SOURCE);
	struct block_request request = { .prefix = prefix_text(SOURCE), .origin = ORIGIN_MANUAL };
	struct finding finding = finding_of(box, "203.0.113.10");
	char error[POLICY_ERROR];

	(void)state;
	assert_int_equal(policy_block(box->policy, &request, box->now, &box->changes, error), 0);
	assert_int_equal(hear(box, &answer), 0);
	finding.port_only = true;
	finding.detector = DETECTOR_UNAUTHORIZED;
	decide(box, &finding);
	answer = answer_of("203.0.113.10");
	assert_int_equal(hear(box, &answer), 0);
	finding = finding_of(box, "2001:db8::/64");
	decide(box, &finding);
	answer = answer_of("2001:db8::1");
	assert_int_equal(hear(box, &answer), 0);
	box_free(box);
}

/* ---- proof that comes later ------------------------------------------------------------------ */

static struct finding logins(const struct box *box)
{
	struct finding finding = finding_of(box, SOURCE);

	finding.detector = DETECTOR_BRUTE_FORCE;
	finding.limit = (struct limit){ 10, 120 };
	finding.count = 11;
	finding.classes = CLASS_SYN;
	finding.once = true;
	return finding;
}

static void test_logins_are_proven_by_conntrack(void **state)
{
	struct box *box = box_new();
	struct peer_answer answer = answer_of(SOURCE);
	struct finding finding = logins(box);
	const struct rule *rule;

	(void)state;
	answer.logins = 11;
	for (int64_t seconds = 600; seconds <= 2400; seconds *= 4) {
		finding.at = box->now;
		decide(box, &finding);
		if (seconds == 600) /* the second time it begins narrowed: somebody is there */
			assert_int_equal(rule_of(box, SOURCE)->action, ACTION_DROP);
		assert_int_equal(rule_of(box, SOURCE)->evidence, EVIDENCE_UNPROVEN);
		assert_int_equal(hear(box, &answer), 2);
		rule = rule_of(box, SOURCE);
		assert_int_equal(rule->evidence, EVIDENCE_PROVEN);
		assert_int_equal(rule->action, ACTION_DROP);
		assert_int_equal(rule->classes, CLASS_ALL);
		assert_null(strstr(rule->reason, "only limited"));
		assert_int_equal(rule->expires.boot_ns, box->now.boot_ns + seconds * SECOND);
		pass(box, seconds);
		assert_int_equal(expire(box), 1);
		hear(box, &answer); /* he is still there */
	}
	box_free(box);
}

/* Where conntrack can be talked into it (liberal), or of what was no exchange: limited only. */
static void test_no_proof_without_exchanges(void **state)
{
	struct box *box = box_new();
	struct peer_answer answer = answer_of(SOURCE);
	struct finding finding = logins(box);

	(void)state;
	decide(box, &finding);
	assert_int_equal(hear(box, &answer), 2);
	assert_int_equal(rule_of(box, SOURCE)->evidence, EVIDENCE_UNPROVEN);
	assert_int_equal(rule_of(box, SOURCE)->action, ACTION_LIMIT);
	/* nothing gets stronger in a pause */
	answer.logins = 11;
	policy_pause(box->policy, box->now.boot_ns + SECOND);
	assert_int_equal(hear(box, &answer), 0);
	policy_pause(box->policy, 0);
	/* his own few connections do not prove the many that somebody sent in his name */
	answer.logins = 10;
	assert_int_equal(hear(box, &answer), 0);
	assert_int_equal(rule_of(box, SOURCE)->evidence, EVIDENCE_UNPROVEN);
	/* some that are over already: nobody is there */
	answer = answer_of("203.0.113.11");
	answer.assured = false;
	answer.logins = 1;
	decide_source(box, "203.0.113.11");
	assert_int_equal(hear(box, &answer), 0);
	assert_int_equal(rule_of(box, "203.0.113.11")->action, ACTION_DROP);
	answer = answer_of("203.0.113.10");
	answer.logins = 11;
	decide_source(box, "203.0.113.10"); /* SYNs can be forged, whoever is there */
	assert_int_equal(hear(box, &answer), 2);
	assert_int_equal(rule_of(box, "203.0.113.10")->evidence, EVIDENCE_UNPROVEN);
	box_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_peer_is_only_limited),
		cmocka_unit_test(test_the_limit_is_the_detectors),
		cmocka_unit_test(test_established_tcp_is_not_strangled),
		cmocka_unit_test(test_a_limit_is_no_hole_in_a_block_around_it),
		cmocka_unit_test(test_never_all_classes),
		cmocka_unit_test(test_a_known_peer_begins_limited),
		cmocka_unit_test(test_more_packets_are_taken_in),
		cmocka_unit_test(test_proof_is_never_narrowed),
		cmocka_unit_test(test_other_rules_are_left_alone),
		cmocka_unit_test(test_logins_are_proven_by_conntrack),
		cmocka_unit_test(test_no_proof_without_exchanges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
