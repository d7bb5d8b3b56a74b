/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request line of the control socket to its answer. Private to serve/. */
#ifndef FWGEN_SERVE_REQUEST_H
#define FWGEN_SERVE_REQUEST_H

#include "model/status.h"
#include "serve/answer.h"

/* Begins the answer, whatever the line holds. A list may take at most room_bytes of memory. */
void request_answer(const char *line, size_t len, const struct view_ops *ops, void *context,
		    size_t room_bytes, struct answer *answer);

#endif
