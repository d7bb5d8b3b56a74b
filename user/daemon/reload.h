/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SIGHUP. Private to daemon/. */
#ifndef FWGEN_DAEMON_RELOAD_H
#define FWGEN_DAEMON_RELOAD_H

#include "daemon/state.h"

/* Takes the configuration over whole, or keeps the one in force; an event says which and why. */
void daemon_reload(struct daemon *daemon);

#endif
