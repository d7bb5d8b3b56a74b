/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket with real connections: the server's loop runs on a thread of its own, clients
 * are the test's. Views are invented here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/address.h"
#include "base/json.h"
#include "base/loop.h"
#include "serve/control.h"
#include "serve/limits.h"

#define WAIT_MS	    10000
#define SOURCE_ROWS 3000
#define WALL_NS	    1769860800123000000LL /* 2026-01-31T12:00:00.123Z */

/* ---- views ---- */

struct fake {
	uint64_t active_rules;
	size_t asked; /* the last list's max */
	bool observe;
};

static void fake_status(void *context, struct status *out)
{
	struct fake *fake = context;

	out->mode = fake->observe ? MODE_OBSERVE : MODE_ENFORCE;
	out->uptime_s = 12.34567;
	strcpy(out->version, "0.1.0");
	strcpy(out->evidence, "none");
	out->interface_count = 1;
	out->interfaces[0] = (struct interface_status){
		.name = "eth0",
		.sensor = "xdp",
		.packets = 1000,
		.bytes = 64000,
		.dropped = 5,
		.attributed = 990,
		.unattributed = 10,
		.sources_estimate = 12,
		.blind_below_pps = 20.5,
		.packets_per_second = 100.25,
	};
	out->enforcer_count = 1;
	out->enforcers[0] = (struct enforcer_status){
		.name = "iptables",
		.state = ENFORCER_UNENFORCED,
		.reason = "no ipset",
		.repairs = 2,
		.rules = 7,
	};
	out->tracked_sources = 12;
	out->memory_bytes = 1 << 20;
	out->active_rules = fake->active_rules;
	out->record.lost = 3;
	strcpy(out->record.failing, "disk full");
	strcpy(out->database, "/var/lib/fwgen/db");
}

static size_t fake_sources(void *context, struct source_status *out, size_t max)
{
	struct fake *fake = context;
	size_t n = max < SOURCE_ROWS ? max : SOURCE_ROWS;

	fake->asked = max;
	for (size_t i = 0; i < n; i++) {
		out[i].packets = SOURCE_ROWS - i;
		out[i].packets_per_second = 1.5;
		out[i].state = SOURCE_BLOCKED;
		out[i].detectors = 1u << DETECTOR_SYN_FLOOD | 1u << DETECTOR_PORT_SCAN;
		prefix_parse("192.0.2.7", &out[i].source);
	}
	return n;
}

static size_t fake_rules(void *context, struct rule_status *out, size_t max)
{
	struct fake *fake = context;
	size_t n = max < fake->active_rules ? max : fake->active_rules;

	fake->asked = max;
	for (size_t i = 0; i < n; i++) {
		struct rule *rule = &out[i].rule;

		rule->id = (uint32_t)(n - i);
		prefix_parse("192.0.2.0/24", &rule->prefix);
		rule->action = ACTION_DROP;
		rule->classes = CLASS_SYN;
		rule->detector = DETECTOR_PORT_SCAN;
		rule->origin = ORIGIN_DETECTOR;
		strcpy(rule->reason, "tried 21 ports in 10 s");
		rule->observed = 21;
		rule->limit = (struct limit){.count = 20, .seconds = 10};
		strcpy(rule->config_hash, "0123456789abcdef");
		rule->created.wall_ns = WALL_NS;
		rule->expires = (struct moment){.wall_ns = WALL_NS + NS_PER_SECOND,
						.boot_ns = 77 * NS_PER_MS};
		out[i].packets_dropped = 4;
		out[i].in_xdp = true;
	}
	return n;
}

static size_t fake_events(void *context, struct event *out, size_t max)
{
	struct fake *fake = context;

	fake->asked = max;
	out[0] = (struct event){.id = 9,
				.type = EVENT_FINDING,
				.severity = SEVERITY_WARNING,
				.has_source = true,
				.port = 22,
				.protocol = 6,
				.detector = DETECTOR_PORT_SCAN,
				.message = "a \"scan\"\n",
				.details = "{\"ports\":21}"};
	out[0].at.wall_ns = WALL_NS;
	prefix_parse("2001:db8::7", &out[0].source);
	if (max < 2)
		return 1;
	out[1] = (struct event){.id = 8,
				.type = EVENT_SYSTEM,
				.detector = DETECTOR_NONE,
				.message = "started",
				.details = "{broken"};
	return 2;
}

static const struct view_ops views = {fake_status, fake_sources, fake_rules, fake_events};

/* ---- server ---- */

struct server {
	char folder[32], path[64];
	struct fake fake;
	struct loop *loop;
	struct control *control;
	pthread_t thread;
	int clients[80];
};

static const struct control_limits usual = {
	.request_bytes = 64 * 1024,
	.clients = 64,
	.held_bytes = 64 << 20,
	.line_ns = 60 * NS_PER_SECOND,
	.answer_ns = 60 * NS_PER_SECOND,
	.idle_ns = 60 * NS_PER_SECOND,
	.sweep_ns = 20 * NS_PER_MS,
};

static void *serve(void *context)
{
	struct server *server = context;

	return (void *)(intptr_t)loop_run(server->loop);
}

static void start(struct server *server, const struct control_limits *limits)
{
	char error[256] = "";

	if (control_open_limited(server->loop, server->path, &views, &server->fake, limits,
				 &server->control, error))
		fail_msg("%s", error);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop(struct server *server)
{
	void *result;

	if (!server->thread)
		return;
	loop_stop(server->loop);
	assert_int_equal(pthread_join(server->thread, &result), 0);
	assert_int_equal((intptr_t)result, 0);
	server->thread = 0;
	control_close(&server->control);
}

static int set_up(void **state)
{
	struct server *server = calloc(1, sizeof(*server));

	strcpy(server->folder, "/tmp/fwg-control-XXXXXX");
	if (!mkdtemp(server->folder))
		return -1;
	snprintf(server->path, sizeof(server->path), "%s/run/control.sock", server->folder);
	for (size_t i = 0; i < sizeof(server->clients) / sizeof(server->clients[0]); i++)
		server->clients[i] = -1;
	*state = server;
	return loop_new(&server->loop);
}

static int tear_down(void **state)
{
	struct server *server = *state;
	char folder[64];

	for (size_t i = 0; i < sizeof(server->clients) / sizeof(server->clients[0]); i++) {
		if (server->clients[i] >= 0)
			close(server->clients[i]);
	}
	stop(server);
	loop_free(&server->loop);
	unlink(server->path);
	snprintf(folder, sizeof(folder), "%s/run", server->folder);
	rmdir(folder);
	rmdir(server->folder);
	free(server);
	return 0;
}

/* ---- clients ---- */

static int dial(struct server *server, int slot)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = WAIT_MS / 1000};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, server->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	server->clients[slot] = fd;
	return fd;
}

static void put(int fd, const char *text)
{
	size_t n = strlen(text);

	if (n)
		assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
}

/* One line without its end; the caller frees. NULL: the connection ended before. */
static char *get(int fd)
{
	size_t len = 0, room = 1 << 16;
	char *line = malloc(room);

	for (;;) {
		ssize_t n;

		if (len + 1 == room)
			line = realloc(line, room *= 2);
		/* To the newline and no further: answers may follow each other. */
		n = recv(fd, line + len, room - len - 1, MSG_PEEK);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			fail_msg("no answer in %d ms", WAIT_MS);
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++) {
			if (line[len + i] != '\n')
				continue;
			assert_int_equal(recv(fd, line + len, (size_t)i + 1, 0), i + 1);
			line[len + i] = '\0';
			return line;
		}
		assert_int_equal(recv(fd, line + len, n, 0), n);
		len += (size_t)n;
	}
	free(line);
	return NULL;
}

static struct json *parse(char *line)
{
	char error[128] = "";
	struct json *json;

	assert_non_null(line);
	json = json_parse(line, strlen(line), error, sizeof(error));
	if (!json)
		fail_msg("%s in %.200s", error, line);
	free(line);
	return json;
}

/* The data of a good answer, as compact text; the caller frees. */
static char *ask(int fd, const char *request)
{
	struct json *answer;
	bool ok = false;
	char *text;

	put(fd, request);
	answer = parse(get(fd));
	assert_true(json_to_bool(json_get(answer, "ok"), &ok));
	if (!ok)
		fail_msg("%s: %s", request, json_to_string(json_get(answer, "error")));
	text = json_print(json_get(answer, "data"));
	json_free(&answer);
	return text;
}

static void expect_error(char *line, const char *part)
{
	struct json *answer = parse(line);
	const char *error = json_to_string(json_get(answer, "error"));
	bool ok = true;

	assert_true(json_to_bool(json_get(answer, "ok"), &ok));
	assert_false(ok);
	assert_non_null(error);
	if (!strstr(error, part))
		fail_msg("\"%s\" is not in \"%s\"", part, error);
	json_free(&answer);
}

static void expect_data(int fd, const char *request, const char *data)
{
	char *text = ask(fd, request);

	assert_string_equal(text, data);
	free(text);
}

static size_t count_rows(int fd, const char *request)
{
	struct json *answer;
	size_t count;

	put(fd, request);
	answer = parse(get(fd));
	assert_int_equal(json_type(json_get(answer, "data")), JSON_ARRAY);
	count = json_size(json_get(answer, "data"));
	json_free(&answer);
	return count;
}

static void expect_end(int fd)
{
	assert_null(get(fd));
}

/* ---- what is answered ---- */

static void test_status(void **state)
{
	struct server *server = *state;

	server->fake.active_rules = 7;
	start(server, &usual);
	expect_data(dial(server, 0), "{\"verb\":\"status\"}\n",
		    "{\"mode\":\"enforce\",\"uptime_s\":12.346,\"version\":\"0.1.0\","
		    "\"evidence\":\"none\",\"interfaces\":[{\"name\":\"eth0\",\"sensor\":\"xdp\","
		    "\"packets\":1000,\"bytes\":64000,\"dropped\":5,\"attributed\":990,"
		    "\"unattributed\":10,\"sources_estimate\":12,\"blind_below_pps\":20.5,"
		    "\"packets_per_second\":100.25,\"bytes_per_second\":0,\"wakes\":0,"
		    "\"wakes_lost\":0,\"overflow\":0}],\"enforcers\":[{\"name\":\"iptables\","
		    "\"state\":\"unenforced\",\"reason\":\"no ipset\",\"repairs\":2,\"rules\":7}],"
		    "\"tracked_sources\":12,\"memory_bytes\":1048576,\"active_rules\":7,"
		    "\"record\":{\"queued\":0,\"written\":0,\"lost\":3,\"failing\":\"disk full\"},"
		    "\"config\":\"\",\"database\":\"/var/lib/fwgen/db\",\"tick_ms_last\":0,"
		    "\"tick_ms_max\":0}");
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
			    "\"action\":\"drop\",\"class\":\"syn\",\"detector\":\"port_scan\","
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
	assert_int_equal(count_rows(fd, "{\"verb\":\"help\"}\n"), 5);
}

/* ---- what clients do wrong ---- */

static void test_malformed_requests(void **state)
{
	static const char *const requests[][2] = {
		{"\n", "not a JSON object"},
		{"status\n", "not a JSON object"},
		{"{\"verb\":\"status\"\n", "not a JSON object"},
		{"{\"verb\":\"status\"} x\n", "not a JSON object"},
		{"\x80\xff\x1b[2J\n", "not a JSON object"},
		{"[]\n", "a request is an object"},
		{"null\n", "a request is an object"},
		{"{}\n", "\"verb\" must be a string"},
		{"{\"verb\":7}\n", "\"verb\" must be a string"},
		{"{\"verb\":\"reboot\"}\n", "unknown verb \"reboot\"; known: status, sources"},
		{"{\"verb\":\"status\",\"arg\":{}}\n", "unknown key \"arg\""},
		{"{\"verb\":\"rules\",\"args\":[5]}\n", "\"args\" must be an object"},
		{"{\"verb\":\"rules\",\"args\":{\"limt\":5}}\n", "unknown argument \"limt\""},
		{"{\"verb\":\"status\",\"args\":{\"limit\":5}}\n", "status takes 0 to 0"},
		{"{\"verb\":\"rules\",\"args\":{\"limit\":5,\"x\":1}}\n", "rules takes 0 to 1"},
		{"{\"verb\":\"rules\",\"args\":{\"limit\":0}}\n", "whole number from 1"},
		{"{\"verb\":\"rules\",\"args\":{\"limit\":-1}}\n", "whole number from 1"},
		{"{\"verb\":\"rules\",\"args\":{\"limit\":1.5}}\n", "whole number from 1"},
		{"{\"verb\":\"rules\",\"args\":{\"limit\":\"5\"}}\n", "whole number from 1"},
		{"{\"verb\":\"rules\",\"args\":{\"limit\":1e300}}\n", "whole number from 1"},
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
		char piece[2] = {*at, '\0'};

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

static void test_half_line_is_not_waited_for(void **state)
{
	struct control_limits limits = usual;
	struct server *server = *state;
	int half, idle;

	limits.line_ns = 50 * NS_PER_MS;
	start(server, &limits);
	idle = dial(server, 0);
	half = dial(server, 1);
	put(half, "{\"verb\":");
	expect_end(half);
	/* having said nothing at all is no offence */
	assert_int_equal(count_rows(idle, "{\"verb\":\"rules\"}\n"), 0);
}

static void test_client_that_never_reads(void **state)
{
	struct control_limits limits = usual;
	struct server *server = *state;
	int deaf, fd;

	server->fake.active_rules = 1500;
	limits.answer_ns = 500 * NS_PER_MS;
	/* room for one such list, not for two */
	limits.held_bytes = 2000 * sizeof(struct rule_status);
	start(server, &limits);
	deaf = dial(server, 0);
	fd = dial(server, 1);
	put(deaf, "{\"verb\":\"rules\"}\n{\"verb\":\"rules\"}\n");
	assert_int_equal(poll(&(struct pollfd){.fd = deaf, .events = POLLIN}, 1, WAIT_MS), 1);
	/* others are answered meanwhile; what would be too much is refused, not waited for */
	assert_int_equal(count_rows(fd, "{\"verb\":\"events\",\"args\":{\"limit\":1}}\n"), 1);
	put(fd, "{\"verb\":\"rules\"}\n");
	expect_error(get(fd), "no memory for");
	/* closed, in the middle of its answer */
	assert_int_equal(poll(&(struct pollfd){.fd = deaf, .events = POLLRDHUP}, 1, WAIT_MS), 1);
	expect_end(deaf);
	assert_int_equal(count_rows(fd, "{\"verb\":\"rules\"}\n"), 1500);
}

static void test_client_that_dies_in_its_answer(void **state)
{
	struct server *server = *state;

	server->fake.active_rules = 5000;
	start(server, &usual);
	for (int i = 0; i < 10; i++) {
		int fd = dial(server, 0);

		put(fd, "{\"verb\":\"rules\"}\n");
		poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, WAIT_MS);
		close(fd);
		server->clients[0] = -1;
	}
	assert_int_equal(count_rows(dial(server, 0), "{\"verb\":\"rules\"}\n"), 5000);
}

static void test_many_clients(void **state)
{
	struct server *server = *state;
	int late;

	start(server, &usual);
	for (int i = 0; i < 64; i++)
		assert_int_equal(count_rows(dial(server, i), "{\"verb\":\"rules\"}\n"), 0);
	late = dial(server, 64);
	expect_error(get(late), "too many clients");
	expect_end(late);
	for (int i = 0; i < 64; i++)
		assert_int_equal(count_rows(server->clients[i], "{\"verb\":\"rules\"}\n"), 0);
	/* a place that is left is given to the next */
	assert_int_equal(shutdown(server->clients[5], SHUT_RDWR), 0);
	for (int i = 65; i < 75; i++) {
		char *line;

		if (send(dial(server, i), "{\"verb\":\"rules\"}\n", 17, MSG_NOSIGNAL) < 0)
			continue;
		line = get(server->clients[i]);
		if (line && strstr(line, "\"ok\":true")) {
			free(line);
			return;
		}
		free(line);
	}
	fail_msg("no place was left by a client that went away");
}

static void test_idle_clients_make_room(void **state)
{
	struct control_limits limits = usual;
	struct server *server = *state;
	int newest;

	limits.clients = 3;
	limits.idle_ns = 0;
	start(server, &limits);
	for (int i = 0; i < 3; i++)
		assert_int_equal(count_rows(dial(server, i), "{\"verb\":\"rules\"}\n"), 0);
	put(server->clients[0], "{"); /* not idle */
	newest = dial(server, 3);
	assert_int_equal(count_rows(newest, "{\"verb\":\"rules\"}\n"), 0);
	expect_end(server->clients[1]);
	assert_int_equal(count_rows(server->clients[2], "{\"verb\":\"rules\"}\n"), 0);
	assert_int_equal(count_rows(server->clients[0], "\"verb\":\"rules\"}\n"), 0);
}

static int highest_descriptor(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);
	int highest = fd;

	for (int i = fd; i < 1024; i++) {
		if (fcntl(i, F_GETFD) >= 0)
			highest = i;
	}
	close(fd);
	return highest;
}

/* A connection that cannot be accepted waits; those that are there are served. */
static void test_no_descriptors_left(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = WAIT_MS / 1000};
	struct server *server = *state;
	struct rlimit old, none;
	int waiting, fd, filler[1024], fillers = 0;

	start(server, &usual);
	fd = dial(server, 0);
	assert_int_equal(count_rows(fd, "{\"verb\":\"rules\"}\n"), 0);
	waiting = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	server->clients[1] = waiting;
	setsockopt(waiting, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	strcpy(address.sun_path, server->path);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = (rlim_t)highest_descriptor() + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	while (fillers < 1024 && (filler[fillers] = dup(fd)) >= 0)
		fillers++;
	assert_int_equal(connect(waiting, (struct sockaddr *)&address, sizeof(address)), 0);
	put(waiting, "{\"verb\":\"rules\"}\n");
	for (int i = 0; i < 100; i++)
		expect_data(fd, "{\"verb\":\"rules\"}\n", "[]");
	assert_int_equal(poll(&(struct pollfd){.fd = waiting, .events = POLLIN}, 1, 0), 0);
	while (fillers)
		close(filler[--fillers]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	expect_data(waiting, "", "[]");
}

/* ---- the socket's file ---- */

static void test_socket_rights_and_removal(void **state)
{
	struct server *server = *state;
	struct stat st;

	start(server, &usual);
	assert_int_equal(lstat(server->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
	stop(server);
	assert_int_equal(lstat(server->path, &st), -1);
	control_close(&server->control); /* twice does nothing */
}

static void test_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct server *server = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char folder[64];

	snprintf(folder, sizeof(folder), "%s/run", server->folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	strcpy(address.sun_path, server->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(fd); /* as when its process was killed */
	start(server, &usual);
	expect_data(dial(server, 0), "{\"verb\":\"rules\"}\n", "[]");
}

static void test_live_socket_is_refused(void **state)
{
	struct server *server = *state;
	struct control *second = NULL;
	struct loop *loop;
	char error[256] = "";

	start(server, &usual);
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(control_open(loop, server->path, &views, &server->fake, &second, error),
			 -EADDRINUSE);
	assert_null(second);
	assert_non_null(strstr(error, server->path));
	assert_non_null(strstr(error, "another fwgen answers there"));
	loop_free(&loop);
	expect_data(dial(server, 0), "{\"verb\":\"rules\"}\n", "[]");
}

/* Another daemon has taken the place: its socket is not the first one's to remove. */
static void test_other_socket_is_not_removed(void **state)
{
	struct server *server = *state, other = {0};
	struct stat st;

	start(server, &usual);
	assert_int_equal(unlink(server->path), 0);
	strcpy(other.path, server->path);
	other.clients[0] = -1;
	assert_int_equal(loop_new(&other.loop), 0);
	start(&other, &usual);
	stop(server);
	expect_data(dial(&other, 0), "{\"verb\":\"rules\"}\n", "[]");
	close(other.clients[0]);
	stop(&other);
	assert_int_equal(lstat(server->path, &st), -1);
	loop_free(&other.loop);
}

static void test_places_where_no_socket_can_be(void **state)
{
	struct server *server = *state;
	struct control *control = NULL;
	char error[256] = "", path[200];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/file", server->folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(control_open(server->loop, path, &views, NULL, &control, error), -EEXIST);
	assert_non_null(strstr(error, "no socket"));
	assert_int_equal(lstat(path, &st), 0);
	unlink(path);
	snprintf(path, sizeof(path), "%s/not/there/socket", server->folder);
	assert_int_equal(control_open(server->loop, path, &views, NULL, &control, error), -ENOENT);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[150] = '\0';
	assert_int_equal(control_open(server->loop, path, &views, NULL, &control, error),
			 -ENAMETOOLONG);
	assert_null(control);
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
		WITH_SERVER(test_half_line_is_not_waited_for),
		WITH_SERVER(test_client_that_never_reads),
		WITH_SERVER(test_client_that_dies_in_its_answer),
		WITH_SERVER(test_many_clients),
		WITH_SERVER(test_idle_clients_make_room),
		WITH_SERVER(test_no_descriptors_left),
		WITH_SERVER(test_socket_rights_and_removal),
		WITH_SERVER(test_stale_socket_is_replaced),
		WITH_SERVER(test_live_socket_is_refused),
		WITH_SERVER(test_other_socket_is_not_removed),
		WITH_SERVER(test_places_where_no_socket_can_be),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
