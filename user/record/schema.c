/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must be in the database file: whose it is, which version its tables have, whether its pages
 * hold together, and the way from older versions to this one. Writes no rows.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "record/schema.h"

/* Step i makes version i + 1 of version i. Steps that were ever released never change. */
static const char *const migrations[DATABASE_VERSION] = {
	/* AUTOINCREMENT: an id is not given again after its row is gone. */
	"CREATE TABLE rules (id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL,"
	" prefix_len INTEGER NOT NULL, action TEXT NOT NULL, class TEXT NOT NULL,"
	" detector TEXT NOT NULL, evidence TEXT NOT NULL, origin TEXT NOT NULL,"
	" reason TEXT NOT NULL, observed INTEGER NOT NULL, limit_count INTEGER NOT NULL,"
	" limit_seconds INTEGER NOT NULL, limit_pps INTEGER NOT NULL, command TEXT NOT NULL,"
	" config_hash TEXT NOT NULL, created_at TEXT NOT NULL, renewed_at TEXT,"
	" expires_at TEXT NOT NULL, boot_id TEXT NOT NULL, expires_boottime_ms INTEGER NOT NULL,"
	" removed_at TEXT, removed_why TEXT);"
	"CREATE INDEX rules_removed ON rules (removed_at);"
	"CREATE INDEX rules_address ON rules (address);"
	"CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL,"
	" type TEXT NOT NULL, severity TEXT NOT NULL, source TEXT, destination TEXT,"
	" port INTEGER, protocol TEXT, detector TEXT, message TEXT NOT NULL, details TEXT);"
	"CREATE INDEX events_at ON events (at);"
	"CREATE TABLE traffic (at TEXT NOT NULL, seconds REAL NOT NULL, interface TEXT NOT NULL,"
	" packets INTEGER NOT NULL, bytes INTEGER NOT NULL, tcp INTEGER NOT NULL,"
	" udp INTEGER NOT NULL, icmp INTEGER NOT NULL, other INTEGER NOT NULL,"
	" dropped INTEGER NOT NULL, unattributed INTEGER NOT NULL, sources INTEGER NOT NULL);"
	"CREATE INDEX traffic_at ON traffic (at);"
	"CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL,"
	" uid INTEGER NOT NULL, pid INTEGER NOT NULL, who TEXT, verb TEXT,"
	" \"before\" TEXT, \"after\" TEXT);"
	"CREATE INDEX audit_at ON audit (at);",
	"CREATE TABLE peaks (at TEXT NOT NULL, seconds REAL NOT NULL, detector TEXT NOT NULL,"
	" limit_count INTEGER NOT NULL, limit_seconds INTEGER NOT NULL, config_hash TEXT NOT NULL,"
	" sources INTEGER NOT NULL, largest INTEGER NOT NULL, found INTEGER NOT NULL,"
	" found_largest INTEGER NOT NULL, whole_above INTEGER NOT NULL, histogram TEXT NOT NULL,"
	" found_histogram TEXT NOT NULL, top TEXT NOT NULL,"
	" PRIMARY KEY (at, detector, limit_seconds, limit_count));",
	/* Rules of one port: its protocol is the class's. */
	"ALTER TABLE rules ADD COLUMN port INTEGER NOT NULL DEFAULT 0;",
	/* Limits of what is sent to a host; who offends again; what people allowed. */
	"ALTER TABLE rules ADD COLUMN direction TEXT NOT NULL DEFAULT 'source';"
	"CREATE INDEX rules_past ON rules (id) WHERE " DATABASE_PAST ";"
	"CREATE TABLE allowed (prefix TEXT PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL);",
};

static int check_time(void *context)
{
	struct database *db = context;

	return moment_now().boot_ns >= db->check_deadline_ns;
}

/* The first column of the first row. 0 or -errno. */
static int query_int(struct database *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(db->sql, sql, -1, &statement, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return database_errno(db, rc);
}

/* A file without pages is nobody's. Another program's tables are not ours to add to. */
static int check_owner(struct database *db, char why[PATH_WHY])
{
	int64_t version = 0, id = 0, tables = 0, ours = 0;
	int err = query_int(db, "PRAGMA user_version", &version);

	if (!err)
		err = query_int(db, "PRAGMA application_id", &id);
	if (!err)
		err = query_int(db,
				"SELECT count(*) FROM sqlite_master"
				" WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
				&tables);
	if (!err)
		err = query_int(db,
				"SELECT count(*) FROM sqlite_master"
				" WHERE type = 'table' AND name IN ('rules', 'events')",
				&ours);
	if (err)
		return err;
	if (id != DATABASE_ID && ours < 2 && tables > 0) {
		snprintf(why, PATH_WHY, "it is another program's database");
		return -EPROTO;
	}
	if (version > DATABASE_VERSION) {
		snprintf(why, PATH_WHY, "it was written by a newer fwgen (version %d)",
			 (int)version);
		return -EPROTO;
	}
	return 0;
}

static int check_pages(struct database *db, char why[PATH_WHY])
{
	sqlite3_stmt *statement = NULL;
	int rc, err = 0;

	db->check_deadline_ns = moment_now().boot_ns + DATABASE_CHECK_MS * NS_PER_MS;
	sqlite3_progress_handler(db->sql, 10000, check_time, db);
	rc = sqlite3_prepare_v2(db->sql, "PRAGMA quick_check(1)", -1, &statement, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(statement, 0);

		if (!text || strcmp(text, "ok")) {
			snprintf(why, PATH_WHY, "it is corrupt (%.100s)", text ? text : "?");
			err = -EUCLEAN;
		}
	} else if (rc != SQLITE_INTERRUPT) {
		err = database_errno(db, rc);
	}
	sqlite3_finalize(statement);
	sqlite3_progress_handler(db->sql, 0, NULL, NULL);
	return err;
}

int schema_migrate(struct database *db)
{
	int64_t version = 0;
	char pragma[96];
	int rc, err = query_int(db, "PRAGMA user_version", &version);

	if (err)
		return err;
	if (version == DATABASE_VERSION)
		return 0;
	rc = sqlite3_exec(db->sql, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	for (int64_t i = version < 0 ? 0 : version; rc == SQLITE_OK && i < DATABASE_VERSION; i++)
		rc = sqlite3_exec(db->sql, migrations[i], NULL, NULL, NULL);
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version=%d; PRAGMA application_id=%d",
		 DATABASE_VERSION, DATABASE_ID);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->sql, pragma, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->sql, "COMMIT", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		log_debug("database %s: schema %d", db->path, DATABASE_VERSION);
	/* Only tables that contradict the version can be wrong with our own statements. */
	return rc == SQLITE_ERROR ? -EUCLEAN : database_errno(db, rc);
}

int schema_check(struct database *db, char why[PATH_WHY])
{
	int err = check_owner(db, why);

	return err ? err : check_pages(db, why);
}
