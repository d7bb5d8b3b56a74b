/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The database file: whose it is, who may write it, what happens when it is not as it should be. */
#include "record_files.h"
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "record/database.h"

static int open_file(const char *path, struct database **db, char error[DATABASE_ERROR])
{
	error[0] = '\0';
	*db = NULL;
	return database_open(path, BOOT_A, db, error);
}

/* Creates the file with some rules and events in it. */
static void fill(uint32_t rules)
{
	struct moment now = { .boot_ns = NS_PER_SECOND, .wall_ns = 1769860800 * NS_PER_SECOND };
	char error[DATABASE_ERROR];
	struct database *db;

	assert_int_equal(open_file(file, &db, error), 0);
	assert_int_equal(database_begin(db), 0);
	for (uint32_t i = 1; i <= rules; i++) {
		struct rule_change change = sample_change(RULE_ADDED, i, "192.0.2.1", now);
		struct event event = { .id = i, .at = now, .message = "something was seen" };

		assert_int_equal(database_put_rule(db, &change, now), 0);
		assert_int_equal(database_put_event(db, &event), 0);
	}
	assert_int_equal(database_commit(db), 0);
	database_close(&db);
}

/* Opening is refused with this, the file stays as it was byte for byte and nothing is made beside
 * it. */
static void refuses(const char *path, int wanted, const char *reason)
{
	size_t before_len, after_len;
	char *before = read_whole(path, &before_len), *after;
	int files = count_files("");
	char error[DATABASE_ERROR];
	struct database *db;

	assert_int_equal(open_file(path, &db, error), wanted);
	assert_null(db);
	if (!strstr(error, reason) || !strstr(error, path))
		fail_msg("not in \"%s\": %s, %s", error, reason, path);
	after = read_whole(path, &after_len);
	assert_int_equal(before_len, after_len);
	assert_memory_equal(before, after, before_len);
	assert_int_equal(count_files(""), files);
	free(before);
	free(after);
}

static void newer_schema_is_not_touched(void **state)
{
	(void)state;
	fill(20);
	sql_run("PRAGMA user_version = 99");
	refuses(file, -EPROTO, "newer fwgen (version 99");
}

static void newer_schema_in_the_journal_is_not_touched(void **state)
{
	char wal[PATH_MAX + 32];
	struct database *db;
	char error[DATABASE_ERROR];
	pid_t child;
	int status;

	(void)state;
	fill(20);
	/* The newer one dies before its change is written back from the journal. */
	child = fork();
	if (!child) {
		sqlite3 *sql = sql_open();

		sqlite3_exec(sql, "PRAGMA user_version = 99", NULL, NULL, NULL);
		_exit(0);
	}
	waitpid(child, &status, 0);
	snprintf(wal, sizeof(wal), "%s-wal", file);
	{
		size_t len, len2, wal_len, wal_len2;
		char *before = read_whole(file, &len), *wal_before = read_whole(wal, &wal_len);
		char *after, *wal_after;

		assert_true(wal_len > 0);
		assert_int_equal(open_file(file, &db, error), -EPROTO);
		after = read_whole(file, &len2);
		wal_after = read_whole(wal, &wal_len2);
		assert_int_equal(len, len2);
		assert_memory_equal(before, after, len);
		assert_int_equal(wal_len, wal_len2);
		assert_memory_equal(wal_before, wal_after, wal_len);
		free(before);
		free(after);
		free(wal_before);
		free(wal_after);
	}
}

static void files_of_others_are_not_touched(void **state)
{
	char text[PATH_MAX];

	(void)state;
	snprintf(text, sizeof(text), "%s/notes.txt", folder);
	write_whole(text, "dear diary\n", 11);
	refuses(text, -EPROTO, "no SQLite database");
	{
		sqlite3 *sql;

		assert_int_equal(sqlite3_open(file, &sql), SQLITE_OK);
		assert_int_equal(sqlite3_exec(sql,
					      "CREATE TABLE accounts (a); PRAGMA user_version=1",
					      NULL, NULL, NULL),
				 SQLITE_OK);
		sqlite3_close(sql);
	}
	refuses(file, -EPROTO, "another program's database");
}

static void odd_paths_are_refused(void **state)
{
	char error[DATABASE_ERROR], path[PATH_MAX], longest[PATH_MAX + 10];
	struct database *db;

	(void)state;
	assert_int_equal(open_file(folder, &db, error), -EISDIR);
	assert_non_null(strstr(error, folder));
	snprintf(path, sizeof(path), "%s/", folder);
	assert_int_equal(open_file(path, &db, error), -EISDIR);
	snprintf(path, sizeof(path), "%s/missing/x.db", folder);
	assert_int_equal(open_file(path, &db, error), -ENOENT);
	assert_non_null(strstr(error, "its folder cannot be used"));
	assert_int_equal(open_file("/dev/null", &db, error), -EINVAL);
	snprintf(path, sizeof(path), "%s/pipe.db", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(open_file(path, &db, error), -EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(open_file(longest, &db, error), -ENAMETOOLONG);
}

static void file_is_for_owner_and_group(void **state)
{
	mode_t before = umask(0077);
	struct stat st;

	(void)state;
	fill(1);
	umask(before);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void links_of_others_are_refused(void **state)
{
	char error[DATABASE_ERROR], link[PATH_MAX], missing[PATH_MAX];
	struct database *db;

	(void)state;
	fill(1);
	snprintf(link, sizeof(link), "%s/link.db", folder);
	assert_int_equal(symlink(file, link), 0);
	assert_int_equal(open_file(link, &db, error), 0);
	assert_string_equal(db->path, file);
	database_close(&db);
	if (geteuid()) {
		print_message("skipped: the link of another user needs root\n");
		return;
	}
	assert_int_equal(lchown(link, 12345, 12345), 0);
	refuses(link, -EACCES, "belongs to another user (uid 12345)");
	/* nor is anything made at the other end */
	snprintf(missing, sizeof(missing), "%s/missing.db", folder);
	unlink(link);
	assert_int_equal(symlink(missing, link), 0);
	assert_int_equal(lchown(link, 12345, 12345), 0);
	assert_int_equal(open_file(link, &db, error), -EACCES);
	assert_int_equal(access(missing, F_OK), -1);
}

static void second_writer_is_refused_and_readers_are_not(void **state)
{
	char error[DATABASE_ERROR];
	struct database *db;
	pid_t child;
	int status = -1;

	(void)state;
	fill(3);
	assert_int_equal(open_file(file, &db, error), 0);
	child = fork();
	if (!child) {
		struct database *second = NULL;
		int err = open_file(file, &second, error);

		_exit(err == -EBUSY && strstr(error, "another fwgen writes it") ? 0 : 1);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	/* in the midst of a transaction, as the sqlite3 shell would */
	assert_int_equal(database_begin(db), 0);
	child = fork();
	if (!child)
		_exit(sql_int("SELECT count(*) FROM rules") == 3 ? 0 : 1);
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	database_rollback(db);
	database_close(&db);
	assert_int_equal(open_file(file, &db, error), 0);
	database_close(&db);
}

static void lock_of_a_killed_daemon_is_gone(void **state)
{
	char error[DATABASE_ERROR];
	struct database *db;
	int ready[2], status;
	pid_t child;
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (!child) {
		if (!open_file(file, &db, error) && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	assert_int_equal(open_file(file, &db, error), 0);
	database_close(&db);
}

static void locked_file_is_busy(void **state)
{
	char error[DATABASE_ERROR];
	struct database *db;
	sqlite3 *sql;

	(void)state;
	fill(1);
	sql = sql_open();
	assert_int_equal(
		sqlite3_exec(sql, "PRAGMA user_version = 0; BEGIN IMMEDIATE", NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(open_file(file, &db, error), -EBUSY);
	sqlite3_close(sql);
}

static void corrupt_files_are_kept_three_at_most(void **state)
{
	char error[DATABASE_ERROR], name[PATH_MAX + 32], text[64];
	struct database *db;

	(void)state;
	for (int i = 1; i <= 5; i++) {
		snprintf(text, sizeof(text), "this is not a database, number %d", i);
		write_whole(file, text, strlen(text));
		assert_int_equal(open_file(file, &db, error), 0);
		assert_string_equal(db->path, file);
		database_close(&db);
		assert_int_equal(count_files(".corrupt-"), i < 3 ? i : 3);
		assert_int_equal(sql_int("SELECT count(*) FROM rules"), 0);
	}
	/* the newest three, the newest with the highest number */
	for (int i = 1; i <= 3; i++) {
		size_t len;
		char *kept;

		snprintf(name, sizeof(name), "%s.corrupt-%d", file, i);
		snprintf(text, sizeof(text), "this is not a database, number %d", i + 2);
		kept = read_whole(name, &len);
		assert_string_equal(kept, text);
		free(kept);
	}
}

static void tables_that_are_not_ours_are_set_aside(void **state)
{
	char error[DATABASE_ERROR];
	struct database *db;

	(void)state;
	fill(2);
	sql_run("DROP TABLE traffic");
	assert_int_equal(open_file(file, &db, error), 0);
	database_close(&db);
	assert_int_equal(count_files(".corrupt-1"), 1);
	assert_int_equal(sql_int("SELECT count(*) FROM traffic"), 0);
}

/* Random bytes, zeroed pages, lost ends; not the version number, which only says another version.
 */
static void damage(char *bytes, size_t *len)
{
	size_t at = 100 + (size_t)rand() % (*len - 100);

	switch (rand() % 5) {
	case 0:
		*len = at;
		break;
	case 1:
		memset(bytes + at / 4096 * 4096 + 100, 0, 3996);
		break;
	case 2:
		for (int i = rand() % 60; i < 60; i++)
			bytes[rand() % 60] = (char)rand();
		break;
	case 3:
		for (size_t i = at; i < *len && i < at + 2000; i++)
			bytes[i] = (char)rand();
		break;
	default:
		for (int i = 0; i < 40; i++)
			bytes[100 + (size_t)rand() % (*len - 100)] ^= (char)(1 + rand() % 255);
		break;
	}
}

/* Uses the file until it works or is known to be corrupt. Returns whether it worked. */
static bool use(struct database *db)
{
	struct moment now = moment_now();
	struct rule_change change = sample_change(RULE_ADDED, 1000000, "198.51.100.1", now);
	struct rule *rules = NULL;
	size_t n = 0;
	int err = database_load_rules(db, now, &rules, &n);

	free(rules);
	if (!err)
		err = database_begin(db);
	if (!err)
		err = database_put_rule(db, &change, now);
	if (!err)
		err = database_commit(db);
	if (err)
		assert_int_equal(err, -EUCLEAN);
	return !err;
}

static void random_damage_never_stops_the_start(void **state)
{
	int aside = 0;
	size_t whole_len;
	char *whole;

	(void)state;
	fill(300);
	whole = read_whole(file, &whole_len);
	assert_int_equal(whole_len % 4096, 0);
	srand(20260131);
	for (int round = 0; round < 150; round++) {
		char *bytes = malloc(whole_len), error[DATABASE_ERROR];
		size_t len = whole_len;
		struct database *db;

		memcpy(bytes, whole, len);
		damage(bytes, &len);
		write_whole(file, bytes, len);
		free(bytes);
		if (open_file(file, &db, error))
			fail_msg("round %d: %s", round, error);
		if (!use(db)) {
			assert_int_equal(database_set_aside(&db, "it is corrupt"), 0);
			assert_int_equal(open_file(file, &db, error), 0);
			assert_true(use(db));
		}
		aside += db->last_rule_id == 0;
		database_close(&db);
		assert_true(count_files(".corrupt-") <= 3 * 2); /* with their journals */
		assert_int_equal(sql_int("SELECT count(*) FROM rules WHERE id = 1000000"), 1);
	}
	free(whole);
	/* most of it is noticed */
	assert_true(aside > 75);
}

static void damage_far_from_the_schema_is_found_at_the_start(void **state)
{
	char error[DATABASE_ERROR], *bytes;
	struct database *db;
	size_t len;

	(void)state;
	fill(300);
	bytes = read_whole(file, &len);
	memset(bytes + len - 4096, 0xa5, 4096);
	write_whole(file, bytes, len);
	free(bytes);
	assert_int_equal(open_file(file, &db, error), 0);
	assert_int_equal(db->last_rule_id, 0);
	database_close(&db);
	assert_int_equal(count_files(".corrupt-1"), 1);
}

static void moved_file_is_noticed(void **state)
{
	char error[DATABASE_ERROR], other[PATH_MAX];
	struct database *db;

	(void)state;
	assert_int_equal(open_file(file, &db, error), 0);
	assert_false(database_moved(db));
	snprintf(other, sizeof(other), "%s/other.db", folder);
	assert_int_equal(rename(file, other), 0);
	assert_true(database_moved(db));
	write_whole(file, "", 0);
	assert_true(database_moved(db));
	database_close(&db);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(newer_schema_is_not_touched),
		in_folder(newer_schema_in_the_journal_is_not_touched),
		in_folder(files_of_others_are_not_touched),
		in_folder(odd_paths_are_refused),
		in_folder(file_is_for_owner_and_group),
		in_folder(links_of_others_are_refused),
		in_folder(second_writer_is_refused_and_readers_are_not),
		in_folder(lock_of_a_killed_daemon_is_gone),
		in_folder(locked_file_is_busy),
		in_folder(corrupt_files_are_kept_three_at_most),
		in_folder(tables_that_are_not_ours_are_set_aside),
		in_folder(random_damage_never_stops_the_start),
		in_folder(damage_far_from_the_schema_is_found_at_the_start),
		in_folder(moved_file_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
