/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The start: a list of steps, in the order in which a failure leaves the least behind. Everything
 * that can fail fails here, with one message and the exit code of its kind; then what was set up is
 * undone. What is found of an earlier run stays, whatever fails.
 */
#include "daemon/start.h"

#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include "base/log.h"
#include "daemon/commands.h"
#include "daemon/daemon_private.h"
#include "daemon/evidence.h"
#include "daemon/footprint.h"
#include "daemon/overrides.h"
#include "daemon/view.h"
#include "daemon/wake.h"

static int load_config(struct daemon *daemon, char error[512])
{
	return overrides_load(daemon->options, &daemon->config, error) ? EX_CONFIG : 0;
}

static int need_root(struct daemon *daemon, char error[512])
{
	(void)daemon;
	if (!geteuid())
		return 0;
	snprintf(error, 512,
		 "fwgen run needs root: it loads an XDP program and writes firewall rules"
		 " (sudo fwgen run ...)");
	return EX_NOPERM;
}

static int open_log(struct daemon *daemon, char error[512])
{
	const struct config *config = daemon->config;
	int err = log_open(config->log.level, config->log.file);

	if (!err)
		return 0;
	snprintf(error, 512, "failed to open log %.300s: %s", config->log.file, strerror(-err));
	return EX_OSERR;
}

static int find_interfaces(struct daemon *daemon, char error[512])
{
	const struct config *config = daemon->config;

	if (!config->interface_count) {
		snprintf(error, 512,
			 "no interface to watch: name it with --iface, or as \"interfaces\" in the"
			 " configuration");
		return EX_USAGE;
	}
	if (config->sensor.backend == BACKEND_AF_PACKET) {
		snprintf(error, 512,
			 "sensor af_packet is not in this version: use xdp, or xdp-generic where"
			 " the driver has no XDP of its own");
		return EX_UNAVAILABLE;
	}
	for (unsigned int i = 0; i < config->interface_count; i++) {
		if (if_nametoindex(config->interfaces[i]))
			continue;
		snprintf(error, 512, "failed to watch %s: there is no such interface here",
			 config->interfaces[i]);
		return EX_UNAVAILABLE;
	}
	return 0;
}

static int open_record(struct daemon *daemon, char error[512])
{
	const struct config *config = daemon->config;
	struct recorder_options options = {
		.database = config->storage.database,
		.event_log = config->storage.event_log,
		.retention_days = config->storage.retention_days,
	};

	if (recorder_open(&options, &daemon->recorder, error))
		return EX_OSERR;
	if (!events_new(daemon->recorder, &daemon->events))
		return 0;
	snprintf(error, 512, "failed to start: %s", strerror(ENOMEM));
	return EX_OSERR;
}

static int open_host(struct daemon *daemon, char error[512])
{
	return host_open(&daemon->host, error) ? EX_OSERR : 0;
}

static int make_deciders(struct daemon *daemon, char error[512])
{
	int err = detect_new(daemon->config, &daemon->detect);

	if (!err)
		err = policy_new(daemon->config, recorder_next_rule_id(daemon->recorder),
				 &daemon->policy);
	if (!err)
		policy_room(daemon->policy, DAEMON_BLOCKS_MAX - daemon->config->access.deny_count);
	if (!err)
		err = recent_new(&daemon->recent);
	if (!err)
		return 0;
	snprintf(error, 512, "failed to start detection: %s", strerror(-err));
	return EX_OSERR;
}

static int start_threads(struct daemon *daemon, char error[512])
{
	int err = grace_start(&daemon->grace);

	if (!err)
		err = host_start(daemon->host);
	if (!err)
		err = evidence_start(daemon);
	if (!err)
		err = wake_start(daemon);
	if (!err)
		err = daemon_watch_steps(daemon);
	if (!err)
		return 0;
	snprintf(error, 512, "failed to start the daemon's threads: %s", strerror(-err));
	return EX_OSERR;
}

static int open_control(struct daemon *daemon, char error[512])
{
	const struct config *config = daemon->config;
	struct footprint footprint;
	int err;

	daemon->control_ops = (struct control_ops){ &daemon_view, &daemon_commands, daemon };
	err = control_open(daemon->loop, config->control.socket, &daemon->control_ops,
			   &daemon->control, error);

	if (err)
		return err == -EADDRINUSE ? EX_UNAVAILABLE : EX_OSERR;
	snprintf(footprint.database, sizeof(footprint.database), "%s", config->storage.database);
	snprintf(footprint.socket, sizeof(footprint.socket), "%s", config->control.socket);
	err = footprint_write(&footprint);
	if (err)
		log_warning("failed to note in %s where this daemon's files are: %s: fwgen off"
			    " will need --config",
			    FWGEN_RUN_DIR, strerror(-err));
	return 0;
}

/* What a person needs to know: what, how, where, how to end it, how to get back in. */
static int announce(struct daemon *daemon, char error[512])
{
	const struct config *config = daemon->config;
	const char *mode = mode_name(config->mode);

	(void)error;
	printf("fwgen %s watches", FWGEN_VERSION);
	for (unsigned int i = 0; i < daemon->watch_count; i++)
		printf("%s %s (%s)", i ? "," : "", daemon->watches[i].status.name,
		       daemon->watches[i].status.sensor);
	printf(", mode %s%s\n", mode,
	       config->mode == MODE_OBSERVE ? ": says what it would block, blocks nothing" : "");
	printf("configuration: %s\n", config->path[0] ? config->path : "built-in defaults");
	printf("database: %s\n", config->storage.database);
	printf("to stop: Ctrl-C, or kill %d (%s)\n", getpid(),
	       config->response.keep_on_exit ? "blocks stay until their time is over"
					     : "takes all blocks back");
	printf("locked out? fwgen off, on the console, removes everything of fwgen's; add yourself"
	       " to access.allow\n");
	fflush(stdout);
	events_say(daemon->events, EVENT_SYSTEM, SEVERITY_NOTICE,
		   "started: mode %s, %u interface%s", mode, daemon->watch_count,
		   daemon->watch_count == 1 ? "" : "s");
	return 0;
}

static const struct {
	int (*fn)(struct daemon *daemon, char error[512]); /* 0, or the exit code and a text */
} steps[] = {
	{ load_config },     { need_root },	{ open_log },	   { daemon_take_signals },
	{ find_interfaces }, { start_lock },	{ open_host },	   { start_pins },
	{ start_iptables }, /* forks its helper: from the next step on there are threads */
	{ open_record },     { make_deciders }, { start_dropmap }, { start_contacts },
	{ start_loading },   { start_rules },	{ start_sensors }, { start_threads },
	{ open_control },    { announce },
};

/* To the terminal in any case: who starts it there does not look into log.file first. */
static void complain(const struct daemon *daemon, const char *error)
{
	if (!daemon->config || daemon->config->log.file[0])
		fprintf(stderr, "fwgen: %s\n", error);
	if (daemon->config)
		log_error("%s", error);
}

int daemon_start(struct daemon *daemon)
{
	char error[512] = "failed to start";

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int code = steps[i].fn(daemon, error);

		if (!code)
			continue;
		complain(daemon, error);
		daemon->keep = daemon->adopted;
		daemon_stop(daemon);
		return code;
	}
	daemon->running = true;
	return 0;
}
