/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `fwgen off`: the way back for whoever is locked out. Ends the daemon of this network namespace,
 * by force if it hangs, and removes what any run has left: iptables chain, jumps and sets, XDP
 * programs, tc filters, maps, pins, the socket. Its rules end in the database too, so that the next
 * start does not bring them back. Goes on when a part fails, and says which.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
#include "base/bpffs.h"
#include "base/clock.h"
#include "daemon/daemon.h"
#include "daemon/footprint.h"
#include "daemon/off_helper.h"
#include "daemon/off_interface.h"
#include "daemon/overrides.h"
#include "enforce/iptables.h"
#include "record/recorder.h"
#include "sense/egress.h"

#define TERM_NS	       (10 * NS_PER_SECOND)
#define KILL_NS	       (10 * NS_PER_SECOND)
#define RETRY_NS       (20 * NS_PER_MS)
#define RETENTION_DAYS 10000 /* only to end rules, not to prune */

/* Sends the signal to who holds the lock and waits for it. The lock, or -EADDRINUSE or another
 * -errno. */
static int end_holder(int number, int64_t wait_ns, int *pid)
{
	const struct timespec retry = { .tv_nsec = RETRY_NS };
	int64_t deadline = moment_now().boot_ns + wait_ns;
	int told = 0, fd = -EADDRINUSE;

	while (fd == -EADDRINUSE && moment_now().boot_ns < deadline) {
		if (*pid > 0 && *pid != told && !kill(*pid, number))
			told = *pid;
		nanosleep(&retry, NULL);
		fd = bpffs_lock(pid);
	}
	return fd;
}

/* Returns the lock, or -1: going on without it is better than staying locked out. */
static int end_daemon(bool *failed)
{
	int pid = 0, fd = bpffs_lock(&pid);

	if (fd != -EADDRINUSE)
		return fd;
	printf("asking the daemon, process %d, to stop\n", pid);
	fflush(stdout);
	fd = end_holder(SIGTERM, TERM_NS, &pid);
	if (fd == -EADDRINUSE) {
		fprintf(stderr, "fwgen: process %d does not stop within 10 s: killing it\n", pid);
		fd = end_holder(SIGKILL, KILL_NS, &pid);
	}
	if (fd == -EADDRINUSE) {
		fprintf(stderr,
			"fwgen: process %d does not end: removing its things all the same\n", pid);
		*failed = true;
	}
	return fd;
}

/* What they do meanwhile would be left: so before iptables is cleaned. */
static void end_helpers(bool *failed)
{
	int ended = off_end_helpers();

	if (ended > 0)
		printf("ended %d process%s of the daemon's iptables helper\n", ended,
		       ended == 1 ? "" : "es");
	if (ended >= 0)
		return;
	fprintf(stderr, "fwgen: the daemon's iptables helper does not end: it may put rules back;"
			" run fwgen off again\n");
	*failed = true;
}

static void remove_iptables(bool *failed)
{
	char error[512];
	int removed = iptables_remove_all(error);

	if (removed >= 0) {
		printf("iptables chains, jumps and sets removed: %d\n", removed);
	} else if (removed == -ENOENT) {
		printf("no iptables or ipset here, so nothing of fwgen's in them\n");
	} else {
		fprintf(stderr, "fwgen: %s\n", error);
		*failed = true;
	}
}

static void remove_filters(bool *failed)
{
	int removed = egress_release_others(NULL, 0);

	if (removed > 0)
		printf("tc filters removed: %d\n", removed);
	if (removed >= 0)
		return;
	fprintf(stderr, "fwgen: failed to remove fwgen's tc filters: %s\n", strerror(-removed));
	*failed = true;
}

static void remove_pins(bool *failed)
{
	int removed = bpffs_remove();

	if (removed >= 0) {
		printf("pinned XDP links and maps removed: %d\n", removed);
		return;
	}
	fprintf(stderr, "fwgen: failed to remove the pins in %s: %s\n", BPFFS_DIR,
		strerror(-removed));
	*failed = true;
}

/* What the last daemon here noted, else what the configuration says. Options win over both. */
static int find_files(const struct options *options, struct footprint *out)
{
	char error[CONFIG_ERROR_TEXT];
	struct config *config = NULL;

	if (!options->config && !options->database && !footprint_read(out))
		return 0;
	if (overrides_load(options, &config, error)) {
		fprintf(stderr, "fwgen: %s\n", error);
		return -EINVAL;
	}
	snprintf(out->database, sizeof(out->database), "%s", config->storage.database);
	snprintf(out->socket, sizeof(out->socket), "%s", config->control.socket);
	config_free(&config);
	return 0;
}

/* Returns how many rules ended, or -errno with a text. */
static int end_rules(const char *database, char error[512])
{
	struct recorder_options options = { .database = database,
					    .retention_days = RETENTION_DAYS };
	struct moment now = moment_now();
	struct recorder *recorder = NULL;
	struct rule *rules = NULL;
	size_t n = 0;
	int err = recorder_open(&options, &recorder, error);

	if (err)
		return err;
	err = recorder_load_rules(recorder, now, &rules, &n);
	for (size_t i = 0; !err && i < n; i++) {
		struct rule_change change = { .kind = RULE_REMOVED,
					      .rule = rules[i],
					      .removed_why = REMOVED_MANUAL };

		recorder_rule_change(recorder, &change, now);
	}
	if (!err)
		recorder_audit(recorder, now, (int)getuid(), getpid(), getenv("SUDO_USER"), "off",
			       NULL, NULL);
	else
		snprintf(error, 512, "failed to read the rules of %.300s: %s", database,
			 strerror(-err));
	free(rules);
	recorder_close(&recorder);
	return err ? err : (int)n;
}

static void forget_rules(const char *database)
{
	char error[512];
	int ended;

	if (access(database, F_OK))
		return;
	ended = end_rules(database, error);
	if (ended >= 0)
		printf("rules ended in %s: %d\n", database, ended);
	else /* the kernel is clean, which is what was asked for */
		fprintf(stderr, "fwgen: %s: the next start may restore rules that have time left\n",
			error);
}

/* Whether somebody listens there: the daemon of another network namespace, since ours has ended. */
static bool is_live(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;
	bool live;

	if (strlen(path) >= sizeof(address.sun_path))
		return false;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true;
	live = !connect(fd, (const struct sockaddr *)&address, sizeof(address)) || errno == EAGAIN;
	close(fd);
	return live;
}

static void remove_socket(const char *path)
{
	struct stat st;

	if (!lstat(path, &st) && S_ISSOCK(st.st_mode) && !is_live(path) && !unlink(path))
		printf("removed %s\n", path);
}

int daemon_off(const struct options *options)
{
	struct footprint files;
	bool failed = false;
	int lock;

	if (geteuid()) {
		fprintf(stderr, "fwgen: fwgen off needs root: it removes firewall rules\n");
		return EX_NOPERM;
	}
	if (off_names_unknown(options))
		return EX_UNAVAILABLE;
	if (options->interface_count && off_leaves_others(options))
		return off_interfaces(options);
	lock = end_daemon(&failed);
	end_helpers(&failed);
	remove_pins(&failed); /* first: the kernel detaches a moment after the last pin is gone */
	remove_filters(&failed);
	remove_iptables(&failed);
	if (!find_files(options, &files)) {
		forget_rules(files.database);
		remove_socket(files.socket);
	}
	footprint_remove();
	bpffs_unlock(&lock, !failed);
	printf("%s\n", failed ? "not everything could be removed" : "fwgen is off");
	return failed ? EX_OSERR : 0;
}
