/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What start.c asks of daemon.c. Private to daemon/. */
#ifndef FWGEN_DAEMON_PRIVATE_H
#define FWGEN_DAEMON_PRIVATE_H

#include "daemon/state.h"

/* Makes the loop and has it take the signals, before any thread is there. 0, or the exit code. */
int daemon_take_signals(struct daemon *daemon, char error[512]);
/* Adds the interval, the grace period, the host's notices and the upkeep to the loop. 0 or -errno.
 */
int daemon_watch_steps(struct daemon *daemon);

#endif
