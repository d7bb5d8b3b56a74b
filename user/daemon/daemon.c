/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's loop, and in daemon_tick() the whole way of the data: this is the place to begin
 * reading. Each line of it is one step in a folder of its own; they know nothing of each other and
 * meet here. The wake thread (wake.c) goes the same way with a single entry, within an interval.
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>
#include "base/log.h"
#include "daemon/changes.h"
#include "daemon/daemon_private.h"
#include "daemon/peaks.h"
#include "daemon/protect.h"
#include "daemon/reload.h"
#include "daemon/start.h"
#include "daemon/upkeep.h"
#include "daemon/view.h"

/* Samples judged in one go: the wake thread waits for no more than these. */
#define SLICE 256

/*
 * A flood takes the processors in softirq, and what runs beside us takes its share of the rest: who
 * decides goes before them. Per thread on Linux. Without the right to it all works, only later.
 */
void daemon_go_first(void)
{
	if (setpriority(PRIO_PROCESS, 0, -15))
		log_info("failed to go before other processes: %s", strerror(errno));
}

/* ---- the steps ------------------------------------------------------------------------------- */

/* Detection, decision and what follows from them, a slice at a time. */
static void judge(struct daemon *daemon, const struct interval *interval)
{
	const struct traffic *traffic = &interval->traffic;
	struct judgement *judgement = &daemon->judgement;

	size_t at = 0;

	/* at least once: the windows move on when nobody sent anything, too */
	do {
		size_t left = interval->source_count - at, n = left < SLICE ? left : SLICE;

		daemon_lock(daemon);
		if (detect_samples(daemon->detect, traffic, interval->sources + at, n,
				   &judgement->findings))
			log_error("failed to judge all sources of %s: %s", traffic->interface,
				  strerror(ENOMEM));
		daemon_judge(daemon, judgement, moment_now());
		daemon_unlock(daemon);
		at += n;
	} while (at < interval->source_count);

	/* outside of the lock: a wake record says nothing of destinations */
	if (detect_destinations(daemon->detect, interval, &judgement->findings))
		log_error("failed to judge all destinations of %s: %s", traffic->interface,
			  strerror(ENOMEM));
	daemon_lock(daemon);
	policy_population(daemon->policy, detect_established(daemon->detect));
	daemon_judge(daemon, judgement, moment_now());
	daemon_unlock(daemon);
}

static void expire(struct daemon *daemon)
{
	struct moment now = moment_now();

	daemon_lock(daemon);
	if (policy_next_expiry(daemon->policy) <= now.boot_ns) {
		if (policy_expire(daemon->policy, now, &daemon->judgement.changes))
			log_error("failed to end all blocks that are over: %s", strerror(ENOMEM));
		daemon_carry_out(daemon, &daemon->judgement.changes, now);
	}
	daemon_unlock(daemon);
}

/* The grace period is over: the interval's tables are ours. From counters to rules. */
static void daemon_tick(struct daemon *daemon)
{
	for (unsigned int i = 0; i < daemon->watch_count; i++) {
		struct watch *watch = &daemon->watches[i];
		struct interval interval = { 0 };
		int err = sensor_collect(watch->sensor, &interval); /* sense */

		if (err) {
			log_error("failed to read an interval of %s: %s", watch->status.name,
				  strerror(-err));
			continue;
		}
		interval.contacts = daemon->contacts.notes;
		judge(daemon, &interval);			       /* detect, decide, enforce */
		recorder_traffic(daemon->recorder, &interval.traffic); /* record */
		view_count(watch, &interval.traffic);		       /* serve */
	}
	expire(daemon);
	dropmap_maintain(daemon->dropmap, moment_now());
	daemon_note_peaks(daemon);
	events_log(daemon->events);
}

/* ---- what the loop waits for ----------------------------------------------------------------- */

/* Packets go to the other table from here on. While a grace period lasts the interval does too. */
static void on_interval(void *context, uint64_t expirations)
{
	struct daemon *daemon = context;
	struct moment now;

	(void)expirations;
	if (daemon->waiting_for_grace)
		return;
	now = moment_now();
	for (unsigned int i = 0; i < daemon->watch_count; i++)
		sensor_flip(daemon->watches[i].sensor, now);
	contacts_turn(&daemon->contacts, now);
	daemon->waiting_for_grace = true;
	grace_request(daemon->grace);
}

static void on_grace(void *context, uint32_t events)
{
	struct daemon *daemon = context;
	int64_t start_ns = moment_now().boot_ns;
	uint64_t count;

	(void)events;
	if (read(grace_fd(daemon->grace), &count, sizeof(count)) != sizeof(count))
		return;
	daemon->waiting_for_grace = false;
	daemon_tick(daemon);
	daemon->tick_ms_last = (double)(moment_now().boot_ns - start_ns) / NS_PER_MS;
	if (daemon->tick_ms_max < daemon->tick_ms_last)
		daemon->tick_ms_max = daemon->tick_ms_last;
}

static void on_host(void *context, uint32_t events)
{
	struct daemon *daemon = context;
	bool changed = false;
	int err = host_refresh(daemon->host, &changed);

	(void)events;
	if (err)
		log_warning("failed to read this host's addresses and routes: %s", strerror(-err));
	if (changed)
		daemon_protect(daemon);
}

static void reopen_logs(struct daemon *daemon)
{
	int err = log_reopen();

	if (err)
		log_error("failed to reopen the log: %s", strerror(-err));
	recorder_reopen_event_log(daemon->recorder);
}

static void on_signal(void *context, int number)
{
	struct daemon *daemon = context;

	switch (number) {
	case SIGHUP:
		daemon_reload(daemon);
		break;
	case SIGUSR1:
		reopen_logs(daemon);
		break;
	case SIGUSR2: /* another daemon takes over */
		daemon->keep = true;
		loop_stop(daemon->loop);
		break;
	default:
		daemon->keep = daemon->config->response.keep_on_exit;
		loop_stop(daemon->loop);
		break;
	}
}

int daemon_take_signals(struct daemon *daemon, char error[512])
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2 };
	int err = loop_new(&daemon->loop);

	signal(SIGPIPE, SIG_IGN);
	if (!err)
		err = loop_add_signals(daemon->loop, signals, sizeof(signals) / sizeof(signals[0]),
				       on_signal, daemon, &daemon->signals);
	if (!err)
		return 0;
	snprintf(error, 512, "failed to make the event loop: %s", strerror(-err));
	return EX_OSERR;
}

int daemon_watch_steps(struct daemon *daemon)
{
	int64_t interval_ns = daemon->config->sensor.interval_ms * NS_PER_MS;
	struct loop *loop = daemon->loop;
	int err = loop_add_fd(loop, grace_fd(daemon->grace), EPOLLIN, on_grace, daemon,
			      &daemon->grace_source);

	if (!err)
		err = loop_add_fd(loop, host_fd(daemon->host), EPOLLIN, on_host, daemon,
				  &daemon->host_source);
	if (!err)
		err = upkeep_start(daemon);
	if (!err)
		err = loop_add_timer(loop, interval_ns, interval_ns, on_interval, daemon,
				     &daemon->interval_timer);
	return err;
}

int daemon_run(const struct options *options)
{
	static struct daemon daemon;
	int code, err;

	daemon = (struct daemon){
		.options = options,
		.started = moment_now(),
		.lock_fd = -1,
		.links_fd = -1,
		.lock = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER },
	};
	code = daemon_start(&daemon);
	if (code)
		return code;
	daemon_go_first(); /* writer and helper are there: they do not inherit it */
	err = loop_run(daemon.loop);
	if (err)
		log_error("failed to wait for events: %s", strerror(-err));
	daemon_stop(&daemon);
	return err ? EX_OSERR : 0;
}
