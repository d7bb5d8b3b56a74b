/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decisions that depend on who it is and what he may use: groups, and services for some only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/address.h"
#include "base/clock.h"
#include "decide/policy.h"
#include "decide/reason.h"

struct box {
	struct config *config;
	struct policy *policy;
	struct moment now;
	struct rule_change_list changes; /* of the last step */
};

static struct box box_new(const char *text)
{
	struct box box = { .now = { .boot_ns = 5000 * NS_PER_SECOND,
				    .wall_ns = 1700000000 * NS_PER_SECOND } };
	char error[CONFIG_ERROR_TEXT] = "";

	if (config_parse(text, strlen(text), "/", &box.config, error))
		fail_msg("%s", error);
	assert_int_equal(policy_new(box.config, 1, &box.policy), 0);
	return box;
}

static void box_free(struct box *box)
{
	policy_free(&box->policy);
	config_free(&box->config);
	rule_change_list_free(&box->changes);
}

static struct prefix prefix_text(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

static struct finding scan_of(const struct box *box, const char *source, const char *group)
{
	struct finding finding = {
		.at = box->now,
		.source = prefix_text(source),
		.detector = DETECTOR_PORT_SCAN,
		.count = 501,
		.limit = { .count = 500, .seconds = 10 },
		.classes = CLASS_SYN,
		.protocol = 6,
	};

	strcpy(finding.group, group);
	return finding;
}

/* The last of the changes, or NULL. */
static const struct rule_change *decide(struct box *box, const struct finding *finding)
{
	box->changes.count = 0;
	assert_int_equal(policy_decide(box->policy, finding, 1, &box->changes), 0);
	return box->changes.count ? &box->changes.items[box->changes.count - 1] : NULL;
}

static void test_a_group_has_its_own_actions(void **state)
{
	struct box box = box_new("{\"groups\": ["
				 "{\"name\": \"monitoring\", \"ports\": [1],"
				 " \"detectors\": {\"port_scan\": {\"action\": \"alarm\"}}},"
				 "{\"name\": \"office\", \"ports\": [1],"
				 " \"detectors\": {\"port_scan\": {\"action\": \"limit\"}}}]}");
	struct finding finding = scan_of(&box, "203.0.113.1", "monitoring");
	const struct rule_change *change = decide(&box, &finding);

	(void)state;
	assert_int_equal(change->kind, RULE_ALARMED);
	finding = scan_of(&box, "203.0.113.2", "office");
	change = decide(&box, &finding);
	assert_int_equal(change->kind, RULE_ADDED);
	assert_int_equal(change->rule.action, ACTION_LIMIT);
	assert_string_equal(change->rule.reason,
			    "501 ports tried in 10 s (limit 500 in 10 s, group office)");
	finding = scan_of(&box, "203.0.113.3", "");
	assert_int_equal(decide(&box, &finding)->rule.action, ACTION_DROP);
	/* a group that is gone since */
	finding = scan_of(&box, "203.0.113.4", "former");
	assert_int_equal(decide(&box, &finding)->rule.action, ACTION_DROP);
	box_free(&box);
}

static struct finding use_of(const struct box *box, const char *source, uint16_t port)
{
	return (struct finding){
		.at = box->now,
		.source = prefix_text(source),
		.detector = DETECTOR_UNAUTHORIZED,
		.evidence = EVIDENCE_PROVEN,
		.count = 1,
		.limit = { .seconds = 60 },
		.classes = CLASS_SYN | CLASS_TCP,
		.protocol = 6,
		.port = port,
		.port_only = true,
	};
}

static void test_only_that_port(void **state)
{
	struct box box = box_new("{}");
	struct finding finding = use_of(&box, "203.0.113.1", 22);
	const struct rule_change *change = decide(&box, &finding);
	char command[RULE_COMMAND_TEXT];

	(void)state;
	assert_int_equal(change->kind, RULE_ADDED);
	assert_int_equal(change->rule.evidence, EVIDENCE_PROVEN);
	assert_int_equal(change->rule.port, 22);
	assert_int_equal(change->rule.protocol, 6);
	assert_int_equal(change->rule.classes, CLASS_SYN | CLASS_TCP);
	assert_string_equal(change->rule.reason, "1 tries at a service that is reserved for others "
						 "in 60 s (limit 0 in 60 s)");
	assert_string_equal(rule_command(&change->rule, command),
			    "iptables -t raw -I PREROUTING -s 203.0.113.1 -p tcp --dport 22 -j "
			    "DROP");
	finding.evidence = EVIDENCE_UNPROVEN;
	/* it is there: nothing changes. Another port is another rule, and so is the same one's UDP
	 */
	assert_null(decide(&box, &finding));
	finding.port = 3306;
	assert_int_equal(decide(&box, &finding)->kind, RULE_ADDED);
	finding.protocol = 17;
	change = decide(&box, &finding);
	assert_int_equal(change->kind, RULE_ADDED);
	assert_int_equal(change->rule.classes, CLASS_UDP);
	assert_int_equal(policy_rule_count(box.policy), 3);
	/* the source as such is not blocked */
	assert_null(policy_find(box.policy, &finding.source));
	box.now = moment_plus(box.now, 90000 * NS_PER_SECOND);
	box.changes.count = 0;
	assert_int_equal(policy_expire(box.policy, box.now, &box.changes), 0);
	assert_int_equal(box.changes.count, 3);
	assert_int_equal(policy_rule_count(box.policy), 0);
	box_free(&box);
}

/* A block of everything needs none of a port; one that comes later stands beside it. */
static void test_a_port_and_everything(void **state)
{
	struct box box = box_new("{}");
	struct finding port = use_of(&box, "203.0.113.1", 22);
	struct finding scan = scan_of(&box, "203.0.113.1", "");

	(void)state;
	assert_int_equal(decide(&box, &port)->kind, RULE_ADDED);
	assert_int_equal(decide(&box, &scan)->kind, RULE_ADDED);
	assert_int_equal(box.changes.items[0].rule.classes, CLASS_ALL);
	assert_int_equal(policy_rule_count(box.policy), 2);
	assert_int_equal(policy_find(box.policy, &scan.source)->port, 0);
	scan = scan_of(&box, "203.0.113.2", "");
	assert_int_equal(decide(&box, &scan)->kind, RULE_ADDED);
	port = use_of(&box, "203.0.113.2", 22);
	assert_null(decide(&box, &port));
	box_free(&box);
}

/* Who may never be blocked may use every service: no rule, and no alarm each ten minutes. */
static void test_protected_may_use_services(void **state)
{
	struct protected_list list = { 0 };
	struct prefix prefix = prefix_text("203.0.113.0/24");
	struct box box = box_new("{}");
	struct finding finding = use_of(&box, "203.0.113.1", 22);

	(void)state;
	assert_int_equal(protected_list_add(&list, &prefix, "access.allow"), 0);
	assert_int_equal(policy_protect(box.policy, &list, box.now, &box.changes), 0);
	assert_null(decide(&box, &finding));
	finding = use_of(&box, "198.51.100.1", 22);
	assert_int_equal(decide(&box, &finding)->kind, RULE_ADDED);
	protected_list_free(&list);
	box_free(&box);
}

/* They come back as what they were, each beside the others of its source. */
static void test_ports_are_restored(void **state)
{
	struct box box = box_new("{}");
	struct finding finding = use_of(&box, "203.0.113.1", 22);
	struct rule rules[3];

	(void)state;
	decide(&box, &finding);
	finding.port = 23;
	decide(&box, &finding);
	finding = scan_of(&box, "203.0.113.1", "");
	decide(&box, &finding);
	assert_int_equal(policy_rules(box.policy, rules, 3), 3);
	box_free(&box);
	box = box_new("{}");
	assert_int_equal(policy_restore(box.policy, rules, 3, box.now, &box.changes), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(box.changes.items[i].kind, RULE_ADDED);
	/* but not twice */
	box.changes.count = 0;
	assert_int_equal(policy_restore(box.policy, &rules[1], 1, box.now, &box.changes), 0);
	assert_int_equal(box.changes.items[0].kind, RULE_REMOVED);
	assert_int_equal(box.changes.items[0].removed_why, REMOVED_REPLACED);
	box_free(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_group_has_its_own_actions),
		cmocka_unit_test(test_only_that_port),
		cmocka_unit_test(test_a_port_and_everything),
		cmocka_unit_test(test_protected_may_use_services),
		cmocka_unit_test(test_ports_are_restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
