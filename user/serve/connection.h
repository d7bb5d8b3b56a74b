/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection to the control socket. Private to serve/. */
#ifndef FWGEN_SERVE_CONNECTION_H
#define FWGEN_SERVE_CONNECTION_H

#include "base/loop.h"
#include "model/command.h"
#include "serve/answer.h"

/* Tests make them small. */
struct control_limits {
	size_t request_bytes; /* of a line, its end included */
	unsigned int clients;
	unsigned int root_clients; /* beside them, for root alone */
	size_t held_bytes;	   /* of all answers under way */
	int64_t line_ns;	   /* for a request, from its first byte on */
	int64_t answer_ns;	   /* for reading an answer */
	int64_t idle_ns;	   /* after which a client makes room for another */
	int64_t sweep_ns;
};

struct connection;

struct connection_ops {
	void (*answer)(void *context, const struct requester *who, const char *line, size_t len,
		       struct answer *answer);
	/* The connection is over; the owner calls connection_free. */
	void (*gone)(void *context, struct connection *connection);
};

/* Owns fd on success; number is nobody else's. Returns 0 or -errno. */
int connection_new(struct loop *loop, int fd, uint64_t number, const struct control_limits *limits,
		   const struct connection_ops *ops, void *context, struct connection **out);
void connection_free(struct connection **connection);

struct connection *connection_next(const struct connection *connection);
void connection_set_next(struct connection *connection, struct connection *next);

/* Whether it has not kept up with a limit, and what for ("reading an answer"); NULL: it has. */
const char *connection_overdue(const struct connection *connection, int64_t now_ns);
/* For how long it has neither asked nor been answered; 0 while it is. */
int64_t connection_idle_ns(const struct connection *connection, int64_t now_ns);
size_t connection_held_bytes(const struct connection *connection);
const struct requester *connection_requester(const struct connection *connection);

#endif
