/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pausing. Policy makes no rules meanwhile; those in force stay and end when their time is over.
 * Disarmed, they stay in the ruleset all the same, and both enforcers are told to let pass: the
 * drop map by its observe switch, iptables by having no members. Whatever ends the pause puts them
 * back with the time they have left.
 */
#include "daemon/pause.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "daemon/changes.h"
#include "daemon/commands.h"

#define PAUSE_MAX_NS (24 * 3600 * NS_PER_SECOND)

bool pause_observes(const struct daemon *daemon)
{
	return daemon->config->mode == MODE_OBSERVE || daemon->pause.disarmed;
}

/* With the decision lock held. */
static void set_disarmed(struct daemon *daemon, bool disarmed, struct moment now)
{
	if (daemon->pause.disarmed == disarmed)
		return;
	daemon->pause.disarmed = disarmed;
	dropmap_set_observe(daemon->dropmap, pause_observes(daemon));
	daemon_sync(daemon, now);
}

static void end(struct daemon *daemon)
{
	daemon_lock(daemon);
	policy_pause(daemon->policy, 0);
	set_disarmed(daemon, false, moment_now());
	daemon_unlock(daemon);
	daemon->pause.until = (struct moment){ 0 };
	loop_remove(&daemon->pause.timer);
}

static void on_end(void *context, uint64_t expirations)
{
	struct daemon *daemon = context;
	bool disarmed = daemon->pause.disarmed;

	(void)expirations;
	end(daemon);
	events_say(daemon->events, EVENT_SYSTEM, SEVERITY_NOTICE,
		   "the pause is over: sources are blocked again%s",
		   disarmed ? ", blocks are in force again" : "");
}

static int set_timer(struct daemon *daemon, int64_t duration_ns)
{
	if (daemon->pause.timer)
		return loop_change_timer(daemon->pause.timer, duration_ns, 0);
	return loop_add_timer(daemon->loop, duration_ns, 0, on_end, daemon, &daemon->pause.timer);
}

int pause_begin(void *context, const struct requester *who, int64_t duration_ns, bool disarm,
		struct pause_result *out, char error[COMMAND_ERROR])
{
	struct daemon *daemon = context;
	struct moment now = moment_now();
	char before[64], after[64], until[MOMENT_TEXT];
	int err;

	if (duration_ns > PAUSE_MAX_NS) {
		snprintf(error, COMMAND_ERROR,
			 "a pause lasts for 24h at most; for longer there is"
			 " --observe, or stopping fwgen");
		return -EINVAL;
	}
	err = set_timer(daemon, duration_ns);
	if (err) {
		snprintf(error, COMMAND_ERROR, "failed to plan the end of the pause: %s",
			 strerror(-err));
		return err;
	}
	snprintf(before, sizeof(before), "%s",
		 daemon->pause.disarmed	       ? "paused, disarmed"
		 : daemon->pause.until.boot_ns ? "paused"
					       : "");
	daemon->pause.until = moment_plus(now, duration_ns);
	daemon_lock(daemon);
	policy_pause(daemon->policy, daemon->pause.until.boot_ns);
	set_disarmed(daemon, disarm, now);
	daemon_unlock(daemon);
	snprintf(after, sizeof(after), "paused%s until %s", disarm ? ", disarmed" : "",
		 moment_format(daemon->pause.until, until));
	command_audit(daemon, who, "pause", before, after);
	events_say(daemon->events, EVENT_SYSTEM, SEVERITY_WARNING,
		   "paused by %s until %s: nobody new is blocked%s", who->name, until,
		   disarm ? ", and blocks are lifted" : "; blocks stay");
	*out = (struct pause_result){ .until = daemon->pause.until, .disarmed = disarm };
	return 0;
}

int pause_resume(void *context, const struct requester *who, char error[COMMAND_ERROR])
{
	struct daemon *daemon = context;

	if (!daemon->pause.until.boot_ns) {
		snprintf(error, COMMAND_ERROR, "fwgen is not paused");
		return -EALREADY;
	}
	command_audit(daemon, who, "resume", daemon->pause.disarmed ? "paused, disarmed" : "paused",
		      "");
	end(daemon);
	events_say(daemon->events, EVENT_SYSTEM, SEVERITY_NOTICE, "resumed by %s", who->name);
	return 0;
}
