/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples of what is dropped, for one client at a time. Private to daemon/. */
#ifndef FWGEN_DAEMON_CAPTURE_H
#define FWGEN_DAEMON_CAPTURE_H

#include "model/command.h"

struct daemon;

/* command_ops.capture, .captured and .left; context is the struct daemon. */
int capturing_begin(void *context, const struct requester *who,
		    const struct capture_request *request, char error[COMMAND_ERROR]);
int capturing_fetch(void *context, const struct requester *who, struct capture_lot *out,
		    char error[COMMAND_ERROR]);
void capturing_left(void *context, uint64_t client);
/* At the end of the daemon: before the drop map goes. */
void capturing_stop(struct daemon *daemon);

#endif
