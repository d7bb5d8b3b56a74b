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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_group_has_its_own_actions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
