/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds config.json, sees to it that it is nobody else's and that nobody else may write to it, and
 * reads it. Knows nothing of what is in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "model/config_keys.h"

#define FILE_BYTES_MAX (4 * 1024 * 1024)

static int refuse_file(const char *path, int error_number, char error[CONFIG_ERROR_TEXT])
{
	snprintf(error, CONFIG_ERROR_TEXT, "failed to read %.300s: %s", path,
		 strerror(error_number));
	return error_number == ENOENT || error_number == EACCES || error_number == ENOMEM
		       ? -error_number
		       : -EIO;
}

static bool is_sudo_user(uid_t uid)
{
	const char *text = geteuid() ? NULL : getenv("SUDO_UID");
	char *end;
	unsigned long id;

	if (!text || !*text)
		return false;
	id = strtoul(text, &end, 10);
	return !*end && id == uid;
}

/* Who may exchange the program itself gains nothing by its configuration. */
static bool owns_program(uid_t uid)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	struct stat st;

	if (len <= 0)
		return false;
	path[len] = '\0';
	return !stat(dirname(path), &st) && st.st_uid == uid;
}

/* A file that somebody else owns, or could put there: the current folder may be anybody's. */
static int check_owner(const struct stat *st, const char *path, char error[CONFIG_ERROR_TEXT])
{
	char copy[PATH_MAX];
	const char *folder = dirname(strcpy(copy, path));
	struct stat up;

	if (st->st_uid && st->st_uid != geteuid() && !is_sudo_user(st->st_uid) &&
	    !owns_program(st->st_uid)) {
		snprintf(error, CONFIG_ERROR_TEXT,
			 "failed to trust %.200s: it belongs to user %u, neither root nor you; if "
			 "it is yours, run: chown root %.200s",
			 path, st->st_uid, path);
		return -EPERM;
	}
	if (stat(folder, &up))
		return refuse_file(folder, errno, error);
	if ((up.st_mode & (S_IWGRP | S_IWOTH)) && !(up.st_mode & S_ISVTX)) {
		snprintf(error, CONFIG_ERROR_TEXT,
			 "failed to trust %.120s: others may exchange it, since they may write to "
			 "folder %.120s (mode %04o); run: chmod go-w %.120s",
			 path, folder, up.st_mode & 07777, folder);
		return -EPERM;
	}
	return 0;
}

/* Who can write the configuration of a firewall can open it. */
static int check_file(int fd, const char *path, size_t *size, char error[CONFIG_ERROR_TEXT])
{
	struct stat st;
	int r;

	if (fstat(fd, &st))
		return refuse_file(path, errno, error);
	if (!S_ISREG(st.st_mode)) {
		snprintf(error, CONFIG_ERROR_TEXT, "failed to read %.300s: not a regular file",
			 path);
		return -EIO;
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		snprintf(error, CONFIG_ERROR_TEXT,
			 "failed to trust %.200s: others may write to it (mode %04o); run: chmod "
			 "go-w %.200s",
			 path, st.st_mode & 07777, path);
		return -EPERM;
	}
	r = check_owner(&st, path, error);
	if (r)
		return r;
	if (st.st_size > FILE_BYTES_MAX)
		return refuse_file(path, EFBIG, error);
	*size = (size_t)st.st_size;
	return 0;
}

/* The text of the file, at most as much as it had when it was opened. */
static int read_text(int fd, const char *path, char **text, size_t *len,
		     char error[CONFIG_ERROR_TEXT])
{
	size_t size = 0;
	char *buf;
	ssize_t n;
	int r = check_file(fd, path, &size, error);

	if (r)
		return r;
	buf = malloc(size + 1);
	if (!buf)
		return refuse_file(path, ENOMEM, error);
	for (*len = 0; *len < size; *len += (size_t)n) {
		n = read(fd, buf + *len, size - *len);
		if (n < 0) {
			r = refuse_file(path, errno, error);
			free(buf);
			return r;
		}
		if (!n)
			break;
	}
	*text = buf;
	return 0;
}

static int load_open(int fd, const char *path, struct config **out, char error[CONFIG_ERROR_TEXT])
{
	char *text = NULL, folder[PATH_MAX], full[PATH_MAX], copy[PATH_MAX];
	struct config *config;
	size_t len = 0;
	int r;

	if (strlen(path) >= PATH_MAX)
		return refuse_file(path, ENAMETOOLONG, error);
	r = read_text(fd, path, &text, &len, error);
	if (r)
		return r;
	config_folder(dirname(strcpy(copy, path)), folder);
	if ((size_t)snprintf(full, sizeof(full), "%s/%s", folder, basename(strcpy(copy, path))) >=
	    sizeof(full))
		strcpy(full, path);
	r = config_parse_file(text, len, full, folder, &config, error);
	free(text);
	if (r)
		return r;
	strcpy(config->path, full);
	*out = config;
	return 0;
}

static int load_file(const char *path, struct config **out, char error[CONFIG_ERROR_TEXT])
{
	/* A FIFO must not keep the daemon waiting. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int r;

	if (fd < 0)
		return refuse_file(path, errno, error);
	r = load_open(fd, path, out, error);
	close(fd);
	return r;
}

int config_load(const char *path, struct config **out, char error[CONFIG_ERROR_TEXT])
{
	struct config *config;
	int r;

	if (path)
		return load_file(path, out, error);
	r = load_file("config.json", out, error);
	if (r == -ENOENT)
		r = load_file("/etc/fwgen/config.json", out, error);
	if (r != -ENOENT)
		return r;
	config = config_defaults();
	if (!config)
		return refuse_file("the built-in configuration", ENOMEM, error);
	*out = config;
	return 0;
}
