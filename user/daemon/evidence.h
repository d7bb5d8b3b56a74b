/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Evidence that is asked for after the decision: whether somebody real talks from an address that
 * was blocked for packets that anybody can forge. Private to daemon/.
 */
#ifndef FWGEN_DAEMON_EVIDENCE_H
#define FWGEN_DAEMON_EVIDENCE_H

#include "daemon/state.h"

/*
 * Starts the thread that asks the kernel, has the loop take its answers, and asks about the rules
 * that an earlier run left. Returns 0 or -errno.
 */
int evidence_start(struct daemon *daemon);
void evidence_stop(struct daemon *daemon);

/*
 * Asks about the source of a rule that came into force, if that could change it; port: the one that
 * was found last, 0: none. Never waits.
 */
void evidence_ask(struct daemon *daemon, const struct rule *rule, uint16_t port);

/* What `status` calls it: "conntrack", or "none" where only own sockets are known. */
const char *evidence_source(const struct daemon *daemon);

#endif
