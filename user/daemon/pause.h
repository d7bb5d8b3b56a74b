/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pause: no new decisions for a while, and with disarm no blocks either. Private to daemon/. */
#ifndef FWGEN_DAEMON_PAUSE_H
#define FWGEN_DAEMON_PAUSE_H

#include "model/command.h"

struct daemon;

/* command_ops.pause and .resume; context is the struct daemon. */
int pause_begin(void *context, const struct requester *who, int64_t duration_ns, bool disarm,
		struct pause_result *out, char error[COMMAND_ERROR]);
int pause_resume(void *context, const struct requester *who, char error[COMMAND_ERROR]);
/* Whether the drop map is to count only: in observe mode, or disarmed. */
bool pause_observes(const struct daemon *daemon);

#endif
