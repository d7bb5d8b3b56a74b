/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection: collects a line, has it answered, sends the answer as fast as it is read, and only
 * then looks at the next line. One request and one slice of an answer a round of the loop, so that
 * no client keeps the loop to itself. Never waits. What lines mean is request.c's business.
 */
#include "serve/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "serve/requester.h"

#define INPUT_BYTES 1024 /* at first; grows to the limit */

struct connection {
	struct connection *next;
	int fd; /* owned */
	struct loop_source *source;
	const struct control_limits *limits;
	const struct connection_ops *ops;
	void *context;
	struct requester who;
	char *input; /* owned; not yet answered: [start, end) */
	size_t start, end, capacity;
	bool at_end;  /* the peer sends no more */
	bool closing; /* after this answer */
	struct answer answer;
	int64_t since_ns; /* when the state that the limits are for began */
};

static void touch(struct connection *connection)
{
	connection->since_ns = moment_now().boot_ns;
}

/* Makes room behind end. False: the limit is reached, or there is no memory. */
static bool make_room(struct connection *connection)
{
	size_t capacity = connection->capacity ? connection->capacity * 2 : INPUT_BYTES;
	char *grown;

	if (connection->start) {
		connection->end -= connection->start;
		memmove(connection->input, connection->input + connection->start, connection->end);
		connection->start = 0;
	}
	if (connection->end < connection->capacity)
		return true;
	if (capacity > connection->limits->request_bytes)
		capacity = connection->limits->request_bytes;
	if (connection->end >= capacity)
		return false;
	grown = realloc(connection->input, capacity);
	if (!grown)
		return false;
	connection->input = grown;
	connection->capacity = capacity;
	return true;
}

/* Takes what has come, one read. False: the connection is broken. */
static bool receive(struct connection *connection)
{
	ssize_t n;

	if (!make_room(connection))
		return false;
	n = recv(connection->fd, connection->input + connection->end,
		 connection->capacity - connection->end, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		connection->at_end = true;
	if (n > 0 && connection->start == connection->end)
		touch(connection);
	connection->end += (size_t)n;
	return true;
}

/* The end of the first whole line, or NULL. */
static char *line_end(const struct connection *connection)
{
	size_t len = connection->end - connection->start;

	return len ? memchr(connection->input + connection->start, '\n', len) : NULL;
}

static void begin_answer(struct connection *connection)
{
	char *line = connection->input + connection->start, *newline = line_end(connection);

	if (newline) {
		connection->ops->answer(connection->context, &connection->who, line,
					(size_t)(newline - line), &connection->answer);
		connection->start = (size_t)(newline + 1 - connection->input);
	} else {
		/* What follows is the rest of this line: nothing to go on with. */
		answer_error(&connection->answer, "a request has at most %zu bytes",
			     connection->limits->request_bytes);
		connection->closing = true;
	}
	touch(connection);
}

/* Sends one slice. False: the peer is gone, or there is no memory to go on. */
static bool send_slice(struct connection *connection)
{
	struct answer *answer = &connection->answer;
	ssize_t n;

	if (answer_fill(answer))
		return false;
	n = send(connection->fd, answer->text + answer->sent, answer->len - answer->sent,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	answer->sent += (size_t)n;
	return true;
}

/* Whether there is something to answer without reading more. */
static bool has_request(const struct connection *connection)
{
	return line_end(connection) ||
	       connection->end - connection->start >= connection->limits->request_bytes;
}

/* One step from request to answer. False: the connection is over. */
static bool advance(struct connection *connection)
{
	if (!answer_pending(&connection->answer) && has_request(connection))
		begin_answer(connection);
	if (answer_pending(&connection->answer)) {
		if (!send_slice(connection))
			return false;
		if (answer_pending(&connection->answer))
			return true;
		answer_clear(&connection->answer);
		touch(connection);
		if (connection->closing)
			return false;
	}
	return has_request(connection) || !connection->at_end;
}

static void on_event(void *context, uint32_t events)
{
	struct connection *connection = context;
	bool alive = !(events & EPOLLIN) || receive(connection), busy;

	alive = alive && advance(connection);
	if (alive) {
		busy = answer_pending(&connection->answer) || has_request(connection);
		alive = loop_change_fd(connection->source, busy ? EPOLLOUT : EPOLLIN) == 0;
	}
	if (!alive)
		connection->ops->gone(connection->context, connection);
}

int connection_new(struct loop *loop, int fd, uint64_t number, const struct control_limits *limits,
		   const struct connection_ops *ops, void *context, struct connection **out)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	int err;

	if (!connection)
		return -ENOMEM;
	connection->fd = -1;
	connection->limits = limits;
	connection->ops = ops;
	connection->context = context;
	connection->who.client = number;
	err = requester_of(fd, &connection->who);
	if (!err)
		err = loop_add_fd(loop, fd, EPOLLIN, on_event, connection, &connection->source);
	if (err) {
		connection_free(&connection);
		return err;
	}
	connection->fd = fd;
	touch(connection);
	*out = connection;
	return 0;
}

void connection_free(struct connection **pointer)
{
	struct connection *connection = *pointer;

	if (!connection)
		return;
	loop_remove(&connection->source);
	if (connection->fd >= 0)
		close(connection->fd);
	answer_clear(&connection->answer);
	free(connection->input);
	free(connection);
	*pointer = NULL;
}

struct connection *connection_next(const struct connection *connection)
{
	return connection->next;
}

void connection_set_next(struct connection *connection, struct connection *next)
{
	connection->next = next;
}

const char *connection_overdue(const struct connection *connection, int64_t now_ns)
{
	int64_t age_ns = now_ns - connection->since_ns;

	if (answer_pending(&connection->answer))
		return age_ns > connection->limits->answer_ns ? "reading an answer" : NULL;
	if (connection->start < connection->end)
		return age_ns > connection->limits->line_ns ? "sending a request" : NULL;
	return NULL;
}

int64_t connection_idle_ns(const struct connection *connection, int64_t now_ns)
{
	if (answer_pending(&connection->answer) || connection->start < connection->end)
		return 0;
	return now_ns - connection->since_ns;
}

size_t connection_held_bytes(const struct connection *connection)
{
	return answer_held_bytes(&connection->answer);
}

const struct requester *connection_requester(const struct connection *connection)
{
	return &connection->who;
}
