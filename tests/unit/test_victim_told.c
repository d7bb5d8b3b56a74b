/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the finding of a flooded host to the event: how often it is told, in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/address.h"
#include "base/clock.h"
#include "base/json.h"
#include "daemon/events.h"
#include "decide/policy.h"
#include "decide/reason.h"
#include "packet.h"

#define SECOND NS_PER_SECOND

struct desk {
	struct config *config;
	struct policy *policy;
	struct events *events;
	struct rule_change_list changes; /* of the last step */
};

static struct finding flood(void)
{
	struct finding finding = {
		.at = { .boot_ns = 5000 * SECOND, .wall_ns = 1700000000 * SECOND },
		.detector = DETECTOR_VICTIM_FLOOD,
		.count = 41021,
		.limit = { 1000, 1 },
		.classes = CLASS_SYN,
		.protocol = 6,
		.port = 25565,
		.has_destination = true,
		.sources = 19440,
		.traits = { { .field = TRAIT_LENGTH, .value = 60, .share = 100 },
			    { .field = TRAIT_FLAGS, .value = TCP_SYN, .share = 100 },
			    { .field = TRAIT_TTL, .value = 54, .share = 61 },
			    { .field = TRAIT_DESTINATION_PORT, .value = 25565, .share = 100 } },
	};

	assert_int_equal(prefix_parse("0.0.0.0/0", &finding.source), 0);
	assert_int_equal(address_parse("192.0.2.1", &finding.destination), 0);
	return finding;
}

static int set_up(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));

	assert_non_null(desk);
	desk->config = config_defaults();
	assert_non_null(desk->config);
	assert_int_equal(policy_new(desk->config, 1, &desk->policy), 0);
	assert_int_equal(events_new(NULL, &desk->events), 0);
	*state = desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;

	events_free(&desk->events);
	policy_free(&desk->policy);
	config_free(&desk->config);
	rule_change_list_free(&desk->changes);
	free(desk);
	return 0;
}

/* The change, or NULL when there is none. */
static const struct rule_change *decide(struct desk *desk, const struct finding *finding)
{
	desk->changes.count = 0;
	assert_int_equal(policy_decide(desk->policy, finding, 1, &desk->changes), 0);
	assert_in_range(desk->changes.count, 0, 1);
	assert_int_equal(policy_rule_count(desk->policy), 0);
	return desk->changes.count ? &desk->changes.items[0] : NULL;
}

static struct event tell(struct desk *desk, const struct finding *finding)
{
	const struct rule_change *change = decide(desk, finding);
	struct event event = { 0 };

	assert_non_null(change);
	events_rule(desk->events, change, finding->at);
	assert_int_equal(events_last(desk->events, &event, 1), 1);
	return event;
}

/* ---- how often ------------------------------------------------------------------------------- */

static void once_for_each_host_and_class(void **state)
{
	struct desk *desk = *state;
	struct finding finding = flood();
	const struct rule_change *change = decide(desk, &finding);

	assert_non_null(change);
	assert_int_equal(change->kind, RULE_ALARMED);
	assert_int_equal(change->rule.action, ACTION_ALARM);
	assert_int_equal(change->rule.classes, CLASS_SYN);
	assert_null(decide(desk, &finding));
	/* the source is the same for all */
	assert_int_equal(address_parse("192.0.2.2", &finding.destination), 0);
	assert_non_null(decide(desk, &finding));
	assert_null(decide(desk, &finding));
	finding.classes = CLASS_UDP;
	assert_non_null(decide(desk, &finding));
	assert_null(decide(desk, &finding));
	finding.at = moment_plus(finding.at, 600 * SECOND);
	assert_non_null(decide(desk, &finding));
}

/* Whoever forbids the whole Internet, or protects it, is told all the same. */
static void nobody_is_protected_from_an_alarm(void **state)
{
	struct desk *desk = *state;
	struct finding finding = flood();
	struct protected_list list = { 0 };

	assert_int_equal(protected_list_add(&list, &finding.source, "access.allow"), 0);
	assert_int_equal(policy_protect(desk->policy, &list, finding.at, &desk->changes), 0);
	assert_int_equal(decide(desk, &finding)->kind, RULE_ALARMED);
	protected_list_free(&list);
}

static void the_end_is_told_and_so_is_the_next_one(void **state)
{
	struct desk *desk = *state;
	struct finding finding = flood(), over = flood();

	over.lasted_ns = 12 * SECOND;
	assert_non_null(decide(desk, &finding));
	assert_int_equal(decide(desk, &over)->kind, RULE_ALARM_OVER);
	assert_int_equal(decide(desk, &finding)->kind, RULE_ALARMED);
}

/* ---- in which words -------------------------------------------------------------------------- */

static void an_alarm_says_all(void **state)
{
	struct desk *desk = *state;
	struct finding finding = flood();
	struct event event = tell(desk, &finding);
	struct json *details;
	const struct json *common;
	char error[64];

	assert_int_equal(event.type, EVENT_ALARM);
	assert_int_equal(event.severity, SEVERITY_CRITICAL);
	assert_int_equal(event.detector, DETECTOR_VICTIM_FLOOD);
	assert_int_equal(event.port, 25565);
	assert_int_equal(event.protocol, 6);
	assert_true(event.has_destination && !event.has_source);
	assert_true(address_equal(&event.destination, &finding.destination));
	assert_string_equal(
		event.message,
		"flood: 41021 unasked packets to 192.0.2.1 port 25565/tcp from about "
		"19000 sources in 1 s (limit 1000 in 1 s); length 60 (100 %), flags SYN "
		"(100 %), TTL 54 (61 %); to limit it: fwgen block 192.0.2.1 --to --class syn "
		"--port 25565 --limit 1000 --for 10m");
	details = json_parse(event.details, strlen(event.details), error, sizeof(error));
	assert_non_null(details);
	assert_string_equal(json_to_string(json_get(details, "action")), "alarm");
	assert_string_equal(json_to_string(json_get(details, "class")), "syn");
	common = json_get(details, "common");
	assert_int_equal(json_size(common), 4);
	json_free(&details);
	assert_non_null(strstr(event.details, "\"observed\":41021,\"limit_count\":1000,"
					      "\"limit_seconds\":1,\"sources\":19440,"));
	assert_non_null(strstr(event.details,
			       "{\"field\":\"flags\",\"value\":\"SYN\",\"share\":100},"
			       "{\"field\":\"ttl\",\"value\":54,\"share\":61},"
			       "{\"field\":\"destination_port\",\"value\":25565,\"share\":100}]"));
}

static void the_end_says_how_long(void **state)
{
	struct desk *desk = *state;
	struct finding finding = flood();
	struct event event;

	finding.lasted_ns = 12 * SECOND - 1;
	finding.count = 492000;
	memset(finding.traits, 0, sizeof(finding.traits));
	event = tell(desk, &finding);
	assert_int_equal(event.type, EVENT_ALARM);
	assert_int_equal(event.severity, SEVERITY_NOTICE);
	assert_string_equal(event.message,
			    "flood over after 12 s: 492000 unasked packets to 192.0.2.1 port "
			    "25565/tcp from about 19000 sources at a time");
	finding.usual = true;
	event = tell(desk, &finding);
	assert_ptr_equal(strstr(event.message, "flood taken for usual after 12 s: "),
			 event.message);
}

/* The longest of all: nothing is cut, and the details are JSON. */
static void the_longest_fits(void **state)
{
	struct desk *desk = *state;
	struct finding finding = flood();
	struct json *details;
	struct event event;
	char error[64];

	assert_int_equal(
		address_parse("2001:db8:1111:2222:3333:4444:5555:6666", &finding.destination), 0);
	finding.count = finding.limit.count = finding.sources = 990000000000000;
	finding.limit.seconds = 86400;
	finding.protocol = 58;
	finding.port = 65535;
	finding.classes = CLASS_FRAGMENT;
	for (unsigned int i = 0; i < TRAIT_FIELDS; i++)
		finding.traits[i] = (struct trait){ .field = (uint8_t)i,
						    .value = i == TRAIT_FLAGS ? 255 : 65535,
						    .share = 100 };
	event = tell(desk, &finding);
	assert_non_null(strstr(event.message, " in 86400 s (limit 990000000000000 in 86400 s); "));
	assert_non_null(strstr(event.message, "flags FIN,SYN,RST,PSH,ACK,URG,ECE,CWR (100 %)"));
	assert_string_equal(event.message + strlen(event.message) - 25,
			    "source port 65535 (100 %)");
	details = json_parse(event.details, strlen(event.details), error, sizeof(error));
	assert_non_null(details);
	assert_int_equal(json_size(json_get(details, "common")), TRAIT_FIELDS);
	json_free(&details);
}

static void traits_in_words(void **state)
{
	struct trait none[TRAIT_FIELDS] = { 0 };
	struct trait some[TRAIT_FIELDS] = { { .field = TRAIT_FLAGS, .value = 0, .share = 99 },
					    { .field = TRAIT_ICMP_TYPE, .value = 3, .share = 51 } };
	char text[TRAITS_TEXT], json[TRAITS_JSON];

	(void)state;
	assert_string_equal(traits_format(none, text), "");
	assert_string_equal(traits_json(none, json), "[]");
	assert_string_equal(traits_format(some, text), "flags none (99 %), ICMP type 3 (51 %)");
	assert_string_equal(traits_json(some, json),
			    "[{\"field\":\"flags\",\"value\":\"none\",\"share\":99},"
			    "{\"field\":\"icmp_type\",\"value\":3,\"share\":51}]");
}

/* ---- configuration --------------------------------------------------------------------------- */

static void only_alarm_and_limit_are_possible(void **state)
{
	struct config *config = NULL;
	char text[128], error[CONFIG_ERROR_TEXT];

	(void)state;
	strcpy(text, "{\"detectors\": {\"victim_flood\": {\"action\": \"drop\"}}}");
	assert_int_not_equal(config_parse(text, strlen(text), "/", &config, error), 0);
	assert_non_null(strstr(error, "detectors.victim_flood.action: \""));
	assert_non_null(strstr(error, "\"alarm\" and \"limit\" are"));
	assert_null(config);
	strcpy(text, "{\"detectors\": {\"victim_flood\": {\"action\": \"limit\"}}}");
	assert_int_equal(config_parse(text, strlen(text), "/", &config, error), 0);
	config_free(&config);
	strcpy(text, "{\"detectors\": {\"victim_flood\": {\"action\": \"alarm\"}}}");
	assert_int_equal(config_parse(text, strlen(text), "/", &config, error), 0);
	config_free(&config);
	strcpy(text, "{\"detectors\": {\"victim_flood\": {\"enabled\": true}}}");
	assert_int_equal(config_parse(text, strlen(text), "/", &config, error), 0);
	assert_int_equal(config->detectors[DETECTOR_VICTIM_FLOOD].action, ACTION_ALARM);
	config_free(&config);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(once_for_each_host_and_class),
		TEST(nobody_is_protected_from_an_alarm),
		TEST(the_end_is_told_and_so_is_the_next_one),
		TEST(an_alarm_says_all),
		TEST(the_end_says_how_long),
		TEST(the_longest_fits),
		cmocka_unit_test(traits_in_words),
		cmocka_unit_test(only_alarm_and_limit_are_possible),
	};

	return cmocka_run_group_tests_name("victim_told", tests, NULL, NULL);
}
