/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The recorder from outside: nobody waits, what can be kept is kept, what is lost is counted. */
#include "record_files.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "base/json.h"
#include "record/writer.h"

static char events_path[PATH_MAX];

static unsigned int retention_days = 30;

static struct recorder *open_recorder(bool event_log)
{
	struct recorder_options options = { .database = file, .retention_days = retention_days };
	struct recorder *r = NULL;
	char error[512] = "";

	snprintf(events_path, sizeof(events_path), "%s/events.json", folder);
	options.event_log = event_log ? events_path : NULL;
	if (recorder_open(&options, &r, error))
		fail_msg("%s", error);
	return r;
}

static struct recorder_stats stats_of(struct recorder *r)
{
	struct recorder_stats stats;

	recorder_stats(r, &stats);
	return stats;
}

static void change_rule(struct recorder *r, enum rule_change_kind kind, uint32_t id)
{
	struct moment now = moment_now();
	struct rule_change change = sample_change(kind, id, "192.0.2.1", now);

	recorder_rule_change(r, &change, now);
}

static uint64_t add_event(struct recorder *r)
{
	struct event event = { .at = moment_now(),
			       .type = EVENT_FINDING,
			       .detector = DETECTOR_PORT_SCAN,
			       .message = "something was seen" };

	recorder_event(r, &event);
	return event.id;
}

static size_t load_count(struct recorder *r)
{
	struct rule *rules = NULL;
	size_t n = 12345;

	assert_int_equal(recorder_load_rules(r, moment_now(), &rules, &n), 0);
	free(rules);
	return n;
}

static void run_is_recorded_and_taken_up_again(void **state)
{
	struct recorder *r = open_recorder(true);
	uint64_t event;

	(void)state;
	assert_int_equal(load_count(r), 0);
	assert_int_equal(recorder_next_rule_id(r), 1);
	change_rule(r, RULE_ADDED, 1);
	change_rule(r, RULE_ADDED, 2);
	change_rule(r, RULE_RENEWED, 2);
	change_rule(r, RULE_ADDED, 3);
	change_rule(r, RULE_REMOVED, 3);
	change_rule(r, RULE_OBSERVED, 4);
	change_rule(r, RULE_REFUSED, 5);
	event = add_event(r);
	assert_int_equal(add_event(r), event + 1);
	recorder_audit(r, moment_now(), 0, 1, "root", "block", NULL, "{\"a\":1}");
	recorder_close(&r);
	assert_null(r);
	assert_string_equal(sql_text("SELECT group_concat(id) FROM rules"), "1,2,3");
	assert_string_equal(sql_text("SELECT group_concat(id) FROM rules WHERE removed_at IS NULL"),
			    "1,2");
	assert_string_equal(sql_text("SELECT renewed_at IS NOT NULL FROM rules WHERE id = 2"), "1");
	assert_int_equal(sql_int("SELECT count(*) FROM events"), 2);
	assert_string_equal(sql_text("SELECT \"after\" FROM audit"), "{\"a\":1}");
	r = open_recorder(true);
	assert_int_equal(load_count(r), 2);
	assert_int_equal(recorder_next_rule_id(r), 4);
	assert_int_equal(add_event(r), event + 2);
	recorder_close(&r);
	assert_int_equal(count_files("-wal"), 0);
}

static void burst_of_rules_is_cheap(void **state)
{
	struct recorder *r = open_recorder(false);
	int64_t begin = moment_now().boot_ns, queued;

	(void)state;
	for (uint32_t id = 1; id <= 20000; id++)
		change_rule(r, RULE_ADDED, id);
	queued = moment_now().boot_ns - begin;
	wait_for(stats_of(r).queued == 0);
	print_message("20,000 rules: queued in %d ms, written after %d ms\n",
		      (int)(queued / NS_PER_MS), (int)((moment_now().boot_ns - begin) / NS_PER_MS));
	assert_int_equal(stats_of(r).written, 20000);
	assert_int_equal(stats_of(r).lost, 0);
	recorder_close(&r);
	assert_int_equal(sql_int("SELECT count(*) FROM rules"), 20000);
}

static void traffic_is_summed_over_ten_seconds(void **state)
{
	static const char *const names[] = { "eth0", "eth1" };
	struct moment at = moment_now();
	struct recorder *r = open_recorder(false);

	(void)state;
	for (int i = 0; i < 50; i++) { /* 12.5 s */
		for (int k = 0; k < 2; k++) {
			struct traffic t = { .start = at,
					     .end = moment_plus(at, 250 * NS_PER_MS),
					     .packets = 10,
					     .bytes = 1000,
					     .tcp = 4,
					     .udp = 3,
					     .icmp = 2,
					     .other = 1,
					     .dropped = 5,
					     .unattributed = 6,
					     .sources_estimate = (uint64_t)(i + 1) };

			strcpy(t.interface, names[k]);
			recorder_traffic(r, &t);
		}
		at = moment_plus(at, 250 * NS_PER_MS);
	}
	wait_for(stats_of(r).written == 2);
	recorder_close(&r);
	assert_int_equal(sql_int("SELECT count(*) FROM traffic"), 4);
	assert_string_equal(
		sql_text("SELECT group_concat(seconds || ' ' || interface) FROM traffic"),
		"10.0 eth0,10.0 eth1,2.5 eth0,2.5 eth1");
	assert_string_equal(sql_text("SELECT packets || ' ' || bytes || ' ' || tcp || ' ' || udp ||"
				     " ' ' || icmp || ' ' || other || ' ' || dropped || ' ' ||"
				     " unattributed || ' ' || sources FROM traffic"),
			    "400 40000 160 120 80 40 200 240 40");
	assert_int_equal(sql_int("SELECT sum(packets) FROM traffic"), 1000);
}

/* Somebody else holds the write lock until it is closed. */
static sqlite3 *lock_database(void)
{
	sqlite3 *sql = sql_open();

	assert_int_equal(sqlite3_exec(sql, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return sql;
}

static void full_queue_counts_what_it_loses(void **state)
{
	struct recorder *r = open_recorder(false);
	sqlite3 *sql = lock_database();
	struct recorder_stats stats;
	int64_t begin = moment_now().boot_ns;

	(void)state;
	for (uint32_t i = 0; i < QUEUE_BOUND + 5000; i++)
		add_event(r);
	stats = stats_of(r);
	assert_int_equal(stats.queued, QUEUE_BOUND);
	assert_int_equal(stats.lost, 5000);
	assert_int_equal(stats.written, 0);
	/* rules take the places of events */
	for (uint32_t id = 1; id <= 100; id++)
		change_rule(r, RULE_ADDED, id);
	stats = stats_of(r);
	assert_int_equal(stats.queued, QUEUE_BOUND);
	assert_int_equal(stats.lost, 5100);
	print_message("%d calls beside a locked database: %d ms\n", QUEUE_BOUND + 5100,
		      (int)((moment_now().boot_ns - begin) / NS_PER_MS));
	wait_for(stats_of(r).failing[0]);
	assert_non_null(strstr(stats_of(r).failing, "locked"));
	sqlite3_close(sql);
	wait_for(stats_of(r).queued == 0);
	stats = stats_of(r);
	assert_int_equal(stats.written, QUEUE_BOUND);
	assert_int_equal(stats.lost, 5100);
	assert_string_equal(stats.failing, "");
	recorder_close(&r);
	assert_int_equal(sql_int("SELECT count(*) FROM rules"), 100);
	assert_int_equal(sql_int("SELECT count(*) FROM events"), QUEUE_BOUND - 100);
}

static void changes_of_a_waiting_rule_become_one(void **state)
{
	struct recorder *r = open_recorder(false);
	sqlite3 *sql = lock_database();

	(void)state;
	change_rule(r, RULE_ADDED, 1);
	wait_for(stats_of(r).failing[0]); /* the writer has tried and put it back */
	for (int i = 0; i < 1000; i++) {
		change_rule(r, RULE_RENEWED, 1);
		change_rule(r, RULE_ADDED, 2);
		change_rule(r, RULE_REMOVED, 2);
	}
	assert_true(stats_of(r).queued <= 2);
	sqlite3_close(sql);
	wait_for(stats_of(r).queued == 0);
	assert_int_equal(stats_of(r).written, 3001);
	assert_int_equal(stats_of(r).lost, 0);
	recorder_close(&r);
	assert_string_equal(sql_text("SELECT group_concat(id || ' ' || coalesce(removed_why, '-'))"
				     " FROM rules"),
			    "1 -,2 expired");
}

static void locked_database_is_waited_for_at_the_end(void **state)
{
	struct recorder *r = open_recorder(false);
	sqlite3 *sql = lock_database();
	int64_t begin = moment_now().boot_ns;

	(void)state;
	change_rule(r, RULE_ADDED, 1);
	recorder_close(&r);
	assert_null(r);
	assert_true(moment_now().boot_ns - begin < 6 * NS_PER_SECOND);
	sqlite3_close(sql);
	assert_int_equal(sql_int("SELECT count(*) FROM rules"), 0);
}

static void stuck_disk_does_not_hold_the_end_up(void **state)
{
	struct recorder *r = open_recorder(false), *stuck = r;
	int64_t begin = moment_now().boot_ns;
	int fd;

	(void)state;
	/* The writer hangs where a disk that does not answer would let it hang. */
	pthread_mutex_lock(&stuck->database_lock);
	change_rule(r, RULE_ADDED, 1);
	recorder_close(&r);
	assert_null(r);
	assert_in_range((moment_now().boot_ns - begin) / NS_PER_MS, 4900, 6500);
	pthread_mutex_unlock(&stuck->database_lock);
	/* when the disk comes back, the thread ends in order */
	fd = open(file, O_RDONLY);
	wait_for(!flock(fd, LOCK_EX | LOCK_NB));
	close(fd);
	assert_int_equal(sql_int("SELECT count(*) FROM rules"), 1);
}

static void deleted_file_is_begun_anew(void **state)
{
	struct recorder *r = open_recorder(false);

	(void)state;
	change_rule(r, RULE_ADDED, 1);
	wait_for(stats_of(r).written == 1);
	assert_int_equal(unlink(file), 0);
	change_rule(r, RULE_RENEWED, 1);
	change_rule(r, RULE_ADDED, 2);
	wait_for(stats_of(r).queued == 0);
	recorder_close(&r);
	assert_string_equal(sql_text("SELECT group_concat(id) FROM rules"), "1,2");
}

static void file_that_rots_while_running_is_set_aside(void **state)
{
	struct recorder *r = open_recorder(false);
	char garbage[4096];
	struct stat st;
	int fd;

	(void)state;
	for (uint32_t id = 1; id <= 20000; id++) /* more than the page cache holds */
		change_rule(r, RULE_ADDED, id);
	recorder_close(&r);
	r = open_recorder(false);
	memset(garbage, 0xa5, sizeof(garbage));
	fd = open(file, O_WRONLY);
	assert_int_equal(fstat(fd, &st), 0);
	for (off_t at = sizeof(garbage); at < st.st_size; at += sizeof(garbage))
		assert_int_equal(pwrite(fd, garbage, sizeof(garbage), at), sizeof(garbage));
	/* kept open: closing it here would take away the locks that SQLite has in this process */
	assert_int_equal(load_count(r), 0);
	assert_int_equal(count_files(".corrupt-1"), 1);
	change_rule(r, RULE_ADDED, 20001);
	recorder_close(&r);
	close(fd);
	assert_string_equal(sql_text("SELECT group_concat(id) FROM rules"), "20001");
}

static int count_lines(const char *path)
{
	size_t len;
	char *text = read_whole(path, &len), *rest = NULL, error[128];
	int n = 0;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct json *json = json_parse(line, strlen(line), error, sizeof(error));

		if (!json)
			fail_msg("%s: %s", error, line);
		json_free(&json);
		n++;
	}
	free(text);
	return n;
}

static void event_log_goes_on_without_the_database(void **state)
{
	struct recorder *r = open_recorder(true);
	sqlite3 *sql = lock_database();
	char rotated[PATH_MAX];

	(void)state;
	add_event(r);
	wait_for(stats_of(r).failing[0]);
	for (int i = 0; i < 9; i++)
		add_event(r);
	wait_for(count_lines(events_path) == 10);
	snprintf(rotated, sizeof(rotated), "%s/events.1", folder);
	assert_int_equal(rename(events_path, rotated), 0);
	recorder_reopen_event_log(r);
	wait_for(access(events_path, F_OK) == 0);
	add_event(r);
	sqlite3_close(sql);
	wait_for(stats_of(r).queued == 0);
	recorder_close(&r);
	assert_int_equal(count_lines(rotated), 10);
	assert_int_equal(count_lines(events_path), 1);
	assert_int_equal(sql_int("SELECT count(*) FROM events"), 11);
}

static void event_log_without_room_is_counted(void **state)
{
	struct recorder_options options = { .database = file, .event_log = "/dev/full" };
	struct recorder *r = NULL;
	char error[512];

	(void)state;
	assert_int_equal(recorder_open(&options, &r, error), 0);
	for (int i = 0; i < 3; i++)
		add_event(r);
	wait_for(stats_of(r).queued == 0);
	assert_int_equal(stats_of(r).lost, 3);
	assert_int_equal(stats_of(r).written, 3); /* the rows are there */
	assert_non_null(strstr(stats_of(r).failing, "/dev/full"));
	recorder_close(&r);
	options.event_log = "/nowhere/events.json";
	assert_int_equal(recorder_open(&options, &r, error), -ENOENT);
	assert_non_null(strstr(error, "/nowhere/events.json"));
	assert_null(r);
}

static void old_rows_are_deleted(void **state)
{
	struct recorder *r;
	struct event event = { .at = moment_plus(moment_now(), -31 * 86400 * NS_PER_SECOND),
			       .detector = DETECTOR_NONE };

	(void)state;
	retention_days = 0; /* for ever */
	r = open_recorder(false);
	for (int i = 0; i < PRUNE_MAX + 500; i++)
		recorder_event(r, &event);
	add_event(r);
	recorder_close(&r);
	assert_int_equal(sql_int("SELECT count(*) FROM events"), PRUNE_MAX + 501);
	retention_days = 30;
	r = open_recorder(false);
	wait_for(sql_int("SELECT count(*) FROM events") == 1);
	recorder_close(&r);
}

struct caller {
	pthread_t thread;
	struct recorder *recorder;
	uint32_t first;
};

static void *call(void *argument)
{
	struct caller *caller = argument;

	for (uint32_t i = 0; i < 1000; i++) {
		change_rule(caller->recorder, RULE_ADDED, caller->first + i);
		add_event(caller->recorder);
	}
	return NULL;
}

static void threads_may_call_at_once(void **state)
{
	struct recorder *r = open_recorder(true);
	struct caller callers[3];

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		callers[i].recorder = r;
		callers[i].first = i * 1000 + 1;
		assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(callers[i].thread, NULL);
	recorder_close(&r);
	assert_int_equal(sql_int("SELECT count(*) FROM rules"), 3000);
	assert_int_equal(sql_int("SELECT count(*) FROM events"), 3000);
	assert_int_equal(sql_int("SELECT max(id) FROM events"), 3000);
	assert_int_equal(count_lines(events_path), 3000);
}

/* A file system of our own that is really full; nobody else sees it. */
static bool mount_small_disk(void)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", folder, "tmpfs", 0, "size=2m")) {
		print_message("skipped: a full disk needs root and a mount namespace\n");
		return false;
	}
	return true;
}

static void fill_disk(const char *path)
{
	char block[4096] = { 1 };
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

static void full_disk_delays_rules_and_loses_none(void **state)
{
	struct recorder_options options = { .database = file };
	char ballast[PATH_MAX], error[512];
	struct recorder *r;

	(void)state;
	if (!mount_small_disk())
		return;
	r = open_recorder(false);
	change_rule(r, RULE_ADDED, 1);
	wait_for(stats_of(r).written == 1);
	snprintf(ballast, sizeof(ballast), "%s/ballast", folder);
	fill_disk(ballast);
	for (uint32_t id = 2; id <= 1000; id++)
		change_rule(r, RULE_ADDED, id);
	for (int i = 0; i < 100; i++)
		add_event(r);
	wait_for(stats_of(r).failing[0]);
	assert_non_null(strstr(stats_of(r).failing, "full"));
	change_rule(r, RULE_REMOVED, 1);
	change_rule(r, RULE_REMOVED, 2);
	assert_int_equal(stats_of(r).lost, 0);
	assert_int_equal(unlink(ballast), 0);
	wait_for(stats_of(r).queued == 0);
	assert_string_equal(stats_of(r).failing, "");
	assert_int_equal(stats_of(r).lost, 0);
	assert_int_equal(stats_of(r).written, 1 + 999 + 100 + 2);
	assert_int_equal(sql_int("SELECT count(*) FROM rules WHERE removed_at IS NULL"), 998);
	assert_int_equal(sql_int("SELECT count(*) FROM rules"), 1000);
	assert_string_equal(sql_text("PRAGMA integrity_check"), "ok");
	/* ending on a full disk neither hangs nor spoils what is there */
	fill_disk(ballast);
	for (uint32_t id = 2000; id <= 4000; id++)
		change_rule(r, RULE_ADDED, id);
	recorder_close(&r);
	assert_int_equal(unlink(ballast), 0);
	assert_string_equal(sql_text("PRAGMA integrity_check"), "ok");
	assert_true(sql_int("SELECT count(*) FROM rules WHERE id <= 1000") == 1000);
	/* beginning on one is refused with a reason */
	snprintf(file, sizeof(file), "%s/second.db", folder);
	fill_disk(ballast);
	assert_int_equal(recorder_open(&options, &r, error), -ENOSPC);
	assert_non_null(strstr(error, "free space"));
	assert_null(r);
	assert_int_equal(umount2(folder, MNT_DETACH), 0);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(run_is_recorded_and_taken_up_again),
		in_folder(burst_of_rules_is_cheap),
		in_folder(traffic_is_summed_over_ten_seconds),
		in_folder(full_queue_counts_what_it_loses),
		in_folder(changes_of_a_waiting_rule_become_one),
		in_folder(locked_database_is_waited_for_at_the_end),
		in_folder(stuck_disk_does_not_hold_the_end_up),
		in_folder(deleted_file_is_begun_anew),
		in_folder(file_that_rots_while_running_is_set_aside),
		in_folder(event_log_goes_on_without_the_database),
		in_folder(event_log_without_room_is_counted),
		in_folder(old_rows_are_deleted),
		in_folder(threads_may_call_at_once),
		in_folder(full_disk_delays_rules_and_loses_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
