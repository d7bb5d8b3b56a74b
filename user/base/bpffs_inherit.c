/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs of other versions have left for this namespace in their own folders. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/bpffs.h"

/* Whether both are of one namespace, and of different versions: "v4-4026531840", "v5-4026531840".
 */
static bool is_other_version(const char *name, const char *own)
{
	size_t len = strcspn(name, "-"), own_len = strcspn(own, "-");

	return name[0] == 'v' && strspn(name + 1, "0123456789") + 1 == len && name[len] &&
	       !strcmp(name + len, own + own_len) && strcmp(name, own) != 0;
}

/* Takes fd. Returns how many links, or -errno. */
static int empty(int fd, int to)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int links = 0, result = 0;

	if (!dir) {
		result = -errno;
		close(fd);
		return result;
	}
	while (!result && (entry = readdir(dir))) {
		bool is_link = !strncmp(entry->d_name, "link-", 5);

		if (entry->d_type == DT_DIR) /* its own and its parent */
			continue;
		if (is_link ? renameat(fd, entry->d_name, to, entry->d_name)
			    : unlinkat(fd, entry->d_name, 0))
			result = -errno;
		links += is_link && !result;
	}
	closedir(dir);
	return result ? result : links;
}

static int inherit(int root, const char *name, int to)
{
	int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), links;

	if (fd < 0)
		return -errno;
	links = empty(fd, to);
	if (links < 0)
		return links;
	return unlinkat(root, name, AT_REMOVEDIR) ? -errno : links;
}

int bpffs_inherit(const char *dir)
{
	int to = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), links = 0, result = 0;
	DIR *root = to < 0 ? NULL : opendir(BPFFS_DIR);
	struct dirent *entry;

	if (!root)
		result = -errno;
	while (!result && (entry = readdir(root))) {
		int here = is_other_version(entry->d_name, strrchr(dir, '/') + 1)
				   ? inherit(dirfd(root), entry->d_name, to)
				   : 0;

		links += here > 0 ? here : 0;
		result = here < 0 ? here : 0;
	}
	if (root)
		closedir(root);
	if (to >= 0)
		close(to);
	return result ? result : links;
}
