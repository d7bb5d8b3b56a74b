/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A second pair of eyes on the database: a connection of its own that only reads, so the daemon
 * that writes it neither waits nor knows. What is wrong in one row costs that row only.
 */
#include "record/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "record/database.h"
#include "record/peaks.h"

#define NEWEST "(SELECT max(strftime('%s', at) + seconds) FROM peaks)"

static int fail(const char *path, int err, const char *why, char error[HISTORY_ERROR])
{
	snprintf(error, HISTORY_ERROR, "failed to read database %.300s: %.180s", path, why);
	return err;
}

static int check_version(struct database *db, char error[HISTORY_ERROR])
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db->sql, "PRAGMA user_version", -1, &s, NULL), version = 0;
	char why[96];

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		version = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	if (rc != SQLITE_ROW)
		return fail(db->path, database_errno(db, rc), database_why(db), error);
	if (version == DATABASE_VERSION)
		return 0;
	snprintf(why, sizeof(why), "its tables are of version %d, this fwgen reads %d", version,
		 DATABASE_VERSION);
	return fail(db->path, -EPROTO, why, error);
}

static int attach(struct database *db, const char *path, char error[HISTORY_ERROR])
{
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, rc;

	snprintf(db->path, sizeof(db->path), "%s", path);
	if (access(path, R_OK))
		return fail(path, -errno, strerror(errno), error);
	rc = sqlite3_open_v2(path, &db->sql, flags, NULL);
	if (rc != SQLITE_OK)
		return fail(path, database_errno(db, rc), database_why(db), error);
	sqlite3_busy_timeout(db->sql, DATABASE_BUSY_MS);
	database_harden(db->sql);
	return check_version(db, error);
}

static const char *column(sqlite3_stmt *s, int i)
{
	const char *text = (const char *)sqlite3_column_text(s, i);

	return text ? text : "";
}

static uint64_t count(sqlite3_stmt *s, int i)
{
	int64_t value = sqlite3_column_int64(s, i);

	return value > 0 ? (uint64_t)value : 0;
}

static int read_row(sqlite3_stmt *s, struct peak_row *row)
{
	memset(row, 0, sizeof(*row));
	if (wall_parse(column(s, 0), &row->start.wall_ns) ||
	    detector_parse(column(s, 2), &row->detector) || row->detector == DETECTOR_NONE)
		return -EINVAL;
	row->duration_ns = (int64_t)(sqlite3_column_double(s, 1) * 1000) * NS_PER_MS;
	row->limit.count = count(s, 3);
	row->limit.seconds = (uint32_t)count(s, 4);
	snprintf(row->config_hash, sizeof(row->config_hash), "%s", column(s, 5));
	row->whole_above = count(s, 8);
	peaks_read_histogram(column(s, 9), &row->peace);
	peaks_read_histogram(column(s, 10), &row->found);
	row->peace.largest = count(s, 6);
	row->found.largest = count(s, 7);
	peaks_read_top(column(s, 11), row);
	return row->duration_ns < 0 || !row->limit.seconds ? -EINVAL : 0;
}

static int read_rows(struct database *db, int64_t last_ns,
		     int (*take)(void *context, const struct peak_row *row), void *context,
		     char error[HISTORY_ERROR])
{
	static const char sql[] =
		"SELECT at, seconds, detector, limit_count, limit_seconds, config_hash, largest,"
		" found_largest, whole_above, histogram, found_histogram, top FROM peaks"
		" WHERE strftime('%s', at) + seconds > " NEWEST " - ?"
		" ORDER BY at DESC, detector, limit_seconds, limit_count";
	struct peak_row *row = malloc(sizeof(*row));
	sqlite3_stmt *s = NULL;
	int rc, err = 0;

	if (!row)
		return fail(db->path, -ENOMEM, strerror(ENOMEM), error);
	rc = sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_double(s, 1, last_ns ? (double)last_ns / NS_PER_SECOND : 1e12);
	while (!err && rc != SQLITE_DONE) {
		rc = sqlite3_step(s);
		if (rc == SQLITE_ROW && !read_row(s, row))
			err = take(context, row);
		else if (rc != SQLITE_ROW && rc != SQLITE_DONE)
			err = fail(db->path, database_errno(db, rc), database_why(db), error);
	}
	sqlite3_finalize(s);
	free(row);
	return err;
}

static int read_span(struct database *db, struct history_span *span, char error[HISTORY_ERROR])
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(
		db->sql, "SELECT min(strftime('%s', at)), " NEWEST " FROM peaks", -1, &s, NULL);

	*span = (struct history_span){ 0 };
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		span->first_ns = sqlite3_column_int64(s, 0) * NS_PER_SECOND;
		span->last_ns = (int64_t)(sqlite3_column_double(s, 1) * 1000) * NS_PER_MS;
	}
	sqlite3_finalize(s);
	if (rc == SQLITE_ROW)
		return 0;
	return fail(db->path, database_errno(db, rc), database_why(db), error);
}

int history_peaks(const char *path, int64_t last_ns,
		  int (*take)(void *context, const struct peak_row *row), void *context,
		  struct history_span *span, char error[HISTORY_ERROR])
{
	struct database *db = calloc(1, sizeof(*db));
	int err;

	if (!db)
		return fail(path, -ENOMEM, strerror(ENOMEM), error);
	err = attach(db, path, error);
	if (!err)
		err = read_span(db, span, error);
	if (!err)
		err = read_rows(db, last_ns, take, context, error);
	sqlite3_close_v2(db->sql);
	free(db);
	return err;
}
