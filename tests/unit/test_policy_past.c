/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offences: counted, forgiven after quiet, known after a restart; and that no block of somebody who
 * goes on ends before it is renewed. */
#include "policy_box.h"

#define SOURCE "203.0.113.9"
#define DAY    86400

static struct finding proven(const struct box *box)
{
	struct finding finding = finding_of(box, SOURCE);

	finding.detector = DETECTOR_BRUTE_FORCE;
	finding.evidence = EVIDENCE_PROVEN;
	finding.once = true;
	return finding;
}

/* How long the rule is that the finding leads to, in seconds. */
static int64_t block_again(struct box *box)
{
	struct finding finding = proven(box);
	const struct rule_change *change = decide(box, &finding);

	assert_non_null(change);
	assert_int_equal(change->kind, RULE_ADDED);
	return (change->rule.expires.boot_ns - box->now.boot_ns) / SECOND;
}

static struct past_rule past_of(const struct box *box, int64_t seconds_ago)
{
	return (struct past_rule){ .prefix = prefix_text(SOURCE),
				   .evidence = EVIDENCE_PROVEN,
				   .removed_why = REMOVED_EXPIRED,
				   .expired_ns = box->now.boot_ns - seconds_ago * SECOND };
}

static void test_forgiven_after_quiet(void **state)
{
	struct box *box = box_new();
	struct prefix source = prefix_text(SOURCE);
	struct policy_view view;

	(void)state;
	assert_int_equal(block_again(box), 600);
	pass(box, 600);
	expire(box);
	policy_explain(box->policy, &source, box->now, &view);
	assert_int_equal(view.offences, 1);
	assert_int_equal(view.forgiven_ns, box->now.boot_ns + DAY * SECOND);
	pass(box, DAY - 1);
	assert_int_equal(block_again(box), 2400);
	pass(box, 2400 + DAY);
	expire(box);
	policy_explain(box->policy, &source, box->now, &view);
	assert_int_equal(view.offences, 0);
	assert_int_equal(block_again(box), 600);
	box_free(box);
}

/* Quiet begins when the block is over, however often it was renewed. */
static void test_renewal_is_no_quiet(void **state)
{
	struct box *box = box_new();
	struct finding finding;

	(void)state;
	assert_int_equal(block_again(box), 600);
	for (int i = 0; i < 300; i++) { /* more than a day */
		pass(box, 310);
		finding = proven(box);
		assert_int_equal(expire(box), 0);
		decide(box, &finding);
	}
	while (!expire(box))
		pass(box, 100);
	assert_in_range(block_again(box), 2400, DAY);
	box_free(box);
}

static void test_unproven_blocks_do_not_escalate(void **state)
{
	struct box *box = box_new();

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(decide_source(box, SOURCE)->rule.expires.boot_ns,
				 box->now.boot_ns + 60 * SECOND);
		pass(box, 60);
		expire(box);
	}
	box_free(box);
}

static void test_offences_outlast_a_restart(void **state)
{
	static const struct {
		int64_t ago, wanted;
	} cases[] = { { 100, 2400 }, { DAY - 1, 2400 }, { DAY, 600 }, { -500, 2400 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct box *box = box_new();
		struct past_rule past = past_of(box, cases[i].ago);

		policy_remember(box->policy, &past, 1, box->now);
		assert_int_equal(block_again(box), cases[i].wanted);
		box_free(box);
	}
}

static void test_several_offences(void **state)
{
	struct box *box = box_new();
	struct past_rule past[3] = { past_of(box, 5000), past_of(box, 3000), past_of(box, 100) };

	(void)state;
	policy_remember(box->policy, past, 3, box->now);
	assert_int_equal(block_again(box), 600 * 4 * 4 * 4);
	box_free(box);
}

/* A clock that was wrong when it was written must not hold an offence against him for years. */
static void test_a_wrong_clock_is_no_life_sentence(void **state)
{
	struct box *box = box_new();
	struct prefix source = prefix_text(SOURCE);
	struct past_rule past = past_of(box, -20LL * 365 * DAY);
	struct policy_view view;

	(void)state;
	policy_remember(box->policy, &past, 1, box->now);
	past.removed_why = REMOVED_MANUAL;
	past.prefix = prefix_text("203.0.113.10");
	policy_remember(box->policy, &past, 1, box->now);
	policy_explain(box->policy, &source, box->now, &view);
	assert_int_equal(view.offences, 1);
	assert_int_equal(view.forgiven_ns, box->now.boot_ns + 2LL * DAY * SECOND);
	policy_explain(box->policy, &past.prefix, box->now, &view);
	assert_int_equal(view.held_until_ns, box->now.boot_ns + 600 * SECOND);
	box_free(box);
}

static void test_unblocked_before_the_restart(void **state)
{
	struct box *box = box_new();
	struct past_rule past[2] = { past_of(box, 3000), past_of(box, 100) };

	(void)state;
	past[1].removed_why = REMOVED_MANUAL;
	policy_remember(box->policy, past, 2, box->now);
	assert_int_equal(decide_source(box, SOURCE)->refused_why, REFUSED_HELD);
	pass(box, 500);
	assert_int_equal(block_again(box), 600); /* forgiven with it */
	/* too long ago */
	past[1].prefix = prefix_text("203.0.113.10");
	past[1].expired_ns = box->now.boot_ns - 600 * SECOND;
	policy_remember(box->policy, &past[1], 1, box->now);
	assert_int_equal(decide_source(box, "203.0.113.10")->kind, RULE_ADDED);
	box_free(box);
}

/* ---- no gaps --------------------------------------------------------------------------------- */

/*
 * Found in each interval, as a source that stays over its limit is: its rule never ends. once: as
 * logins and tries, which are found anew only when so many were counted after the rule was made.
 */
static void goes_on(struct box *box, struct finding finding, int64_t every_s, int64_t for_s)
{
	int64_t end_ns = box->now.boot_ns + for_s * SECOND;

	while (box->now.boot_ns < end_ns) {
		expire(box);
		finding.at = box->now;
		box->changes.count = 0;
		assert_int_equal(policy_decide(box->policy, &finding, 1, &box->changes), 0);
		assert_int_equal(policy_rule_count(box->policy), 1);
		for (size_t i = 0; i < box->changes.count; i++)
			assert_int_equal(box->changes.items[i].kind, RULE_RENEWED);
		pass(box, every_s);
	}
}

static void test_no_gap_for_who_goes_on(void **state)
{
	struct box *box = box_new();
	struct peer_answer answer = { .address = prefix_text(SOURCE).address, .assured = true };
	struct finding finding = proven(box);
	struct past_rule past[3] = { past_of(box, 1), past_of(box, 1), past_of(box, 1) };

	(void)state;
	/* unproven, and narrowed */
	decide_source(box, SOURCE);
	goes_on(box, finding_of(box, SOURCE), 1, 3600);
	box->changes.count = 0;
	policy_peer(box->policy, &answer, box->now, &box->changes);
	assert_int_equal(box->changes.count, 2);
	goes_on(box, finding_of(box, SOURCE), 1, 3600);
	pass(box, 60);
	expire(box);
	/* proven; found again only from time to time: half of the time is left for that */
	finding.at = box->now;
	decide(box, &finding);
	goes_on(box, finding, 250, 7200);
	pass(box, 90000);
	expire(box);
	/* escalated to the most there is */
	for (size_t i = 0; i < 3; i++)
		past[i] = past_of(box, 1);
	policy_remember(box->policy, past, 3, box->now);
	assert_int_equal(block_again(box), 38400);
	goes_on(box, finding, 7000, 10LL * DAY);
	box_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forgiven_after_quiet),
		cmocka_unit_test(test_renewal_is_no_quiet),
		cmocka_unit_test(test_unproven_blocks_do_not_escalate),
		cmocka_unit_test(test_offences_outlast_a_restart),
		cmocka_unit_test(test_several_offences),
		cmocka_unit_test(test_a_wrong_clock_is_no_life_sentence),
		cmocka_unit_test(test_unblocked_before_the_restart),
		cmocka_unit_test(test_no_gap_for_who_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
