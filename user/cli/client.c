/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client's end of the control socket: connect, a request, its answer, a time limit for both.
 * Which request and how to show the answer is the verbs' business (verbs.c, render_text.c).
 */
#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/json.h"

#define ANSWER_MAX_BYTES ((size_t)256 << 20)
#define READ_BYTES	 65536

struct text {
	char *bytes; /* owned */
	size_t len, capacity;
};

struct client {
	int fd;
	char path[108];
};

static int fail(char error[CLIENT_ERROR_TEXT], int err, const char *path, const char *what)
{
	snprintf(error, CLIENT_ERROR_TEXT, "failed to ask fwgen at %.108s: %s", path, what);
	return err;
}

static int fail_connect(char error[CLIENT_ERROR_TEXT], int err, const char *path)
{
	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
	case -ECONNREFUSED:
		snprintf(error, CLIENT_ERROR_TEXT,
			 "fwgen is not running (nobody answers at %.108s): start it, or name its "
			 "socket with --socket PATH",
			 path);
		return -ESRCH;
	case -EACCES:
	case -EPERM:
		return fail(error, -EACCES, path,
			    "permission denied: run this as root or as a member of group fwgen");
	case -EAGAIN:
		return fail(error, err, path, "too many are asking: try again");
	default:
		return fail(error, err, path, strerror(-err));
	}
}

/* Returns the descriptor or -errno. */
static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* Waits until fd is ready, not past end_ns. Returns 0 or -errno. */
static int wait_for(int fd, short events, int64_t end_ns)
{
	struct pollfd pollfd = { .fd = fd, .events = events };

	for (;;) {
		int64_t left_ms = (end_ns - moment_now().boot_ns + NS_PER_MS - 1) / NS_PER_MS;
		int n;

		if (left_ms <= 0)
			return -ETIMEDOUT;
		n = poll(&pollfd, 1, (int)left_ms);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

/* A daemon that closed has perhaps said why: that is read, not this complained about. */
static int send_request(int fd, const char *request, int64_t end_ns)
{
	struct text line = { 0 };
	int n = asprintf(&line.bytes, "%s\n", request), err = 0;

	if (n < 0)
		return -ENOMEM;
	while (line.len < (size_t)n && !err) {
		ssize_t sent = send(fd, line.bytes + line.len, (size_t)n - line.len, MSG_NOSIGNAL);

		if (sent >= 0)
			line.len += (size_t)sent;
		else if (errno == EAGAIN)
			err = wait_for(fd, POLLOUT, end_ns);
		else if (errno == EPIPE || errno == ECONNRESET)
			break;
		else if (errno != EINTR)
			err = -errno;
	}
	free(line.bytes);
	return err;
}

static int make_room(struct text *text)
{
	size_t capacity = text->capacity ? text->capacity * 2 : READ_BYTES;
	char *grown;

	if (text->len < text->capacity)
		return 0;
	if (capacity > ANSWER_MAX_BYTES)
		return -EPROTO;
	grown = realloc(text->bytes, capacity);
	if (!grown)
		return -ENOMEM;
	text->bytes = grown;
	text->capacity = capacity;
	return 0;
}

/* Reads up to the end of the line. */
static int read_answer(int fd, struct text *text, int64_t end_ns)
{
	for (;;) {
		int err = make_room(text);
		ssize_t n;

		if (!err)
			err = wait_for(fd, POLLIN, end_ns);
		if (err)
			return err;
		n = recv(fd, text->bytes + text->len, text->capacity - text->len, 0);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EPROTO;
		if (n < 0)
			continue;
		text->len += (size_t)n;
		if (text->bytes[text->len - 1] == '\n')
			return 0;
	}
}

/* Takes {"ok":...} apart. */
static int judge(const char *path, const struct text *text, struct json **data,
		 char error[CLIENT_ERROR_TEXT])
{
	char why[128];
	struct json *answer = json_parse(text->bytes, text->len, why, sizeof(why));
	const char *refused = json_to_string(json_get(answer, "error"));
	bool ok = false;
	int err = 0;

	if (answer && json_to_bool(json_get(answer, "ok"), &ok) && ok && json_get(answer, "data")) {
		struct json *copy = json_clone(json_get(answer, "data"));

		if (copy)
			*data = copy;
		else
			err = fail(error, -ENOMEM, path, "no memory");
	} else if (answer && !ok && refused) {
		snprintf(error, CLIENT_ERROR_TEXT, "fwgen refused: %.400s", refused);
		err = -EREMOTEIO;
	} else {
		err = fail(error, -EPROTO, path, "what answers there is not fwgen");
	}
	json_free(&answer);
	return err;
}

int client_open(const char *path, struct client **out, char error[CLIENT_ERROR_TEXT])
{
	struct client *client;
	int fd = dial(path);

	if (fd < 0)
		return fail_connect(error, fd, path);
	client = calloc(1, sizeof(*client));
	if (!client) {
		close(fd);
		return fail(error, -ENOMEM, path, "no memory");
	}
	client->fd = fd;
	snprintf(client->path, sizeof(client->path), "%s", path);
	*out = client;
	return 0;
}

int client_ask(struct client *client, const char *request, int timeout_ms, struct json **data,
	       char error[CLIENT_ERROR_TEXT])
{
	int64_t end_ns = moment_now().boot_ns + timeout_ms * NS_PER_MS;
	struct text text = { 0 };
	int err = send_request(client->fd, request, end_ns);

	if (!err)
		err = read_answer(client->fd, &text, end_ns);
	if (err == -ETIMEDOUT)
		fail(error, err, client->path, "no answer in time: it is stopped or overloaded");
	else if (err == -EPROTO || err == -ECONNRESET)
		fail(error, err, client->path,
		     "it closed the connection before the answer was whole");
	else if (err)
		fail(error, err, client->path, strerror(-err));
	else
		err = judge(client->path, &text, data, error);
	free(text.bytes);
	return err;
}

void client_close(struct client **client)
{
	if (!*client)
		return;
	close((*client)->fd);
	free(*client);
	*client = NULL;
}

int client_call(const char *path, const char *request, int timeout_ms, struct json **data,
		char error[CLIENT_ERROR_TEXT])
{
	struct client *client = NULL;
	int err = client_open(path, &client, error);

	if (!err)
		err = client_ask(client, request, timeout_ms, data, error);
	client_close(&client);
	return err;
}
