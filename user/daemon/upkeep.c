/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nobody sends notice of: an XDP program that somebody took off its interface, an interface
 * that is gone or came back as a new one, one that fwgen off took out, deadlines of access.deny
 * that run low. Repairs what it can and says so; repairing iptables is its helper's, the protected
 * set comes by notice (protect.c).
 */
#include "daemon/upkeep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "daemon/changes.h"
#include "daemon/deny.h"
#include "daemon/helper.h"

/* Somebody wants this interface left alone: jumps to the chain go with the program. */
static void let_go(struct daemon *daemon, struct watch *watch)
{
	watch->released = true;
	watch->failing[0] = '\0';
	strcpy(watch->status.sensor, "off");
	events_say(daemon->events, EVENT_SYSTEM, SEVERITY_WARNING,
		   "%s is not watched any more: fwgen off took it out; a restart takes it in again",
		   watch->status.name);
	helper_reopen(daemon);
}

static void tell_repair(struct daemon *daemon, const struct watch *watch, const char *why)
{
	daemon->reattached++;
	if (watch->failing[0])
		events_say(daemon->events, EVENT_SYSTEM, SEVERITY_NOTICE,
			   "%s is watched again: the XDP program was attached anew",
			   watch->status.name);
	else
		events_say(daemon->events, EVENT_ALARM, SEVERITY_WARNING,
			   "%s was not watched for up to %lld s: %s; the XDP program was attached"
			   " anew",
			   watch->status.name, UPKEEP_NS / NS_PER_SECOND, why);
}

void upkeep_direction(struct daemon *daemon, struct watch *watch)
{
	char *told = watch->status.direction_unknown;
	bool repaired;
	const char *why = sensor_direction(watch->sensor, &repaired);

	if (repaired)
		events_say(
			daemon->events, EVENT_ALARM, SEVERITY_WARNING,
			"what leaves %s was not seen for up to %lld s: its tc filter was gone; it"
			" was put back",
			watch->status.name, UPKEEP_NS / NS_PER_SECOND);
	if (!strcmp(told, why))
		return;
	if (why[0])
		events_say(daemon->events, EVENT_SYSTEM, SEVERITY_WARNING,
			   "what leaves %s is not seen, so nobody knows what arrives there as an"
			   " answer: %s",
			   watch->status.name, why);
	else
		events_say(daemon->events, EVENT_SYSTEM, SEVERITY_NOTICE,
			   "what leaves %s is seen again", watch->status.name);
	snprintf(told, sizeof(watch->status.direction_unknown), "%s", why);
}

static void verify(struct daemon *daemon, struct watch *watch)
{
	char why[160] = "", obstacle[160] = "";
	int err;

	if (watch->released)
		return;
	if (!sensor_verify(watch->sensor, why)) {
		upkeep_direction(daemon, watch);
		return;
	}
	err = sensor_reattach(watch->sensor, obstacle);
	if (err == -ECANCELED) {
		let_go(daemon, watch);
		return;
	}
	if (!err) {
		tell_repair(daemon, watch, why);
		upkeep_direction(daemon, watch);
		watch->failing[0] = '\0';
		return;
	}
	if (strcmp(obstacle, watch->failing))
		events_say(daemon->events, EVENT_ALARM, SEVERITY_CRITICAL,
			   "%s is not watched, XDP blocks nothing there: %s; %s",
			   watch->status.name, why, obstacle);
	memcpy(watch->failing, obstacle, sizeof(watch->failing));
}

void daemon_upkeep(struct daemon *daemon)
{
	struct moment now = moment_now();

	for (unsigned int i = 0; i < daemon->watch_count; i++)
		verify(daemon, &daemon->watches[i]);
	daemon_lock(daemon);
	deny_update(daemon, now);
	daemon_unlock(daemon);
	helper_tell_states(daemon);
	events_flush(daemon->events, now);
	events_log(daemon->events);
}
