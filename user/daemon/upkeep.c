/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of the interfaces: an XDP program or tc filter that somebody took off, an interface
 * that is gone, came back as a new one or has another name, one that fwgen off took out. Looks when
 * the kernel sends notice, and every few seconds all the same; then at deadlines of access.deny
 * that run low, too. Repairs what it can and says so; repairing iptables is its helper's, the
 * protected set is protect.c's.
 */
#include "daemon/upkeep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "daemon/changes.h"
#include "daemon/deny.h"
#include "daemon/helper.h"
#include "host/link_notices.h"

#define LOOK_NS (200 * NS_PER_MS) /* between looks: others may undo repairs at once */

/* Somebody wants this interface left alone: jumps to the chain go with the program. */
static void let_go(struct daemon *daemon, struct watch *watch)
{
	watch->released = true;
	watch->failing[0] = '\0';
	strcpy(watch->status.sensor, "off");
	events_say(daemon->events, EVENT_SYSTEM, SEVERITY_WARNING,
		   "%s is not watched any more: fwgen off took it out; a restart takes it in again",
		   watch->status.name);
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

/* While nobody saw what left, answers were not noted: they must not be taken for attacks. */
static void tell_direction(struct daemon *daemon, const struct watch *watch,
			   enum direction direction)
{
	if (direction == DIRECTION_BACK)
		events_say(
			daemon->events, EVENT_ALARM, SEVERITY_WARNING,
			"what leaves %s was not seen for up to %lld s: its tc filter was gone; it"
			" was put back",
			watch->status.name, UPKEEP_NS / NS_PER_SECOND);
	if (direction == DIRECTION_BACK || direction == DIRECTION_BEGUN)
		contacts_relearn(&daemon->contacts, moment_now(), CONTACTS_GENERATION_NS);
}

void upkeep_direction(struct daemon *daemon, struct watch *watch)
{
	char *told = watch->status.direction_unknown;
	const char *why;

	tell_direction(daemon, watch, sensor_direction(watch->sensor, &why));
	if (!strcmp(told, why))
		return;
	/* the hosts behind it are known for that much longer as some whose packets are seen */
	if (why[0] && !told[0])
		contacts_relearn(&daemon->contacts, moment_now(), 2 * CONTACTS_GENERATION_NS);
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

static void tell_failure(struct daemon *daemon, struct watch *watch, const char *why,
			 const char *obstacle)
{
	if (strcmp(obstacle, watch->failing))
		events_say(daemon->events, EVENT_ALARM, SEVERITY_CRITICAL,
			   "%s is not watched, XDP blocks nothing there: %s; %s",
			   watch->status.name, why, obstacle);
	snprintf(watch->failing, sizeof(watch->failing), "%s", obstacle);
}

/* What it is called now. Returns whether that is something else than before. */
static bool follow_name(struct daemon *daemon, struct watch *watch)
{
	const char *name = sensor_interface(watch->sensor);

	if (!strcmp(name, watch->status.name))
		return false;
	if (!watch->failing[0])
		events_say(daemon->events, EVENT_SYSTEM, SEVERITY_WARNING,
			   "%s is called %s now: it is watched on, while no other interface is"
			   " called as the configuration has it",
			   watch->status.name, name);
	snprintf(watch->status.name, sizeof(watch->status.name), "%s", name);
	return true;
}

/* Returns whether the interfaces that iptables is to name are others now. */
static bool verify(struct daemon *daemon, struct watch *watch)
{
	char why[160] = "", obstacle[160] = "";
	bool renamed;
	int err = 0;

	if (watch->released)
		return false;
	if (sensor_verify(watch->sensor, why)) {
		err = sensor_reattach(watch->sensor, obstacle);
		if (err == -ECANCELED) {
			let_go(daemon, watch);
			return true;
		}
		if (err)
			tell_failure(daemon, watch, why, obstacle);
		else
			tell_repair(daemon, watch, why);
	}
	renamed = follow_name(daemon, watch);
	if (!err) {
		upkeep_direction(daemon, watch);
		watch->failing[0] = '\0';
	}
	return renamed;
}

static void look(struct daemon *daemon)
{
	bool others = false;

	daemon->looked_ns = moment_now().boot_ns;
	for (unsigned int i = 0; i < daemon->watch_count; i++)
		others |= verify(daemon, &daemon->watches[i]);
	if (others) /* iptables names interfaces */
		helper_reopen(daemon);
	events_log(daemon->events);
}

static void on_notice(void *context, uint32_t events)
{
	struct daemon *daemon = context;

	int64_t wait_ns = daemon->looked_ns + LOOK_NS - moment_now().boot_ns;

	(void)events;
	link_notices_drain(daemon->links_fd);
	if (wait_ns <= 0)
		look(daemon);
	else
		loop_change_timer(daemon->upkeep_timer, wait_ns, UPKEEP_NS);
}

static void on_upkeep(void *context, uint64_t expirations)
{
	struct daemon *daemon = context;
	struct moment now = moment_now();

	(void)expirations;
	daemon_lock(daemon);
	deny_update(daemon, now);
	daemon_unlock(daemon);
	helper_tell_states(daemon);
	events_flush(daemon->events, now);
	look(daemon);
}

int upkeep_start(struct daemon *daemon)
{
	int err = loop_add_timer(daemon->loop, UPKEEP_NS, UPKEEP_NS, on_upkeep, daemon,
				 &daemon->upkeep_timer);

	if (err)
		return err;
	daemon->links_fd = link_notices_open();
	if (daemon->links_fd < 0)
		return daemon->links_fd;
	return loop_add_fd(daemon->loop, daemon->links_fd, EPOLLIN, on_notice, daemon,
			   &daemon->links_source);
}

void upkeep_stop(struct daemon *daemon)
{
	loop_remove(&daemon->upkeep_timer);
	loop_remove(&daemon->links_source);
	if (daemon->links_fd >= 0)
		close(daemon->links_fd);
	daemon->links_fd = -1;
}
