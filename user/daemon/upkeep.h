/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has to be looked after all the time. Private to daemon/. */
#ifndef FWGEN_DAEMON_UPKEEP_H
#define FWGEN_DAEMON_UPKEEP_H

#include "daemon/state.h"

#define UPKEEP_NS (2 * NS_PER_SECOND)

/*
 * From now on: notices of interfaces and filters, and every UPKEEP_NS the sensors, access.deny and
 * the events that were left out. Returns 0 or -errno.
 */
int upkeep_start(struct daemon *daemon);
void upkeep_stop(struct daemon *daemon);
/* Looks whether what leaves the interface is seen; says so when that has changed. */
void upkeep_direction(struct daemon *daemon, struct watch *watch);

#endif
