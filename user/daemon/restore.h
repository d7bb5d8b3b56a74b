/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of an earlier run, in force again. Private to daemon/. */
#ifndef FWGEN_DAEMON_RESTORE_H
#define FWGEN_DAEMON_RESTORE_H

#include "daemon/state.h"

/* Gives policy what database and drop map know. With the decision lock held. Returns 0 or -errno.
 */
int restore_rules(struct daemon *daemon, struct moment now);

/* Rules that this run has ended, the newest first, in force again likewise; the caller syncs.
 * With the decision lock held. Returns 0 or -ENOMEM. */
int restore_ended(struct daemon *daemon, const struct rule *rules, size_t n, struct moment now);

#endif
