/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The database file: opened, locked against a second writer, and set aside when it is corrupt. What
 * must be in it is schema.c, what its rows are tables.c, when they are written recorder.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/log.h"
#include "record/database.h"
#include "record/path.h"
#include "record/schema.h"

static const char *advice(int err)
{
	switch (err) {
	case -EACCES:
	case -EPERM:
		return "run as root or as its owner, or name another file with --db";
	case -ENOSPC:
		return "free space on its file system, or name another file with --db";
	case -EROFS:
		return "its file system is read-only: name another file with --db";
	case -EBUSY:
		return "stop that program, or name another file with --db";
	case -EPROTO:
		return "nothing in it was touched: name another file with --db";
	case -ENOENT:
	case -ENOTDIR:
	case -EISDIR:
	case -ELOOP:
	case -EINVAL:
		return "name another file with --db";
	default:
		return "look for disk errors in the kernel's log, or name another file with --db";
	}
}

static int fail(const char *path, int err, const char *why, char error[DATABASE_ERROR])
{
	snprintf(error, DATABASE_ERROR, "failed to open database %.200s: %.160s; %s", path, why,
		 advice(err));
	return err;
}

int database_errno(const struct database *db, int rc)
{
	int system_errno = db->sql ? sqlite3_system_errno(db->sql) : 0;

	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
	case SQLITE_RANGE:
		return -EINVAL;
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		if (system_errno == ENOSPC || system_errno == EDQUOT)
			return -ENOSPC;
		if (system_errno == EROFS || system_errno == EACCES)
			return -system_errno;
		return -EIO;
	default:
		return -EIO;
	}
}

const char *database_why(const struct database *db)
{
	return db->sql ? sqlite3_errmsg(db->sql) : "it is closed";
}

/*
 * The lock is flock(2) on the file itself: SQLite's own locks are of another kind, so readers are
 * not kept out, and the kernel lets go of it however this process ends.
 */
static int lock_file(struct database *db)
{
	for (int waited_ms = 0;; waited_ms += 50) {
		struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
		struct stat mine, named;

		db->lock_fd = path_open(db->path, O_RDWR | O_NONBLOCK);
		if (db->lock_fd < 0)
			return db->lock_fd;
		if (fstat(db->lock_fd, &mine) || !S_ISREG(mine.st_mode))
			return -EINVAL;
		db->device = mine.st_dev;
		db->inode = mine.st_ino;
		/* The holder may have moved a corrupt file away between our open and our lock. */
		if (!flock(db->lock_fd, LOCK_EX | LOCK_NB)) {
			if (!lstat(db->path, &named) && named.st_ino == mine.st_ino &&
			    named.st_dev == mine.st_dev)
				return 0;
		} else if (errno != EWOULDBLOCK) {
			return -errno;
		}
		if (waited_ms >= DATABASE_LOCK_MS)
			return -EBUSY;
		close(db->lock_fd);
		db->lock_fd = -1;
		nanosleep(&pause, NULL);
	}
}

static bool named_like_database(const char *path)
{
	static const char *const ends[] = { ".db", ".db3", ".sqlite", ".sqlite3" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t len = strlen(path), end = strlen(ends[i]);

		if (len > end && !strcmp(path + len - end, ends[i]))
			return true;
	}
	return false;
}

/* Looks at the header without SQLite, which might roll a journal back: a newer file stays as it is.
 */
static int peek(const struct database *db, char why[PATH_WHY])
{
	static const char magic[16] = "SQLite format 3";
	unsigned char header[100] = { 0 };
	ssize_t n = pread(db->lock_fd, header, sizeof(header), 0);
	int32_t version;

	if (n < 0)
		return -errno;
	if (n == 0)
		return 0;
	if (memcmp(header, magic, sizeof(magic))) {
		snprintf(why, PATH_WHY, "it is no SQLite database");
		/* A mistyped --db must not move somebody's file away. */
		return named_like_database(db->path) ? -EUCLEAN : -EPROTO;
	}
	version = (int32_t)((uint32_t)header[60] << 24 | header[61] << 16 | header[62] << 8 |
			    header[63]);
	if (version > DATABASE_VERSION) {
		snprintf(why, PATH_WHY,
			 "it was written by a newer fwgen (version %d, this one knows %d)", version,
			 DATABASE_VERSION);
		return -EPROTO;
	}
	return 0;
}

void database_harden(sqlite3 *sql)
{
	sqlite3_db_config(sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(sql, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_exec(sql, "PRAGMA cell_size_check=ON", NULL, NULL, NULL);
}

static int attach(struct database *db, char why[PATH_WHY])
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX;
	int rc, err;

	rc = sqlite3_open_v2(db->path, &db->sql, flags, NULL);
	if (rc != SQLITE_OK)
		return database_errno(db, rc);
	sqlite3_extended_result_codes(db->sql, 1);
	sqlite3_busy_timeout(db->sql, DATABASE_BUSY_MS);
	database_harden(db->sql);
	/* Until the file is known to be ours, closing must not write its journal into it. */
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	err = schema_check(db, why);
	if (err)
		return err;
	rc = sqlite3_exec(db->sql,
			  "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
			  "PRAGMA journal_size_limit=16777216; PRAGMA temp_store=MEMORY",
			  NULL, NULL, NULL);
	err = database_errno(db, rc);
	if (!err)
		err = schema_migrate(db);
	if (!err)
		err = database_prepare(db);
	if (!err)
		sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	return err;
}

static void detach(struct database *db)
{
	for (int i = 0; i < DATABASE_STATEMENTS; i++) {
		sqlite3_finalize(db->statements[i]);
		db->statements[i] = NULL;
	}
	sqlite3_close_v2(db->sql);
	db->sql = NULL;
}

void database_close(struct database **db)
{
	if (!*db)
		return;
	detach(*db);
	/* Last: closing any descriptor of the file would take SQLite's own locks away. */
	if ((*db)->lock_fd >= 0)
		close((*db)->lock_fd);
	free(*db);
	*db = NULL;
}

int database_set_aside(struct database **db, const char *why)
{
	char aside[PATH_MAX];
	int err;

	if ((*db)->sql)
		sqlite3_db_config((*db)->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	detach(*db);
	err = path_set_aside((*db)->path, aside);
	if (err)
		log_error("failed to move corrupt database %s aside: %s", (*db)->path,
			  strerror(-err));
	else
		log_warning("database %s: %s; it is kept as %s and a new one is begun", (*db)->path,
			    why, aside);
	database_close(db);
	return err;
}

bool database_moved(const struct database *db)
{
	struct stat st;

	return lstat(db->path, &st) || st.st_ino != db->inode || st.st_dev != db->device;
}

static int open_once(const char *path, const char *boot_id, struct database **out,
		     char why[PATH_WHY])
{
	struct database *db = calloc(1, sizeof(*db));
	int err;

	if (!db)
		return -ENOMEM;
	db->lock_fd = -1;
	snprintf(db->boot_id, sizeof(db->boot_id), "%s", boot_id);
	*out = db;
	err = path_resolve(path, db->path, why);
	if (err)
		return err;
	err = lock_file(db);
	if (err == -EBUSY)
		snprintf(why, PATH_WHY, "another fwgen writes it");
	if (err == -EINVAL)
		snprintf(why, PATH_WHY, "it is no regular file");
	if (!err)
		err = peek(db, why);
	if (!err)
		err = attach(db, why);
	if (err && !why[0])
		snprintf(why, PATH_WHY, "%s", db->sql ? database_why(db) : strerror(-err));
	return err;
}

int database_open(const char *path, const char *boot_id, struct database **out,
		  char error[DATABASE_ERROR])
{
	struct database *db = NULL;
	int err = 0;

	/* Twice: a corrupt file is moved away, and the second try begins a new one. */
	for (int attempt = 0; attempt < 2; attempt++) {
		char why[PATH_WHY] = "";

		err = open_once(path, boot_id, &db, why);
		if (!err) {
			*out = db;
			return 0;
		}
		fail(path, err, why[0] ? why : strerror(-err), error);
		if (err == -EUCLEAN && attempt == 0 && !database_set_aside(&db, why))
			continue;
		break;
	}
	database_close(&db);
	return err == -EUCLEAN ? -EIO : err;
}
