/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/subprocess: text in and out, ends of every kind, and what a child must not inherit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/subprocess.h"

#define LIMIT_MS 20000

static struct subprocess_result result;

static int free_result(void **state)
{
	(void)state;
	subprocess_result_free(&result);
	return result.output ? -1 : 0;
}

static int run_shell(const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };

	return subprocess_run(argv, NULL, 0, LIMIT_MS, &result);
}

static void output_status_and_errors_come_back(void **state)
{
	(void)state;
	assert_int_equal(run_shell("echo out; echo 'it broke' >&2; echo; exit 3"), 0);
	assert_int_equal(result.status, 3);
	assert_string_equal(result.output, "out\n\n");
	assert_string_equal(result.errors, "it broke");
}

static void silence_is_an_empty_text(void **state)
{
	const char *const argv[] = { "true", NULL };

	(void)state;
	assert_int_equal(subprocess_run(argv, NULL, 0, LIMIT_MS, &result), 0);
	assert_int_equal(result.status, 0);
	assert_string_equal(result.output, "");
	assert_string_equal(result.errors, "");
}

/* Far more than the pipes hold, both ways at once. */
static void large_text_goes_through(void **state)
{
	const char *const argv[] = { "cat", NULL };
	size_t size = 3 << 20;
	char *text = malloc(size + 1);

	(void)state;
	for (size_t i = 0; i < size; i++)
		text[i] = (char)('a' + i % 23);
	text[size] = '\0';
	assert_int_equal(subprocess_run(argv, text, size, LIMIT_MS, &result), 0);
	assert_int_equal(strlen(result.output), size);
	assert_true(!strcmp(result.output, text));
	free(text);
}

/* A program that refuses its input must not kill us by SIGPIPE. */
static void unread_input_does_no_harm(void **state)
{
	const char *const argv[] = { "sh", "-c", "exec 0<&-; echo refused >&2; exit 2", NULL };
	size_t size = 4 << 20;
	char *text = calloc(1, size);

	(void)state;
	assert_int_equal(subprocess_run(argv, text, size, LIMIT_MS, &result), 0);
	assert_int_equal(result.status, 2);
	assert_string_equal(result.errors, "refused");
	free(text);
}

static void no_input_is_end_of_file(void **state)
{
	const char *const argv[] = { "cat", NULL };

	(void)state;
	assert_int_equal(subprocess_run(argv, NULL, 0, LIMIT_MS, &result), 0);
	assert_string_equal(result.output, "");
	subprocess_result_free(&result);
	assert_int_equal(subprocess_run(argv, "", 0, LIMIT_MS, &result), 0);
	assert_string_equal(result.output, "");
}

static void end_of_errors_is_kept(void **state)
{
	(void)state;
	assert_int_equal(run_shell("seq 1 5000 >&2; printf 'the end\\n\\n' >&2"), 0);
	assert_int_equal(strlen(result.errors), 511 - 2);
	assert_string_equal(result.errors + strlen(result.errors) - 12, "5000\nthe end");
}

static void failures_leave_the_result_alone(void **state)
{
	const char *const missing[] = { "fwgen-no-such-program", NULL };
	const char *const missing_path[] = { "/nonexistent/program", NULL };
	const char *const not_a_program[] = { "/etc/passwd", NULL };
	struct subprocess_result untouched = { .status = 77 };

	(void)state;
	assert_int_equal(subprocess_run(missing, NULL, 0, LIMIT_MS, &untouched), -ENOENT);
	assert_int_equal(subprocess_run(missing_path, "x", 1, LIMIT_MS, &untouched), -ENOENT);
	assert_int_equal(subprocess_run(not_a_program, NULL, 0, LIMIT_MS, &untouched), -EACCES);
	assert_int_equal(untouched.status, 77);
	assert_null(untouched.output);
}

/* Gone, or a zombie where nobody reaps orphans: as dead. */
static bool is_dead(pid_t pid)
{
	char path[32], stat[256] = "";
	bool dead;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return true;
	dead = read(fd, stat, sizeof(stat) - 1) <= 0 || strstr(stat, ") Z");
	close(fd);
	return dead;
}

static void assert_dies(pid_t pid)
{
	assert_true(pid > 1);
	for (int i = 0; i < 500 && !is_dead(pid); i++)
		usleep(10000);
	assert_true(is_dead(pid));
}

static void time_limit_kills_the_whole_group(void **state)
{
	char path[] = "/tmp/fwgen-subprocess-XXXXXX", script[128], text[32] = "";
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct subprocess_result untouched = { .status = 77 };
	int64_t start = moment_now().boot_ns;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	snprintf(script, sizeof(script), "sleep 60 & echo $! >%s; wait", path);
	assert_int_equal(subprocess_run(argv, NULL, 0, 500, &untouched), -ETIMEDOUT);
	assert_in_range((moment_now().boot_ns - start) / NS_PER_MS, 500, 10000);
	assert_int_equal(untouched.status, 77);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	unlink(path);
	assert_dies((pid_t)atoi(text));
}

static void signal_is_told_in_the_status(void **state)
{
	(void)state;
	assert_int_equal(run_shell("kill -9 $$"), 0);
	assert_int_equal(result.status, 128 + SIGKILL);
}

/* It holds our pipes open; it is not waited for, and it does not stay behind. */
static void grandchild_is_not_waited_for(void **state)
{
	int64_t start = moment_now().boot_ns;

	(void)state;
	assert_int_equal(run_shell("sleep 60 & echo $!"), 0);
	assert_true(moment_now().boot_ns - start < 10 * NS_PER_SECOND);
	assert_dies((pid_t)atoi(result.output));
}

static void environment_is_ours(void **state)
{
	const char *const argv[] = { "env", NULL };

	(void)state;
	setenv("LD_PRELOAD_LOOKALIKE", "1", 1);
	setenv("PATH", "/nonexistent", 1);
	assert_int_equal(subprocess_run(argv, NULL, 0, LIMIT_MS, &result), 0);
	assert_string_equal(result.output, "PATH=/usr/sbin:/sbin:/usr/bin:/bin\nLC_ALL=C\n");
}

/* The daemon's threads block signals and may ignore some; iptables must not. */
static void signals_are_as_at_login(void **state)
{
	const char *const argv[] = { "grep", "^Sig[BI]", "/proc/self/status", NULL };
	unsigned long long blocked, ignored;
	sigset_t set, old;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(subprocess_run(argv, NULL, 0, LIMIT_MS, &result), 0);
	signal(SIGPIPE, SIG_DFL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	assert_int_equal(sscanf(result.output, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
	assert_int_equal(blocked, 0);
	assert_int_equal(ignored & 0x7fffffff, 0); /* 32 and 33 are the C library's own */
}

/* Not even one that somebody forgot to mark: a map, the lock, the database. 3 is ls' own. */
static void descriptors_are_not_inherited(void **state)
{
	const char *const argv[] = { "ls", "/proc/self/fd", NULL };
	int leak = fcntl(STDERR_FILENO, F_DUPFD, 20);

	(void)state;
	assert_true(leak >= 20);
	assert_int_equal(subprocess_run(argv, "x", 1, LIMIT_MS, &result), 0);
	close(leak);
	assert_string_equal(result.output, "0\n1\n2\n3\n");
}

static void nothing_is_left_open(void **state)
{
	int before = dup(STDERR_FILENO), after;

	(void)state;
	close(before);
	for (int i = 0; i < 20; i++) {
		const char *const argv[] = { i % 2 ? "cat" : "fwgen-no-such-program", NULL };

		if (!subprocess_run(argv, "x", 1, LIMIT_MS, &result))
			subprocess_result_free(&result);
	}
	after = dup(STDERR_FILENO);
	close(after);
	assert_int_equal(after, before);
}

int main(void)
{
#define SUBPROCESS_TEST(name) cmocka_unit_test_teardown(name, free_result)
	const struct CMUnitTest tests[] = {
		SUBPROCESS_TEST(output_status_and_errors_come_back),
		SUBPROCESS_TEST(silence_is_an_empty_text),
		SUBPROCESS_TEST(large_text_goes_through),
		SUBPROCESS_TEST(unread_input_does_no_harm),
		SUBPROCESS_TEST(no_input_is_end_of_file),
		SUBPROCESS_TEST(end_of_errors_is_kept),
		SUBPROCESS_TEST(failures_leave_the_result_alone),
		SUBPROCESS_TEST(time_limit_kills_the_whole_group),
		SUBPROCESS_TEST(signal_is_told_in_the_status),
		SUBPROCESS_TEST(grandchild_is_not_waited_for),
		SUBPROCESS_TEST(environment_is_ours),
		SUBPROCESS_TEST(signals_are_as_at_login),
		SUBPROCESS_TEST(descriptors_are_not_inherited),
		SUBPROCESS_TEST(nothing_is_left_open),
	};

	return cmocka_run_group_tests_name("subprocess", tests, NULL, NULL);
}
