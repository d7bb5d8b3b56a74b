/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long an address stays protected after it was seen, and what happens when there are too many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "host/roster.h"

static struct roster *roster;

static int make(void **state)
{
	(void)state;
	roster = calloc(1, sizeof(*roster));
	return roster ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	free(roster);
	return 0;
}

static void see(enum roster_source source, const char *text, uint32_t token, const char *reason)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	roster_see(roster, source, &address, token, reason);
}

/* The reason for which the address is protected, "" when it is not. */
static const char *reason(const char *text)
{
	static char found[64];
	struct protected_list list = { 0 };
	const struct protected_prefix *entry;
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	assert_int_equal(roster_protect(roster, &list), 0);
	entry = protected_list_find(&list, &prefix);
	snprintf(found, sizeof(found), "%s", entry ? entry->reason : "");
	protected_list_free(&list);
	return found;
}

static void test_stays_for_minutes(void **state)
{
	(void)state;
	roster_begin(roster, 1000);
	see(ROSTER_SSH, "192.0.2.7", 0, "SSH session of root");
	assert_true(roster_end(roster));
	roster_begin(roster, 2000);
	see(ROSTER_SSH, "192.0.2.7", 0, "SSH session of root");
	assert_false(roster_end(roster));
	roster_begin(roster, 2000 + ROSTER_GRACE_NS);
	assert_false(roster_end(roster));
	assert_string_equal(reason("192.0.2.7"), "SSH session of root");
	roster_begin(roster, 2001 + ROSTER_GRACE_NS);
	assert_true(roster_end(roster));
	assert_string_equal(reason("192.0.2.7"), "");
}

/* Two people from one office: the first one of each reading names it, and nothing changes. */
static void test_two_reasons(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		roster_begin(roster, i);
		see(ROSTER_SSH, "192.0.2.7", 0, "SSH session of alice");
		see(ROSTER_SSH, "192.0.2.7", 0, "SSH session of bob");
		assert_int_equal(roster_end(roster), i == 0);
		assert_string_equal(reason("192.0.2.7"), "SSH session of alice");
	}
	roster_begin(roster, 3);
	see(ROSTER_SSH, "192.0.2.7", 0, "SSH session of bob");
	assert_true(roster_end(roster));
	assert_string_equal(reason("192.0.2.7"), "SSH session of bob");
}

/* What a stranger can begin has to last: the same connection in two readings in a row. */
static void test_tokens(void **state)
{
	(void)state;
	for (uint32_t i = 1; i < 5; i++) {
		roster_begin(roster, i);
		see(ROSTER_ROUTING, "192.0.2.8", i, "BGP neighbour"); /* another one each time */
		if (i % 2)
			see(ROSTER_ROUTING, "192.0.2.9", 77, "BGP neighbour"); /* not in a row */
		assert_false(roster_end(roster));
	}
	assert_string_equal(reason("192.0.2.8"), "");
	assert_string_equal(reason("192.0.2.9"), "");
	roster_begin(roster, 10);
	see(ROSTER_ROUTING, "192.0.2.8", 90, "BGP neighbour");
	see(ROSTER_ROUTING, "192.0.2.8", 91, "BGP neighbour");
	assert_false(roster_end(roster));
	roster_begin(roster, 11);
	see(ROSTER_ROUTING, "192.0.2.8", 90, "BGP neighbour");
	see(ROSTER_ROUTING, "192.0.2.8", 91, "BGP neighbour");
	assert_true(roster_end(roster));
	assert_string_equal(reason("192.0.2.8"), "BGP neighbour");
	roster_begin(roster, 12); /* it begins again: no doubt any more */
	see(ROSTER_ROUTING, "192.0.2.8", 92, "BGP neighbour");
	assert_false(roster_end(roster));
	assert_string_equal(reason("192.0.2.8"), "BGP neighbour");
}

static void see_many(const char *format, int n)
{
	char text[32];

	for (int i = 0; i < n; i++) {
		snprintf(text, sizeof(text), format, i / 250, 1 + i % 250);
		see(ROSTER_SSH, text, 0, "SSH session of root");
	}
}

static void test_bounds(void **state)
{
	(void)state;
	roster_begin(roster, 1);
	see(ROSTER_TIME, "192.0.2.123", 0, "NTP server");
	see_many("10.0.%d.%d", ROSTER_SOURCE_MAX);
	roster_end(roster);
	/* all of them are there still: no room, and it is counted */
	roster_begin(roster, 2);
	see_many("10.0.%d.%d", ROSTER_SOURCE_MAX);
	see(ROSTER_SSH, "192.0.2.7", 0, "SSH session of root");
	assert_false(roster_end(roster));
	assert_int_equal(roster->refused[ROSTER_SSH], 1);
	assert_string_equal(reason("192.0.2.7"), "");
	/* they have left, some minutes ago at most: who is there goes before */
	roster_begin(roster, 3);
	see(ROSTER_SSH, "192.0.2.7", 0, "SSH session of root");
	assert_true(roster_end(roster));
	assert_int_equal(roster->refused[ROSTER_SSH], 0);
	assert_string_equal(reason("192.0.2.7"), "SSH session of root");
	assert_string_equal(reason("192.0.2.123"), "NTP server");
	assert_int_equal(roster->by_source[ROSTER_SSH], ROSTER_SOURCE_MAX);
}

static void test_nonsense(void **state)
{
	(void)state;
	roster_begin(roster, 1);
	see(ROSTER_SSH, "127.0.0.1", 0, "x");
	see(ROSTER_SSH, "::1", 0, "x");
	see(ROSTER_SSH, "0.0.0.0", 0, "x");
	see(ROSTER_SSH, "::", 0, "x");
	assert_false(roster_end(roster));
	assert_int_equal(roster->count, 0);
}

int main(void)
{
#define WITH_ROSTER(test) cmocka_unit_test_setup_teardown(test, make, end)
	const struct CMUnitTest tests[] = {
		WITH_ROSTER(test_stays_for_minutes),
		WITH_ROSTER(test_two_reasons),
		WITH_ROSTER(test_tokens),
		WITH_ROSTER(test_bounds),
		WITH_ROSTER(test_nonsense),
	};

	return cmocka_run_group_tests_name("roster", tests, NULL, NULL);
}
