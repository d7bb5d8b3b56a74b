/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resolvers: reads `nameserver` lines and keeps them current. Files are replaced by rename and
 * reached through symbolic links, so it is the folders that are watched, each for one name; where a
 * folder is missing, the nearest one above it. Asks nobody: only files are read.
 */
#include "host/resolvers.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include "host/text.h"

#define WATCHES_MAX 32
#define LINKS_MAX   8
#define WATCHED_MASK                                                                             \
	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_DELETE_SELF | \
	 IN_MOVE_SELF | IN_ONLYDIR)

struct watch {
	int descriptor;
	char name[NAME_MAX + 1];
};

struct resolvers {
	const char *const *paths;
	size_t path_count;
	int inotify_fd;
	struct watch watches[WATCHES_MAX];
	size_t watch_count;
	struct address_set set;
};

static void read_line(void *context, char *line)
{
	const char *key = text_word(&line), *value = text_word(&line);

	if (key && value && !strcmp(key, "nameserver"))
		address_set_add_text(context, value);
}

void resolver_set_read(struct address_set *set, const char *path)
{
	text_read(path, read_line, set);
}

/* Watches the folder of path, or the nearest one above that exists. *missing: it was not the first.
 */
static int watch_folder(struct resolvers *resolvers, const char *path, bool *missing)
{
	char folder[PATH_MAX];
	int descriptor = -1;

	*missing = false;
	snprintf(folder, sizeof(folder), "%s", path);
	while (descriptor < 0) {
		char *slash = strrchr(folder, '/');
		struct watch *watch = &resolvers->watches[resolvers->watch_count];

		if (!slash || resolvers->watch_count == WATCHES_MAX)
			return -ENOSPC;
		snprintf(watch->name, sizeof(watch->name), "%s", slash + 1);
		*slash = '\0';
		descriptor = inotify_add_watch(resolvers->inotify_fd, *folder ? folder : "/",
					       WATCHED_MASK);
		if (descriptor >= 0) {
			watch->descriptor = descriptor;
			resolvers->watch_count++;
		} else if (!*folder || (errno != ENOENT && errno != ENOTDIR)) {
			return -errno;
		} else {
			*missing = true;
		}
	}
	return 0;
}

/* Replaces path by what it points to. Returns false when it is no link. */
static bool follow(char path[PATH_MAX])
{
	char target[PATH_MAX], joined[2 * PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *slash = strrchr(path, '/');

	if (n <= 0 || !slash)
		return false;
	target[n] = '\0';
	if (target[0] == '/')
		snprintf(joined, sizeof(joined), "%s", target);
	else
		snprintf(joined, sizeof(joined), "%.*s/%s", (int)(slash - path), path, target);
	if (strlen(joined) >= PATH_MAX)
		return false;
	memcpy(path, joined, strlen(joined) + 1);
	return true;
}

static int watch_path(struct resolvers *resolvers, const char *start)
{
	char path[PATH_MAX];
	bool missing = false;
	int err = 0;

	snprintf(path, sizeof(path), "%s", start);
	for (int i = 0; i < LINKS_MAX && !err && !missing; i++) {
		err = watch_folder(resolvers, path, &missing);
		if (!follow(path))
			break;
	}
	return err;
}

/* Watch first, then read: a change in between is noticed and read again. */
static int reload(struct resolvers *resolvers)
{
	int err = 0;

	for (size_t i = 0; i < resolvers->watch_count; i++)
		inotify_rm_watch(resolvers->inotify_fd, resolvers->watches[i].descriptor);
	resolvers->watch_count = 0;
	memset(&resolvers->set, 0, sizeof(resolvers->set));
	for (size_t i = 0; i < resolvers->path_count; i++) {
		int failed = watch_path(resolvers, resolvers->paths[i]);

		err = err ? err : failed;
		resolver_set_read(&resolvers->set, resolvers->paths[i]);
	}
	return err;
}

int resolvers_open(const char *const paths[], size_t count, struct resolvers **out)
{
	struct resolvers *resolvers = calloc(1, sizeof(*resolvers));
	int err;

	if (!resolvers)
		return -ENOMEM;
	resolvers->paths = paths;
	resolvers->path_count = count;
	resolvers->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	err = resolvers->inotify_fd < 0 ? -errno : reload(resolvers);
	if (err) {
		resolvers_close(&resolvers);
		return err;
	}
	*out = resolvers;
	return 0;
}

void resolvers_close(struct resolvers **resolvers)
{
	if (!*resolvers)
		return;
	if ((*resolvers)->inotify_fd >= 0)
		close((*resolvers)->inotify_fd);
	free(*resolvers);
	*resolvers = NULL;
}

int resolvers_fd(const struct resolvers *resolvers)
{
	return resolvers->inotify_fd;
}

static bool concerns(const struct resolvers *resolvers, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW)
		return true;
	for (size_t i = 0; i < resolvers->watch_count; i++) {
		const struct watch *watch = &resolvers->watches[i];

		if (watch->descriptor == event->wd &&
		    (!event->len || !strcmp(event->name, watch->name)))
			return true;
	}
	return false;
}

bool resolvers_refresh(struct resolvers *resolvers)
{
	char buffer[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct address_set before = resolvers->set;
	bool concerned = false;
	ssize_t n;

	while ((n = read(resolvers->inotify_fd, buffer, sizeof(buffer))) > 0) {
		const struct inotify_event *event;

		for (char *at = buffer; at < buffer + n; at += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)at;
			concerned |= concerns(resolvers, event);
		}
	}
	/* A watch that cannot be set again is no reason to forget the resolvers just read. */
	if (concerned)
		reload(resolvers);
	return memcmp(&before, &resolvers->set, sizeof(before)) != 0;
}

const struct address_set *resolvers_get(const struct resolvers *resolvers)
{
	return &resolvers->set;
}
