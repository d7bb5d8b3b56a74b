/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of lists of addresses, as people and other programs write them, and as nobody should. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "base/utf8.h"
#include "cli/block_list.h"

static const struct {
	const char *line, *address, *duration, *reason; /* address NULL: it says nothing */
} good[] = {
	{ "198.51.100.7", "198.51.100.7", NULL, "" },
	{ "198.51.100.7\r\n", "198.51.100.7", NULL, "" },
	{ "  198.51.100.0/24\t10m \n", "198.51.100.0/24", "10m", "" },
	{ "2001:db8::/32 2h # a wide one ", "2001:db8::/32", "2h", "a wide one" },
	{ "198.51.100.0/24 ; SBL123\n", "198.51.100.0/24", NULL, "SBL123" },
	{ "198.51.100.7#close", "198.51.100.7", NULL, "close" },
	{ "198.51.100.7 3600", "198.51.100.7", "3600", "" },
	{ "198.51.100.7 # \x1b[2J\x80 caf\xc3\xa9", "198.51.100.7", NULL, "?[2J? caf\xc3\xa9" },
	{ "", NULL, NULL, "" },
	{ " \t\r\n", NULL, NULL, "" },
	{ "# nothing", NULL, NULL, NULL },
	{ "; Spamhaus DROP List", NULL, NULL, NULL },
	{ "create old hash:ip family inet", NULL, NULL, NULL },
	{ "add old 198.51.100.7", "198.51.100.7", NULL, "" },
	{ "add old 198.51.100.7 timeout 300 packets 5 bytes 60", "198.51.100.7", "300", "" },
	{ "add old 2001:db8::1 timeout 0 comment \"it # was \\ bad\"\n", "2001:db8::1", NULL,
	  "it # was \\ bad" },
};

static const struct {
	const char *line, *part;
} bad[] = {
	{ "198.51.100", "\"198.51.100\" is no address or prefix; right is ADDR[/LEN] [10m]" },
	{ "198.51.100.7/33", "is no address or prefix" },
	{ "198.51.100.7,198.51.100.8", "is no address or prefix" },
	{ "198.51.100.7 soon", "\"soon\" is no time like 10m or 2h" },
	{ "198.51.100.7 0", "\"0\" is no time" },
	{ "198.51.100.7 10m because", "\"because\" is no comment" },
	{ "add old", "\"\" is no address or prefix" },
	{ "add old 198.51.100.7,tcp:80 timeout 5", "is no address or prefix" },
	{ "add old 198.51.100.7 timeout x", "\"x\" is no time" },
	{ "<html>", "\"<html>\" is no address or prefix" },
};

static void good_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char error[LIST_ERROR] = "", *line = strdup(good[i].line);
		struct list_line parsed;

		if (list_parse_line(line, &parsed, error))
			fail_msg("\"%s\": %s", good[i].line, error);
		if (good[i].address)
			assert_string_equal(parsed.address, good[i].address);
		else
			assert_null(parsed.address);
		if (good[i].duration)
			assert_string_equal(parsed.duration, good[i].duration);
		else
			assert_null(parsed.duration);
		if (good[i].reason)
			assert_string_equal(parsed.reason, good[i].reason);
		free(line);
	}
}

static void bad_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char error[LIST_ERROR] = "", *line = strdup(bad[i].line);
		struct list_line parsed;

		assert_int_equal(list_parse_line(line, &parsed, error), -EINVAL);
		if (!strstr(error, bad[i].part))
			fail_msg("\"%s\" is not in \"%s\"", bad[i].part, error);
		free(line);
	}
}

/* Cut at a whole character, whatever is in them. */
static void long_lines(void **state)
{
	char *line = calloc(1, 100000), error[LIST_ERROR];
	struct list_line parsed;
	size_t len;

	(void)state;
	strcpy(line, "198.51.100.7 # x");
	for (char *at = line + strlen(line); at < line + 99000; at += 2)
		memcpy(at, "\xc3\xa9", 2);
	assert_int_equal(list_parse_line(line, &parsed, error), 0);
	len = strlen(parsed.reason);
	assert_in_range(len, LIST_REASON - 3, LIST_REASON - 1);
	for (const char *at = parsed.reason; *at; at += utf8_sequence(at, strlen(at)))
		assert_int_not_equal(utf8_sequence(at, strlen(at)), 0);
	memset(line, '7', 99000);
	assert_int_equal(list_parse_line(line, &parsed, error), -EINVAL);
	free(line);
}

/* Anything at all, from a fixed seed: no line crashes it, and what it takes is within the line. */
static void random_lines(void **state)
{
	static const char letters[] = "0123456789abcdef.:/ \t#;\"\\add timeoucmn\x80\xff\x1b\r";
	uint32_t random = 7;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char line[80], error[LIST_ERROR];
		struct list_line parsed;
		size_t len = (random >> 8) % (sizeof(line) - 5), at = 0;

		if (i % 3 == 0) {
			strcpy(line, "add ");
			at = 4;
		}
		for (; at < len; at++) {
			random = random * 1664525 + 1013904223;
			line[at] = letters[(random >> 16) % (sizeof(letters) - 1)];
		}
		line[at] = '\0';
		random = random * 1664525 + 1013904223;
		if (!list_parse_line(line, &parsed, error) && parsed.address)
			assert_in_range((uintptr_t)parsed.address, (uintptr_t)line,
					(uintptr_t)(line + sizeof(line)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_lines),
		cmocka_unit_test(bad_lines),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(random_lines),
	};

	return cmocka_run_group_tests_name("block_list", tests, NULL, NULL);
}
