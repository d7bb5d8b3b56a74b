/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of what was: rules that ended, floods that last, and what is forgotten first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "base/address.h"
#include "daemon/recent.h"

static struct recent *recent;

static int set_up(void **state)
{
	(void)state;
	return recent_new(&recent);
}

static int tear_down(void **state)
{
	(void)state;
	recent_free(&recent);
	assert_null(recent);
	return 0;
}

static struct moment at(int64_t seconds)
{
	return (struct moment){ .boot_ns = seconds * NS_PER_SECOND };
}

static struct rule_change change(enum rule_change_kind kind, const char *address, uint32_t id)
{
	struct rule_change change = { .kind = kind, .removed_why = REMOVED_EXPIRED };

	assert_int_equal(prefix_parse(address, &change.rule.prefix), 0);
	change.rule.id = id;
	return change;
}

static struct rule_change flood(enum rule_change_kind kind, const char *address, uint32_t classes)
{
	struct rule_change change = { .kind = kind, .sources = 5000, .port = 80, .protocol = 6 };

	assert_int_equal(address_parse(address, &change.destination), 0);
	change.rule.classes = classes;
	return change;
}

static const struct explanation *ask(const char *prefix)
{
	static struct explanation out;

	out = (struct explanation){ 0 };
	assert_int_equal(prefix_parse(prefix, &out.prefix), 0);
	recent_explain(recent, &out);
	return &out;
}

static void rules_that_ended(void **state)
{
	const struct explanation *out;
	struct rule_change one;

	(void)state;
	for (uint32_t id = 1; id <= 20; id++) {
		one = change(RULE_REMOVED, "198.51.100.7", id);
		recent_note(recent, &one, at(id));
	}
	one = change(RULE_REMOVED, "198.51.100.0/24", 21);
	one.removed_why = REMOVED_MANUAL;
	recent_note(recent, &one, at(21));
	one = change(RULE_ADDED, "198.51.100.7", 22); /* in force: not of the past */
	recent_note(recent, &one, at(22));
	out = ask("198.51.100.7");
	assert_int_equal(out->earlier_count, 21);
	assert_int_equal(out->earlier[0].rule.id, 21);
	assert_int_equal(out->earlier[0].why, REMOVED_MANUAL);
	assert_int_equal(out->earlier[0].ended.boot_ns, 21 * NS_PER_SECOND);
	assert_int_equal(out->earlier[EARLIER_SHOWN - 1].rule.id, 21 - EARLIER_SHOWN + 1);
	assert_int_equal(ask("198.51.100.8")->earlier_count, 1);
	assert_int_equal(ask("198.51.0.0/16")->earlier_count, 21);
	assert_int_equal(ask("203.0.113.1")->earlier_count, 0);
}

static void the_oldest_are_forgotten(void **state)
{
	struct rule_change one = change(RULE_REMOVED, "198.51.100.7", 1);

	(void)state;
	recent_note(recent, &one, at(1));
	for (uint32_t i = 1; i < RECENT_BLOCKS; i++) {
		one = change(RULE_REMOVED, "203.0.113.1", 1 + i);
		recent_note(recent, &one, at(1 + i));
	}
	assert_int_equal(ask("198.51.100.7")->earlier_count, 1);
	recent_note(recent, &one, at(9999));
	assert_int_equal(ask("198.51.100.7")->earlier_count, 0);
	assert_int_equal(ask("203.0.113.1")->earlier_count, RECENT_BLOCKS);
}

static void floods_that_last(void **state)
{
	struct rule_change syn = flood(RULE_ALARMED, "198.51.100.1", CLASS_SYN);
	struct rule_change udp = flood(RULE_ALARMED, "198.51.100.1", CLASS_UDP);
	struct rule_change over = flood(RULE_ALARM_OVER, "198.51.100.1", CLASS_SYN);
	struct rule_change about = change(RULE_ALARMED, "198.51.100.1", 0); /* of a source */
	const struct explanation *out;

	(void)state;
	recent_note(recent, &about, at(1));
	assert_int_equal(ask("198.51.100.1")->flood_count, 0);
	recent_note(recent, &syn, at(10));
	recent_note(recent, &udp, at(20));
	syn.sources = 9000;
	recent_note(recent, &syn, at(30)); /* told of again */
	out = ask("198.51.100.1");
	assert_int_equal(out->flood_count, 2);
	assert_int_equal(out->floods[0].classes, CLASS_SYN);
	assert_int_equal(out->floods[0].sources, 9000);
	assert_int_equal(out->floods[0].since.boot_ns, 10 * NS_PER_SECOND);
	assert_int_equal(ask("198.51.100.2")->flood_count, 0);
	recent_note(recent, &over, at(40));
	out = ask("198.51.100.1");
	assert_int_equal(out->flood_count, 1);
	assert_int_equal(out->floods[0].classes, CLASS_UDP);
	recent_note(recent, &over, at(41)); /* nothing to end */
	assert_int_equal(ask("198.51.100.1")->flood_count, 1);
}

static void floods_are_bounded(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * RECENT_FLOODS; i++) {
		char address[32];
		struct rule_change one;

		snprintf(address, sizeof(address), "198.18.0.%d", i);
		one = flood(RULE_ALARMED, address, CLASS_SYN);
		recent_note(recent, &one, at(i));
	}
	assert_int_equal(ask("198.18.0.0/24")->flood_count, FLOODS_SHOWN);
	assert_int_equal(ask("198.18.0.63")->flood_count, 0);
	assert_int_equal(ask("198.18.0.64")->flood_count, 1);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(rules_that_ended),
		TEST(the_oldest_are_forgotten),
		TEST(floods_that_last),
		TEST(floods_are_bounded),
	};

	return cmocka_run_group_tests_name("recent", tests, NULL, NULL);
}
