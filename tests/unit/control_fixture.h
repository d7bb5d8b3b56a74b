/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of the control socket: invented views, a server whose loop runs on a thread of its
 * own, and clients over real connections. Static, since each test program is one file; inline,
 * since none uses all of it.
 */
#ifndef FWGEN_TESTS_CONTROL_FIXTURE_H
#define FWGEN_TESTS_CONTROL_FIXTURE_H

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
#include "base/log.h"
#include "base/loop.h"
#include "model/explanation.h"
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
	struct explanation explanation;
	/* what commands were told last, and what they answer */
	struct requester who;
	size_t blocks;
	struct block_request block;
	struct unblock_request unblock;
	struct allow_request allow;
	struct capture_request capture;
	uint64_t left; /* the client that left last */
	int64_t duration_ns;
	int err;
	const char *error;
};

static inline void fake_status(void *context, struct status *out)
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
		.direction_unknown = "no clsact",
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
	out->tracker = (struct tracker_status){ 12, 5, 1 };
	out->memory_bytes = 1 << 20;
	out->active_rules = fake->active_rules;
	out->record.lost = 3;
	strcpy(out->record.failing, "disk full");
	strcpy(out->database, "/var/lib/fwgen/db");
}

static inline size_t fake_sources(void *context, struct source_status *out, size_t max)
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

static inline size_t fake_rules(void *context, struct rule_status *out, size_t max)
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
		rule->limit = (struct limit){ .count = 20, .seconds = 10 };
		strcpy(rule->config_hash, "0123456789abcdef");
		rule->created.wall_ns = WALL_NS;
		rule->expires = (struct moment){ .wall_ns = WALL_NS + NS_PER_SECOND,
						 .boot_ns = 77 * NS_PER_MS };
		out[i].packets_dropped = 4;
		out[i].in_xdp = true;
	}
	return n;
}

static inline size_t fake_events(void *context, struct event *out, size_t max)
{
	struct fake *fake = context;

	fake->asked = max;
	out[0] = (struct event){ .id = 9,
				 .type = EVENT_FINDING,
				 .severity = SEVERITY_WARNING,
				 .has_source = true,
				 .port = 22,
				 .protocol = 6,
				 .detector = DETECTOR_PORT_SCAN,
				 .message = "a \"scan\"\n",
				 .details = "{\"ports\":21}" };
	out[0].at.wall_ns = WALL_NS;
	prefix_parse("2001:db8::7", &out[0].source);
	if (max < 2)
		return 1;
	out[1] = (struct event){ .id = 8,
				 .type = EVENT_SYSTEM,
				 .detector = DETECTOR_NONE,
				 .message = "started",
				 .details = "{broken" };
	return 2;
}

static inline int fake_protected(void *context, struct protected_prefix **out, size_t *count)
{
	(void)context;
	*out = calloc(2, sizeof(**out));
	*count = 2;
	prefix_parse("192.0.2.1", &(*out)[0].prefix);
	strcpy((*out)[0].reason, "own address on eth0");
	prefix_parse("2001:db8::/32", &(*out)[1].prefix);
	strcpy((*out)[1].reason, "allowed by root");
	return 0;
}

static inline void fake_explain(void *context, const struct prefix *prefix, struct explanation *out)
{
	struct fake *fake = context;

	*out = fake->explanation;
	out->prefix = *prefix;
}

static const struct view_ops views = {
	fake_status, fake_sources, fake_rules, fake_events, fake_protected, fake_explain,
};

/* ---- commands: note what they were told, and answer as the test wants ---- */

static inline int fail_if_told(struct fake *fake, char error[COMMAND_ERROR])
{
	if (fake->err)
		strcpy(error, fake->error);
	return fake->err;
}

static inline void fake_block(void *context, const struct requester *who,
			      const struct block_request *requests, size_t n,
			      struct block_result *results, unsigned int *wait_ms)
{
	struct fake *fake = context;

	fake->who = *who;
	fake->blocks += n;
	fake->block = requests[n - 1];
	*wait_ms = 7;
	for (size_t i = 0; i < n; i++) {
		results[i].err = fail_if_told(fake, results[i].error);
		results[i].status.rule.id = (uint32_t)(12 + i);
		results[i].status.rule.prefix = requests[i].prefix;
		results[i].status.in_xdp = true;
	}
}

static inline int fake_unblock(void *context, const struct requester *who,
			       const struct unblock_request *request, struct unblock_result *out,
			       char error[COMMAND_ERROR])
{
	struct fake *fake = context;

	fake->who = *who;
	fake->unblock = *request;
	out->count = 40; /* more than are shown */
	out->held_until = (struct moment){ .boot_ns = 1, .wall_ns = WALL_NS };
	return fail_if_told(fake, error);
}

static inline int fake_allow(void *context, const struct requester *who,
			     const struct allow_request *request, struct allow_result *out,
			     char error[COMMAND_ERROR])
{
	struct fake *fake = context;

	fake->who = *who;
	fake->allow = *request;
	*out = (struct allow_result){ .changed = true, .ended = 2 };
	return fail_if_told(fake, error);
}

static inline int fake_reload(void *context, const struct requester *who, int64_t confirm_ns,
			      struct reload_result *out, char error[COMMAND_ERROR])
{
	struct fake *fake = context;

	fake->who = *who;
	fake->duration_ns = confirm_ns;
	strcpy(out->path, "/etc/fwgen/config.json");
	strcpy(out->kept, "interfaces");
	if (confirm_ns)
		out->confirm_end = (struct moment){ .boot_ns = 1, .wall_ns = WALL_NS };
	return fail_if_told(fake, error);
}

static inline int fake_confirm(void *context, const struct requester *who,
			       struct reload_result *out, char error[COMMAND_ERROR])
{
	(void)out;
	((struct fake *)context)->who = *who;
	return fail_if_told(context, error);
}

static inline int fake_pause(void *context, const struct requester *who, int64_t duration_ns,
			     bool disarm, struct pause_result *out, char error[COMMAND_ERROR])
{
	struct fake *fake = context;

	fake->who = *who;
	fake->duration_ns = duration_ns;
	*out = (struct pause_result){ .until = { .boot_ns = 1, .wall_ns = WALL_NS },
				      .disarmed = disarm };
	return fail_if_told(fake, error);
}

static inline int fake_resume(void *context, const struct requester *who, char error[COMMAND_ERROR])
{
	((struct fake *)context)->who = *who;
	return fail_if_told(context, error);
}

static inline int fake_capture(void *context, const struct requester *who,
			       const struct capture_request *request, char error[COMMAND_ERROR])
{
	struct fake *fake = context;

	fake->who = *who;
	fake->capture = *request;
	return fail_if_told(fake, error);
}

static inline int fake_captured(void *context, const struct requester *who, struct capture_lot *out,
				char error[COMMAND_ERROR])
{
	((struct fake *)context)->who = *who;
	out->count = 1;
	out->lost = 3;
	out->frames[0] = (struct capture_frame){
		.at = { .wall_ns = WALL_NS },
		.interface = "eth0",
		.rule = 12,
		.frame_bytes = 60,
		.captured_bytes = 3,
		.bytes = { 0x00, 0xff, 0x5a },
	};
	return fail_if_told(context, error);
}

static inline void fake_left(void *context, uint64_t client)
{
	((struct fake *)context)->left = client;
}

static const struct command_ops commands = {
	fake_block, fake_unblock, fake_allow,	fake_reload,   fake_confirm,
	fake_pause, fake_resume,  fake_capture, fake_captured, fake_left,
};

/* ---- server ---- */

struct server {
	char folder[32], path[64];
	struct fake fake;
	struct control_ops ops;
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

static inline void *serve(void *context)
{
	struct server *server = context;

	return (void *)(intptr_t)loop_run(server->loop);
}

static inline void start(struct server *server, const struct control_limits *limits)
{
	char error[256] = "";

	server->ops = (struct control_ops){ &views, &commands, &server->fake };
	if (control_open_limited(server->loop, server->path, &server->ops, limits, &server->control,
				 error))
		fail_msg("%s", error);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static inline void stop(struct server *server)
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

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
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

static inline int dial(struct server *server, int slot)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = WAIT_MS / 1000 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, server->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	server->clients[slot] = fd;
	return fd;
}

static inline void put(int fd, const char *text)
{
	size_t n = strlen(text);

	if (n)
		assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
}

/* One line without its end; the caller frees. NULL: the connection ended before. */
static inline char *get(int fd)
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

static inline struct json *parse(char *line)
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
static inline char *ask(int fd, const char *request)
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

static inline void expect_error(char *line, const char *part)
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

static inline void expect_data(int fd, const char *request, const char *data)
{
	char *text = ask(fd, request);

	assert_string_equal(text, data);
	free(text);
}

static inline size_t count_rows(int fd, const char *request)
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

static inline void expect_end(int fd)
{
	assert_null(get(fd));
}

#endif
