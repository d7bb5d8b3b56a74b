/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands over the control protocol: what the daemon is told for what was asked, who may ask, what
 * is refused before the daemon hears of it.
 */
#include "unit/control_fixture.h"

#include "serve/request.h"

static const struct requester root = { .uid = 0, .pid = 7, .name = "root", .client = 3 };
static const struct requester somebody = { .uid = 1000, .pid = 8, .name = "alice", .client = 4 };

static struct fake fake;
static const struct control_ops ops = { &views, &commands, &fake };

/* The whole answer to a request; the caller frees. */
static char *answer_to(const char *line, const struct requester *who)
{
	struct answer answer = { 0 };
	char *text = calloc(1, 1 << 16);
	size_t len = 0;

	request_answer(line, strlen(line), &ops, who, 1 << 20, &answer);
	while (answer_pending(&answer)) {
		assert_int_equal(answer_fill(&answer), 0);
		assert_true(len + answer.len - answer.sent < 1 << 16);
		memcpy(text + len, answer.text + answer.sent, answer.len - answer.sent);
		len += answer.len - answer.sent;
		answer.sent = answer.len;
	}
	answer_clear(&answer);
	return text;
}

static void refused(const char *line, const struct requester *who, const char *part)
{
	expect_error(answer_to(line, who), part);
}

/* The data of a good answer as compact text; the caller frees. */
static char *done(const char *line)
{
	struct json *answer = parse(answer_to(line, &root));
	bool ok = false;
	char *text;

	assert_true(json_to_bool(json_get(answer, "ok"), &ok));
	if (!ok)
		fail_msg("%s: %s", line, json_to_string(json_get(answer, "error")));
	text = json_print(json_get(answer, "data"));
	json_free(&answer);
	return text;
}

static void expect_done(const char *line, const char *data)
{
	char *text = done(line);

	assert_string_equal(text, data);
	free(text);
}

static int forget(void **state)
{
	(void)state;
	fake = (struct fake){ 0 };
	return 0;
}

static void blocking_one_address(void **state)
{
	char text[PREFIX_TEXT], *answer;

	(void)state;
	answer = done("{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\",\"for\":\"10m\","
		      "\"reason\":\"r\",\"class\":\"syn,udp\",\"limit\":100}}");
	assert_non_null(strstr(answer, "{\"blocked\":1,\"renewed\":false,\"rule\":{\"id\":12,"));
	free(answer);
	assert_int_equal(fake.blocks, 1);
	assert_string_equal(prefix_format(&fake.block.prefix, text), "198.51.100.7");
	assert_int_equal(fake.block.duration_ns, 600 * NS_PER_SECOND);
	assert_int_equal(fake.block.classes, CLASS_SYN | CLASS_UDP);
	assert_int_equal(fake.block.limit_pps, 100);
	assert_int_equal(fake.block.origin, ORIGIN_MANUAL);
	assert_string_equal(fake.block.reason, "r");
	assert_false(fake.block.to_destination);
	assert_memory_equal(&fake.who, &root, sizeof(root));

	/* seconds as a number, a port with its protocol */
	free(done("{\"verb\":\"block\",\"args\":{\"address\":\"2001:db8::/64\",\"for\":90,"
		  "\"port\":53,\"protocol\":\"udp\"}}"));
	assert_int_equal(fake.block.duration_ns, 90 * NS_PER_SECOND);
	assert_int_equal(fake.block.port, 53);
	assert_int_equal(fake.block.protocol, 17);

	/* of what is sent there; the port's protocol is its class's */
	free(done("{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.1\",\"to\":true,"
		  "\"class\":\"syn\",\"limit\":1000,\"port\":80}}"));
	assert_true(fake.block.to_destination);
	assert_int_equal(fake.block.protocol, 6);
}

static void blocking_a_list(void **state)
{
	(void)state;
	expect_done("{\"verb\":\"block\",\"args\":{\"for\":\"5m\",\"reason\":\"all\",\"list\":["
		    "{\"address\":\"198.51.100.7\"},{\"address\":\"x\"},7,{\"for\":\"5m\"},"
		    "{\"address\":\"198.51.100.8\",\"for\":\"never\"},"
		    "{\"address\":\"198.51.100.8\",\"colour\":\"red\"},"
		    "{\"address\":\"198.51.100.9\",\"for\":\"1h\",\"reason\":\"own\"}]}}",
		    "{\"blocked\":2,\"wait_ms\":7,\"refused\":["
		    "{\"index\":1,\"error\":\"\\\"address\\\" must be an address or prefix, like "
		    "\\\"198.51.100.7\\\" or \\\"2001:db8::/64\\\"\"},"
		    "{\"index\":2,\"error\":\"an item is an object with \\\"address\\\", "
		    "\\\"for\\\", \\\"reason\\\"\"},"
		    "{\"index\":3,\"error\":\"an item is an object with \\\"address\\\", "
		    "\\\"for\\\", \\\"reason\\\"\"},"
		    "{\"index\":4,\"error\":\"\\\"for\\\" must be a time like \\\"90s\\\", "
		    "\\\"10m\\\" or \\\"2h\\\"\"},"
		    "{\"index\":5,\"error\":\"an item is an object with \\\"address\\\", "
		    "\\\"for\\\", \\\"reason\\\"\"}]}");
	assert_int_equal(fake.blocks, 2);
	assert_int_equal(fake.block.duration_ns, 3600 * NS_PER_SECOND);
	assert_string_equal(fake.block.reason, "own");
	/* what the daemon refuses is told by its place, too */
	fake.err = -EPERM;
	fake.error = "protected as gateway";
	expect_done("{\"verb\":\"block\",\"args\":{\"list\":[{\"address\":\"198.51.100.1\"}]}}",
		    "{\"blocked\":0,\"wait_ms\":7,\"refused\":[{\"index\":0,\"error\":"
		    "\"protected as gateway\"}]}");
}

static void a_list_is_bounded(void **state)
{
	char *line = malloc(1 << 16), *at = line;

	(void)state;
	at += sprintf(at, "{\"verb\":\"block\",\"args\":{\"list\":[");
	for (int i = 0; i <= COMMAND_BLOCKS; i++)
		at += sprintf(at, "%s{\"address\":\"198.18.%d.%d\"}", i ? "," : "", i / 256,
			      i % 256);
	strcpy(at, "]}}");
	refused(line, &root, "\"list\" must be a list of 1 to 256 objects");
	assert_int_equal(fake.blocks, 0);
	free(line);
	refused("{\"verb\":\"block\",\"args\":{\"list\":[]}}", &root, "a list of 1 to 256");
}

static void unblocking(void **state)
{
	char *answer;

	(void)state;
	answer = done("{\"verb\":\"unblock\",\"args\":{\"address\":\"198.51.100.0/24\"}}");
	assert_non_null(strstr(answer, "{\"ended\":40,\"left\":0,\"wait_ms\":0,\"rules\":["));
	assert_non_null(strstr(answer, "\"held_until\":\"2026-01-31T12:00:00.123Z\""));
	free(answer);
	assert_int_equal(fake.unblock.what, UNBLOCK_PREFIX);
	assert_int_equal(fake.unblock.prefix.len, 120);
	free(done("{\"verb\":\"unblock\",\"args\":{\"rule\":4294967295}}"));
	assert_int_equal(fake.unblock.what, UNBLOCK_RULE);
	assert_int_equal(fake.unblock.rule, UINT32_MAX);
	free(done("{\"verb\":\"unblock\",\"args\":{\"all\":true}}"));
	assert_int_equal(fake.unblock.what, UNBLOCK_ALL);
}

static void allowing_reloading_pausing(void **state)
{
	(void)state;
	expect_done("{\"verb\":\"allow\",\"args\":{\"address\":\"2001:db8::/32\"}}",
		    "{\"address\":\"2001:db8::\",\"prefix_len\":32,\"allowed\":true,"
		    "\"changed\":true,\"ended\":2}");
	expect_done("{\"verb\":\"reload\"}",
		    "{\"changed\":false,\"config\":\"/etc/fwgen/config.json\",\"config_hash\":\"\","
		    "\"needs_restart\":\"interfaces\",\"confirm_until\":null}");
	assert_int_equal(fake.duration_ns, 0);
	free(done("{\"verb\":\"reload\",\"args\":{\"confirm\":\"60s\"}}"));
	assert_int_equal(fake.duration_ns, 60 * NS_PER_SECOND);
	free(done("{\"verb\":\"confirm\"}"));
	expect_done("{\"verb\":\"pause\",\"args\":{\"disarm\":true}}",
		    "{\"paused_until\":\"2026-01-31T12:00:00.123Z\",\"disarmed\":true}");
	assert_int_equal(fake.duration_ns, 300 * NS_PER_SECOND);
	expect_done("{\"verb\":\"resume\"}", "{\"paused_until\":null,\"disarmed\":false}");
}

static void capturing(void **state)
{
	(void)state;
	expect_done("{\"verb\":\"capture\",\"args\":{\"address\":\"198.51.100.7\"}}",
		    "{\"running\":true,\"lost\":0,\"frames\":[]}");
	assert_int_equal(fake.capture.frames, 100);
	assert_int_equal(fake.capture.duration_ns, 10 * NS_PER_SECOND);
	assert_int_equal(fake.capture.prefix.len, PREFIX_LEN_FULL);
	expect_done("{\"verb\":\"captured\"}",
		    "{\"running\":false,\"lost\":3,\"frames\":[{\"at_s\":1769860800,"
		    "\"at_ns\":123000000,\"interface\":\"eth0\",\"rule\":12,\"bytes\":60,"
		    "\"data\":\"00ff5a\"}]}");
	refused("{\"verb\":\"capture\",\"args\":{\"address\":\"::/0\",\"count\":1001}}", &root,
		"\"count\" must be a whole number from 1 to 1000");
}

static void the_daemon_refuses(void **state)
{
	static const char *const lines[] = {
		"{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\"}}",
		"{\"verb\":\"unblock\",\"args\":{\"all\":true}}",
		"{\"verb\":\"allow\",\"args\":{\"address\":\"198.51.100.7\"}}",
		"{\"verb\":\"reload\"}",
		"{\"verb\":\"confirm\"}",
		"{\"verb\":\"pause\"}",
		"{\"verb\":\"resume\"}",
	};

	(void)state;
	fake.err = -EPERM;
	fake.error = "because \"of\" this";
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		refused(lines[i], &root, "because \"of\" this");
}

static void what_is_wrong_is_said(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"verb\":\"block\"}", "block takes either" },
		{ "{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\",\"list\":[{}]}}",
		  "block takes either" },
		{ "{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100\"}}",
		  "\"address\" must be an address or prefix" },
		{ "{\"verb\":\"block\",\"args\":{\"address\":7}}",
		  "\"address\" must be an address or prefix" },
		{ "{\"verb\":\"block\",\"args\":{\"adress\":\"198.51.100.7\"}}",
		  "unknown argument \"adress\" of block; did you mean \"address\"?" },
		{ "{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\",\"for\":\"0s\"}}",
		  "\"for\" must be a time" },
		{ "{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\",\"for\":-1}}",
		  "\"for\" must be a time" },
		{ "{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\",\"for\":1e30}}",
		  "\"for\" must be a time" },
		{ "{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\",\"limit\":0}}",
		  "\"limit\" must be a whole number from 1 to 10000000" },
		{ "{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\",\"port\":65536}}",
		  "\"port\" must be a whole number from 1 to 65535" },
		{ "{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\",\"to\":\"yes\"}}",
		  "\"to\" must be true or false" },
		{ "{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\",\"class\":\"sin\"}}",
		  "\"class\" must be all, or some of" },
		{ "{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\",\"port\":80}}",
		  "a port is tcp's or udp's" },
		{ "{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\",\"port\":80,"
		  "\"protocol\":\"sctp\"}}",
		  "\"protocol\" must be tcp or udp" },
		{ "{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\",\"protocol\":\"tcp\"}"
		  "}",
		  "a protocol is given with its port" },
		{ "{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\",\"to\":true}}",
		  "can be limited only" },
		{ "{\"verb\":\"unblock\"}", "one of \"address\", \"rule\" and \"all\"" },
		{ "{\"verb\":\"unblock\",\"args\":{\"all\":false}}", "one of" },
		{ "{\"verb\":\"unblock\",\"args\":{\"all\":true,\"rule\":7}}", "one of" },
		{ "{\"verb\":\"allow\"}", "allow needs \"address\": an address or prefix" },
		{ "{\"verb\":\"explain\"}", "explain needs \"address\"" },
		{ "{\"verb\":\"confirm\",\"args\":{\"x\":1}}", "confirm takes no arguments" },
		{ "{\"verb\":\"puase\"}", "unknown verb \"puase\"; did you mean \"pause\"?" },
	};
	char line[512], reason[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refused(cases[i][0], &root, cases[i][1]);
	memset(reason, 'x', sizeof(reason));
	reason[192] = '\0';
	snprintf(line, sizeof(line),
		 "{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\",\"reason\":\"%s\"}}",
		 reason);
	refused(line, &root, "\"reason\" must be text of at most 191 bytes");
	assert_int_equal(fake.blocks, 0);
}

static void changing_needs_root(void **state)
{
	static const char *const lines[] = {
		"{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\"}}",
		"{\"verb\":\"unblock\",\"args\":{\"all\":true}}",
		"{\"verb\":\"allow\",\"args\":{\"address\":\"198.51.100.7\"}}",
		"{\"verb\":\"reload\"}",
		"{\"verb\":\"confirm\"}",
		"{\"verb\":\"pause\"}",
		"{\"verb\":\"resume\"}",
		"{\"verb\":\"capture\",\"args\":{\"address\":\"198.51.100.7\"}}",
		"{\"verb\":\"captured\"}",
		/* who may not do it is not told what would be right */
		"{\"verb\":\"block\",\"args\":{\"nonsense\":1}}",
	};
	char *answer;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		refused(lines[i], &somebody, "needs root, and you are alice (uid 1000)");
	assert_int_equal(fake.blocks, 0);
	assert_int_equal(fake.who.pid, 0);
	answer = answer_to("{\"verb\":\"protected\"}", &somebody);
	assert_string_equal(answer,
			    "{\"ok\":true,\"data\":[{\"address\":\"192.0.2.1\",\"prefix_len\":32,"
			    "\"reason\":\"own address on eth0\"},{\"address\":\"2001:db8::\","
			    "\"prefix_len\":32,\"reason\":\"allowed by root\"}]}\n");
	free(answer);
	answer =
		answer_to("{\"verb\":\"explain\",\"args\":{\"address\":\"192.0.2.7\"}}", &somebody);
	assert_non_null(strstr(answer, "\"state\":\"unseen\""));
	free(answer);
}

/* A line with some of its bytes changed is answered by a line of JSON, whatever it has become. */
static void damaged_requests(void **state)
{
	static const char *const lines[] = {
		"{\"verb\":\"block\",\"args\":{\"list\":[{\"address\":\"198.51.100.7\",\"for\":"
		"\"1h\","
		"\"reason\":\"x\"},{\"address\":\"2001:db8::/"
		"64\"}],\"class\":\"syn\",\"limit\":7}}",
		"{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\",\"port\":80,"
		"\"protocol\":"
		"\"tcp\",\"for\":90}}",
		"{\"verb\":\"unblock\",\"args\":{\"rule\":4294967295}}",
		"{\"verb\":\"explain\",\"args\":{\"address\":\"198.51.100.0/24\"}}",
		"{\"verb\":\"capture\",\"args\":{\"address\":\"::/0\",\"count\":5,\"for\":\"2s\"}}",
	};
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char line[512], *answer;
		size_t len;
		bool ok;
		struct json *json;

		strcpy(line, lines[i % 5]);
		len = strlen(line);
		for (int flips = i % 7; flips >= 0; flips--) {
			random = random * 1664525 + 1013904223;
			line[random % len] = (char)(1 + (random >> 16) % 255);
		}
		answer = answer_to(line, &root);
		assert_int_equal(answer[strlen(answer) - 1], '\n');
		assert_ptr_equal(strchr(answer, '\n'), answer + strlen(answer) - 1);
		json = parse(answer);
		assert_true(json_to_bool(json_get(json, "ok"), &ok));
		json_free(&json);
	}
}

/* Who asks is who the kernel says. */
static void requesters_are_known(void **state)
{
	struct server *server = *state;

	start(server, &usual);
	if (getuid())
		skip();
	free(ask(dial(server, 0), "{\"verb\":\"resume\"}\n"));
	free(ask(dial(server, 1), "{\"verb\":\"pause\"}\n"));
	assert_int_equal(server->fake.who.uid, 0);
	assert_int_equal(server->fake.who.pid, getpid());
	assert_string_equal(server->fake.who.name, "root");
	assert_int_equal(server->fake.who.client, 2);
	/* and the daemon hears of it when he goes */
	close(server->clients[1]);
	server->clients[1] = -1;
	free(ask(dial(server, 2), "{\"verb\":\"resume\"}\n"));
	assert_int_equal(server->fake.left, 2);
}

int main(void)
{
#define PLAIN(test) cmocka_unit_test_setup(test, forget)
	const struct CMUnitTest tests[] = {
		PLAIN(blocking_one_address),
		PLAIN(blocking_a_list),
		PLAIN(a_list_is_bounded),
		PLAIN(unblocking),
		PLAIN(allowing_reloading_pausing),
		PLAIN(capturing),
		PLAIN(the_daemon_refuses),
		PLAIN(what_is_wrong_is_said),
		PLAIN(changing_needs_root),
		PLAIN(damaged_requests),
		cmocka_unit_test_setup_teardown(requesters_are_known, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("control_commands", tests, NULL, NULL);
}
