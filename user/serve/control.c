/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: accepts clients, keeps their number and what they hold within limits, and
 * turns out those that neither ask nor read. A connection is connection.c's, a request request.c's.
 */
#include "serve/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "serve/limits.h"
#include "serve/request.h"
#include "serve/socket.h"

#define ACCEPTS_AT_ONCE 16

static const struct control_limits default_limits = {
	.request_bytes = 64 * 1024,
	.clients = 64,
	.root_clients = 16,
	.held_bytes = 64 << 20,
	.line_ns = 10 * NS_PER_SECOND,
	.answer_ns = 30 * NS_PER_SECOND,
	.idle_ns = 30 * NS_PER_SECOND,
	.sweep_ns = 1 * NS_PER_SECOND,
};

struct control {
	struct loop *loop;
	struct control_limits limits;
	const struct control_ops *ops;
	char path[108];
	struct stat made; /* the socket's file, to unlink no other */
	int fd;
	struct loop_source *listener, *sweeper;
	bool resting; /* out of descriptors: not accepting until the next sweep */
	struct connection *clients;
	unsigned int client_count;
	uint64_t clients_ever;
};

static void drop(struct control *control, struct connection *client)
{
	struct connection *before = NULL;

	for (struct connection *at = control->clients; at != client; at = connection_next(at))
		before = at;
	if (before)
		connection_set_next(before, connection_next(client));
	else
		control->clients = connection_next(client);
	control->client_count--;
	control->ops->commands->left(control->ops->context, connection_requester(client)->client);
	connection_free(&client);
}

static void on_gone(void *context, struct connection *client)
{
	drop(context, client);
}

static void on_request(void *context, const struct requester *who, const char *line, size_t len,
		       struct answer *answer)
{
	struct control *control = context;
	size_t held = 0;

	for (struct connection *at = control->clients; at; at = connection_next(at))
		held += connection_held_bytes(at);
	request_answer(line, len, control->ops, who,
		       held < control->limits.held_bytes ? control->limits.held_bytes - held : 0,
		       answer);
}

static const struct connection_ops client_ops = { .answer = on_request, .gone = on_gone };

/* Turns out the client that has been idle longest, if that is long enough. */
static bool make_place(struct control *control)
{
	int64_t now_ns = moment_now().boot_ns, longest_ns = control->limits.idle_ns;
	struct connection *found = NULL;

	for (struct connection *at = control->clients; at; at = connection_next(at)) {
		int64_t idle_ns = connection_idle_ns(at, now_ns);

		if (idle_ns >= longest_ns) {
			longest_ns = idle_ns;
			found = at;
		}
	}
	if (found)
		drop(control, found);
	return found;
}

/* Tells a connection why it is closed, if it can be told at once. */
static void refuse(int fd, const char *why)
{
	struct answer answer = { 0 };

	answer_error(&answer, "%s", why);
	if (!answer.failed && send(fd, answer.text, answer.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("failed to refuse a control client: %s", strerror(errno));
	answer_clear(&answer);
	close(fd);
}

/* Who may only look must not be able to keep out who has to act. */
static bool has_room(const struct control *control, int fd)
{
	struct ucred credentials = { .uid = UINT32_MAX };
	socklen_t len = sizeof(credentials);
	unsigned int room = control->limits.clients;

	if (control->client_count < room)
		return true;
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) && !credentials.uid)
		room += control->limits.root_clients;
	return control->client_count < room;
}

static void welcome(struct control *control, int fd)
{
	struct connection *client;
	int err;

	if (!has_room(control, fd) && !make_place(control)) {
		refuse(fd, "too many clients: try again later");
		return;
	}
	err = connection_new(control->loop, fd, ++control->clients_ever, &control->limits,
			     &client_ops, control, &client);
	if (err) {
		log_warning("failed to take a control client: %s", strerror(-err));
		close(fd);
		return;
	}
	connection_set_next(client, control->clients);
	control->clients = client;
	control->client_count++;
}

static void on_connect(void *context, uint32_t events)
{
	struct control *control = context;

	(void)events;
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			welcome(control, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			/* The connection stays in the queue: do not turn in circles over it. */
			log_warning("failed to accept a control client: %s", strerror(errno));
			control->resting = loop_change_fd(control->listener, 0) == 0;
		}
		return;
	}
}

static void on_sweep(void *context, uint64_t expirations)
{
	struct control *control = context;
	int64_t now_ns = moment_now().boot_ns;
	struct connection *next;

	(void)expirations;
	for (struct connection *client = control->clients; client; client = next) {
		const char *overdue = connection_overdue(client, now_ns);

		next = connection_next(client);
		if (!overdue)
			continue;
		log_info("closed a control client (pid %d): too slow in %s",
			 connection_requester(client)->pid, overdue);
		drop(control, client);
	}
	if (control->resting)
		control->resting = loop_change_fd(control->listener, EPOLLIN) != 0;
}

int control_open_limited(struct loop *loop, const char *path, const struct control_ops *ops,
			 const struct control_limits *limits, struct control **out, char error[256])
{
	struct control *control = calloc(1, sizeof(*control));
	int err;

	if (!control) {
		snprintf(error, 256, "failed to listen on %.108s: no memory", path);
		return -ENOMEM;
	}
	control->loop = loop;
	control->limits = *limits;
	control->ops = ops;
	control->fd = socket_listen(path, &control->made, error);
	if (control->fd < 0) {
		err = control->fd;
		free(control);
		return err;
	}
	snprintf(control->path, sizeof(control->path), "%s", path);
	err = loop_add_fd(loop, control->fd, EPOLLIN, on_connect, control, &control->listener);
	if (!err)
		err = loop_add_timer(loop, limits->sweep_ns, limits->sweep_ns, on_sweep, control,
				     &control->sweeper);
	if (err) {
		snprintf(error, 256, "failed to watch %.108s: %s", path, strerror(-err));
		control_close(&control);
		return err;
	}
	*out = control;
	return 0;
}

int control_open(struct loop *loop, const char *path, const struct control_ops *ops,
		 struct control **out, char error[256])
{
	return control_open_limited(loop, path, ops, &default_limits, out, error);
}

void control_close(struct control **pointer)
{
	struct control *control = *pointer;

	if (!control)
		return;
	while (control->clients)
		drop(control, control->clients);
	loop_remove(&control->sweeper);
	loop_remove(&control->listener);
	socket_unlink(control->path, &control->made);
	close(control->fd);
	free(control);
	*pointer = NULL;
}
