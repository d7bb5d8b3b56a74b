/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new configuration: SIGHUP, and the verbs reload and confirm. Private to daemon/. */
#ifndef FWGEN_DAEMON_RELOAD_H
#define FWGEN_DAEMON_RELOAD_H

#include "daemon/state.h"

/* Takes the configuration over whole, or keeps the one in force; an event says which and why. */
void daemon_reload(struct daemon *daemon);

/* command_ops.reload and .confirm; context is the struct daemon. */
int reload_command(void *context, const struct requester *who, int64_t confirm_ns,
		   struct reload_result *out, char error[COMMAND_ERROR]);
int reload_confirm(void *context, const struct requester *who, struct reload_result *out,
		   char error[COMMAND_ERROR]);

#endif
