/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A note beside the lock that says which database and socket the daemon of this network namespace
 * used: `fwgen off` is typed without its options, often after its end, and is to end its rules,
 * which the next start would take back. Outlives the daemon, not the boot; `fwgen off` takes it
 * along.
 */
#include "daemon/footprint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/bpffs.h"

/* Named as the folder of the pins is, which is unique to the namespace. */
static int file_name(char out[PATH_MAX])
{
	char dir[PATH_MAX];
	int err = bpffs_dir(dir);

	if (!err)
		snprintf(out, PATH_MAX, "%s/%.255s.last", FWGEN_RUN_DIR, strrchr(dir, '/') + 1);
	return err;
}

int footprint_write(const struct footprint *footprint)
{
	char path[PATH_MAX];
	int err = file_name(path), fd;
	FILE *file;

	if (err)
		return err;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (!file) {
		err = -errno;
		close(fd);
		return err;
	}
	fprintf(file, "%s\n%s\n", footprint->database, footprint->socket);
	return fclose(file) ? -errno : 0;
}

static int read_line(FILE *file, char *out, size_t size)
{
	size_t len;

	if (!fgets(out, (int)size, file))
		return -EINVAL;
	len = strcspn(out, "\n");
	if (!out[len]) /* cut off: no name at all is better than a wrong one */
		return -EINVAL;
	out[len] = '\0';
	return 0;
}

int footprint_read(struct footprint *out)
{
	struct footprint found;
	char path[PATH_MAX];
	int err = file_name(path);
	FILE *file;

	if (err)
		return err;
	file = fopen(path, "re");
	if (!file)
		return -errno;
	err = read_line(file, found.database, sizeof(found.database));
	if (!err)
		err = read_line(file, found.socket, sizeof(found.socket));
	fclose(file);
	if (!err)
		*out = found;
	return err;
}

int footprint_remove(void)
{
	char path[PATH_MAX];
	int err = file_name(path);

	if (err)
		return err;
	return unlink(path) ? -errno : 0;
}
