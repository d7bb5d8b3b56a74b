/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has to be looked after every few seconds. Private to daemon/. */
#ifndef FWGEN_DAEMON_UPKEEP_H
#define FWGEN_DAEMON_UPKEEP_H

#include "daemon/state.h"

#define UPKEEP_NS (2 * NS_PER_SECOND)

/* Verifies the sensors, renews access.deny, tells what events were left out. */
void daemon_upkeep(struct daemon *daemon);
/* Looks whether what leaves the interface is seen; says so when that has changed. */
void upkeep_direction(struct daemon *daemon, struct watch *watch);

#endif
