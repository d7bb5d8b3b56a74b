/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control protocol over real connections: what is answered to good and to bad requests. */
#include "unit/control_fixture.h"

/* ---- what is answered ---- */

static void test_status(void **state)
{
	struct server *server = *state;

	server->fake.active_rules = 7;
	start(server, &usual);
	expect_data(dial(server, 0), "{\"verb\":\"status\"}\n",
		    "{\"mode\":\"enforce\",\"uptime_s\":12.346,\"version\":\"0.1.0\","
		    "\"evidence\":\"none\",\"interfaces\":[{\"name\":\"eth0\",\"sensor\":\"xdp\","
		    "\"direction\":\"unknown\",\"direction_reason\":\"no clsact\","
		    "\"packets\":1000,\"bytes\":64000,\"dropped\":5,\"attributed\":990,"
		    "\"unattributed\":10,\"sources_estimate\":12,\"blind_below_pps\":20.5,"
		    "\"packets_per_second\":100.25,\"bytes_per_second\":0,\"wakes\":0,"
		    "\"wakes_lost\":0,\"overflow\":0}],\"enforcers\":[{\"name\":\"iptables\","
		    "\"state\":\"unenforced\",\"reason\":\"no ipset\",\"repairs\":2,\"rules\":7}],"
		    "\"tracked_sources\":12,"
		    "\"tracker\":{\"sources\":12,\"evicted\":5,\"refused\":1},"
		    "\"memory_bytes\":1048576,\"active_rules\":7,"
		    "\"record\":{\"queued\":0,\"written\":0,\"lost\":3,\"failing\":\"disk full\"},"
		    "\"config\":\"\",\"database\":\"/var/lib/fwgen/db\",\"tick_ms_last\":0,"
		    "\"tick_ms_max\":0,\"paused_until\":null,\"disarmed\":false,"
		    "\"confirm_until\":null}");
}

static void test_sources(void **state)
{
	struct server *server = *state;
	int fd;

	start(server, &usual);
	fd = dial(server, 0);
	expect_data(fd, "{\"verb\":\"sources\",\"args\":{\"limit\":1}}\n",
		    "[{\"address\":\"192.0.2.7\",\"packets\":3000,\"bytes\":0,"
		    "\"packets_per_second\":1.5,\"dropped\":0,\"state\":\"blocked\","
		    "\"detectors\":[\"syn_flood\",\"port_scan\"]}]");
	assert_int_equal(count_rows(fd, "{\"verb\":\"sources\"}\n"), 1000);
	assert_int_equal(count_rows(fd, "{\"verb\":\"sources\",\"args\":{\"limit\":2500}}\n"),
			 2500);
	assert_int_equal(count_rows(fd, "{\"verb\":\"sources\",\"args\":{\"limit\":1000000}}\n"),
			 SOURCE_ROWS);
}

static void test_rules(void **state)
{
	struct server *server = *state;
	char *text, *command;
	int fd;

	server->fake.active_rules = 5000;
	start(server, &usual);
	fd = dial(server, 0);
	assert_int_equal(count_rows(fd, "{\"verb\":\"rules\"}\n"), 5000);
	text = ask(fd, "{\"verb\":\"rules\",\"args\":{\"limit\":1}}\n");
	command = strstr(text, "\"command\":\"iptables ");
	assert_non_null(command);
	*command = '\0';
	assert_string_equal(text,
			    "[{\"id\":1,\"address\":\"192.0.2.0\",\"prefix_len\":24,"
			    "\"action\":\"drop\",\"class\":\"syn\",\"port\":0,\"protocol\":\"\","
			    "\"direction\":\"source\",\"detector\":\"port_scan\","
			    "\"evidence\":\"unproven\",\"origin\":\"detector\","
			    "\"reason\":\"tried 21 ports in 10 s\",\"observed\":21,"
			    "\"limit_count\":20,\"limit_seconds\":10,\"limit_pps\":0,");
	assert_non_null(strstr(command + 1, "\"config_hash\":\"0123456789abcdef\","
					    "\"created_at\":\"2026-01-31T12:00:00.123Z\","
					    "\"expires_at\":\"2026-01-31T12:00:01.123Z\","
					    "\"boot_id\":\""));
	assert_non_null(strstr(command + 1, "\"expires_boottime_ms\":77,\"removed_at\":null,"
					    "\"removed_why\":null,\"packets_dropped\":4,"
					    "\"enforcers\":[\"xdp\"]}]"));
	free(text);
	server->fake.active_rules = 0;
	expect_data(fd, "{\"verb\":\"rules\"}\n", "[]");
}

static void test_events(void **state)
{
	struct server *server = *state;
	int fd;

	start(server, &usual);
	fd = dial(server, 0);
	expect_data(fd, "{\"verb\":\"events\",\"args\":{}}\n",
		    "[{\"id\":9,\"at\":\"2026-01-31T12:00:00.123Z\",\"type\":\"finding\","
		    "\"severity\":\"warning\",\"source\":\"2001:db8::7\",\"destination\":null,"
		    "\"port\":22,\"protocol\":\"tcp\",\"detector\":\"port_scan\","
		    "\"message\":\"a \\\"scan\\\"\\n\",\"details\":{\"ports\":21}},"
		    "{\"id\":8,\"at\":\"1970-01-01T00:00:00.000Z\",\"type\":\"system\","
		    "\"severity\":\"info\",\"source\":null,\"destination\":null,\"port\":null,"
		    "\"protocol\":null,\"detector\":null,\"message\":\"started\","
		    "\"details\":null}]");
	assert_int_equal(server->fake.asked, 100);
	assert_int_equal(count_rows(fd, "{\"verb\":\"events\",\"args\":{\"limit\":1}}\n"), 1);
	assert_int_equal(count_rows(fd, "{\"verb\":\"events\",\"args\":{\"limit\":5000}}\n"), 2);
	assert_int_equal(server->fake.asked, EVENT_RING_SIZE);
	assert_int_equal(count_rows(fd, "{\"verb\":\"help\"}\n"), 16);
}

/* ---- what clients do wrong ---- */

static void test_malformed_requests(void **state)
{
	static const char *const requests[][2] = {
		{ "\n", "not a JSON object" },
		{ "status\n", "not a JSON object" },
		{ "{\"verb\":\"status\"\n", "not a JSON object" },
		{ "{\"verb\":\"status\"} x\n", "not a JSON object" },
		{ "\x80\xff\x1b[2J\n", "not a JSON object" },
		{ "[]\n", "a request is an object" },
		{ "null\n", "a request is an object" },
		{ "{}\n", "\"verb\" must be a string" },
		{ "{\"verb\":7}\n", "\"verb\" must be a string" },
		{ "{\"verb\":\"reboot\"}\n", "unknown verb \"reboot\"; known: status, sources" },
		{ "{\"verb\":\"status\",\"arg\":{}}\n", "unknown key \"arg\"" },
		{ "{\"verb\":\"rules\",\"args\":[5]}\n", "\"args\" must be an object" },
		{ "{\"verb\":\"rules\",\"args\":{\"limt\":5}}\n",
		  "unknown argument \"limt\" of rules; did you mean \"limit\"?" },
		{ "{\"verb\":\"status\",\"args\":{\"limit\":5}}\n",
		  "status takes no arguments, not \"limit\"" },
		{ "{\"verb\":\"rules\",\"args\":{\"limit\":5,\"x\":1}}\n",
		  "unknown argument \"x\" of rules; known: limit" },
		{ "{\"verb\":\"rules\",\"args\":{\"limit\":0}}\n", "whole number from 1" },
		{ "{\"verb\":\"rules\",\"args\":{\"limit\":-1}}\n", "whole number from 1" },
		{ "{\"verb\":\"rules\",\"args\":{\"limit\":1.5}}\n", "whole number from 1" },
		{ "{\"verb\":\"rules\",\"args\":{\"limit\":\"5\"}}\n", "whole number from 1" },
		{ "{\"verb\":\"rules\",\"args\":{\"limit\":1e300}}\n", "whole number from 1" },
	};
	struct server *server = *state;
	int fd;

	start(server, &usual);
	fd = dial(server, 0);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		put(fd, requests[i][0]);
		expect_error(get(fd), requests[i][1]);
	}
	/* a NUL byte, which is no end of a line */
	assert_int_equal(send(fd, "{\"verb\":\"status\"}\0\n", 19, MSG_NOSIGNAL), 19);
	expect_error(get(fd), "not a JSON object");
	assert_int_equal(count_rows(fd, "{\"verb\":\"rules\"}\n"), 0);
}

/* A request of the given length, its newline included. */
static char *padded(size_t len)
{
	char *text = malloc(len + 1);

	memset(text, ' ', len);
	memcpy(text, "{\"verb\":\"rules\"}", 16);
	text[len - 1] = '\n';
	text[len] = '\0';
	return text;
}

static void test_too_long_requests(void **state)
{
	struct server *server = *state;
	char *text;
	int fd;

	start(server, &usual);
	fd = dial(server, 0);
	text = padded(usual.request_bytes);
	assert_int_equal(count_rows(fd, text), 0);
	assert_int_equal(count_rows(fd, text), 0);
	free(text);
	text = padded(usual.request_bytes + 1);
	put(fd, text);
	free(text);
	expect_error(get(fd), "at most 65536 bytes");
	expect_end(fd);
	assert_int_equal(count_rows(dial(server, 1), "{\"verb\":\"rules\"}\n"), 0);
}

static void test_lines_in_pieces(void **state)
{
	const char *request = "{\"verb\":\"rules\"}\n";
	struct server *server = *state;
	int half, fd;

	start(server, &usual);
	half = dial(server, 0);
	fd = dial(server, 1);
	for (const char *at = request; *at; at++) {
		char piece[2] = { *at, '\0' };

		put(half, piece);
		/* whole requests of others pass by */
		expect_data(fd, request, "[]");
	}
	expect_data(half, "", "[]");
	/* several lines at once are answered in their order */
	put(fd, "{\"verb\":\"rules\"}\nx\n{\"verb\":\"events\",\"args\":{\"limit\":1}}\n{\"ver");
	expect_data(fd, "", "[]");
	expect_error(get(fd), "not a JSON object");
	assert_int_equal(count_rows(fd, ""), 1);
	expect_data(fd, "b\":\"rules\"}\n", "[]");
	/* whoever has said all still gets the answers */
	put(fd, "{\"verb\":\"rules\"}\n{\"verb\":\"rules\"}\n{\"verb\"");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	expect_data(fd, "", "[]");
	expect_data(fd, "", "[]");
	expect_end(fd);
	/* half a line and away */
	put(half, "{\"verb\"");
	close(half);
	server->clients[0] = -1;
	assert_int_equal(count_rows(dial(server, 2), request), 0);
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_SERVER(test_status),
		WITH_SERVER(test_sources),
		WITH_SERVER(test_rules),
		WITH_SERVER(test_events),
		WITH_SERVER(test_malformed_requests),
		WITH_SERVER(test_too_long_requests),
		WITH_SERVER(test_lines_in_pieces),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
