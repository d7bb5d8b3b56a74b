/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sources came to, in the database: into it, out of it, from older files, and its end. */
#include "record_files.h"
#include <errno.h>
#include <sys/stat.h>
#include "record/database.h"
#include "record/history.h"
#include "record/peaks.h"
#include "record/recorder.h"

#define HOUR (3600 * NS_PER_SECOND)

static const struct moment NOON = { .boot_ns = 5000 * NS_PER_SECOND,
				    .wall_ns = 1769860800 * NS_PER_SECOND }; /* 2026-01-31T12:00Z */

static struct peak_row *sample_row(int64_t hours_later, enum detector_id detector)
{
	struct peak_row *row = calloc(1, sizeof(*row));

	assert_non_null(row);
	row->start = moment_plus(NOON, hours_later * HOUR);
	row->duration_ns = HOUR;
	row->detector = detector;
	row->limit = (struct limit){ 20000, 1 };
	strcpy(row->config_hash, "00112233aabbccdd");
	peak_add(&row->peace, 3, 700);
	peak_add(&row->peace, 1000, 20);
	peak_add(&row->peace, 4321, 1);
	peak_add(&row->found, 1ULL << 40, 2);
	row->whole_above = 17;
	row->top_count = 3;
	for (unsigned int i = 0; i < 3; i++) {
		static const char *const sources[] = { "192.0.2.66", "2001:db8:1::/64",
						       "198.51.100.7" };

		assert_int_equal(prefix_parse(sources[i], &row->top[i].source), 0);
		row->top[i].peak = i < 2 ? 1ULL << 40 : 4321;
		row->top[i].found = i < 2;
	}
	return row;
}

static struct database *open_it(void)
{
	struct database *db = NULL;
	char error[DATABASE_ERROR] = "";

	if (database_open(file, BOOT_A, &db, error))
		fail_msg("%s", error);
	return db;
}

static void put(struct database *db, int64_t hours_later, enum detector_id detector)
{
	struct peak_row *row = sample_row(hours_later, detector);
	struct peaks_record *record = peaks_record_new(row);

	assert_non_null(record);
	assert_int_equal(database_put_peaks(db, &record->line), 0);
	free(record);
	free(row);
}

struct seen {
	unsigned int rows, stop_after;
	struct peak_row first, last;
};

static int see(void *context, const struct peak_row *row)
{
	struct seen *seen = context;

	if (!seen->rows++)
		seen->first = *row;
	seen->last = *row;
	return seen->rows == seen->stop_after ? 77 : 0;
}

static struct seen *read_all(int64_t last_ns, struct history_span *span)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	char error[HISTORY_ERROR] = "";

	if (history_peaks(file, last_ns, see, seen, span, error))
		fail_msg("%s", error);
	return seen;
}

static void row_comes_back_whole(void **state)
{
	struct peak_row *row = sample_row(0, DETECTOR_UDP_FLOOD);
	struct database *db = open_it();
	struct history_span span;
	struct seen *seen;

	(void)state;
	put(db, 0, DETECTOR_UDP_FLOOD);
	seen = read_all(0, &span); /* beside the open one */
	assert_int_equal(seen->rows, 1);
	assert_int_equal(span.first_ns, NOON.wall_ns);
	assert_int_equal(span.last_ns, NOON.wall_ns + HOUR);
	row->start.boot_ns = 0; /* of another boot, perhaps */
	assert_memory_equal(&seen->first.peace, &row->peace, sizeof(row->peace));
	assert_memory_equal(&seen->first.found, &row->found, sizeof(row->found));
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(prefix_equal(&seen->first.top[i].source, &row->top[i].source));
		assert_int_equal(seen->first.top[i].peak, row->top[i].peak);
		assert_int_equal(seen->first.top[i].found, row->top[i].found);
	}
	assert_int_equal(seen->first.top_count, 3);
	assert_int_equal(seen->first.start.wall_ns, NOON.wall_ns);
	assert_int_equal(seen->first.duration_ns, HOUR);
	assert_int_equal(seen->first.detector, DETECTOR_UDP_FLOOD);
	assert_int_equal(seen->first.limit.count, 20000);
	assert_int_equal(seen->first.limit.seconds, 1);
	assert_int_equal(seen->first.whole_above, 17);
	assert_string_equal(seen->first.config_hash, row->config_hash);
	database_close(&db);
	free(seen);
	free(row);
}

static void row_is_readable_by_people(void **state)
{
	struct database *db = open_it();

	(void)state;
	put(db, 0, DETECTOR_UDP_FLOOD);
	database_close(&db);
	assert_string_equal(sql_text("SELECT at || ' ' || seconds || ' ' || detector || ' ' ||"
				     " limit_count || ' ' || limit_seconds FROM peaks"),
			    "2026-01-31T12:00:00.000Z 3600.0 udp_flood 20000 1");
	assert_string_equal(sql_text("SELECT sources || ' ' || largest || ' ' || found || ' ' ||"
				     " found_largest FROM peaks"),
			    "721 4321 2 1099511627776");
	assert_string_equal(sql_text("SELECT histogram FROM peaks"),
			    "[[3,700],[1007,20],[4351,1]]");
	assert_string_equal(sql_text("SELECT top FROM peaks"),
			    "[[\"192.0.2.66\",1099511627776,\"found\"],"
			    "[\"2001:db8:1::/64\",1099511627776,\"found\"],"
			    "[\"198.51.100.7\",4321]]");
}

static void running_period_takes_its_own_place(void **state)
{
	struct recorder_options options = { .database = file, .retention_days = 3650 };
	struct peak_row *row = sample_row(0, DETECTOR_UDP_FLOOD);
	struct recorder *recorder;
	char error[512];

	(void)state;
	assert_int_equal(recorder_open(&options, &recorder, error), 0);
	recorder_peaks(recorder, row, 1);
	row->duration_ns += 300 * NS_PER_SECOND;
	peak_add(&row->peace, 5000, 9);
	recorder_peaks(recorder, row, 1);
	row->start.wall_ns += 2 * HOUR;
	recorder_peaks(recorder, row, 1);
	recorder_close(&recorder);
	assert_int_equal(sql_int("SELECT count(*) FROM peaks"), 2);
	assert_string_equal(sql_text("SELECT group_concat(sources || ' ' || seconds) FROM peaks"
				     " WHERE at < '2026-01-31T13'"),
			    "730 3900.0");
	free(row);
}

static void stuck_disk_does_not_fill_memory(void **state)
{
	struct recorder_options options = { .database = file, .retention_days = 3650 };
	struct peak_row *row = sample_row(0, DETECTOR_UDP_FLOOD);
	struct recorder_stats stats;
	struct recorder *recorder;
	char error[512];
	sqlite3 *lock;

	(void)state;
	assert_int_equal(recorder_open(&options, &recorder, error), 0);
	lock = sql_open();
	assert_int_equal(sqlite3_exec(lock, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	for (int i = 0; i < 10000; i++) {
		row->start.wall_ns += HOUR;
		recorder_peaks(recorder, row, 1);
	}
	recorder_stats(recorder, &stats);
	assert_in_range(stats.queued, 4000, 4200);
	assert_int_equal(stats.lost, 10000 - stats.queued);
	sqlite3_close(lock);
	recorder_close(&recorder);
	free(row);
}

/* What the first version made, with rows in it. */
static void older_file_is_migrated_with_its_rows(void **state)
{
	struct rule_change change = sample_change(RULE_ADDED, 1, "192.0.2.1", NOON);
	struct database *db = open_it();

	(void)state;
	assert_int_equal(database_put_rule(db, &change, NOON), 0);
	database_close(&db);
	sql_run("DROP INDEX rules_past; DROP TABLE allowed;"
		" ALTER TABLE rules DROP COLUMN direction;"
		" DROP TABLE peaks; ALTER TABLE rules DROP COLUMN port; PRAGMA user_version = 1");
	db = open_it();
	put(db, 0, DETECTOR_PORT_SCAN);
	database_close(&db);
	assert_int_equal(sql_int("PRAGMA user_version"), DATABASE_VERSION);
	assert_string_equal(sql_text("SELECT address FROM rules"), "192.0.2.1");
	assert_int_equal(sql_int("SELECT count(*) FROM peaks"), 1);
}

static void only_the_last_hours_are_read(void **state)
{
	struct database *db = open_it();
	struct history_span span;
	struct seen *seen;

	(void)state;
	for (int hour = 0; hour < 48; hour++) {
		put(db, hour, DETECTOR_UDP_FLOOD);
		put(db, hour, DETECTOR_PORT_SCAN);
	}
	seen = read_all(24 * HOUR, &span);
	assert_int_equal(seen->rows, 48);
	assert_int_equal(seen->first.start.wall_ns, NOON.wall_ns + 47 * HOUR);
	assert_int_equal(seen->last.start.wall_ns, NOON.wall_ns + 24 * HOUR);
	assert_int_equal(span.first_ns, NOON.wall_ns);
	assert_int_equal(span.last_ns, NOON.wall_ns + 48 * HOUR);
	free(seen);
	seen = read_all(0, &span);
	assert_int_equal(seen->rows, 96);
	free(seen);
	database_close(&db);
}

static void old_and_too_many_rows_go(void **state)
{
	struct database *db = open_it();
	char text[256];
	bool more = false;

	(void)state;
	put(db, 0, DETECTOR_UDP_FLOOD);
	put(db, 10, DETECTOR_UDP_FLOOD);
	assert_int_equal(database_prune(db, NOON.wall_ns + 5 * HOUR, 100, &more), 0);
	assert_int_equal(sql_int("SELECT count(*) FROM peaks"), 1);
	snprintf(text, sizeof(text),
		 "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
		 " INSERT INTO peaks SELECT strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', 1e9 + i,"
		 " 'unixepoch'), 1, 'udp_flood', 1, 1, '', 0, 0, 0, 0, 0, '', '', '' FROM n",
		 PEAK_ROWS_MAX + 2500);
	sql_run(text);
	more = true;
	for (int i = 0; more && i < 10; i++)
		assert_int_equal(database_prune(db, 0, 1000, &more), 0);
	assert_int_equal(sql_int("SELECT count(*) FROM peaks"), PEAK_ROWS_MAX);
	assert_int_equal(sql_int("SELECT max(at) > '2026' FROM peaks"), 1); /* the oldest went */
	database_close(&db);
}

static void damaged_rows_cost_themselves_only(void **state)
{
	struct database *db = open_it();
	struct history_span span;
	struct seen *seen;

	(void)state;
	for (int hour = 0; hour < 6; hour++)
		put(db, hour, DETECTOR_UDP_FLOOD);
	sql_run("UPDATE peaks SET detector = 'nonsense' WHERE at LIKE '%T12%'");
	sql_run("UPDATE peaks SET limit_seconds = -1 WHERE at LIKE '%T13%'");
	sql_run("UPDATE peaks SET histogram = '[[', top = '{}' WHERE at LIKE '%T14%'");
	sql_run("UPDATE peaks SET histogram = '[[1],[-1,2],\"x\",[3,4]]', top = '[[\"x\",1],[2],"
		"[\"192.0.2.1\",\"x\"],[\"192.0.2.1\",7]]' WHERE at LIKE '%T15%'");
	sql_run("UPDATE peaks SET seconds = -5 WHERE at LIKE '%T16%'");
	seen = read_all(0, &span);
	assert_int_equal(seen->rows, 3);
	assert_int_equal(seen->last.peace.sources, 0);
	assert_int_equal(seen->last.top_count, 0);
	free(seen);
	sql_run("DELETE FROM peaks WHERE at NOT LIKE '%T15%'");
	seen = read_all(0, &span);
	assert_int_equal(seen->first.peace.sources, 4);
	assert_int_equal(seen->first.top_count, 1);
	assert_int_equal(seen->first.top[0].peak, 7);
	free(seen);
	database_close(&db);
}

static void refusals_say_why(void **state)
{
	struct history_span span;
	struct seen seen = { .stop_after = 1 };
	char error[HISTORY_ERROR] = "";
	struct database *db;

	(void)state;
	assert_int_equal(history_peaks("/nowhere/a.db", 0, see, &seen, &span, error), -ENOENT);
	assert_non_null(strstr(error, "/nowhere/a.db"));
	write_whole(file, "no database at all, but long enough to be looked at\n", 52);
	assert_int_equal(history_peaks(file, 0, see, &seen, &span, error), -EUCLEAN);
	unlink(file);
	db = open_it();
	put(db, 0, DETECTOR_UDP_FLOOD);
	database_close(&db);
	assert_int_equal(history_peaks(file, 0, see, &seen, &span, error), 77);
	sql_run("PRAGMA user_version = 1");
	assert_int_equal(history_peaks(file, 0, see, &seen, &span, error), -EPROTO);
	assert_non_null(strstr(error, "version 1"));
}

static void nothing_recorded_is_no_error(void **state)
{
	struct database *db = open_it();
	struct history_span span;
	struct seen *seen = read_all(0, &span);

	(void)state;
	assert_int_equal(seen->rows, 0);
	assert_int_equal(span.last_ns, 0);
	free(seen);
	database_close(&db);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(row_comes_back_whole),
		in_folder(row_is_readable_by_people),
		in_folder(running_period_takes_its_own_place),
		in_folder(stuck_disk_does_not_fill_memory),
		in_folder(older_file_is_migrated_with_its_rows),
		in_folder(only_the_last_hours_are_read),
		in_folder(old_and_too_many_rows_go),
		in_folder(damaged_rows_cost_themselves_only),
		in_folder(refusals_say_why),
		in_folder(nothing_recorded_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
