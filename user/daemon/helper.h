/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The iptables enforcer in the daemon's hands. Private to daemon/. */
#ifndef FWGEN_DAEMON_HELPER_H
#define FWGEN_DAEMON_HELPER_H

#include "daemon/state.h"

/* Starts the helper process and watches it. Returns 0, or -errno with a text. */
int helper_open(struct daemon *daemon, char error[512]);
/* Ends it; keep: its rules stay. Nothing when it is not there. */
void helper_close(struct daemon *daemon, bool keep);
/* Starts it in a running daemon, and tells it all; tried again later where that fails. */
void helper_begin(struct daemon *daemon);
/* Another helper, for what the configuration says now; the rules stay. Waits for neither of them.
 * Nothing without one. */
void helper_reopen(struct daemon *daemon);
/* Events for enforcers whose state has changed since it was told, and for repairs. */
void helper_tell_states(struct daemon *daemon);

#endif
