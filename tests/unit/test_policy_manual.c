/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people ask for: blocks, their end, pauses, and what findings may do about them. */
#include <errno.h>
#include <stdio.h>
#include "policy_box.h"

static char error[POLICY_ERROR];

static struct block_request request_of(const char *prefix)
{
	return (struct block_request){ .prefix = prefix_text(prefix), .origin = ORIGIN_MANUAL };
}

static int block(struct box *box, const struct block_request *request)
{
	box->changes.count = 0;
	error[0] = '\0';
	return policy_block(box->policy, request, box->now, &box->changes, error);
}

static const struct rule *find(const struct box *box, const char *address)
{
	struct prefix prefix = prefix_text(address);

	return policy_find(box->policy, &prefix);
}

static int unblock(struct box *box, const char *text)
{
	struct prefix prefix = prefix_text(text);

	box->changes.count = 0;
	return policy_unblock_prefix(box->policy, &prefix, box->now, &box->changes);
}

/* ---- blocking -------------------------------------------------------------------------------- */

static void test_block_becomes_rule(void **state)
{
	struct box *box = box_new();
	struct block_request request = request_of("203.0.113.9");
	const struct rule *rule;

	(void)state;
	assert_int_equal(block(box, &request), 0);
	assert_int_equal(box->changes.count, 1);
	assert_int_equal(box->changes.items[0].kind, RULE_ADDED);
	rule = find(box, "203.0.113.9");
	assert_int_equal(rule->id, 17);
	assert_int_equal(rule->action, ACTION_DROP);
	assert_int_equal(rule->classes, CLASS_ALL);
	assert_int_equal(rule->origin, ORIGIN_MANUAL);
	assert_int_equal(rule->detector, DETECTOR_NONE);
	assert_string_equal(rule->reason, "blocked by hand");
	assert_string_equal(rule->config_hash, "0123456789abcdef");
	assert_int_equal(rule->expires.boot_ns, box->now.boot_ns + 600 * SECOND);

	request = request_of("203.0.113.10");
	request.duration_ns = 86400 * SECOND;
	request.classes = CLASS_SYN | CLASS_UDP;
	request.limit_pps = 7;
	strcpy(request.reason, "too many questions");
	assert_int_equal(block(box, &request), 0);
	rule = find(box, "203.0.113.10");
	assert_int_equal(rule->action, ACTION_LIMIT);
	assert_int_equal(rule->limit_pps, 7);
	assert_int_equal(rule->classes, CLASS_SYN | CLASS_UDP);
	assert_string_equal(rule->reason, "too many questions");
	assert_int_equal(rule->expires.boot_ns, box->now.boot_ns + 86400 * SECOND);

	request = request_of("203.0.113.11");
	request.port = 22;
	request.protocol = 6;
	assert_int_equal(block(box, &request), 0);
	assert_int_equal(box->changes.items[0].rule.classes, CLASS_SYN | CLASS_TCP);
	assert_int_equal(box->changes.items[0].rule.protocol, 6);
	assert_null(find(box, "203.0.113.11")); /* not all of it */
	box_free(box);
}

static void test_again_renews_or_replaces(void **state)
{
	struct box *box = box_new();
	struct block_request request = request_of("203.0.113.9");

	(void)state;
	assert_int_equal(block(box, &request), 0);
	pass(box, 100);
	assert_int_equal(block(box, &request), 0);
	assert_int_equal(box->changes.count, 1);
	assert_int_equal(box->changes.items[0].kind, RULE_RENEWED);
	assert_int_equal(find(box, "203.0.113.9")->id, 17);
	assert_int_equal(find(box, "203.0.113.9")->expires.boot_ns,
			 box->now.boot_ns + 600 * SECOND);
	/* shorter: he has changed his mind */
	request.duration_ns = 60 * SECOND;
	assert_int_equal(block(box, &request), 0);
	assert_int_equal(box->changes.count, 2);
	assert_int_equal(box->changes.items[0].removed_why, REMOVED_REPLACED);
	assert_int_equal(box->changes.items[1].kind, RULE_ADDED);
	assert_int_equal(find(box, "203.0.113.9")->expires.boot_ns, box->now.boot_ns + 60 * SECOND);
	/* a list that is imported does not lift or shorten what somebody wants */
	request.origin = ORIGIN_IMPORT;
	request.duration_ns = 600 * SECOND;
	assert_int_equal(block(box, &request), 0);
	assert_int_equal(box->changes.count, 0);
	assert_int_equal(policy_rule_count(box->policy), 1);
	box_free(box);
}

static void test_in_the_place_of_a_detectors(void **state)
{
	struct box *box = box_new();
	struct block_request request = request_of("203.0.113.9");

	(void)state;
	decide_source(box, "203.0.113.9");
	assert_int_equal(block(box, &request), 0);
	assert_int_equal(box->changes.count, 2);
	assert_int_equal(box->changes.items[0].kind, RULE_REMOVED);
	assert_int_equal(box->changes.items[0].removed_why, REMOVED_REPLACED);
	assert_int_equal(box->changes.items[1].kind, RULE_ADDED);
	assert_int_equal(box->changes.items[1].rule.origin, ORIGIN_MANUAL);
	box_free(box);
}

/* Whatever is found, his rule stays his: as long, as strong. */
static void test_findings_leave_it_alone(void **state)
{
	struct box *box = box_new();
	struct block_request request = request_of("203.0.113.9");
	struct finding finding;
	int64_t expires_ns;

	(void)state;
	request.limit_pps = 10;
	assert_int_equal(block(box, &request), 0);
	expires_ns = find(box, "203.0.113.9")->expires.boot_ns;
	pass(box, 590);
	finding = finding_of(box, "203.0.113.9");
	finding.evidence = EVIDENCE_PROVEN;
	/* that a limit leaves something through is told */
	assert_int_equal(decide(box, &finding)->kind, RULE_ALSO_FOUND);
	assert_null(decide(box, &finding));
	assert_int_equal(find(box, "203.0.113.9")->expires.boot_ns, expires_ns);
	assert_int_equal(find(box, "203.0.113.9")->action, ACTION_LIMIT);
	/* who is dropped altogether is not worth a word */
	request = request_of("203.0.113.10");
	request.duration_ns = 10 * SECOND;
	assert_int_equal(block(box, &request), 0);
	finding.source = request.prefix;
	pass(box, 9);
	finding.at = box->now;
	assert_null(decide(box, &finding));
	pass(box, 1);
	assert_int_equal(expire(box), 2);
	box_free(box);
}

static void refuses(struct box *box, const struct block_request *request, int wanted,
		    const char *text)
{
	assert_int_equal(block(box, request), wanted);
	assert_string_equal(error, text);
	assert_int_equal(box->changes.count, 0);
}

static void test_never_what_is_protected(void **state)
{
	struct box *box = box_new();
	struct block_request request = request_of("192.0.2.0/24");

	(void)state;
	protect(box, "192.0.2.77", "own address on eth0");
	refuses(box, &request, -EPERM,
		"192.0.2.0/24 may not be blocked: 192.0.2.77 is protected as own address on eth0");
	protect(box, "192.0.2.0/24", "access.allow");
	request = request_of("192.0.2.9");
	refuses(box, &request, -EPERM,
		"192.0.2.9 may not be blocked: 192.0.2.0/24 is protected as access.allow");
	request.limit_pps = 1; /* nor limited */
	assert_int_equal(block(box, &request), -EPERM);
	assert_int_equal(policy_rule_count(box->policy), 0);
	box_free(box);
}

static void test_wrong_requests_say_what_would_be_right(void **state)
{
	struct box *box = box_new();
	struct block_request request = request_of("203.0.113.9");

	(void)state;
	request.duration_ns = 86401 * SECOND;
	refuses(box, &request, -EINVAL,
		"a block lasts for 86400 s at most (response.max_block_seconds)");
	request = request_of("203.0.113.9");
	request.port = 22;
	refuses(box, &request, -EINVAL, "port 22 needs a protocol: tcp or udp");
	request.protocol = 17;
	request.classes = CLASS_SYN;
	refuses(box, &request, -EINVAL,
		"a port or packet classes, not both: all that goes to the port is stopped");
	request = request_of("203.0.113.0/24");
	request.to_destination = true;
	refuses(box, &request, -EINVAL,
		"a limit of what is sent to a host needs one address, not a prefix");
	request = request_of("203.0.113.9");
	request.to_destination = true;
	refuses(box, &request, -EINVAL,
		"a limit of what is sent to a host needs one packet class: syn, udp or icmp");
	request.classes = CLASS_SYN | CLASS_UDP;
	assert_int_equal(block(box, &request), -EINVAL);
	request.classes = CLASS_TCP;
	assert_int_equal(block(box, &request), -EINVAL);
	request.classes = CLASS_SYN;
	refuses(box, &request, -EINVAL,
		"a limit of what is sent to a host needs a limit in packets a second: nothing is "
		"ever dropped altogether there");
	request.classes = CLASS_ICMP;
	request.limit_pps = 1;
	request.port = 80;
	refuses(box, &request, -EINVAL,
		"a limit of what is sent to a host needs no port with class icmp");
	box->config.mode = MODE_OBSERVE;
	policy_reconfigure(box->policy, &box->config);
	request = request_of("203.0.113.9");
	refuses(box, &request, -EINVAL,
		"nothing is blocked in observe mode: set \"mode\" to \"enforce\", or start with "
		"--enforce");
	box_free(box);
}

/* ---- unblocking ------------------------------------------------------------------------------ */

static void test_unblocked_is_left_alone(void **state)
{
	struct box *box = box_new();
	struct block_request request = request_of("203.0.113.9");
	const struct rule_change *change;
	struct prefix source = prefix_text("203.0.113.9");
	struct policy_view view;

	(void)state;
	decide_source(box, "203.0.113.9");
	assert_int_equal(unblock(box, "203.0.113.9"), 1);
	assert_int_equal(box->changes.items[0].kind, RULE_REMOVED);
	assert_int_equal(box->changes.items[0].removed_why, REMOVED_MANUAL);
	assert_int_equal(unblock(box, "203.0.113.9"), 0);
	/* findings are told once, nothing is blocked */
	change = decide_source(box, "203.0.113.9");
	assert_int_equal(change->kind, RULE_REFUSED);
	assert_int_equal(change->refused_why, REFUSED_HELD);
	assert_null(decide_source(box, "203.0.113.9"));
	assert_int_equal(policy_rule_count(box->policy), 0);
	policy_explain(box->policy, &source, box->now, &view);
	assert_int_equal(view.held_until_ns, box->now.boot_ns + 600 * SECOND);
	/* its neighbour is somebody else */
	assert_int_equal(decide_source(box, "203.0.113.10")->kind, RULE_ADDED);
	pass(box, 599);
	assert_null(decide_source(box, "203.0.113.9"));
	pass(box, 1);
	assert_int_equal(decide_source(box, "203.0.113.9")->kind, RULE_ADDED);
	/* who blocks it by hand has changed his mind */
	assert_int_equal(unblock(box, "203.0.113.9"), 1);
	assert_int_equal(block(box, &request), 0);
	policy_explain(box->policy, &source, box->now, &view);
	assert_int_equal(view.held_until_ns, 0);
	pass(box, 600);
	assert_true(expire(box) > 0);
	assert_int_equal(decide_source(box, "203.0.113.9")->kind, RULE_ADDED);
	box_free(box);
}

/* An address out of a wider rule: that rule ends, and only the address is held. */
static void test_unblock_what_covers(void **state)
{
	struct box *box = box_new();
	struct block_request request = request_of("2001:db8:1::/48");
	struct finding finding;

	(void)state;
	assert_int_equal(block(box, &request), 0);
	request = request_of("2001:db8:1::5");
	assert_int_equal(block(box, &request), 0);
	request.port = 22;
	request.protocol = 6;
	assert_int_equal(block(box, &request), 0);
	assert_int_equal(unblock(box, "2001:db8:1::5"), 3);
	assert_int_equal(policy_rule_count(box->policy), 0);
	assert_int_equal(decide_source(box, "2001:db8:1::6")->kind, RULE_ADDED);
	assert_int_equal(decide_source(box, "2001:db8:1::5")->refused_why, REFUSED_HELD);
	/* nor by a rule for its prefix */
	finding = finding_of(box, "2001:db8:1::/64");
	assert_int_equal(decide(box, &finding)->refused_why, REFUSED_HELD);
	/* a prefix that was unblocked holds all in it */
	request = request_of("198.51.100.0/24");
	assert_int_equal(block(box, &request), 0);
	assert_int_equal(unblock(box, "198.51.100.0/24"), 1);
	assert_int_equal(decide_source(box, "198.51.100.77")->refused_why, REFUSED_HELD);
	assert_int_equal(decide_source(box, "198.51.101.77")->kind, RULE_ADDED);
	box_free(box);
}

static void test_unblock_by_id_and_all(void **state)
{
	struct box *box = box_new();

	(void)state;
	for (int i = 0; i < 3; i++) {
		char source[32];

		snprintf(source, sizeof(source), "203.0.113.%d", i);
		decide_source(box, source);
	}
	box->changes.count = 0;
	assert_int_equal(policy_unblock_rule(box->policy, 99, box->now, &box->changes), 0);
	assert_int_equal(policy_unblock_rule(box->policy, 18, box->now, &box->changes), 1);
	assert_null(find(box, "203.0.113.1"));
	assert_int_equal(policy_unblock_all(box->policy, box->now, &box->changes), 2);
	assert_int_equal(box->changes.count, 3);
	assert_int_equal(policy_rule_count(box->policy), 0);
	for (int i = 0; i < 3; i++) {
		char source[32];

		snprintf(source, sizeof(source), "203.0.113.%d", i);
		assert_int_equal(decide_source(box, source)->refused_why, REFUSED_HELD);
	}
	box_free(box);
}

/* Who is unblocked was blocked wrongly: it counts for nothing the next time. */
static void test_unblocked_is_forgiven(void **state)
{
	struct box *box = box_new();
	struct finding finding = finding_of(box, "203.0.113.9");

	(void)state;
	finding.evidence = EVIDENCE_PROVEN;
	decide(box, &finding);
	assert_int_equal(unblock(box, "203.0.113.9"), 1);
	pass(box, 601);
	finding.at = box->now;
	assert_int_equal(decide(box, &finding)->rule.expires.boot_ns,
			 box->now.boot_ns + 600 * SECOND);
	box_free(box);
}

/* 70,000 sources that were refused push nothing out of what is known of others. */
static void test_a_flood_of_refused_does_not_lift_it(void **state)
{
	struct box *box = box_new();
	struct finding proven = finding_of(box, "203.0.113.8");

	(void)state;
	decide_source(box, "203.0.113.9");
	unblock(box, "203.0.113.9");
	proven.evidence = EVIDENCE_PROVEN;
	decide(box, &proven);
	box->config.response.max_unproven_blocks = 0;
	policy_reconfigure(box->policy, &box->config);
	for (uint32_t i = 0; i < 70000; i++) {
		struct finding finding = finding_of(box, "10.0.0.0");

		finding.source.address = address_from_ipv4(__builtin_bswap32(0x0a000000u + i));
		box->changes.count = 0;
		assert_int_equal(policy_decide(box->policy, &finding, 1, &box->changes), 0);
		assert_true(box->changes.count >= 1);
	}
	assert_int_equal(decide_source(box, "203.0.113.9")->refused_why, REFUSED_HELD);
	pass(box, 600);
	expire(box);
	proven.at = box->now;
	assert_int_equal(decide(box, &proven)->rule.expires.boot_ns,
			 box->now.boot_ns + 4 * 600 * SECOND);
	box_free(box);
}

/* ---- pausing --------------------------------------------------------------------------------- */

static void test_pause(void **state)
{
	struct box *box = box_new();
	struct finding proven = finding_of(box, "203.0.113.1");
	struct block_request request = request_of("203.0.113.99");

	(void)state;
	decide_source(box, "203.0.113.1");
	policy_pause(box->policy, box->now.boot_ns + 300 * SECOND);
	assert_int_equal(policy_paused_until(box->policy, box->now.boot_ns),
			 box->now.boot_ns + 300 * SECOND);
	assert_int_equal(decide_source(box, "203.0.113.2")->refused_why, REFUSED_PAUSED);
	assert_null(decide_source(box, "203.0.113.2"));
	/* what is there goes on, and is made no stronger */
	pass(box, 31);
	proven.at = box->now;
	proven.evidence = EVIDENCE_PROVEN;
	assert_int_equal(decide(box, &proven)->kind, RULE_RENEWED);
	assert_int_equal(find(box, "203.0.113.1")->evidence, EVIDENCE_UNPROVEN);
	/* people may still block */
	assert_int_equal(block(box, &request), 0);
	pass(box, 60);
	assert_int_equal(expire(box), 1);
	policy_pause(box->policy, 0);
	assert_int_equal(decide_source(box, "203.0.113.2")->kind, RULE_ADDED);
	/* it ends by itself */
	policy_pause(box->policy, box->now.boot_ns + SECOND);
	pass(box, 1);
	assert_int_equal(policy_paused_until(box->policy, box->now.boot_ns), 0);
	assert_int_equal(decide_source(box, "203.0.113.3")->kind, RULE_ADDED);
	box_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block_becomes_rule),
		cmocka_unit_test(test_again_renews_or_replaces),
		cmocka_unit_test(test_in_the_place_of_a_detectors),
		cmocka_unit_test(test_findings_leave_it_alone),
		cmocka_unit_test(test_never_what_is_protected),
		cmocka_unit_test(test_wrong_requests_say_what_would_be_right),
		cmocka_unit_test(test_unblocked_is_left_alone),
		cmocka_unit_test(test_unblock_what_covers),
		cmocka_unit_test(test_unblock_by_id_and_all),
		cmocka_unit_test(test_unblocked_is_forgiven),
		cmocka_unit_test(test_a_flood_of_refused_does_not_lift_it),
		cmocka_unit_test(test_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
