/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is found about who is blocked already: what renews a rule and for how long, and what is told
 * of other detectors' findings.
 */
#include "policy_box.h"

#define SOURCE "203.0.113.9"

/* Of that detector, about the source that all here is about. */
static struct finding found_by(const struct box *box, enum detector_id detector)
{
	struct finding finding = finding_of(box, SOURCE);

	finding.detector = detector;
	finding.once = detector == DETECTOR_PORT_SCAN || detector == DETECTOR_BRUTE_FORCE;
	finding.evidence = detector == DETECTOR_BRUTE_FORCE ? EVIDENCE_PROVEN : EVIDENCE_UNPROVEN;
	return finding;
}

/* How many changes the finding leads to; they are in box->changes. */
static size_t find(struct box *box, enum detector_id detector)
{
	struct finding finding = found_by(box, detector);

	box->changes.count = 0;
	assert_int_equal(policy_decide(box->policy, &finding, 1, &box->changes), 0);
	return box->changes.count;
}

static const struct rule_change *change_of(const struct box *box, enum rule_change_kind kind)
{
	for (size_t i = 0; i < box->changes.count; i++) {
		if (box->changes.items[i].kind == kind)
			return &box->changes.items[i];
	}
	return NULL;
}

/* ---- how long ---------------------------------------------------------------------------------
 */

/*
 * The source goes on each ten seconds, found by that detector. Returns after how many seconds its
 * rule has ended, 0: not within an hour.
 */
static int64_t lasts(struct box *box, enum detector_id detector)
{
	int64_t since_ns = box->now.boot_ns;

	for (int i = 0; i < 360; i++) {
		pass(box, 10);
		if (expire(box))
			return (box->now.boot_ns - since_ns) / SECOND;
		find(box, detector);
	}
	return 0;
}

/*
 * Behind a block no login is completed: who is seen to go on keeps up the block that rests on
 * proof, by as much as a guess is worth, and nothing begins with it.
 */
static void test_dropped_tries_keep_up_what_was_proven(void **state)
{
	struct box *box = box_new();
	struct finding dropped;
	const struct rule_change *change;

	(void)state;
	dropped = found_by(box, DETECTOR_BRUTE_FORCE);
	dropped.renews_only = true;
	dropped.once = false;
	dropped.evidence = EVIDENCE_UNPROVEN;
	assert_int_equal(policy_decide(box->policy, &dropped, 1, &box->changes), 0);
	assert_int_equal(box->changes.count, 0);

	find(box, DETECTOR_BRUTE_FORCE);
	for (int i = 0; i < 100; i++) {
		pass(box, 10);
		assert_int_equal(expire(box), 0);
		dropped.at = box->now;
		box->changes.count = 0;
		assert_int_equal(policy_decide(box->policy, &dropped, 1, &box->changes), 0);
		change = change_of(box, RULE_RENEWED);
		assert_true(!box->changes.count || change);
		if (change)
			assert_int_equal(change->rule.expires.boot_ns,
					 box->now.boot_ns + 60 * SECOND);
	}
	pass(box, 61);
	assert_int_equal(expire(box), 1);
	box_free(box);
}

/* Tries that a block stops fail for that reason: after block_seconds they renew it no more. */
static void test_tries_do_not_keep_a_block_up(void **state)
{
	struct box *box = box_new();

	(void)state;
	assert_int_equal(find(box, DETECTOR_PORT_SCAN), 1);
	assert_int_equal(box->changes.items[0].kind, RULE_ADDED);
	pass(box, 31);
	assert_int_equal(find(box, DETECTOR_PORT_SCAN), 1);
	assert_int_equal(box->changes.items[0].kind, RULE_RENEWED);
	assert_int_equal(box->changes.items[0].rule.expires.boot_ns,
			 box->now.boot_ns + 60 * SECOND);
	/* until just before block_seconds, which the last renewal may outlast */
	for (int64_t at = 71; at <= 551; at += 40) {
		pass(box, 40);
		assert_int_equal(find(box, DETECTOR_PORT_SCAN), 1);
		assert_non_null(change_of(box, RULE_RENEWED));
	}
	pass(box, 48); /* 599 s */
	assert_int_equal(find(box, DETECTOR_PORT_SCAN), 1);
	assert_non_null(change_of(box, RULE_RENEWED));
	pass(box, 31);
	assert_int_equal(find(box, DETECTOR_PORT_SCAN), 0);
	pass(box, 28);
	assert_int_equal(expire(box), 0);
	pass(box, 1);
	assert_int_equal(expire(box), 1);
	/* who goes on is blocked anew, for as long */
	assert_int_equal(find(box, DETECTOR_PORT_SCAN), 1);
	assert_int_equal(box->changes.items[0].kind, RULE_ADDED);
	assert_in_range(lasts(box, DETECTOR_PORT_SCAN), 600, 660);
	box_free(box);
}

/* A flood is no try: it goes on although it is stopped, and so does its block. */
static void test_a_flood_keeps_its_block_up(void **state)
{
	struct box *box = box_new();

	(void)state;
	find(box, DETECTOR_SYN_FLOOD);
	assert_int_equal(lasts(box, DETECTOR_SYN_FLOOD), 0);
	/* also one that began as a scan */
	pass(box, 60);
	assert_int_equal(expire(box), 1);
	find(box, DETECTOR_PORT_SCAN);
	assert_int_equal(lasts(box, DETECTOR_SYN_FLOOD), 0);
	assert_int_equal(policy_rule_count(box->policy), 1);
	/* when it is over, the scan beside it does not take its place */
	assert_in_range(lasts(box, DETECTOR_PORT_SCAN), 10, 60);
	box_free(box);
}

/* A proven rule is about an address that is not forged. */
static void test_proof_keeps_its_block_up(void **state)
{
	struct box *box = box_new();

	(void)state;
	find(box, DETECTOR_BRUTE_FORCE);
	assert_int_equal(box->changes.items[0].rule.evidence, EVIDENCE_PROVEN);
	assert_int_equal(lasts(box, DETECTOR_BRUTE_FORCE), 0);
	/* what is tried beside the logins keeps it up as well */
	assert_int_equal(lasts(box, DETECTOR_PORT_SCAN), 0);
	box_free(box);
}

/* ---- what is told -----------------------------------------------------------------------------
 */

static void test_another_detector_is_told_once(void **state)
{
	struct box *box = box_new();
	struct prefix source = prefix_text(SOURCE);
	const struct rule_change *told;
	struct finding finding;

	(void)state;
	find(box, DETECTOR_PORT_SCAN);
	/* of its own detector's nothing is told */
	assert_int_equal(find(box, DETECTOR_PORT_SCAN), 0);
	assert_int_equal(find(box, DETECTOR_SYN_FLOOD), 1);
	told = change_of(box, RULE_ALSO_FOUND);
	assert_non_null(told);
	assert_int_equal(told->rule.id, 0);
	assert_int_equal(told->rule.detector, DETECTOR_SYN_FLOOD);
	assert_true(prefix_equal(&told->rule.prefix, &source));
	assert_string_equal(told->rule.reason,
			    "312 SYNs without an established connection in 1 s "
			    "(limit 200 in 1 s), last to 198.51.100.7 port 80/tcp");
	assert_int_equal(policy_rule_count(box->policy), 1);
	assert_int_equal(policy_find(box->policy, &source)->detector, DETECTOR_PORT_SCAN);
	assert_int_equal(find(box, DETECTOR_SYN_FLOOD), 0);
	/* each detector for itself, each source for itself */
	assert_int_equal(find(box, DETECTOR_PACKET_FLOOD), 1);
	assert_non_null(change_of(box, RULE_ALSO_FOUND));
	assert_non_null(decide_source(box, "203.0.113.10"));
	finding = found_by(box, DETECTOR_PACKET_FLOOD);
	finding.source = prefix_text("203.0.113.10");
	assert_int_equal(decide(box, &finding)->kind, RULE_ALSO_FOUND);
	assert_null(decide(box, &finding));
	/* it renews as well, and is told of again after block_seconds */
	for (int i = 0; i < 14; i++) {
		pass(box, 40);
		assert_int_equal(find(box, DETECTOR_SYN_FLOOD), 1);
		assert_non_null(change_of(box, RULE_RENEWED));
	}
	pass(box, 40);
	assert_int_equal(find(box, DETECTOR_SYN_FLOOD), 2);
	assert_non_null(change_of(box, RULE_ALSO_FOUND));
	assert_non_null(change_of(box, RULE_RENEWED));
	box_free(box);
}

/* A tries' finding that renews nothing any more is told of all the same. */
static void test_told_although_it_is_spent(void **state)
{
	struct box *box = box_new();

	(void)state;
	find(box, DETECTOR_SYN_FLOOD);
	assert_int_equal(lasts(box, DETECTOR_SYN_FLOOD), 0);
	pass(box, 31);
	assert_int_equal(find(box, DETECTOR_PORT_SCAN), 1);
	assert_non_null(change_of(box, RULE_ALSO_FOUND));
	box_free(box);
}

/* What somebody has blocked by hand was not found by anybody. */
static void test_rules_of_people_are_not_told_about(void **state)
{
	struct box *box = box_new();
	struct rule rule = { .id = 3,
			     .prefix = prefix_text(SOURCE),
			     .action = ACTION_DROP,
			     .classes = CLASS_ALL,
			     .origin = ORIGIN_MANUAL,
			     .evidence = EVIDENCE_PROVEN,
			     .created = box->now,
			     .expires = moment_plus(box->now, 86400 * SECOND) };

	(void)state;
	assert_int_equal(policy_restore(box->policy, &rule, 1, box->now, &box->changes), 0);
	assert_int_equal(find(box, DETECTOR_SYN_FLOOD), 0);
	assert_int_equal(find(box, DETECTOR_PORT_SCAN), 0);
	box_free(box);
}

/* In observe mode a rule that is still there runs out; what is found meanwhile waits for that. */
static void test_nothing_of_it_in_observe_mode(void **state)
{
	struct box *box = box_new();

	(void)state;
	find(box, DETECTOR_PORT_SCAN);
	box->config.mode = MODE_OBSERVE;
	policy_reconfigure(box->policy, &box->config);
	pass(box, 40);
	assert_int_equal(find(box, DETECTOR_SYN_FLOOD), 0);
	pass(box, 20);
	assert_int_equal(expire(box), 1);
	assert_int_equal(find(box, DETECTOR_SYN_FLOOD), 1);
	assert_non_null(change_of(box, RULE_OBSERVED));
	box_free(box);
}

/* Whoever forges them keeps nobody out for ever: for as long as his next block would last. */
static void test_dropped_tries_have_an_end(void **state)
{
	struct box *box = box_new();
	struct finding dropped;
	int64_t begun_ns, over_ns = 0;

	(void)state;
	find(box, DETECTOR_BRUTE_FORCE);
	begun_ns = box->now.boot_ns;
	dropped = found_by(box, DETECTOR_BRUTE_FORCE);
	dropped.renews_only = true;
	dropped.once = false;
	dropped.evidence = EVIDENCE_UNPROVEN;
	for (int i = 0; i < 1000 && !over_ns; i++) {
		pass(box, 10);
		if (expire(box))
			over_ns = box->now.boot_ns;
		dropped.at = box->now;
		assert_int_equal(policy_decide(box->policy, &dropped, 1, &box->changes), 0);
	}
	assert_in_range((over_ns - begun_ns) / SECOND, 2400, 2460);
	box_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dropped_tries_keep_up_what_was_proven),
		cmocka_unit_test(test_dropped_tries_have_an_end),
		cmocka_unit_test(test_tries_do_not_keep_a_block_up),
		cmocka_unit_test(test_a_flood_keeps_its_block_up),
		cmocka_unit_test(test_proof_keeps_its_block_up),
		cmocka_unit_test(test_another_detector_is_told_once),
		cmocka_unit_test(test_told_although_it_is_spent),
		cmocka_unit_test(test_rules_of_people_are_not_told_about),
		cmocka_unit_test(test_nothing_of_it_in_observe_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
