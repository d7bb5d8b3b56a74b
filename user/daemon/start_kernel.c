/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps of the start that touch the kernel: lock, pins, iptables, drop map, rules, sensors. An
 * earlier run that was killed, or that hands over, has left its own there: it is adopted, so that
 * blocking goes on without a gap. The order of all steps is start.c's.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
#include "base/log.h"
#include "daemon/changes.h"
#include "daemon/deny.h"
#include "daemon/helper.h"
#include "daemon/protect.h"
#include "daemon/recall.h"
#include "daemon/restore.h"
#include "daemon/start.h"
#include "daemon/upkeep.h"

#define TAKEOVER_NS (5 * NS_PER_SECOND)
#define RETRY_NS    (20 * NS_PER_MS)

int start_exit_code(int err)
{
	switch (-err) {
	case ENODEV:
	case EBUSY:
	case EOPNOTSUPP:
	case EPROTONOSUPPORT:
	case ENOENT:
	case EADDRINUSE:
		return EX_UNAVAILABLE;
	case EPERM:
	case EACCES:
		return EX_NOPERM;
	default:
		return EX_OSERR;
	}
}

/* ---- the lock -------------------------------------------------------------------------------- */

/* Asks the holder to leave with everything in place, and waits for the lock. */
static int take_over(int *pid)
{
	const struct timespec retry = { .tv_nsec = RETRY_NS };
	int64_t deadline = moment_now().boot_ns + TAKEOVER_NS;
	int asked = 0, fd = -EADDRINUSE;

	while (fd == -EADDRINUSE && moment_now().boot_ns < deadline) {
		if (*pid > 0 && *pid != asked && !kill(*pid, SIGUSR2))
			asked = *pid;
		nanosleep(&retry, NULL);
		fd = bpffs_lock(pid);
	}
	return fd;
}

int start_lock(struct daemon *daemon, char error[512])
{
	bool takeover = daemon->options->takeover;
	int pid = 0, fd = bpffs_lock(&pid);

	if (fd == -EADDRINUSE && takeover)
		fd = take_over(&pid);
	if (fd >= 0) {
		daemon->lock_fd = fd;
		return 0;
	}
	if (fd == -EADDRINUSE)
		snprintf(error, 512, "another fwgen, process %d, %s", pid,
			 takeover ? "does not leave within 5 s: stop it, or use fwgen off"
				  : "runs in this network namespace already: stop it, or take its"
				    " place with fwgen run --takeover");
	else
		snprintf(error, 512, "failed to take the lock in %s: %s", FWGEN_RUN_DIR,
			 strerror(-fd));
	return start_exit_code(fd);
}

/* ---- pins ------------------------------------------------------------------------------------ */

int start_pins(struct daemon *daemon, char error[512])
{
	char dir[PATH_MAX], why[256];

	daemon->adopted = !bpffs_dir(dir) && !access(dir, F_OK);
	if (!bpffs_open(dir, why)) {
		memcpy(daemon->pin_dir, dir, sizeof(dir));
		return 0;
	}
	(void)error;
	log_warning("%s: going on without pins: if fwgen is killed, its blocks end with it", why);
	return 0;
}

/* ---- enforcers ------------------------------------------------------------------------------- */

/* Where iptables is not in use nothing may be blocked by what an earlier run left there either. */
static int clear_iptables(void)
{
	char error[512];
	int removed = iptables_remove_all(error);

	if (removed > 0)
		log_info("removed %d iptables chains, jumps and sets of an earlier run", removed);
	else if (removed < 0 && removed != -ENOENT) /* no iptables, no rules */
		log_warning("failed to look for iptables rules of an earlier run: %s", error);
	return 0;
}

int start_iptables(struct daemon *daemon, char error[512])
{
	char why[512];
	int err;

	if (daemon->config->mode == MODE_OBSERVE || !daemon->config->response.iptables)
		return daemon->adopted ? clear_iptables() : 0;
	err = helper_open(daemon, why);
	if (!err)
		return 0;
	if (err == -ENOENT)
		snprintf(error, 512,
			 "%.300s: install it (apt-get install iptables ipset), or take \"iptables\""
			 " out of response.enforcers",
			 why);
	else
		snprintf(error, 512, "%s", why);
	return start_exit_code(err);
}

int start_dropmap(struct daemon *daemon, char error[512])
{
	struct dropmap_options options = {
		.pin_dir = daemon->pin_dir[0] ? daemon->pin_dir : NULL,
		.max_blocks = DAEMON_BLOCKS_MAX,
		.observe = daemon->config->mode == MODE_OBSERVE,
	};
	int err = dropmap_open(&options, &daemon->dropmap, error);

	return err ? start_exit_code(err) : 0;
}

/* ---- rules ----------------------------------------------------------------------------------- */

int start_rules(struct daemon *daemon, char error[512])
{
	struct moment now = moment_now();
	int err;

	daemon_recall(daemon);
	err = daemon_protect(daemon);
	if (err) {
		snprintf(error, 512, "failed to protect this host's own addresses: %s",
			 strerror(-err));
		return EX_OSERR;
	}
	daemon_lock(daemon);
	err = restore_rules(daemon, now);
	deny_update(daemon, now);
	daemon_sync(daemon, now);
	daemon_unlock(daemon);
	if (!err)
		return 0;
	snprintf(error, 512, "failed to restore the rules of database %.300s: %s",
		 daemon->config->storage.database, strerror(-err));
	return EX_OSERR;
}
