/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nobody sends notice of: an XDP program that somebody took off its interface, an interface
 * that is gone, deadlines of access.deny that run low. Looks, says so and goes on with what is
 * left; repairing iptables is its helper's, the protected set comes by notice (protect.c).
 */
#include "daemon/upkeep.h"

#include <string.h>
#include "daemon/deny.h"

static void verify(struct daemon *daemon, struct watch *watch)
{
	char why[160] = "";
	const char *name = watch->status.name;

	if (!sensor_verify(watch->sensor, why))
		why[0] = '\0';
	if (!strcmp(why, watch->failing))
		return;
	if (why[0])
		events_say(daemon->events, EVENT_ALARM, SEVERITY_CRITICAL,
			   "%s is not watched, XDP blocks nothing there: %s", name, why);
	else
		events_say(daemon->events, EVENT_SYSTEM, SEVERITY_NOTICE, "%s is watched again",
			   name);
	memcpy(watch->failing, why, sizeof(watch->failing));
}

void daemon_upkeep(struct daemon *daemon)
{
	struct moment now = moment_now();

	for (unsigned int i = 0; i < daemon->watch_count; i++)
		verify(daemon, &daemon->watches[i]);
	daemon_lock(daemon);
	deny_update(daemon, now);
	daemon_unlock(daemon);
	events_flush(daemon->events, now);
	events_log(daemon->events);
}
