/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request line of the control socket to its answer. Private to serve/. */
#ifndef FWGEN_SERVE_REQUEST_H
#define FWGEN_SERVE_REQUEST_H

#include "model/command.h"
#include "serve/answer.h"
#include "serve/control.h"

struct json;
struct verb;

/* A request whose verb and arguments are good, in the hands of its verb. */
struct request {
	const struct verb *verb;
	const struct json *args; /* NULL: none */
	const struct control_ops *ops;
	const struct requester *who;
	size_t room_bytes; /* that a list may take */
	struct answer *answer;
};

/* Begins the answer, whatever the line holds. A list may take at most room_bytes of memory. */
void request_answer(const char *line, size_t len, const struct control_ops *ops,
		    const struct requester *who, size_t room_bytes, struct answer *answer);

#endif
