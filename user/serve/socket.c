/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the control socket stands: its folder, its rights, what to do about one that is there
 * already. Nothing is accepted here (control.c).
 */
#include "serve/socket.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/log.h"

#define GROUP	"fwgen"
#define MODE	0660
#define BACKLOG 64

static int fail(char error[256], const char *path, const char *verb, const char *reason, int err)
{
	snprintf(error, 256, "failed to %s %.108s: %s", verb, path, reason);
	return err;
}

/* Whether somebody accepts connections there. A full queue (EAGAIN) is somebody's. */
static bool is_live(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool live = false;

	if (fd < 0)
		return true;
	live = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	       errno == EAGAIN;
	close(fd);
	return live;
}

static int remove_stale(const struct sockaddr_un *address, char error[256])
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		return fail(error, path, "look at", strerror(errno), -errno);
	}
	if (!S_ISSOCK(st.st_mode))
		return fail(error, path, "listen on",
			    "there is a file that is no socket; remove it or change control.socket",
			    -EEXIST);
	if (is_live(address))
		return fail(error, path, "listen on", "another fwgen answers there", -EADDRINUSE);
	if (unlink(path) < 0 && errno != ENOENT)
		return fail(error, path, "replace stale socket", strerror(errno), -errno);
	return 0;
}

/* The last folder only: a path that is wrong altogether is to be seen. */
static int make_folder(const char *path, char error[256])
{
	char folder[PATH_MAX];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	if (mkdir(folder, 0755) < 0 && errno != EEXIST) {
		int err = -errno;

		snprintf(error, 256,
			 "failed to make folder %.108s for the control socket: %s; make it, or"
			 " change control.socket",
			 folder, strerror(-err));
		return err;
	}
	return 0;
}

/* The group's members may ask; without the group, root alone. */
static void give_to_group(const char *path)
{
	struct group group, *found = NULL;
	char buffer[4096];

	if (getgrnam_r(GROUP, &group, buffer, sizeof(buffer), &found) || !found)
		return;
	if (lchown(path, (uid_t)-1, found->gr_gid) < 0)
		log_warning("failed to give %s to group " GROUP ": %s", path, strerror(errno));
}

int socket_listen(const char *path, struct stat *made, char error[256])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *verb = NULL;
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path))
		return fail(error, path, "listen on", "the path is too long", -ENAMETOOLONG);
	strcpy(address.sun_path, path);
	err = make_folder(path, error);
	if (!err)
		err = remove_stale(&address, error);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(error, path, "make socket", strerror(errno), -errno);
	/* Nobody can connect before listen, so nobody can before the rights are right. */
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		err = fail(error, path, "bind", strerror(errno), -errno);
		close(fd);
		return err;
	}
	if (lstat(path, made) < 0 || chmod(path, MODE) < 0)
		verb = "set the rights of";
	else
		give_to_group(path);
	if (!verb && listen(fd, BACKLOG) < 0)
		verb = "listen on";
	if (!verb)
		return fd;
	err = fail(error, path, verb, strerror(errno), -errno);
	unlink(path);
	close(fd);
	return err;
}

void socket_unlink(const char *path, const struct stat *made)
{
	struct stat st;

	if (lstat(path, &st) == 0 && st.st_dev == made->st_dev && st.st_ino == made->st_ino)
		unlink(path);
}
