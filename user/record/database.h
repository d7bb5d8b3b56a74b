/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to record/: the SQLite file. database.c opens and closes it, schema.c
 * knows what must be in it, tables.c writes its rows, load.c reads rules back and past.c those that
 * are over, allowed.c, and for peaks peaks.c and history.c, do both. Not thread-safe: one caller at
 * a time.
 */
#ifndef FWGEN_RECORD_DATABASE_H
#define FWGEN_RECORD_DATABASE_H

#include <limits.h>
#include <stdbool.h>
#include <sqlite3.h>
#include <sys/types.h>
#include "model/event.h"
#include "model/explanation.h"
#include "model/peaks.h"
#include "model/rule.h"

#define DATABASE_ERROR	  512
#define DATABASE_VERSION  4	     /* PRAGMA user_version */
#define DATABASE_ID	  0x66776765 /* PRAGMA application_id: "fwge" */
#define DATABASE_BUSY_MS  2000
#define DATABASE_CHECK_MS 2000 /* of quick_check at most: a start must not wait for gigabytes */
#define DATABASE_LOCK_MS  1000 /* for a daemon that is just ending */

/* Longer than any block; keeps sums of a damaged row's times inside 64 bits. */
#define RULE_LONGEST_NS (10LL * 366 * 86400 * NS_PER_SECOND)

/* Of the table peaks, whatever the retention is: 24 limits for 86 days, 150 MB with all names. */
#define PEAK_ROWS_MAX 50000

/* The rules that policy_remember wants to know of: what the index rules_past holds. */
#define DATABASE_PAST  "(evidence = 'proven' AND origin = 'detector') OR removed_why = 'manual'"
#define PAST_RULES_MAX 65536
/* Whether a rule ended with all others: who took everything off the box, or begins anew without. */
#define DATABASE_ALL_ENDED                                                             \
	"EXISTS (SELECT 1 FROM audit WHERE audit.at = removed_at AND verb IN ('off', " \
	"'no-restore'))"

enum database_statement {
	PUT_RULE,    /* added, renewed */
	REMOVE_RULE, /* removed */
	PUT_EVENT,
	PUT_TRAFFIC,
	PUT_AUDIT,
	PUT_PEAKS,
	PUT_ALLOWED,
	REMOVE_ALLOWED,
	LOAD_RULES,
	LOAD_ENDED,
	LOAD_PAST,
	LOAD_ALLOWED,
	DATABASE_STATEMENTS
};

struct database {
	sqlite3 *sql; /* owned */
	int lock_fd;  /* owned; its flock says that this process writes the file */
	dev_t device; /* of the file under the lock */
	ino_t inode;
	sqlite3_stmt *statements[DATABASE_STATEMENTS]; /* owned */
	char path[PATH_MAX];			       /* without symbolic links */
	char boot_id[BOOT_ID_TEXT];
	int64_t last_rule_id, last_event_id; /* the largest ever stored; as of the opening */
	int64_t check_deadline_ns;
};

struct traffic_row {
	struct moment at; /* its start */
	int64_t duration_ns;
	char interface[16];
	uint64_t packets, bytes, tcp, udp, icmp, other, dropped, unattributed;
	uint64_t sources; /* the largest estimate of its intervals */
};

struct audit_row {
	struct moment at;
	int uid, pid;
	const char *who, *verb, *before, *after; /* NULL: NULL */
};

struct allowed_row {
	struct prefix prefix;
	struct moment at;
	bool add; /* else: no longer */
	const char *who;
};

/* A struct peak_row as it is stored. Lists are JSON: see peak_line_texts. */
struct peak_line {
	struct moment at; /* its start */
	int64_t duration_ns;
	enum detector_id detector;
	struct limit limit;
	char config_hash[CONFIG_HASH_TEXT];
	uint64_t sources, largest, found, found_largest, whole_above;
	const char *histogram, *found_histogram, *top;
};

/*
 * As recorder_open says. Errors also: -EPROTO for a file that is no database of fwgen's. The
 * boot_id is the one of this boot, "" when it cannot be known.
 */
int database_open(const char *path, const char *boot_id, struct database **out,
		  char error[DATABASE_ERROR]);
void database_close(struct database **db);

/*
 * Each returns 0 or -errno: -ENOSPC, -EROFS, -EACCES, -EBUSY (locked by another), -EUCLEAN
 * (corrupt: database_set_aside and open again), -EINVAL (this row cannot be stored; others can),
 * -ENOMEM, -EIO. After a failure inside a transaction: database_rollback.
 */
int database_begin(struct database *db);
int database_commit(struct database *db);
void database_rollback(struct database *db);
int database_put_rule(struct database *db, const struct rule_change *change, struct moment at);
int database_put_event(struct database *db, const struct event *event);
int database_put_traffic(struct database *db, const struct traffic_row *row);
int database_put_audit(struct database *db, const struct audit_row *row);
/* In the place of the same period and limit. */
int database_put_peaks(struct database *db, const struct peak_line *line);
int database_put_allowed(struct database *db, const struct allowed_row *row);

/* As recorder_load_rules, recorder_load_ended, recorder_load_past and recorder_load_allowed. */
int database_load_rules(struct database *db, struct moment now, struct rule **rules, size_t *count);
int database_load_ended(struct database *db, struct moment now, size_t max,
			struct past_block **blocks, size_t *count);
int database_load_past(struct database *db, struct moment now, struct past_rule **rules,
		       size_t *count);
int database_load_allowed(struct database *db, struct protected_prefix **allowed, size_t *count);

/*
 * Deletes at most max rows of each table that are older than the wall clock time given; rules only
 * once they are removed, the oldest of peaks past PEAK_ROWS_MAX too. *more: there are more of them.
 */
int database_prune(struct database *db, int64_t before_wall_ns, unsigned int max, bool *more);

/* Whether somebody moved or deleted the file: what is written then is written to nobody. */
bool database_moved(const struct database *db);
/* Closes, and moves the file to a name that is logged. The next database_open makes a new one. */
int database_set_aside(struct database **db, const char *why);

/* The text of a column of the row that is being read; "" for NULL. */
const char *database_column(sqlite3_stmt *statement, int column);
/* A prefix as it stands in two columns. Returns 0 or -EINVAL. */
int database_read_prefix(sqlite3_stmt *statement, int address, int len, struct prefix *out);
/* Runs a statement whose columns are bound, and makes it ready for the next time. 0 or -errno. */
int database_run(struct database *db, enum database_statement which);

/* What stands in the file may come from others: no triggers, views or functions of theirs run. */
void database_harden(sqlite3 *sql);

/* SQLite's result as -errno, and what SQLite says about the last failure. */
int database_errno(const struct database *db, int rc);
const char *database_why(const struct database *db);

/* tables.c, for database.c: 0 or -errno. */
int database_prepare(struct database *db);

#endif
