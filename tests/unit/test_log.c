/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/log: levels, one line a message, rotation, the journal's prefix, whole lines from threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"

static char folder[] = "/tmp/fwgen-log-XXXXXX";
static char path[64], rotated[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(rotated, sizeof(rotated), "%s/log.1", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static int close_log(void **state)
{
	(void)state;
	log_close();
	unlink(path);
	unlink(rotated);
	return 0;
}

/* The file's text; the caller frees. */
static char *contents(const char *name)
{
	FILE *file = fopen(name, "r");
	char *text = calloc(1, 1 << 20);

	assert_non_null(file);
	assert_non_null(text);
	if (!fread(text, 1, (1 << 20) - 1, file))
		text[0] = '\0';
	fclose(file);
	return text;
}

static void assert_contents(const char *name, const char *const parts[], size_t count)
{
	char *text = contents(name), *at = text;

	for (size_t i = 0; i < count; i++) {
		char *line = at;

		at = strchr(line, '\n');
		assert_non_null(at);
		*at++ = '\0';
		/* 2026-01-31T12:00:00.123Z, a space, then the part to the end */
		assert_true(strlen(line) > 25 && line[23] == 'Z');
		assert_string_equal(line + 25, parts[i]);
	}
	assert_string_equal(at, "");
	free(text);
}

static void level_names_round_trip(void **state)
{
	enum log_level level = LOG_LEVEL_DEBUG;

	(void)state;
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		assert_int_equal(log_level_parse(log_level_name((enum log_level)i), &level), 0);
		assert_int_equal(level, i);
	}
	assert_int_equal(log_level_parse("Info", &level), -EINVAL);
	assert_int_equal(log_level_parse("", &level), -EINVAL);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
}

static void level_decides(void **state)
{
	static const char *const all[] = { "error: a 1", "warning: b", "info: c",
					   "debug: d",	 "error: e",   "warning: f" };

	(void)state;
	assert_int_equal(log_open(LOG_LEVEL_DEBUG, path), 0);
	log_error("a %d", 1);
	log_warning("b");
	log_info("c");
	log_debug("d");
	assert_int_equal(log_open(LOG_LEVEL_WARNING, path), 0);
	log_error("e");
	log_warning("f");
	log_info("g");
	log_debug("h");
	assert_contents(path, all, 6);
}

static void message_is_one_line(void **state)
{
	static const char *const lines[] = { "info: one two three" };

	(void)state;
	assert_int_equal(log_open(LOG_LEVEL_INFO, path), 0);
	log_info("one%stwo%sthree", "\n", "\x1b");
	assert_contents(path, lines, 1);
}

static void message_has_an_end(void **state)
{
	char *text, *huge = malloc(100000);

	(void)state;
	memset(huge, 'x', 99999);
	huge[99999] = '\0';
	assert_int_equal(log_open(LOG_LEVEL_INFO, path), 0);
	log_info("%s", huge);
	text = contents(path);
	assert_in_range(strlen(text), 1000, 1024);
	assert_string_equal(text + strlen(text) - 5, "x...\n");
	free(text);
	free(huge);
}

static void errno_is_kept(void **state)
{
	(void)state;
	assert_int_equal(log_open(LOG_LEVEL_INFO, "/dev/full"), 0);
	errno = EXDEV;
	log_error("lost: the disk is full");
	assert_int_equal(errno, EXDEV);
}

static void open_that_fails_changes_nothing(void **state)
{
	static const char *const lines[] = { "info: still here" };

	(void)state;
	assert_int_equal(log_open(LOG_LEVEL_INFO, path), 0);
	assert_int_equal(log_open(LOG_LEVEL_ERROR, "/nonexistent/folder/log"), -ENOENT);
	log_info("still here");
	assert_contents(path, lines, 1);
}

static void reopen_follows_rotation(void **state)
{
	static const char *const before[] = { "info: before", "info: between" };
	static const char *const after[] = { "info: after" };

	(void)state;
	assert_int_equal(log_open(LOG_LEVEL_INFO, path), 0);
	log_info("before");
	assert_int_equal(rename(path, rotated), 0);
	log_info("between");
	assert_int_equal(log_reopen(), 0);
	log_info("after");
	assert_contents(rotated, before, 2);
	assert_contents(path, after, 1);
}

/* What comes out of stderr when it is the file at path. */
static void say_to_stderr(const char *journal_stream)
{
	int kept = dup(STDERR_FILENO), fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char stream[64];
	struct stat st;

	assert_true(kept >= 0 && fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	snprintf(stream, sizeof(stream), "%lu:%lu", st.st_dev, st.st_ino);
	setenv("JOURNAL_STREAM", journal_stream ? journal_stream : stream, 1);
	dup2(fd, STDERR_FILENO);
	assert_int_equal(log_open(LOG_LEVEL_DEBUG, NULL), 0);
	log_error("a");
	log_warning("b");
	log_info("c");
	log_debug("d");
	dup2(kept, STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
	close(kept);
	close(fd);
}

static void journal_gets_priorities(void **state)
{
	static const char *const plain[] = { "error: a", "warning: b", "info: c", "debug: d" };
	char *text;

	(void)state;
	say_to_stderr(NULL);
	text = contents(path);
	assert_string_equal(text, "<3>a\n<4>b\n<6>c\n<7>d\n");
	free(text);
	say_to_stderr("1:1"); /* inherited from somewhere; stderr has gone elsewhere since */
	assert_contents(path, plain, 4);
}

#define THREADS	 4
#define MESSAGES 500

static void *chatter(void *context)
{
	for (int i = 0; i < MESSAGES; i++)
		log_info("%s", (const char *)context);
	return NULL;
}

static void threads_do_not_mix(void **state)
{
	static char words[THREADS][40];
	pthread_t threads[THREADS];
	int seen[THREADS] = { 0 };
	char *text, *line, *rest;

	(void)state;
	assert_int_equal(log_open(LOG_LEVEL_INFO, path), 0);
	for (int i = 0; i < THREADS; i++) {
		memset(words[i], 'a' + i, sizeof(words[i]) - 1);
		assert_int_equal(pthread_create(&threads[i], NULL, chatter, words[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	text = contents(path);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		int who = line[strlen(line) - 1] - 'a';

		assert_in_range(who, 0, THREADS - 1);
		assert_string_equal(line + 31, words[who]);
		seen[who]++;
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(seen[i], MESSAGES);
	free(text);
}

/* Who decides never waits for a reader of what it says. */
static void nobody_reads(void **state)
{
	int ends[2], before = dup(STDERR_FILENO);
	char text[8192];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
	dup2(ends[1], STDERR_FILENO);
	alarm(10);
	for (int i = 0; i < 1000; i++)
		log_info("message %d", i);
	alarm(0);
	n = read(ends[0], text, sizeof(text) - 1);
	log_info("read again");
	dup2(before, STDERR_FILENO);
	assert_true(n > 0 && text[n - 1] == '\n'); /* whole lines */
	n = read(ends[0], text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "read again"));
	close(ends[0]);
	close(ends[1]);
	close(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(level_names_round_trip),
		cmocka_unit_test_teardown(level_decides, close_log),
		cmocka_unit_test_teardown(message_is_one_line, close_log),
		cmocka_unit_test_teardown(message_has_an_end, close_log),
		cmocka_unit_test_teardown(errno_is_kept, close_log),
		cmocka_unit_test_teardown(open_that_fails_changes_nothing, close_log),
		cmocka_unit_test_teardown(reopen_follows_rotation, close_log),
		cmocka_unit_test_teardown(journal_gets_priorities, close_log),
		cmocka_unit_test_teardown(threads_do_not_mix, close_log),
		cmocka_unit_test_teardown(nobody_reads, close_log),
	};

	return cmocka_run_group_tests_name("log", tests, make_folder, remove_folder);
}
