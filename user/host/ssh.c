/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/ssh.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES  64
#define PRIVSEP	    "sshd" /* the user of what talks to strangers, on every distribution */
#define DESCRIPTORS 128	   /* of one process that are looked at */

/* ---- the decision ---------------------------------------------------------------------------- */

/* "pts/0", "pts/0,pts/3", "notty": what sshd calls the terminals of a session. */
static bool is_terminals(const char *text)
{
	if (!strcmp(text, "notty"))
		return true;
	return !strncmp(text, "pts/", 4) && text[4] &&
	       !text[4 + strspn(text + 4, "0123456789,pts/")];
}

/* What follows sshd's name in a title that sshd wrote, or NULL. */
static const char *after_name(const char *title)
{
	static const char *const names[] = { "sshd: ", "sshd-session: " };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strncmp(title, names[i], strlen(names[i])))
			return title + strlen(names[i]);
	}
	return NULL;
}

bool ssh_logged_in(const struct ssh_process *process, uint32_t privsep_uid,
		   char user[SSH_USER_TEXT])
{
	const char *rest = after_name(process->title), *terminals;
	char text[128];
	size_t len;

	if (!rest || (process->uid && !process->child_of_root))
		return false;
	snprintf(text, sizeof(text), "%s", rest);
	for (len = strlen(text); len && text[len - 1] == ' '; len--) /* sshd pads it */
		text[len - 1] = '\0';
	terminals = strrchr(text, '@');
	snprintf(user, SSH_USER_TEXT, "%.*s",
		 (int)(terminals ? (size_t)(terminals - text) : strcspn(text, " ")), text);
	if (terminals && is_terminals(terminals + 1))
		return true;
	if (process->loginuid != SSH_NO_UID && process->loginuid != process->parent_loginuid)
		return true;
	return process->uid && process->uid != privsep_uid && *text && !strchr(text, '[');
}

/* ---- /proc ----------------------------------------------------------------------------------- */

/* The beginning of a file, as text. Returns false when there is none. */
static bool read_start(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, out, size - 1);
	close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool read_of(int pid, const char *name, char *out, size_t size)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return read_start(path, out, size);
}

static uint32_t number_after(const char *text, const char *key, int skip)
{
	const char *at = strstr(text, key);
	char *end;

	if (!at)
		return SSH_NO_UID;
	at += strlen(key);
	for (int i = 0; i < skip; i++) {
		strtoul(at, &end, 10);
		at = end;
	}
	return (uint32_t)strtoul(at, NULL, 10);
}

static uint32_t loginuid_of(int pid)
{
	char text[16];

	return read_of(pid, "loginuid", text, sizeof(text)) ? (uint32_t)strtoul(text, NULL, 10)
							    : SSH_NO_UID;
}

/* Anybody may call himself sshd: the program must be one that only root can change. */
static bool is_sshd(int pid)
{
	char comm[32], path[PATH_BYTES];
	struct stat st;

	if (!read_of(pid, "comm", comm, sizeof(comm)) ||
	    (strcmp(comm, "sshd\n") && strcmp(comm, "sshd-session\n")))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return !stat(path, &st) && !st.st_uid && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static uint32_t uid_of(int pid)
{
	char status[1024];

	return read_of(pid, "status", status, sizeof(status)) ? number_after(status, "\nUid:\t", 1)
							      : SSH_NO_UID;
}

static bool serves_session(int pid, uint32_t privsep_uid, char user[SSH_USER_TEXT])
{
	struct ssh_process process = { 0 };
	char title[160], status[1024];
	int parent;

	if (!read_of(pid, "cmdline", title, sizeof(title)) ||
	    !read_of(pid, "status", status, sizeof(status)))
		return false;
	process.title = title;
	process.uid = number_after(status, "\nUid:\t", 1);
	process.loginuid = loginuid_of(pid);
	parent = (int)number_after(status, "\nPPid:\t", 0);
	process.parent_loginuid = loginuid_of(parent);
	process.child_of_root = process.uid && is_sshd(parent) && !uid_of(parent);
	return ssh_logged_in(&process, privsep_uid, user);
}

static int compare(const void *a, const void *b)
{
	const struct ssh_socket *left = a, *right = b;

	return left->pid != right->pid ? (left->pid > right->pid) - (left->pid < right->pid)
				       : (left->fd > right->fd) - (left->fd < right->fd);
}

static void read_sockets(int pid, const char *user, struct ssh_sockets *out)
{
	char path[PATH_BYTES], target[64];
	const struct dirent *entry;
	int looked = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return;
	while (out->count < SSH_SOCKETS_MAX && looked++ < DESCRIPTORS && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		struct ssh_socket *socket = &out->items[out->count];
		unsigned int inode;

		target[n > 0 ? n : 0] = '\0';
		if (sscanf(target, "socket:[%u]", &inode) != 1)
			continue;
		*socket = (struct ssh_socket){ .pid = pid,
					       .fd = atoi(entry->d_name),
					       .inode = inode };
		snprintf(socket->user, sizeof(socket->user), "%s", user);
		out->count++;
	}
	closedir(dir);
}

/* Not getpwnam(3), which may ask a server on the network. */
static uint32_t privsep_uid(void)
{
	FILE *file = fopen("/etc/passwd", "re");
	uint32_t found = SSH_NO_UID;
	unsigned int uid;
	char line[512];

	while (file && found == SSH_NO_UID && fgets(line, sizeof(line), file)) {
		if (sscanf(line, PRIVSEP ":%*[^:]:%u:", &uid) == 1)
			found = uid;
	}
	if (file)
		fclose(file);
	return found;
}

void ssh_sockets_read(struct ssh_sockets *out)
{
	uint32_t privsep = privsep_uid();
	const struct dirent *entry;
	DIR *dir = opendir("/proc");

	out->count = 0;
	while (dir && (entry = readdir(dir))) {
		int pid = atoi(entry->d_name);
		char user[SSH_USER_TEXT];

		if (pid > 0 && is_sshd(pid) && serves_session(pid, privsep, user))
			read_sockets(pid, user, out);
	}
	if (dir)
		closedir(dir);
	qsort(out->items, out->count, sizeof(out->items[0]), compare);
}
