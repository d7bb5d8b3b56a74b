/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that record/ writes: a daemon that runs as root in a folder that others may write to
 * must not be led to another file by a planted link. Knows nothing of what is in the files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "record/path.h"

/* Room for the names that are made from a path: ".corrupt-3-journal". */
#define SUFFIX_MAX 24

static int resolve_folder(const char *path, char out[PATH_MAX], char why[PATH_WHY])
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char folder[PATH_MAX], real[PATH_MAX];

	if (!name[0] || !strcmp(name, ".") || !strcmp(name, "..")) {
		snprintf(why, PATH_WHY, "that is a folder");
		return -EISDIR;
	}
	if (!slash)
		strcpy(folder, ".");
	else
		snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path),
			 path);
	if (!realpath(folder, real)) {
		int err = errno;

		snprintf(why, PATH_WHY, "its folder cannot be used: %s", strerror(err));
		return -err;
	}
	if (strlen(real) + 1 + strlen(name) + SUFFIX_MAX >= PATH_MAX) {
		snprintf(why, PATH_WHY, "%s", strerror(ENAMETOOLONG));
		return -ENAMETOOLONG;
	}
	stpcpy(stpcpy(stpcpy(out, real), strcmp(real, "/") ? "/" : ""), name);
	return 0;
}

static int resolve_link(const char *path, uid_t owner, char out[PATH_MAX], char why[PATH_WHY])
{
	char real[PATH_MAX];

	if (owner != geteuid() && owner != 0) {
		snprintf(why, PATH_WHY,
			 "it is a symbolic link that belongs to another user (uid %u)", owner);
		return -EACCES;
	}
	if (!realpath(path, real)) {
		int err = errno;

		snprintf(why, PATH_WHY, "its symbolic link leads nowhere: %s", strerror(err));
		return -err;
	}
	if (strlen(real) + SUFFIX_MAX >= PATH_MAX) {
		snprintf(why, PATH_WHY, "%s", strerror(ENAMETOOLONG));
		return -ENAMETOOLONG;
	}
	strcpy(out, real);
	return 0;
}

int path_resolve(const char *path, char out[PATH_MAX], char why[PATH_WHY])
{
	struct stat st;

	if (!lstat(path, &st)) {
		if (S_ISLNK(st.st_mode))
			return resolve_link(path, st.st_uid, out, why);
	} else if (errno != ENOENT) {
		int err = errno;

		snprintf(why, PATH_WHY, "%s", strerror(err));
		return -err;
	}
	return resolve_folder(path, out, why);
}

int path_open(const char *path, int flags)
{
	int fd, err = ENOENT;

	flags |= O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
	/* Two steps, so that only a file of our own making gets our mode. */
	for (int attempt = 0; attempt < 3; attempt++) {
		fd = open(path, flags | O_CREAT | O_EXCL, PATH_FILE_MODE);
		if (fd >= 0) {
			if (fchmod(fd, PATH_FILE_MODE)) {
				err = errno;
				close(fd);
				return -err;
			}
			return fd;
		}
		err = errno;
		if (err != EEXIST && err != EROFS && err != EACCES)
			return -err;
		fd = open(path, flags);
		if (fd >= 0)
			return fd;
		if (errno != ENOENT)
			return -errno;
		if (err != EEXIST)
			return -err; /* not there, and not to be made */
	}
	return -err;
}

/* Without a source the target goes too: no companion may stay beside another database. */
static int move_companion(const char *from, const char *to, const char *suffix)
{
	char a[PATH_MAX], b[PATH_MAX];
	struct stat st;

	stpcpy(stpcpy(a, from), suffix);
	stpcpy(stpcpy(b, to), suffix);
	if (suffix[0] && !lstat(a, &st) && st.st_size == 0)
		unlink(a); /* an empty journal has nothing to keep */
	if (!rename(a, b))
		return 0;
	if (errno != ENOENT)
		return -errno;
	return unlink(b) && errno != ENOENT ? -errno : 0;
}

static int move_all(const char *from, const char *to)
{
	/* What is not yet in the file is in its journals: kept with it, for whoever wants to
	 * rescue. */
	static const char *const suffixes[] = { "", "-wal", "-journal" };
	char shm[PATH_MAX];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		int err = move_companion(from, to, suffixes[i]);

		if (err)
			return err;
	}
	stpcpy(stpcpy(shm, from), "-shm");
	return unlink(shm) && errno != ENOENT ? -errno : 0;
}

static void aside_name(const char *path, int n, char out[PATH_MAX])
{
	sprintf(stpcpy(stpcpy(out, path), ".corrupt-"), "%d", n);
}

int path_set_aside(const char *path, char aside[PATH_MAX])
{
	char to[PATH_MAX], next[PATH_MAX];
	struct stat st;
	int n = 1, err;

	while (n <= PATH_ASIDE_MAX) {
		aside_name(path, n, to);
		if (lstat(to, &st))
			break;
		n++;
	}
	for (int i = 1; n > PATH_ASIDE_MAX && i < PATH_ASIDE_MAX; i++) {
		aside_name(path, i, to);
		aside_name(path, i + 1, next);
		err = move_all(next, to);
		if (err)
			return err;
	}
	aside_name(path, n < PATH_ASIDE_MAX ? n : PATH_ASIDE_MAX, to);
	err = move_all(path, to);
	if (!err)
		strcpy(aside, to);
	return err;
}
