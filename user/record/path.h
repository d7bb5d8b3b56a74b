/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to record/: the files it writes, opened with care, since it writes them as root. */
#ifndef FWGEN_RECORD_PATH_H
#define FWGEN_RECORD_PATH_H

#include <limits.h>

#define PATH_WHY       160
#define PATH_FILE_MODE 0640
#define PATH_ASIDE_MAX 3 /* corrupt files kept per database */

/*
 * The path without symbolic links (the file itself need not exist). A final link that belongs to
 * somebody else than us or root is refused. Returns 0 or -errno with a reason; out untouched then.
 */
int path_resolve(const char *path, char out[PATH_MAX], char why[PATH_WHY]);

/*
 * Opens a resolved path (O_CLOEXEC, O_NOFOLLOW, O_NOCTTY and flags), or creates it with
 * PATH_FILE_MODE whatever the umask is. Returns the descriptor or -errno.
 */
int path_open(const char *path, int flags);

/*
 * Moves a database and its companion files to PATH.corrupt-1 (or -2, -3; beyond that the oldest
 * goes). Returns 0 with the new name, or -errno.
 */
int path_set_aside(const char *path, char aside[PATH_MAX]);

#endif
