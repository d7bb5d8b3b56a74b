/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/address: what is accepted, how it is written, and what contains what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <arpa/inet.h>
#include "base/address.h"

static struct address parsed(const char *text)
{
	struct address address;

	if (address_parse(text, &address))
		fail_msg("%s is an address", text);
	return address;
}

static struct prefix parsed_prefix(const char *text)
{
	struct prefix prefix;

	if (prefix_parse(text, &prefix))
		fail_msg("%s is a prefix", text);
	return prefix;
}

static void address_text_is_canonical(void **state)
{
	static const char *const cases[][2] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::ffff:c000:201", "192.0.2.1" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};
	char buf[ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address address = parsed(cases[i][0]);

		assert_string_equal(address_format(&address, buf), cases[i][1]);
	}
}

static void address_parse_refuses(void **state)
{
	static const char *const cases[] = { "",
					     " 192.0.2.1",
					     "192.0.2.1 ",
					     "192.0.2",
					     "192.0.2.256",
					     "192.0.2.01",
					     "192.0.2.1/32",
					     "fe80::1%eth0",
					     "1:2:3:4:5:6:7",
					     "::1::",
					     "example.com",
					     "0x7f.1" };
	struct address untouched = { .halves = { 1, 2 } }, address = untouched;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(address_parse(cases[i], &address), -EINVAL);
		assert_true(address_equal(&address, &untouched));
	}
}

static void prefix_text_is_canonical(void **state)
{
	static const struct {
		const char *text, *canonical;
		uint32_t len;
	} cases[] = {
		{ "192.0.2.77", "192.0.2.77", 128 },
		{ "192.0.2.77/32", "192.0.2.77", 128 },
		{ "192.0.2.77/24", "192.0.2.0/24", 120 },
		{ "192.0.2.77/25", "192.0.2.0/25", 121 },
		{ "192.0.2.177/25", "192.0.2.128/25", 121 },
		{ "0.0.0.0/0", "0.0.0.0/0", 96 },
		{ "10.1.2.3/8", "10.0.0.0/8", 104 },
		{ "::ffff:192.0.2.77/120", "192.0.2.0/24", 120 },
		{ "2001:db8::77", "2001:db8::77", 128 },
		{ "2001:db8:1:2:3::/64", "2001:db8:1:2::/64", 64 },
		{ "2001:db8:ffff::/33", "2001:db8:8000::/33", 33 },
		{ "::/0", "::/0", 0 },
		{ "::ffff:0:0/95", "::fffe:0:0/95", 95 },
		{ "::ffff:0:0/96", "0.0.0.0/0", 96 },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", 127 },
	};
	char buf[PREFIX_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct prefix prefix = parsed_prefix(cases[i].text), again;

		assert_string_equal(prefix_format(&prefix, buf), cases[i].canonical);
		assert_int_equal(prefix.len, cases[i].len);
		assert_int_equal(prefix.reserved, 0);
		again = parsed_prefix(buf);
		assert_true(prefix_equal(&prefix, &again));
		assert_memory_equal(&prefix, &again, sizeof(prefix)); /* they are map keys */
	}
}

static void prefix_parse_refuses(void **state)
{
	static const char *const cases[] = {
		"",
		"/24",
		"192.0.2.0/",
		"192.0.2.0/33",
		"192.0.2.0/-1",
		"192.0.2.0/ 8",
		"192.0.2.0/08",
		"192.0.2.0/24x",
		"192.0.2.0/24/8",
		"2001:db8::/129",
		"2001:db8::/0x40",
		"2001:db8::/4294967297",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:0000/64",
	};
	struct prefix untouched = { .len = 7 }, prefix = untouched;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (prefix_parse(cases[i], &prefix) != -EINVAL)
			fail_msg("%s is not a prefix", cases[i]);
		assert_true(prefix_equal(&prefix, &untouched));
	}
}

static void address_has_one_form(void **state)
{
	struct address four = address_from_ipv4(htonl(0xc0000201));
	struct address text = parsed("192.0.2.1"), six = parsed("2001:db8::1");
	struct address bytes = address_from_ipv6("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1");
	struct address near = parsed("::fffe:192.0.2.1");

	(void)state;
	assert_true(address_equal(&four, &text));
	assert_true(address_equal(&six, &bytes));
	assert_true(address_is_ipv4(&four));
	assert_false(address_is_ipv4(&six));
	assert_false(address_is_ipv4(&near));
	assert_false(address_equal(&four, &near));
	assert_int_equal(prefix_of(&four).len, 128);
}

static void address_masked_clears_the_rest(void **state)
{
	struct address ones = parsed("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");

	(void)state;
	for (uint32_t len = 0; len <= 128; len++) {
		struct address masked = address_masked(&ones, len);

		for (uint32_t bit = 0; bit < 128; bit++)
			assert_int_equal(masked.bytes[bit / 8] >> (7 - bit % 8) & 1, bit < len);
	}
}

static void prefix_relations(void **state)
{
	static const struct {
		const char *wide, *narrow;
		int contains;
	} cases[] = {
		{ "192.0.2.0/24", "192.0.2.255", 1 },
		{ "192.0.2.0/24", "192.0.3.0", 0 },
		{ "192.0.2.0/24", "192.0.2.128/25", 1 },
		{ "0.0.0.0/0", "203.0.113.9", 1 },
		{ "2001:db8::/64", "2001:db8::1:0:0:1", 1 },
		{ "2001:db8::/64", "2001:db8:0:1::", 0 },
		{ "192.0.2.1", "192.0.2.1", 1 },
		{ "192.0.2.1", "192.0.2.2", 0 },
		{ "::/0", "2001:db8::1", 1 },
		/* What is written as IPv6 never means IPv4. */
		{ "::/0", "192.0.2.1", 0 },
		{ "::/0", "0.0.0.0/0", 0 },
		{ "0.0.0.0/0", "2001:db8::1", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct prefix wide = parsed_prefix(cases[i].wide);
		struct prefix narrow = parsed_prefix(cases[i].narrow);

		assert_int_equal(prefix_overlaps(&wide, &narrow), cases[i].contains);
		assert_int_equal(prefix_overlaps(&narrow, &wide), cases[i].contains);
		assert_int_equal(prefix_contains(&wide, &narrow.address), cases[i].contains);
	}
}

/* 4,096 neighbours in 4,096 slots: chance fills about 63 % of them, a bad hash far fewer. */
static void address_hash_spreads(void **state)
{
	static unsigned char used[4096], used_high[4096];
	unsigned int low = 0, high = 0;

	(void)state;
	for (uint32_t i = 0; i < 4096; i++) {
		struct address address = address_from_ipv4(htonl(0xc6120000 + i));
		uint64_t hash = address_hash(&address);

		assert_true(hash == address_hash(&address));
		low += !used[hash & 4095]++;
		high += !used_high[hash >> 52]++;
	}
	assert_in_range(low, 2400, 2780);
	assert_in_range(high, 2400, 2780);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_text_is_canonical),
		cmocka_unit_test(address_parse_refuses),
		cmocka_unit_test(prefix_text_is_canonical),
		cmocka_unit_test(prefix_parse_refuses),
		cmocka_unit_test(address_has_one_form),
		cmocka_unit_test(address_masked_clears_the_rest),
		cmocka_unit_test(prefix_relations),
		cmocka_unit_test(address_hash_spreads),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
