/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The protected set from host and configuration to policy and drop map. Private to daemon/. */
#ifndef FWGEN_DAEMON_PROTECT_H
#define FWGEN_DAEMON_PROTECT_H

#include "daemon/state.h"

/*
 * Builds the set anew and puts it in force; rules that cover one of it end. Takes the decision
 * lock. Returns 0, or -errno: then the old set stays, as far as it was not replaced.
 */
int daemon_protect(struct daemon *daemon);

/* Appends the set as it is now. Returns 0 or -ENOMEM. */
int protect_collect(const struct daemon *daemon, struct protected_list *out);

#endif
