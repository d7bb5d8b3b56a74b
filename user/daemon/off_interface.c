/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `fwgen off --iface IF` while fwgen is on other interfaces too: only IF's program and its jumps to
 * the chain go. A daemon that runs goes on with the others: it sees that the link went together
 * with its pin, and takes that as being told (upkeep.c).
 */
#include "daemon/off_interface.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
#include "base/bpffs.h"
#include "base/clock.h"
#include "daemon/options.h"
#include "enforce/iptables.h"
#include "sense/sensor.h"

#define LET_GO_NS (10 * NS_PER_SECOND) /* two looks of the daemon, and a new helper */
#define RETRY_NS  (100 * NS_PER_MS)

static const char **names(const struct options *options, const char *out[CONFIG_INTERFACES_MAX])
{
	for (unsigned int i = 0; i < options->interface_count; i++)
		out[i] = options->interfaces[i];
	return out;
}

bool off_leaves_others(const struct options *options)
{
	const char *list[CONFIG_INTERFACES_MAX];
	char dir[PATH_MAX];

	return !bpffs_dir(dir) &&
	       sensor_pinned(dir, names(options, list), options->interface_count, true) > 0;
}

static bool has_anything(const char *name)
{
	char dir[PATH_MAX], error[512];

	return (!bpffs_dir(dir) && sensor_pinned(dir, &name, 1, false) > 0) ||
	       iptables_jumps(&name, 1, false, error) > 0;
}

bool off_names_unknown(const struct options *options)
{
	for (unsigned int i = 0; i < options->interface_count; i++) {
		const char *name = options->interfaces[i];

		if (if_nametoindex(name) || has_anything(name))
			continue;
		fprintf(stderr,
			"fwgen: there is no interface %s here, and nothing of fwgen's for it\n",
			name);
		return true;
	}
	return false;
}

/* A daemon takes its jumps back itself: its helper would repair them if we did. */
static void wait_for_daemon(const struct options *options)
{
	const struct timespec retry = { .tv_nsec = RETRY_NS };
	int64_t deadline = moment_now().boot_ns + LET_GO_NS;
	const char *list[CONFIG_INTERFACES_MAX];
	char error[512];

	names(options, list);
	while (iptables_jumps(list, options->interface_count, false, error) > 0 &&
	       moment_now().boot_ns < deadline)
		nanosleep(&retry, NULL);
}

static int remove_jumps(const struct options *options)
{
	const char *list[CONFIG_INTERFACES_MAX];
	char error[512];
	int removed = iptables_jumps(names(options, list), options->interface_count, true, error);

	if (removed > 0)
		printf("iptables jumps removed: %d\n", removed);
	if (removed >= 0 || removed == -ENOENT) /* no iptables, no jumps */
		return 0;
	fprintf(stderr, "fwgen: %s\n", error);
	return EX_OSERR;
}

static int remove_programs(const struct options *options)
{
	const char *list[CONFIG_INTERFACES_MAX];
	char dir[PATH_MAX];
	int released = bpffs_dir(dir);

	if (!released)
		released = sensor_release(dir, names(options, list), options->interface_count);
	if (released >= 0)
		printf("pinned XDP links removed: %d\n", released);
	if (released >= 0 || released == -ENOENT) /* no folder, no pins */
		return 0;
	fprintf(stderr, "fwgen: failed to take the XDP program or the tc filter off: %s\n",
		strerror(-released));
	return EX_OSERR;
}

int off_interfaces(const struct options *options)
{
	int holder = 0, code = remove_programs(options), lock = bpffs_lock(&holder), jumps;

	if (lock == -EADDRINUSE)
		wait_for_daemon(options);
	jumps = remove_jumps(options);
	code = code ? code : jumps;
	bpffs_unlock(&lock, false);
	printf("%s\n", code ? "not everything could be removed"
			    : "fwgen is off there; other interfaces are as they were");
	return code;
}
