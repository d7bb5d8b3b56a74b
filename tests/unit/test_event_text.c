/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sentences about rules, and what the events around them say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/address.h"
#include "base/json.h"
#include "daemon/event_text.h"
#include "daemon/events.h"

static const struct moment NOW = { .boot_ns = 5000 * NS_PER_SECOND,
				   .wall_ns = 1769860800 * NS_PER_SECOND };

static struct prefix prefix_text(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

static struct rule_change change_of(enum rule_change_kind kind)
{
	return (struct rule_change){ .kind = kind,
				     .rule = { .id = 12,
					       .prefix = prefix_text("203.0.113.9"),
					       .action = ACTION_DROP,
					       .classes = CLASS_ALL,
					       .detector = DETECTOR_SYN_FLOOD,
					       .reason = "312 SYNs",
					       .limit = { 200, 1 },
					       .created = NOW,
					       .expires = moment_plus(NOW, 60 * NS_PER_SECOND) } };
}

static struct rule_change limit_of(enum rule_change_kind kind)
{
	struct rule_change change = change_of(kind);

	change.rule.to_destination = true;
	change.rule.prefix = prefix_text("192.0.2.1");
	change.rule.action = ACTION_LIMIT;
	change.rule.limit_pps = 1000;
	change.rule.classes = CLASS_SYN;
	change.rule.port = 80;
	change.rule.protocol = 6;
	return change;
}

static void says(const struct rule_change *change, const char *wanted)
{
	char text[384];

	event_text(change, NOW, text, sizeof(text));
	assert_string_equal(text, wanted);
}

static void test_a_life(void **state)
{
	struct rule_change change = change_of(RULE_ADDED);

	(void)state;
	says(&change, "blocked 203.0.113.9 for 60 s: 312 SYNs");
	change.rule.classes = CLASS_SYN;
	change.rule.action = ACTION_LIMIT;
	change.rule.limit_pps = 100;
	says(&change, "blocked syn of 203.0.113.9 beyond 100 packets/s for 60 s: 312 SYNs");
	change.rule.classes = CLASS_SYN | CLASS_TCP;
	change.rule.action = ACTION_DROP;
	change.rule.port = 22;
	change.rule.protocol = 6;
	says(&change, "blocked port 22/tcp for 203.0.113.9 for 60 s: 312 SYNs");
	change.kind = RULE_REMOVED;
	change.removed_why = REMOVED_MANUAL;
	says(&change, "unblocked 203.0.113.9 on port 22/tcp: manual");
	change = change_of(RULE_REMOVED);
	change.removed_why = REMOVED_ROLLED_UP;
	says(&change, "203.0.113.9 is blocked with its prefix from here on");
}

static void test_limits_of_destinations(void **state)
{
	struct rule_change change = limit_of(RULE_ADDED);

	(void)state;
	says(&change,
	     "limited syn to 192.0.2.1 port 80/tcp beyond 1000 packets/s for 60 s: 312 SYNs");
	change.rule.port = 0;
	change.kind = RULE_RENEWED;
	says(&change, "still limited syn to 192.0.2.1 beyond 1000 packets/s for 60 s: 312 SYNs");
	change.kind = RULE_REMOVED;
	change.removed_why = REMOVED_EXPIRED;
	says(&change, "no longer limited, syn to 192.0.2.1: expired");
}

static void test_refusals(void **state)
{
	struct rule_change change = change_of(RULE_REFUSED);

	(void)state;
	strcpy(change.protected_as, "resolver");
	says(&change, "203.0.113.9 not blocked: protected as resolver: 312 SYNs");
	change.refused_why = REFUSED_HELD;
	says(&change, "203.0.113.9 not blocked: somebody has unblocked it a short time ago: 312 "
		      "SYNs");
	change.refused_why = REFUSED_PAUSED;
	says(&change, "203.0.113.9 not blocked: decisions are paused: 312 SYNs");
	change.refused_why = REFUSED_FULL;
	says(&change,
	     "203.0.113.9 not blocked: there are as many blocks as "
	     "response.max_unproven_blocks, or this box, has room for, all of them louder: "
	     "312 SYNs");
}

/* The command that would limit the flood, but where none can. */
static void test_advice(void **state)
{
	struct rule_change change = change_of(RULE_ALARMED);
	char text[384];

	(void)state;
	change.sources = 19000;
	change.has_destination = true;
	change.destination = prefix_text("192.0.2.1").address;
	change.port = 80;
	change.rule.classes = CLASS_SYN;
	change.rule.limit = (struct limit){ 10000, 10 };
	says(&change, "flood: 312 SYNs; to limit it: fwgen block 192.0.2.1 --to --class syn --port "
		      "80 --limit 1000 --for 10m");
	change.rule.classes = CLASS_ICMP;
	says(&change, "flood: 312 SYNs; to limit it: fwgen block 192.0.2.1 --to --class icmp "
		      "--limit 1000 --for 10m");
	change.rule.classes = CLASS_TCP;
	says(&change, "flood: 312 SYNs");
	change.rule.classes = CLASS_UDP;
	change.rule.to_destination = true; /* it is being limited */
	says(&change, "flood: 312 SYNs");
	change.rule.to_destination = false;
	change.kind = RULE_ALARM_OVER;
	says(&change, "flood 312 SYNs");
	/* however long the rest is, the command is whole */
	change.kind = RULE_ALARMED;
	memset(change.rule.reason, 'x', sizeof(change.rule.reason) - 1);
	for (int i = 0; i < TRAIT_FIELDS; i++)
		change.traits[i] = (struct trait){ .field = (uint8_t)i, .value = 1, .share = 100 };
	change.destination = prefix_text("2001:db8:1111:2222:3333:4444:5555:6666").address;
	event_text(&change, NOW, text, sizeof(text));
	assert_non_null(strstr(text, "; to limit it: fwgen block 2001:db8:1111:2222:3333:4444:5555:"
				     "6666 --to --class udp --port 80 --limit 1000 --for 10m"));
}

/* ---- the events around them ------------------------------------------------------------------ */

static struct event event_of(const struct rule_change *change)
{
	struct events *events = NULL;
	struct event event;

	assert_int_equal(events_new(NULL, &events), 0);
	events_rule(events, change, NOW);
	assert_int_equal(events_last(events, &event, 1), 1);
	events_free(&events);
	return event;
}

static void test_events(void **state)
{
	struct rule_change change = limit_of(RULE_ADDED);
	struct event event = event_of(&change);
	struct json *details;
	char error[64];

	(void)state;
	assert_false(event.has_source);
	assert_true(event.has_destination);
	assert_true(address_equal(&event.destination, &change.rule.prefix.address));
	assert_int_equal(event.port, 80);
	assert_int_equal(event.protocol, 6);
	details = json_parse(event.details, strlen(event.details), error, sizeof(error));
	assert_non_null(details);
	assert_string_equal(json_to_string(json_get(details, "direction")), "destination");
	assert_string_equal(json_to_string(json_get(details, "action")), "limit");
	json_free(&details);

	change = change_of(RULE_CROWDED);
	event = event_of(&change);
	assert_int_equal(event.type, EVENT_ALARM);
	assert_int_equal(event.severity, SEVERITY_CRITICAL);
	assert_false(event.has_source);
	assert_string_equal(event.message, "312 SYNs");

	/* what somebody wanted is no reason to wake him */
	change = change_of(RULE_REFUSED);
	assert_int_equal(event_of(&change).severity, SEVERITY_CRITICAL);
	change.refused_why = REFUSED_HELD;
	assert_int_equal(event_of(&change).severity, SEVERITY_NOTICE);
	change.refused_why = REFUSED_PAUSED;
	assert_int_equal(event_of(&change).severity, SEVERITY_NOTICE);
	/* nor is each of ten thousand, when the alarm has said that there is no room */
	change.refused_why = REFUSED_FULL;
	assert_int_equal(event_of(&change).severity, SEVERITY_NOTICE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_life),	 cmocka_unit_test(test_limits_of_destinations),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_advice),
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
