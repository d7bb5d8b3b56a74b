/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people see of the daemon's answers: tables, units, colour, and nothing that steers a
 * terminal. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "cli/escape.h"
#include "cli/render_text.h"
#include "cli/units.h"

typedef int render_fn(const struct page *page, const struct json *data);

/* What people would see; the caller frees. */
static char *render(render_fn *fn, const char *json, bool colour, int expected)
{
	struct page page = { .colour = colour, .now = { .boot_ns = 1000 * NS_PER_SECOND } };
	char error[128] = "", *text = NULL;
	struct json *data = json_parse(json, strlen(json), error, sizeof(error));
	size_t len;

	if (!data)
		fail_msg("%s", error);
	page.out = open_memstream(&text, &len);
	assert_int_equal(fn(&page, data), expected);
	fclose(page.out);
	json_free(&data);
	return text;
}

static void expect(render_fn *fn, const char *json, const char *expected)
{
	char *text = render(fn, json, false, 0);

	assert_string_equal(text, expected);
	free(text);
}

static void expect_part(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void test_rules_text(void **state)
{
	(void)state;
	expect(render_text_rules,
	       "[{\"id\":12,\"address\":\"192.0.2.7\",\"prefix_len\":32,\"action\":\"drop\","
	       "\"class\":\"all\",\"expires_boottime_ms\":1251500,\"packets_dropped\":70000,"
	       "\"enforcers\":[\"xdp\",\"iptables\"],\"reason\":\"tried 21 ports in 10 s\"},"
	       "{\"id\":3,\"address\":\"2001:db8::\",\"prefix_len\":64,\"action\":\"limit\","
	       "\"limit_pps\":100,\"class\":\"syn,udp\",\"expires_boottime_ms\":999000,"
	       "\"packets_dropped\":0,\"enforcers\":[],\"reason\":\"x\"}]",
	       "RULE  SOURCE         ACTION       PACKETS  TIME         DROPPED  BY            "
	       "REASON\n"
	       "  12  192.0.2.7      drop         all      4m 12s left    70000  xdp+iptables  "
	       "tried 21 ports in 10 s\n"
	       "   3  2001:db8::/64  limit 100/s  syn,udp  ending             0  NOTHING       "
	       "x\n");
	expect(render_text_rules, "[]", "No rules are in force: nothing is blocked.\n");
}

static void test_sources_text(void **state)
{
	(void)state;
	expect(render_text_sources,
	       "[{\"address\":\"192.0.2.7\",\"packets\":1234567,\"bytes\":1536,"
	       "\"packets_per_second\":12345.6,\"dropped\":5,\"state\":\"blocked\","
	       "\"detectors\":[\"syn_flood\",\"port_scan\"]},"
	       "{\"address\":\"2001:db8::1\",\"packets\":1,\"bytes\":60,"
	       "\"packets_per_second\":0.5,\"dropped\":0,\"state\":\"passing\","
	       "\"detectors\":[]}]",
	       "SOURCE       STATE    PACKETS/S  PACKETS    BYTES  DROPPED  DETECTED\n"
	       "192.0.2.7    blocked      12.3k  1234567  1.5 KiB        5  syn_flood, port_scan\n"
	       "2001:db8::1  passing        0.5        1     60 B        0  -\n");
	expect(render_text_sources, "[]", "No source has been seen yet.\n");
}

static void test_events_text(void **state)
{
	(void)state;
	expect(render_text_events,
	       "[{\"at\":\"2026-01-31T12:00:00.123Z\",\"severity\":\"warning\","
	       "\"type\":\"finding\",\"source\":\"192.0.2.7\",\"message\":\"port_scan\"},"
	       "{\"at\":\"2026-01-31T12:00:00.000Z\",\"severity\":\"info\",\"type\":\"system\","
	       "\"source\":null,\"message\":\"started\"}]",
	       "TIME                      SEVERITY  TYPE     SOURCE     MESSAGE\n"
	       "2026-01-31T12:00:00.123Z  warning   finding  192.0.2.7  port_scan\n"
	       "2026-01-31T12:00:00.000Z  info      system   -          started\n");
	expect(render_text_events, "[]", "Nothing has happened yet.\n");
}

#define STATUS(mode, state, extra)                                                                \
	"{\"mode\":\"" mode "\",\"uptime_s\":3725.5,\"version\":\"0.1.0\",\"evidence\":\"none\"," \
	"\"interfaces\":[{\"name\":\"eth0\",\"sensor\":\"xdp\",\"packets\":1000,"                 \
	"\"dropped\":5,\"unattributed\":10,\"sources_estimate\":12,\"blind_below_pps\":20,"       \
	"\"packets_per_second\":100,\"bytes_per_second\":1000}],\"enforcers\":[{\"name\":"        \
	"\"iptables\",\"state\":\"" state "\",\"reason\":\"no ipset\",\"repairs\":2,"             \
	"\"rules\":7}],\"tracked_sources\":12,\"memory_bytes\":1048576,\"active_rules\":7," extra \
	"\"config\":\"\",\"database\":\"/var/lib/db\"}"

static void test_status_text(void **state)
{
	(void)state;
	expect(render_text_status, STATUS("enforce", "enforced", ""),
	       "fwgen 0.1.0: enforcing, up 1h 2m\n"
	       "  rules in force   7\n"
	       "  tracked sources  12, 1.0 MiB of memory\n"
	       "  evidence         none: connections are not tracked here\n"
	       "  configuration    built-in defaults\n"
	       "  database         /var/lib/db\n"
	       "\n"
	       "INTERFACE  SENSOR  PACKETS/S  BITS/S  PACKETS  DROPPED  SOURCES  UNATTRIBUTED  "
	       "BLIND BELOW\n"
	       "eth0       xdp           100      8k     1000        5      ~12            10  "
	       "       20/s\n"
	       "\n"
	       "ENFORCER  RULES  REPAIRS  STATE\n"
	       "iptables      7        2  enforced\n"
	       "! iptables: no ipset\n");
}

static void test_status_text_of_trouble(void **state)
{
	char *text = render(render_text_status,
			    STATUS("observe", "unenforced",
				   "\"tracker\":{\"evicted\":5,\"refused\":1},"
				   "\"record\":{\"lost\":3,\"failing\":\"disk full\"},"),
			    false, 0);

	(void)state;
	expect_part(text, "observing (attacks are reported, nothing is blocked)");
	expect_part(text, "  no room          5 sources forgotten, 1 windows refused\n");
	expect_part(text, "NOT ENFORCED: packets of blocked sources pass\n");
	expect_part(text, "! iptables does not enforce: no ipset\n");
	expect_part(text, "! the record is not written (disk full)");
	expect_part(text, "! 3 records were lost");
	free(text);
	text = render(render_text_status,
		      "{\"interfaces\":[{\"name\":\"eth1\",\"direction\":\"unknown\","
		      "\"direction_reason\":\"no clsact\"},{\"name\":\"eth2\",\"direction\":"
		      "\"seen\"}],\"enforcers\":[]}",
		      false, 0);
	expect_part(text, "! eth1: what leaves is not seen");
	expect_part(text, "attacks: no clsact\n");
	assert_null(strstr(text, "! eth2"));
	free(text);
}

static void test_answers_of_another_form(void **state)
{
	static const char *const answers[] = { "null", "7", "\"x\"", "true" };

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		free(render(render_text_rules, answers[i], false, -EPROTO));
		free(render(render_text_status, answers[i], false, -EPROTO));
	}
	free(render(render_text_status, "[]", false, -EPROTO));
	free(render(render_text_events, "{}", false, -EPROTO));
	/* rows that lack everything, or hold something else */
	free(render(render_text_rules, "[{},7,null,{\"id\":\"x\",\"enforcers\":7}]", false, 0));
	free(render(render_text_sources, "[{},[],{\"detectors\":[7,null]}]", false, 0));
	free(render(render_text_events, "[{},{\"message\":{}}]", false, 0));
	free(render(render_text_status, "{\"interfaces\":[7],\"enforcers\":{\"a\":1}}", false, 0));
}

static void test_colour(void **state)
{
	const char *json = "[{\"address\":\"192.0.2.7\",\"state\":\"blocked\"}]";
	char *text = render(render_text_sources, json, true, 0);

	(void)state;
	expect_part(text, "\033[1;31mblocked\033[0m");
	free(text);
	text = render(render_text_sources, json, false, 0);
	assert_null(strchr(text, '\033'));
	free(text);
}

static void test_terminal_escapes(void **state)
{
	static const char *const hostile[][2] = {
		{ "a\033[2Jb", "a?[2Jb" },
		{ "a\rb\nc\td\177", "a?b?c?d?" },
		{ "\302\233"
		  "31m",
		  "?31m" }, /* CSI as one C1 character */
		{ "\233"
		  "31m",
		  "?31m" },			     /* the same as a bare byte */
		{ "\342\200\256evil", "?evil" },     /* right-to-left override */
		{ "\300\233\355\240\200", "?????" }, /* overlong, surrogate */
		{ "gr\303\274n \342\202\254 \360\237\230\200",
		  "gr\303\274n \342\202\254 \360\237\230\200" },
		{ "cut \342\202", "cut ??" },
	};
	char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		text = escape_text(hostile[i][0]);
		assert_string_equal(text, hostile[i][1]);
		free(text);
	}
	assert_int_equal(escape_width("gr\303\274n\342\202\254"), 5);
	/* through every view */
	text = render(render_text_rules, "[{\"reason\":\"\\u001b]0;x\\u0007\\u009b1m\"}]", true, 0);
	expect_part(text, "?]0;x??1m");
	free(text);
	text = render(render_text_events, "[{\"message\":\"x\\ny\",\"source\":\"\\u001b[A\"}]",
		      false, 0);
	expect_part(text, "?[A");
	expect_part(text, "x?y");
	free(text);
	text = render(render_text_status, "{\"version\":\"\\u001b[5m\",\"database\":\"a\\nb\"}",
		      false, 0);
	expect_part(text, "fwgen ?[5m:");
	expect_part(text, "a?b");
	free(text);
}

static void test_units(void **state)
{
	char text[UNITS_TEXT];

	(void)state;
	assert_string_equal(units_duration(-5, text), "0s");
	assert_string_equal(units_duration(59, text), "59s");
	assert_string_equal(units_duration(60, text), "1m 0s");
	assert_string_equal(units_duration(252, text), "4m 12s");
	assert_string_equal(units_duration(3600, text), "1h 0m");
	assert_string_equal(units_duration(2 * 86400 + 5 * 3600, text), "2d 5h");
	assert_string_equal(units_bytes(0, text), "0 B");
	assert_string_equal(units_bytes(1023, text), "1023 B");
	assert_string_equal(units_bytes(1024, text), "1.0 KiB");
	assert_string_equal(units_bytes(1048575, text), "1.0 MiB");
	assert_string_equal(units_rate(0, text), "0");
	assert_string_equal(units_rate(0.25, text), "0.25");
	assert_string_equal(units_rate(999.4, text), "999");
	assert_string_equal(units_rate(1234, text), "1.23k");
	assert_string_equal(units_rate(999.99, text), "1k");
	assert_string_equal(units_rate(14880000, text), "14.9M");
}

#define RULE                                                                                  \
	"{\"id\":12,\"address\":\"198.51.100.7\",\"prefix_len\":32,\"action\":\"%s\","        \
	"\"class\":\"%s\",\"port\":%d,\"direction\":\"%s\",\"limit_pps\":100,\"expires_at\":" \
	"\"1970-01-01T00:10:00.000Z\",\"expires_boottime_ms\":1600000,\"enforcers\":[%s],"    \
	"\"reason\":\"why\"}"

static void expect_block(const char *action, const char *class, int port, const char *direction,
			 const char *enforcers, const char *expected)
{
	char data[512];

	snprintf(data, sizeof(data), "{\"blocked\":1,\"renewed\":false,\"rule\":" RULE "}", action,
		 class, port, direction, enforcers);
	expect(render_text_block, data, expected);
}

static void test_block_text(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	expect_block("drop", "all", 0, "source", "\"xdp\",\"iptables\"",
		     "blocked 198.51.100.7 as rule 12 until 00:10:00 (10 min): in the drop map and"
		     " iptables\n");
	expect_block("limit", "udp", 0, "source", "\"iptables\"",
		     "limited udp of 198.51.100.7 to 100 packets/s as rule 12 until 00:10:00"
		     " (10 min): in iptables\n");
	expect_block("limit", "syn", 80, "destination", "\"xdp\"",
		     "limited syn to port 80 that is sent to 198.51.100.7 to 100 packets/s as rule"
		     " 12 until 00:10:00 (10 min): in the drop map\n");
	expect_block("drop", "all", 0, "source", "",
		     "blocked 198.51.100.7 as rule 12 until 00:10:00 (10 min): NOTHING ENFORCES IT:"
		     " see fwgen status\n");
	expect(render_text_block, "{\"blocked\":1997,\"failed\":3,\"failures\":[]}",
	       "blocked 1997 addresses; lines that were not: 3\n");
}

static void test_command_texts(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	expect(render_text_unblock,
	       "{\"ended\":20,\"rules\":[{\"id\":1,\"address\":\"2001:db8::\",\"prefix_len\":64,"
	       "\"reason\":\"a\\u001b[2J\"}],\"held_until\":\"1970-01-01T00:10:00.000Z\"}",
	       "ended rule 1 for 2001:db8::/64: a?[2J\n"
	       "ended 20 rules in all\n"
	       "their sources are left alone until 00:10:00: what is found is told, not"
	       " blocked\n");
	expect(render_text_allow,
	       "{\"address\":\"192.0.2.0\",\"prefix_len\":24,\"allowed\":true,\"changed\":true,"
	       "\"ended\":2}",
	       "192.0.2.0/24 is never blocked from now on, also after a restart; its rules have"
	       " ended\n");
	expect(render_text_allow,
	       "{\"address\":\"192.0.2.7\",\"prefix_len\":32,\"allowed\":true,\"changed\":true,"
	       "\"ended\":0,\"unrecorded\":true}",
	       "192.0.2.7 is never blocked from now on\n"
	       "! the record is not written now: a restart may not know of this\n");
	expect(render_text_reload,
	       "{\"changed\":true,\"config\":\"/c.json\",\"needs_restart\":\"interfaces\","
	       "\"confirm_until\":\"1970-01-01T00:01:00.000Z\"}",
	       "/c.json is in force\n"
	       "needs a restart to change, and stays as it was: interfaces\n"
	       "without fwgen confirm the configuration before comes back at 00:01:00; the file"
	       " stays as it is\n");
	expect(render_text_pause,
	       "{\"paused_until\":\"1970-01-01T00:05:00.000Z\",\"disarmed\":true}",
	       "paused until 00:05:00: nobody new is blocked, and blocks are lifted until then;"
	       " fwgen resume ends it\n");
	expect(render_text_pause, "{\"paused_until\":null,\"disarmed\":false}",
	       "not paused any more: blocks are in force, attackers are blocked\n");
	expect(render_text_protected,
	       "[{\"address\":\"192.0.2.1\",\"prefix_len\":32,\"reason\":\"resolver\"}]",
	       "NEVER BLOCKED  WHY\n192.0.2.1      resolver\n");
	expect(render_text_explain, "{\"sentences\":[\"one\",\"two\\u202e\"]}", "one\ntwo?\n");
}

static void test_commands_of_another_form(void **state)
{
	static render_fn *const fns[] = { render_text_block,  render_text_unblock,
					  render_text_allow,  render_text_reload,
					  render_text_pause,  render_text_protected,
					  render_text_explain };

	(void)state;
	for (size_t i = 0; i < sizeof(fns) / sizeof(fns[0]); i++)
		free(render(fns[i], "7", false, -EPROTO));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block_text),
		cmocka_unit_test(test_command_texts),
		cmocka_unit_test(test_commands_of_another_form),
		cmocka_unit_test(test_rules_text),
		cmocka_unit_test(test_sources_text),
		cmocka_unit_test(test_events_text),
		cmocka_unit_test(test_status_text),
		cmocka_unit_test(test_status_text_of_trouble),
		cmocka_unit_test(test_answers_of_another_form),
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_terminal_escapes),
		cmocka_unit_test(test_units),
	};

	return cmocka_run_group_tests_name("cli text", tests, NULL, NULL);
}
