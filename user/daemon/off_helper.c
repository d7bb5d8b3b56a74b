/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The iptables helper of a daemon that had to be killed: it may be in the middle of a repair, or
 * stopped like the daemon was, and would put back what `fwgen off` removes. It is found by its name
 * in this network namespace, stopped so that it starts nothing more, and killed together with the
 * iptables or ipset that it runs.
 */
#include "daemon/off_helper.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "enforce/iptables.h"

#define FAMILY_MAX 64
#define STOP_NS	   (200 * NS_PER_MS)
#define END_NS	   (5 * NS_PER_SECOND)
#define RETRY_NS   NS_PER_MS

struct process {
	int pid, parent;
	char state;
	char name[16];
};

struct family {
	struct {
		int pid, fd; /* a pidfd: the number may become another's */
	} items[FAMILY_MAX];
	unsigned int count;
};

static bool read_process(int pid, struct process *out)
{
	char path[32], text[512], *name, *end;
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	name = strchr(text, '(');
	end = strrchr(text, ')');
	if (!name || !end || sscanf(end, ") %c %d", &out->state, &out->parent) != 2)
		return false;
	*end = '\0';
	snprintf(out->name, sizeof(out->name), "%s", name + 1);
	out->pid = pid;
	return true;
}

/* A name anybody may take: it has to be our own user's as well, and in this namespace. */
static bool is_helper(const struct process *process)
{
	struct stat own, its, folder;
	char path[32];

	if (strcmp(process->name, IPTABLES_HELPER_NAME))
		return false;
	snprintf(path, sizeof(path), "/proc/%d", process->pid);
	if (stat(path, &folder) || folder.st_uid != geteuid())
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", process->pid);
	return !stat(path, &its) && !stat("/proc/self/ns/net", &own) && its.st_ino == own.st_ino &&
	       its.st_dev == own.st_dev;
}

static bool has(const struct family *family, int pid)
{
	for (unsigned int i = 0; i < family->count; i++) {
		if (family->items[i].pid == pid)
			return true;
	}
	return false;
}

static bool belongs(const struct family *family, const struct process *process)
{
	return process->state != 'Z' && (is_helper(process) || has(family, process->parent));
}

static bool add(struct family *family, int pid)
{
	struct process process;
	int fd;

	if (family->count == FAMILY_MAX || has(family, pid))
		return false;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return false;
	/* asked once more, now that it cannot be exchanged */
	if (!read_process(pid, &process) || !belongs(family, &process)) {
		close(fd);
		return false;
	}
	family->items[family->count].pid = pid;
	family->items[family->count++].fd = fd;
	return true;
}

/* Takes in who belongs to it. Returns how many. */
static unsigned int look(struct family *family)
{
	DIR *dir = opendir("/proc");
	unsigned int before = family->count;
	struct process process;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int pid = atoi(entry->d_name);

		if (pid > 0 && read_process(pid, &process) && belongs(family, &process))
			add(family, pid);
	}
	if (dir)
		closedir(dir);
	return family->count - before;
}

static void signal_all(const struct family *family, int number)
{
	for (unsigned int i = 0; i < family->count; i++)
		syscall(SYS_pidfd_send_signal, family->items[i].fd, number, NULL, 0);
}

static void wait_stopped(const struct family *family)
{
	const struct timespec retry = { .tv_nsec = RETRY_NS };
	int64_t deadline = moment_now().boot_ns + STOP_NS;

	for (unsigned int i = 0; i < family->count; i++) {
		struct process process;

		while (read_process(family->items[i].pid, &process) &&
		       !strchr("TtZX", process.state) && moment_now().boot_ns < deadline)
			nanosleep(&retry, NULL);
	}
}

/* Waits for the end of all, and lets go of them. */
static bool wait_ended(struct family *family)
{
	int64_t deadline = moment_now().boot_ns + END_NS;
	bool ended = true;

	for (unsigned int i = 0; i < family->count; i++) {
		struct pollfd wait = { .fd = family->items[i].fd, .events = POLLIN };
		int64_t left = (deadline - moment_now().boot_ns) / NS_PER_MS;

		ended &= poll(&wait, 1, left > 0 ? (int)left : 0) == 1;
		close(wait.fd);
	}
	return ended;
}

int off_end_helpers(void)
{
	struct family family = { .count = 0 };

	if (!look(&family))
		return 0;
	/* a helper that stands still starts nothing while its children are looked for */
	do {
		signal_all(&family, SIGSTOP);
		wait_stopped(&family);
	} while (look(&family));
	signal_all(&family, SIGKILL);
	return wait_ended(&family) ? (int)family.count : -ETIME;
}
