/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows: structures of the model to columns of the database, and their end when they are
 * old. Texts are those that people write, so that any SQLite viewer shows something readable. The
 * way back is load.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/address.h"
#include "record/database.h"

#define TEXT_OF_(number) #number
#define TEXT_OF(number)	 TEXT_OF_(number)

#define RULE_INSERT                                                                              \
	"INSERT INTO rules (id, address, prefix_len, action, class, detector, evidence, origin," \
	" reason, observed, limit_count, limit_seconds, limit_pps, command, config_hash,"        \
	" created_at, renewed_at, expires_at, boot_id, expires_boottime_ms, removed_at,"         \
	" removed_why, port, direction) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "  \
	"?12, ?13,"                                                                              \
	" ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?24, ?25) ON CONFLICT (id) DO UPDATE SET"

/* As load.c reads them. */
#define RULE_COLUMNS                                                                            \
	"id, address, prefix_len, action, class, detector, evidence, origin, reason, observed," \
	" limit_count, limit_seconds, limit_pps, config_hash, created_at,"                      \
	" coalesce(renewed_at, created_at), expires_at, boot_id, expires_boottime_ms,"          \
	" removed_at IS NOT NULL, port, direction"

/*
 * Every change carries the whole rule, so each is stored whole when its row is missing (lost while
 * the disk was full, or in a file that was set aside).
 */
static const char *const texts[DATABASE_STATEMENTS] = {
	[PUT_RULE] =
		RULE_INSERT " expires_at = excluded.expires_at, boot_id = excluded.boot_id,"
			    " expires_boottime_ms = excluded.expires_boottime_ms, renewed_at = ?23,"
			    " removed_at = NULL, removed_why = NULL",
	[REMOVE_RULE] =
		RULE_INSERT " removed_at = excluded.removed_at, removed_why = excluded.removed_why,"
			    " expires_at = max(expires_at, excluded.expires_at)",
	[PUT_EVENT] = "INSERT OR REPLACE INTO events (id, at, type, severity, source, destination,"
		      " port, protocol, detector, message, details)"
		      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[PUT_TRAFFIC] = "INSERT INTO traffic (at, seconds, interface, packets, bytes, tcp, udp,"
			" icmp, other, dropped, unattributed, sources)"
			" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[PUT_AUDIT] = "INSERT INTO audit (at, uid, pid, who, verb, \"before\", \"after\")"
		      " VALUES (?, ?, ?, ?, ?, ?, ?)",
	[PUT_PEAKS] = "INSERT OR REPLACE INTO peaks (at, seconds, detector, limit_count,"
		      " limit_seconds, config_hash, sources, largest, found, found_largest,"
		      " whole_above, histogram, found_histogram, top)"
		      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[PUT_ALLOWED] = "INSERT OR REPLACE INTO allowed (prefix, at, who) VALUES (?, ?, ?)",
	[REMOVE_ALLOWED] = "DELETE FROM allowed WHERE prefix = ?",
	[LOAD_RULES] = "SELECT " RULE_COLUMNS " FROM rules"
		       " WHERE removed_at IS NULL OR removed_why = 'shutdown' ORDER BY id",
	[LOAD_ENDED] = "SELECT " RULE_COLUMNS ", removed_at, removed_why FROM rules"
		       " WHERE removed_at IS NOT NULL AND removed_why <> 'shutdown'"
		       " ORDER BY id DESC LIMIT ?",
	[LOAD_PAST] = "SELECT address, prefix_len, direction, evidence, removed_why,"
		      " coalesce(removed_at, expires_at), " DATABASE_ALL_ENDED
		      " FROM rules INDEXED BY rules_past"
		      " WHERE " DATABASE_PAST " ORDER BY id DESC LIMIT " TEXT_OF(PAST_RULES_MAX),
	[LOAD_ALLOWED] = "SELECT prefix, who FROM allowed ORDER BY at, prefix",
};

static int last_id(struct database *db, const char *table, int64_t *out)
{
	sqlite3_stmt *statement = NULL;
	int rc = sqlite3_prepare_v2(db->sql, "SELECT seq FROM sqlite_sequence WHERE name = ?", -1,
				    &statement, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(statement);
	*out = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_finalize(statement);
	return database_errno(db, rc);
}

int database_prepare(struct database *db)
{
	int err;

	for (int i = 0; i < DATABASE_STATEMENTS; i++) {
		int rc = sqlite3_prepare_v3(db->sql, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
					    &db->statements[i], NULL);

		/* The version is right and a table or column is not there: not our tables. */
		if (rc != SQLITE_OK)
			return rc == SQLITE_ERROR ? -EUCLEAN : database_errno(db, rc);
	}
	err = last_id(db, "rules", &db->last_rule_id);
	if (!err)
		err = last_id(db, "events", &db->last_event_id);
	if (err)
		return err;
	/* Ids that cannot be counted on from: nobody has written these. */
	return db->last_rule_id < 0 || db->last_rule_id >= UINT32_MAX || db->last_event_id < 0
		       ? -EUCLEAN
		       : 0;
}

/* ---- binding: a failure (memory) leaves NULL, which the NOT NULL columns then refuse ----------
 */

static void bind_text(sqlite3_stmt *s, int i, const char *text)
{
	sqlite3_bind_text(s, i, text, -1, SQLITE_TRANSIENT);
}

/* NULL for "": a viewer shows an empty cell either way, but IS NULL is what people ask for. */
static void bind_optional(sqlite3_stmt *s, int i, const char *text)
{
	if (text && text[0])
		bind_text(s, i, text);
	else
		sqlite3_bind_null(s, i);
}

static void bind_count(sqlite3_stmt *s, int i, uint64_t value)
{
	sqlite3_bind_int64(s, i, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static void bind_time(sqlite3_stmt *s, int i, struct moment at)
{
	char text[MOMENT_TEXT];

	bind_text(s, i, moment_format(at, text));
}

int database_run(struct database *db, enum database_statement which)
{
	sqlite3_stmt *s = db->statements[which];
	int rc = sqlite3_step(s);
	int err = database_errno(db, rc);

	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return err;
}

static int execute(struct database *db, const char *sql)
{
	return database_errno(db, sqlite3_exec(db->sql, sql, NULL, NULL, NULL));
}

int database_begin(struct database *db)
{
	return execute(db, "BEGIN IMMEDIATE");
}

int database_commit(struct database *db)
{
	return execute(db, "COMMIT");
}

void database_rollback(struct database *db)
{
	/* SQLite has rolled back by itself after some errors (a full disk). */
	if (!sqlite3_get_autocommit(db->sql))
		sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
}

static void bind_rule(sqlite3_stmt *s, const struct rule *rule, const char *boot_id)
{
	char text[ADDRESS_TEXT], classes[CLASSES_TEXT], command[RULE_COMMAND_TEXT];
	struct moment expires = rule->expires;

	/* "Never" has no calendar date. */
	if (expires.wall_ns - RULE_LONGEST_NS > rule->created.wall_ns)
		expires.wall_ns = rule->created.wall_ns + RULE_LONGEST_NS;
	sqlite3_bind_int64(s, 1, rule->id);
	bind_text(s, 2, address_format(&rule->prefix.address, text));
	sqlite3_bind_int64(s, 3, prefix_family_len(&rule->prefix));
	bind_text(s, 4, action_name(rule->action));
	bind_text(s, 5, classes_format(rule->classes, classes));
	bind_text(s, 6, rule->detector == DETECTOR_NONE ? "" : detector_name(rule->detector));
	bind_text(s, 7, evidence_name(rule->evidence));
	bind_text(s, 8, origin_name(rule->origin));
	bind_text(s, 9, rule->reason);
	bind_count(s, 10, rule->observed);
	bind_count(s, 11, rule->limit.count);
	sqlite3_bind_int64(s, 12, rule->limit.seconds);
	sqlite3_bind_int64(s, 13, rule->limit_pps);
	bind_text(s, 14, rule_command(rule, command));
	bind_text(s, 15, rule->config_hash);
	bind_time(s, 16, rule->created);
	bind_time(s, 18, expires);
	bind_text(s, 19, boot_id);
	sqlite3_bind_int64(s, 20, rule->expires.boot_ns / NS_PER_MS);
	sqlite3_bind_int(s, 24, rule->port);
	bind_text(s, 25, rule->to_destination ? "destination" : "source");
}

int database_put_rule(struct database *db, const struct rule_change *change, struct moment at)
{
	bool removed = change->kind == RULE_REMOVED;
	enum database_statement which = removed ? REMOVE_RULE : PUT_RULE;
	sqlite3_stmt *s = db->statements[which];

	bind_rule(s, &change->rule, db->boot_id);
	if (change->kind == RULE_RENEWED)
		bind_time(s, 17, at);
	if (removed) {
		bind_time(s, 21, at);
		bind_text(s, 22, removed_why_name(change->removed_why));
	} else {
		bind_time(s, 23, at);
	}
	return database_run(db, which);
}

int database_put_event(struct database *db, const struct event *event)
{
	sqlite3_stmt *s = db->statements[PUT_EVENT];
	char source[PREFIX_TEXT], destination[ADDRESS_TEXT], protocol[8];

	sqlite3_bind_int64(s, 1, (int64_t)event->id);
	bind_time(s, 2, event->at);
	bind_text(s, 3, event_type_name(event->type));
	bind_text(s, 4, severity_name(event->severity));
	if (event->has_source)
		bind_text(s, 5, prefix_format(&event->source, source));
	if (event->has_destination)
		bind_text(s, 6, address_format(&event->destination, destination));
	if (event->port)
		sqlite3_bind_int(s, 7, event->port);
	bind_optional(s, 8, protocol_format(event->protocol, protocol));
	if (event->detector != DETECTOR_NONE)
		bind_optional(s, 9, detector_name(event->detector));
	bind_text(s, 10, event->message);
	bind_optional(s, 11, event->details);
	return database_run(db, PUT_EVENT);
}

int database_put_traffic(struct database *db, const struct traffic_row *row)
{
	const uint64_t counts[] = {
		row->packets, row->bytes,   row->tcp,	       row->udp,     row->icmp,
		row->other,   row->dropped, row->unattributed, row->sources,
	};
	sqlite3_stmt *s = db->statements[PUT_TRAFFIC];

	bind_time(s, 1, row->at);
	/* To the millisecond: what a viewer shows stays short. */
	sqlite3_bind_double(s, 2, (double)(row->duration_ns / NS_PER_MS) / 1000);
	bind_text(s, 3, row->interface);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		bind_count(s, 4 + (int)i, counts[i]);
	return database_run(db, PUT_TRAFFIC);
}

int database_put_audit(struct database *db, const struct audit_row *row)
{
	sqlite3_stmt *s = db->statements[PUT_AUDIT];

	bind_time(s, 1, row->at);
	sqlite3_bind_int(s, 2, row->uid);
	sqlite3_bind_int(s, 3, row->pid);
	bind_optional(s, 4, row->who);
	bind_optional(s, 5, row->verb);
	bind_optional(s, 6, row->before);
	bind_optional(s, 7, row->after);
	return database_run(db, PUT_AUDIT);
}

int database_put_peaks(struct database *db, const struct peak_line *line)
{
	const uint64_t counts[] = { line->sources, line->largest, line->found, line->found_largest,
				    line->whole_above };
	sqlite3_stmt *s = db->statements[PUT_PEAKS];

	bind_time(s, 1, line->at);
	sqlite3_bind_double(s, 2, (double)(line->duration_ns / NS_PER_MS) / 1000);
	bind_text(s, 3, detector_name(line->detector));
	bind_count(s, 4, line->limit.count);
	sqlite3_bind_int64(s, 5, line->limit.seconds);
	bind_text(s, 6, line->config_hash);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		bind_count(s, 7 + (int)i, counts[i]);
	bind_text(s, 12, line->histogram);
	bind_text(s, 13, line->found_histogram);
	bind_text(s, 14, line->top);
	return database_run(db, PUT_PEAKS);
}

/* ---- retention ------------------------------------------------------------------------------ */

static int prune(struct database *db, const char *sql, const char *before, unsigned int max,
		 bool *more)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(s, 1, before, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(s, 2, max);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	sqlite3_finalize(s);
	if (rc == SQLITE_DONE && (unsigned int)sqlite3_changes(db->sql) >= max)
		*more = true;
	return database_errno(db, rc);
}

int database_prune(struct database *db, int64_t before_wall_ns, unsigned int max, bool *more)
{
	static const char *const statements[] = {
		"DELETE FROM events WHERE rowid IN"
		" (SELECT rowid FROM events WHERE at < ?1 LIMIT ?2)",
		"DELETE FROM traffic WHERE rowid IN"
		" (SELECT rowid FROM traffic WHERE at < ?1 LIMIT ?2)",
		"DELETE FROM audit WHERE rowid IN"
		" (SELECT rowid FROM audit WHERE at < ?1 LIMIT ?2)",
		"DELETE FROM rules WHERE rowid IN"
		" (SELECT rowid FROM rules WHERE removed_at < ?1 LIMIT ?2)",
		/* the rows of one period stay together */
		"DELETE FROM peaks WHERE rowid IN (SELECT rowid FROM peaks WHERE at < max(?1,"
		" coalesce((SELECT at FROM peaks ORDER BY at DESC"
		" LIMIT 1 OFFSET " TEXT_OF(PEAK_ROWS_MAX) " - 1), '')) LIMIT ?2)",
	};
	char before[MOMENT_TEXT];
	bool left = false;
	int err = 0;

	moment_format((struct moment){ .wall_ns = before_wall_ns }, before);
	for (size_t i = 0; !err && i < sizeof(statements) / sizeof(statements[0]); i++)
		err = prune(db, statements[i], before, max, &left);
	if (!err)
		*more = left;
	return err;
}
