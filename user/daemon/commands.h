/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people tell the daemon to do. Private to daemon/. */
#ifndef FWGEN_DAEMON_COMMANDS_H
#define FWGEN_DAEMON_COMMANDS_H

#include "daemon/state.h"
#include "model/command.h"

/* The context is the struct daemon. */
extern const struct command_ops daemon_commands;

/* Into the record: who changed what. before or after may be "". */
void command_audit(struct daemon *daemon, const struct requester *who, const char *verb,
		   const char *before, const char *after);

#endif
