/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One answer of the control socket, on its way to a client. A list is kept as a copy of the model's
 * rows and rendered a slice at a time, as fast as the client reads: a hundred thousand rules
 * neither hold up the loop nor stand in memory as text. Private to serve/.
 */
#ifndef FWGEN_SERVE_ANSWER_H
#define FWGEN_SERVE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

struct json;

struct answer {
	char *text; /* owned; rendered and not yet sent: [sent, len) */
	size_t len, sent, capacity;
	void *rows; /* owned */
	size_t row_bytes, count, next;
	struct json *(*render)(const void *row);
	bool begun, ended; /* ended: all of it is in text */
	bool failed;	   /* memory ran out: what was sent is no whole answer */
};

/* Each begins a cleared answer. */
void answer_error(struct answer *answer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void answer_data(struct answer *answer, struct json *data); /* takes data over */
void answer_list(struct answer *answer, void *rows, size_t row_bytes, size_t count,
		 struct json *(*render)(const void *row)); /* takes rows over */

/* Renders on until a slice waits to be sent, or all of it does. Returns 0 or -ENOMEM. */
int answer_fill(struct answer *answer);
/* Whether something is still to be sent. */
bool answer_pending(const struct answer *answer);
/* Bytes that it holds on to. */
size_t answer_held_bytes(const struct answer *answer);
void answer_clear(struct answer *answer);

#endif
