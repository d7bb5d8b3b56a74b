/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: one JSON object a line in, one a line out, on the tick thread's loop. Limits:
 * 64 KiB a request line, 64 clients; a client that does not read its answer is closed, never waited
 * for. Who may connect may read; what changes something is for root, as SO_PEERCRED tells.
 */
#ifndef FWGEN_CONTROL_H
#define FWGEN_CONTROL_H

#include "base/loop.h"
#include "model/command.h"
#include "model/status.h"

struct control;

/* Who answers. Kept, not copied. */
struct control_ops {
	const struct view_ops *views;
	const struct command_ops *commands;
	void *context;
};

/*
 * Listens on path (0660, root and group fwgen where that exists). A stale socket is replaced, a
 * live one is -EADDRINUSE. Returns 0 or -errno with a text.
 */
int control_open(struct loop *loop, const char *path, const struct control_ops *ops,
		 struct control **out, char error[256]);
/* Closes all clients and unlinks the socket. */
void control_close(struct control **control);

#endif
