/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps an iptables helper at work: listens to it, and makes a new one when it died, later each
 * time in a row. What it is told is changes.c's business. The drop map goes on meanwhile.
 */
#include "daemon/helper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include "base/log.h"
#include "daemon/changes.h"
#include "daemon/view.h"

#define RESTART_SECONDS_MAX 60
#define SAME_TROUBLE_NS	    (2 * RESTART_SECONDS_MAX * NS_PER_SECOND)

static void restart_later(struct daemon *daemon);

static void on_restart(void *context, uint64_t expirations)
{
	struct daemon *daemon = context;
	int err;

	(void)expirations;
	if (!daemon->iptables) {
		helper_begin(daemon);
		return;
	}
	err = iptables_enforcer_restart(daemon->iptables);
	if (err == -EBUSY) /* it lives, and says itself what is wrong */
		return;
	if (!err)
		events_say(daemon->events, EVENT_SYSTEM, SEVERITY_WARNING,
			   "the iptables helper was started anew");
	else
		log_error("failed to restart the iptables helper: %s", strerror(-err));
	if (err)
		restart_later(daemon);
}

/* After 1 s, then 2, 4, ... */
static void restart_later(struct daemon *daemon)
{
	int64_t now_ns = moment_now().boot_ns, seconds = 1;

	if (now_ns - daemon->helper_failed_ns < SAME_TROUBLE_NS)
		seconds = 2 * daemon->helper_wait_s;
	if (seconds > RESTART_SECONDS_MAX)
		seconds = RESTART_SECONDS_MAX;
	daemon->helper_wait_s = seconds;
	daemon->helper_failed_ns = now_ns;
	loop_remove(&daemon->helper_timer);
	if (loop_add_timer(daemon->loop, seconds * NS_PER_SECOND, 0, on_restart, daemon,
			   &daemon->helper_timer))
		log_error("failed to plan a restart of the iptables helper");
}

static void on_helper(void *context, uint32_t events)
{
	struct daemon *daemon = context;
	struct enforcer_status status;

	(void)events;
	if (iptables_enforcer_receive(daemon->iptables) != -EPIPE)
		return;
	iptables_enforcer_status(daemon->iptables, &status);
	events_say(daemon->events, EVENT_ALARM, SEVERITY_CRITICAL,
		   "iptables rules are not kept up to date: %s%s", status.reason,
		   daemon->config->response.xdp ? "; the drop map goes on blocking" : "");
	restart_later(daemon);
}

/* What the helper is to do, by the configuration and the names that interfaces have now. */
static struct iptables_options options_for(const struct daemon *daemon,
					   const char *names[CONFIG_INTERFACES_MAX])
{
	struct iptables_options options = {
		.interfaces = names,
		.track_connections = daemon->config->response.track_connections,
	};

	for (unsigned int i = 0; i < daemon->config->interface_count; i++) {
		const struct watch *watch = &daemon->watches[i];

		/* the watches are in the order of the configuration; at the start there are none */
		if (!watch->released)
			names[options.interface_count++] = watch->status.name[0]
								   ? watch->status.name
								   : daemon->config->interfaces[i];
	}
	return options;
}

int helper_open(struct daemon *daemon, char error[512])
{
	const char *names[CONFIG_INTERFACES_MAX];
	const struct iptables_options options = options_for(daemon, names);
	struct iptables_enforcer *enforcer = NULL;
	int err;

	err = iptables_enforcer_start(&options, &enforcer, error);
	if (err)
		return err;
	err = loop_add_fd(daemon->loop, iptables_enforcer_fd(enforcer), EPOLLIN, on_helper, daemon,
			  &daemon->helper_source);
	if (err) {
		snprintf(error, 512, "failed to watch the iptables helper: %s", strerror(-err));
		iptables_enforcer_stop(&enforcer, daemon->adopted);
		return err;
	}
	daemon_lock(daemon);
	daemon->iptables = enforcer;
	daemon_unlock(daemon);
	return 0;
}

void helper_close(struct daemon *daemon, bool keep)
{
	struct iptables_enforcer *enforcer;
	int err;

	loop_remove(&daemon->helper_timer);
	loop_remove(&daemon->helper_source);
	daemon_lock(daemon);
	enforcer = daemon->iptables;
	daemon->iptables = NULL; /* the wake thread uses it no more */
	daemon_unlock(daemon);
	if (!enforcer)
		return;
	err = iptables_enforcer_stop(&enforcer, keep);
	if (err)
		log_error("failed to remove fwgen's iptables rules: %s; fwgen off tries again",
			  strerror(-err));
}

void helper_begin(struct daemon *daemon)
{
	char error[512];

	if (helper_open(daemon, error)) {
		events_say(daemon->events, EVENT_ALARM, SEVERITY_CRITICAL, "%.200s", error);
		restart_later(daemon);
		return;
	}
	daemon_lock(daemon);
	daemon_sync(daemon, moment_now());
	daemon_unlock(daemon);
}

void helper_reopen(struct daemon *daemon)
{
	const char *names[CONFIG_INTERFACES_MAX];
	const struct iptables_options options = options_for(daemon, names);
	char error[512];

	if (!daemon->iptables || !iptables_enforcer_reconfigure(daemon->iptables, &options, error))
		return;
	events_say(daemon->events, EVENT_ALARM, SEVERITY_CRITICAL, "%.200s", error);
	restart_later(daemon);
}

static void tell_repairs(struct daemon *daemon, const struct enforcer_status *now)
{
	if (now->repairs > daemon->told_repairs)
		events_say(daemon->events, EVENT_ALARM, SEVERITY_WARNING,
			   "somebody changed fwgen's iptables rules; they were put right (%llu"
			   " times by now)",
			   (unsigned long long)now->repairs);
	daemon->told_repairs = now->repairs;
}

static void tell_state(struct daemon *daemon, const struct enforcer_status *now,
		       struct told_state *told)
{
	bool fault = now->state == ENFORCER_UNENFORCED, lasts = now->state == told->seen;
	bool iptables = strcmp(now->name, "iptables") == 0;

	if (!told->begun && !fault) /* what is as it should be from the start is no news */
		told->told = now->state;
	told->begun = true;
	told->seen = now->state;
	if (!lasts || now->state == told->told)
		return;
	told->told = now->state;
	/* why XDP does not block has an event of its own */
	events_say(daemon->events, fault ? EVENT_ALARM : EVENT_SYSTEM,
		   fault ? SEVERITY_CRITICAL : SEVERITY_NOTICE, "enforcer %s: %s%s%s", now->name,
		   enforcer_state_name(now->state), iptables && now->reason[0] ? ": " : "",
		   iptables ? now->reason : "");
}

void helper_tell_states(struct daemon *daemon)
{
	struct enforcer_status now[ENFORCERS_MAX];
	unsigned int count = view_enforcers(daemon, now);

	for (unsigned int i = 0; i < count; i++) {
		tell_state(daemon, &now[i], &daemon->told[i]);
		if (strcmp(now[i].name, "iptables") == 0)
			tell_repairs(daemon, &now[i]);
	}
}
