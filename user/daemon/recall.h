/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What earlier runs leave beside their rules (restore.c). Private to daemon/. */
#ifndef FWGEN_DAEMON_RECALL_H
#define FWGEN_DAEMON_RECALL_H

#include "daemon/state.h"

/* Before the protected set is made. What cannot be read is logged and left out. */
void daemon_recall(struct daemon *daemon);

#endif
