/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wake thread. Private to daemon/. */
#ifndef FWGEN_DAEMON_WAKE_H
#define FWGEN_DAEMON_WAKE_H

#include "daemon/state.h"

/* Starts the thread over all sensors that are open. Returns 0 or -errno. */
int wake_start(struct daemon *daemon);
/* Ends and joins it; nothing when it was not started. Sensors must still be open. */
void wake_stop(struct daemon *daemon);

#endif
