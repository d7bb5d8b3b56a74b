/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who gives way to whom when there are too many rules, and what is said about it. */
#include <errno.h>
#include <stdio.h>
#include "policy_box.h"

static struct finding loud(const struct box *box, uint32_t number, uint64_t count)
{
	struct finding finding = finding_of(box, "10.0.0.0");

	finding.source.address = address_from_ipv4(__builtin_bswap32(0x0a000000u + number));
	finding.count = count;
	return finding;
}

static size_t find(struct box *box, const struct finding *finding)
{
	box->changes.count = 0;
	assert_int_equal(policy_decide(box->policy, finding, 1, &box->changes), 0);
	return box->changes.count;
}

static bool is_blocked(const struct box *box, uint32_t number)
{
	const struct finding finding = loud(box, number, 0);

	return policy_find(box->policy, &finding.source) != NULL;
}

static const struct rule_change *change_of(const struct box *box, enum rule_change_kind kind)
{
	for (size_t i = 0; i < box->changes.count; i++) {
		if (box->changes.items[i].kind == kind)
			return &box->changes.items[i];
	}
	return NULL;
}

static struct box *box_of(uint32_t budget)
{
	struct box *box = box_new();

	box->config.response.max_unproven_blocks = budget;
	policy_reconfigure(box->policy, &box->config);
	return box;
}

static void test_the_loudest_stay(void **state)
{
	struct box *box = box_of(3);
	struct finding finding;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		finding = loud(box, i, 300 + i * 100);
		assert_int_equal(find(box, &finding), 1);
	}
	/* quieter than the quietest: refused, and the alarm says what is done */
	finding = loud(box, 10, 300);
	assert_int_equal(find(box, &finding), 2);
	assert_string_equal(change_of(box, RULE_CROWDED)->rule.reason,
			    "3 blocks on unproven evidence, as many as response.max_unproven_blocks"
			    " allows: the loudest sources take the place of the quietest");
	assert_int_equal(change_of(box, RULE_REFUSED)->refused_why, REFUSED_FULL);
	/* louder: it takes the place, and nothing more is said */
	finding = loud(box, 11, 301);
	assert_int_equal(find(box, &finding), 2);
	assert_int_equal(box->changes.items[0].kind, RULE_REMOVED);
	assert_int_equal(box->changes.items[0].removed_why, REMOVED_REPLACED);
	assert_int_equal(box->changes.items[1].kind, RULE_ADDED);
	assert_false(is_blocked(box, 0));
	assert_true(is_blocked(box, 11) && is_blocked(box, 1) && is_blocked(box, 2));
	/* said again after block_seconds */
	pass(box, 55);
	finding = loud(box, 12, 302);
	assert_int_equal(find(box, &finding), 2);
	assert_null(change_of(box, RULE_CROWDED));
	for (int i = 0; i < 11; i++) {
		pass(box, 50);
		for (uint32_t k = 0; k < 3; k++) {
			static const uint32_t numbers[] = { 1, 2, 12 };

			finding = loud(box, numbers[k], 400);
			find(box, &finding);
		}
	}
	finding = loud(box, 13, 500);
	assert_int_equal(find(box, &finding), 3);
	assert_non_null(change_of(box, RULE_CROWDED));
	assert_int_equal(policy_rule_count(box->policy), 3);
	box_free(box);
}

/* How often a limit was passed is what different detectors can be compared by. */
static void test_loudness_is_relative(void **state)
{
	struct box *box = box_of(1);
	struct finding bytes = loud(box, 1, 6000000000), scan = loud(box, 2, 60);

	(void)state;
	bytes.detector = DETECTOR_BYTE_FLOOD;
	bytes.limit = (struct limit){ 5000000000, 10 };
	scan.detector = DETECTOR_PORT_SCAN;
	scan.limit = (struct limit){ 20, 10 };
	find(box, &bytes);
	find(box, &scan);
	assert_true(is_blocked(box, 2) && !is_blocked(box, 1));
	find(box, &bytes);
	assert_true(is_blocked(box, 2) && !is_blocked(box, 1));
	box_free(box);
}

/* A fast scan is found at its 21st try: what counts is how many there would have been. */
static void test_loudness_is_a_rate_too(void **state)
{
	struct box *box = box_of(1);
	struct finding flood = loud(box, 1, 300), scan = loud(box, 2, 21);

	(void)state;
	scan.detector = DETECTOR_PORT_SCAN;
	scan.limit = (struct limit){ 20, 10 };
	find(box, &flood); /* half as much again as its limit */
	scan.recent = 7;   /* too few to say how fast it is */
	find(box, &scan);
	assert_true(is_blocked(box, 1));
	scan.recent = 21;
	find(box, &scan);
	assert_true(is_blocked(box, 2) && !is_blocked(box, 1));
	flood.recent = 300; /* all of it in this second */
	find(box, &flood);
	assert_true(is_blocked(box, 2));
	box_free(box);
}

/* Who has become quiet gives way, who has become loud stays. */
static void test_loudness_follows_the_source(void **state)
{
	struct box *box = box_of(2);
	struct finding finding;

	(void)state;
	finding = loud(box, 1, 220);
	find(box, &finding);
	finding = loud(box, 2, 4000);
	find(box, &finding);
	finding = loud(box, 1, 8000); /* a wake record was all that was known of it */
	find(box, &finding);
	for (int i = 0; i < 40; i++) {
		finding = loud(box, 2, 210);
		find(box, &finding);
	}
	finding = loud(box, 3, 1000);
	find(box, &finding);
	assert_true(is_blocked(box, 1) && is_blocked(box, 3) && !is_blocked(box, 2));
	box_free(box);
}

static void test_proof_and_people_are_not_counted(void **state)
{
	struct box *box = box_of(2);
	struct block_request request = { .origin = ORIGIN_IMPORT };
	char error[POLICY_ERROR];
	struct finding finding;

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		finding = loud(box, i, 300);
		find(box, &finding);
	}
	for (uint32_t i = 10; i < 20; i++) {
		finding = loud(box, i, 201);
		finding.evidence = EVIDENCE_PROVEN;
		assert_int_equal(find(box, &finding), 1);
		request.prefix = loud(box, i + 10, 0).source;
		box->changes.count = 0;
		assert_int_equal(
			policy_block(box->policy, &request, box->now, &box->changes, error), 0);
		assert_int_equal(box->changes.count, 1);
	}
	assert_int_equal(policy_rule_count(box->policy), 22);
	/* and none of them is displaced, however loud others are */
	for (uint32_t i = 100; i < 200; i++) {
		finding = loud(box, i, 100000 + i);
		find(box, &finding);
	}
	for (uint32_t i = 10; i < 30; i++)
		assert_true(is_blocked(box, i));
	assert_true(is_blocked(box, 198) && is_blocked(box, 199));
	assert_int_equal(policy_rule_count(box->policy), 22);
	box_free(box);
}

/* ---- those with connections ------------------------------------------------------------------ */

static void test_few_with_connections_at_once(void **state)
{
	struct box *box = box_new();
	struct finding finding;

	(void)state;
	policy_population(box->policy, 1000); /* a quarter: 250 */
	for (uint32_t i = 0; i < 250; i++) {
		finding = loud(box, i, 300 + i);
		finding.established = true;
		assert_int_equal(find(box, &finding), 1);
	}
	finding = loud(box, 1000, 250);
	finding.established = true;
	assert_int_equal(find(box, &finding), 2);
	assert_string_equal(change_of(box, RULE_CROWDED)->rule.reason,
			    "250 blocks on unproven evidence of sources with connections here, as"
			    " many as may be with 1000 such sources: the loudest sources take the"
			    " place of the quietest");
	assert_non_null(change_of(box, RULE_REFUSED));
	finding = loud(box, 1001, 900);
	finding.established = true;
	assert_int_equal(find(box, &finding), 2);
	assert_false(is_blocked(box, 0));
	/* others are not meant, nor displaced by them */
	finding = loud(box, 2000, 201);
	assert_int_equal(find(box, &finding), 1);
	finding = loud(box, 1002, 901);
	finding.established = true;
	find(box, &finding);
	assert_true(is_blocked(box, 2000));
	/* proof needs no room of this kind */
	finding = loud(box, 1003, 201);
	finding.established = true;
	finding.evidence = EVIDENCE_PROVEN;
	assert_int_equal(find(box, &finding), 1);
	box_free(box);
}

/* A small box may lose a hundred. */
static void test_a_hundred_in_any_case(void **state)
{
	struct box *box = box_new();
	struct finding finding;

	(void)state;
	for (uint32_t i = 0; i < 101; i++) {
		finding = loud(box, i, 300);
		finding.established = true;
		assert_int_equal(find(box, &finding), i < 100 ? 1 : 2);
	}
	assert_int_equal(policy_rule_count(box->policy), 100);
	box_free(box);
}

/* ---- what enforcers hold --------------------------------------------------------------------- */

static void test_a_full_table(void **state)
{
	struct box *box = box_new();
	struct block_request request = { .origin = ORIGIN_MANUAL };
	char error[POLICY_ERROR] = "";
	struct finding finding;

	(void)state;
	policy_room(box->policy, 11); /* one is kept for a roll-up */
	for (uint32_t i = 0; i < 10; i++) {
		finding = loud(box, i, 300 + i);
		assert_int_equal(find(box, &finding), 1);
	}
	/* by hand: the quietest goes */
	request.prefix = prefix_text("203.0.113.1");
	box->changes.count = 0;
	assert_int_equal(policy_block(box->policy, &request, box->now, &box->changes, error), 0);
	assert_false(is_blocked(box, 0));
	assert_string_equal(change_of(box, RULE_CROWDED)->rule.reason,
			    "10 blocks, as many as there is room for: the loudest sources take the"
			    " place of the quietest");
	/* proven, however quiet: the next one */
	finding = loud(box, 50, 201);
	finding.evidence = EVIDENCE_PROVEN;
	find(box, &finding);
	assert_true(is_blocked(box, 50) && !is_blocked(box, 1));
	/* a guess must be louder */
	finding = loud(box, 51, 302);
	assert_int_equal(find(box, &finding), 1);
	assert_int_equal(change_of(box, RULE_REFUSED)->refused_why, REFUSED_FULL);
	finding = loud(box, 52, 303);
	find(box, &finding);
	assert_true(is_blocked(box, 52) && !is_blocked(box, 2));
	assert_int_equal(policy_rule_count(box->policy), 10);
	/* nothing is left that could go */
	for (uint32_t i = 60; i < 68; i++) {
		finding = loud(box, i, 201);
		finding.evidence = EVIDENCE_PROVEN;
		find(box, &finding);
	}
	request.prefix = prefix_text("203.0.113.2");
	assert_int_equal(policy_block(box->policy, &request, box->now, &box->changes, error),
			 -ENOSPC);
	assert_string_equal(error, "there is no room for 203.0.113.2: all 10 rules in force rest on"
				   " more than a guess; end some, or block a prefix around them");
	finding = loud(box, 70, 9999);
	finding.evidence = EVIDENCE_PROVEN;
	find(box, &finding);
	assert_int_equal(change_of(box, RULE_REFUSED)->refused_why, REFUSED_FULL);
	box_free(box);
}

/* ---- who forges sources ---------------------------------------------------------------------- */

/* The budget is full of forged sources; the one attacker that is real is blocked all the same. */
static void test_the_real_attacker_is_blocked(void **state)
{
	enum { FORGED = 10000 };
	struct box *box = box_of(FORGED);
	struct finding finding;

	(void)state;
	for (uint32_t i = 0; i < FORGED; i++) {
		finding = loud(box, i, 201 + i % 50);
		assert_int_equal(find(box, &finding), 1);
	}
	finding = finding_of(box, "203.0.113.9");
	finding.count = 5000;
	find(box, &finding);
	assert_non_null(change_of(box, RULE_ADDED));
	/* more forged ones come and go: it stays */
	for (uint32_t i = 0; i < FORGED; i++) {
		finding = loud(box, FORGED + i, 260 + i % 50);
		find(box, &finding);
	}
	finding = finding_of(box, "203.0.113.9");
	assert_non_null(policy_find(box->policy, &finding.source));
	assert_int_equal(policy_rule_count(box->policy), FORGED);
	box_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_loudest_stay),
		cmocka_unit_test(test_loudness_is_relative),
		cmocka_unit_test(test_loudness_is_a_rate_too),
		cmocka_unit_test(test_loudness_follows_the_source),
		cmocka_unit_test(test_proof_and_people_are_not_counted),
		cmocka_unit_test(test_few_with_connections_at_once),
		cmocka_unit_test(test_a_hundred_in_any_case),
		cmocka_unit_test(test_a_full_table),
		cmocka_unit_test(test_the_real_attacker_is_blocked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
