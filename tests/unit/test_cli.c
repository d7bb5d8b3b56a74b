/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client verbs in whole runs: exit codes, options and messages against a daemon that is played
 * here and says what each test wants.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/client.h"

#define HISTORY                                                                                   \
	"{\"from\":\"2026-01-31T12:00:00.000Z\",\"to\":\"2026-02-01T12:00:00.000Z\","             \
	"\"watched_seconds\":86400,\"enough\":true,\"why_not\":\"\",\"changes\":[{\"detector\":"  \
	"\"udp_flood\",\"says\":\"is on today, would be off\"}],\"limits\":[{\"detector\":"       \
	"\"syn_flood\",\"seconds\":2,\"sources\":711,\"p50\":1,\"p90\":3,\"p99\":9,\"p99_9\":20," \
	"\"max\":31,\"found\":2,\"limit\":200,\"suggested\":100,\"changed\":true,\"says\":"       \
	"\"because\",\"today\":200,\"count\":20,\"sources_\":0,\"over\":{\"source_hours\":3},"    \
	"\"over_today\":{\"source_hours\":2}}],\"fragment\":{\"detectors\":{\"syn_flood\":"       \
	"{\"limits\":[{\"count\":100,\"seconds\":2}]}}}}"

static void expect_part(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

struct daemon {
	char folder[32], path[64], config[64];
	int listener;
	pthread_t thread;
	const char *answer; /* NULL: closes without one */
	char request[256];
	char *out, *err; /* of the last run */
};

static void *play(void *context)
{
	struct daemon *daemon = context;
	int fd = accept(daemon->listener, NULL, NULL);
	ssize_t n = fd < 0 ? -1 : recv(fd, daemon->request, sizeof(daemon->request) - 1, 0);

	if (n >= 0 && daemon->answer) {
		daemon->request[n] = '\0';
		send(fd, daemon->answer, strlen(daemon->answer), MSG_NOSIGNAL);
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

static int set_up(void **state)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(daemon->folder, "/tmp/fwg-cli-XXXXXX");
	if (!mkdtemp(daemon->folder))
		return -1;
	snprintf(daemon->path, sizeof(daemon->path), "%s/socket", daemon->folder);
	snprintf(daemon->config, sizeof(daemon->config), "%s/config.json", daemon->folder);
	daemon->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, daemon->path);
	*state = daemon;
	return bind(daemon->listener, (struct sockaddr *)&address, sizeof(address)) ||
	       listen(daemon->listener, 4);
}

static int tear_down(void **state)
{
	struct daemon *daemon = *state;

	close(daemon->listener);
	unlink(daemon->path);
	unlink(daemon->config);
	rmdir(daemon->folder);
	free(daemon->out);
	free(daemon->err);
	free(daemon);
	return 0;
}

static char *read_all(FILE *file)
{
	long size = (fseek(file, 0, SEEK_END), ftell(file));
	char *text = calloc(1, (size_t)size + 1);

	rewind(file);
	assert_int_equal(fread(text, 1, (size_t)size, file), size);
	fclose(file);
	return text;
}

/* What the verbs about history were asked, and what is made of it here. */
static struct {
	char database[128], config[128], candidate[128];
	int64_t last_ns;
} asked;

static int make_history(const struct cli_query *query, struct json **data, char error[CLI_ERROR])
{
	char why[64];

	snprintf(asked.database, sizeof(asked.database), "%s", query->database);
	snprintf(asked.config, sizeof(asked.config), "%s", query->config ? query->config : "-");
	snprintf(asked.candidate, sizeof(asked.candidate), "%s",
		 query->candidate ? query->candidate : "-");
	asked.last_ns = query->last_ns;
	if (!strcmp(query->database, "/bad")) {
		strcpy(error, "that database is bad");
		return -EIO;
	}
	*data = json_parse(HISTORY, strlen(HISTORY), why, sizeof(why));
	return 0;
}

static const struct cli_maker makers[] = {
	{ "suggest", make_history },
	{ "whatif", make_history },
	{ 0 },
};

/* cli_run with stdout and stderr caught in daemon->out and ->err. */
static int run(struct daemon *daemon, const char *const words[])
{
	FILE *out = tmpfile(), *err = tmpfile();
	int old_out = dup(STDOUT_FILENO), old_err = dup(STDERR_FILENO), argc = 0, code;
	char *argv[16] = { "fwgen" };

	for (argc = 1; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	fflush(stdout);
	dup2(fileno(out), STDOUT_FILENO);
	dup2(fileno(err), STDERR_FILENO);
	code = cli_run(argc, argv, makers);
	fflush(stdout);
	dup2(old_out, STDOUT_FILENO);
	dup2(old_err, STDERR_FILENO);
	close(old_out);
	close(old_err);
	free(daemon->out);
	free(daemon->err);
	daemon->out = read_all(out);
	daemon->err = read_all(err);
	return code;
}

#define RUN(daemon, ...) run(daemon, (const char *const[]){ __VA_ARGS__, NULL })

static int run_answered(struct daemon *daemon, const char *answer, const char *const words[])
{
	int code;

	daemon->answer = answer;
	assert_int_equal(pthread_create(&daemon->thread, NULL, play, daemon), 0);
	code = run(daemon, words);
	assert_int_equal(pthread_join(daemon->thread, NULL), 0);
	return code;
}

#define RUN_ANSWERED(daemon, answer, ...) \
	run_answered(daemon, answer, (const char *const[]){ __VA_ARGS__, NULL })

static void test_verb_names(void **state)
{
	(void)state;
	assert_true(cli_is_verb("status"));
	assert_true(cli_is_verb("sources"));
	assert_true(cli_is_verb("events"));
	assert_true(cli_is_verb("rules"));
	assert_false(cli_is_verb("run"));
	assert_false(cli_is_verb("off"));
	assert_false(cli_is_verb("statu"));
	assert_false(cli_is_verb(""));
	assert_false(cli_is_verb(NULL));
}

static void test_good_runs(void **state)
{
	struct daemon *daemon = *state;

	assert_int_equal(RUN_ANSWERED(daemon, "{\"ok\":true,\"data\":[]}\n", "rules", "--socket",
				      daemon->path),
			 CLI_EXIT_GOOD);
	assert_string_equal(daemon->request, "{\"verb\":\"rules\"}\n");
	assert_string_equal(daemon->out, "No rules are in force: nothing is blocked.\n");
	assert_string_equal(daemon->err, "");
	assert_int_equal(RUN_ANSWERED(daemon, "{\"ok\":true,\"data\":[{\"id\":1,\"b\":0.5}]}\n",
				      "events", "--limit=7", "--json", "--socket", daemon->path),
			 CLI_EXIT_GOOD);
	assert_string_equal(daemon->request, "{\"verb\":\"events\",\"args\":{\"limit\":7}}\n");
	assert_string_equal(daemon->out, "[{\"id\":1,\"b\":0.5}]\n");
}

/* JSON for programs is the same value and harmless on a terminal. */
static void test_json_is_harmless(void **state)
{
	struct daemon *daemon = *state;

	assert_int_equal(RUN_ANSWERED(daemon,
				      "{\"ok\":true,\"data\":[\"\\u001b[2J\302\233m\177\342\200\256"
				      "gr\303\274n\"]}\n",
				      "events", "--json", "--socket", daemon->path),
			 CLI_EXIT_GOOD);
	assert_string_equal(daemon->out, "[\"\\u001b[2J\\u009bm\\u007f\\u202egr\303\274n\"]\n");
}

static void test_failed_runs(void **state)
{
	static const char *const answers[][2] = {
		{ "{\"ok\":false,\"error\":\"too many\\u001b[2J clients\"}\n",
		  "fwgen status: fwgen refused: too many?[2J clients" },
		{ NULL, "closed the connection" },
		{ "{\"ok\":true,\"data\":", "closed the connection" },
		{ "hello\n", "what answers there is not fwgen" },
		{ "[]\n", "what answers there is not fwgen" },
		{ "{\"ok\":true}\n", "what answers there is not fwgen" },
		{ "{\"ok\":true,\"data\":[]}\n", "another form" },
	};
	struct daemon *daemon = *state;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		assert_int_equal(
			RUN_ANSWERED(daemon, answers[i][0], "status", "--socket", daemon->path),
			CLI_EXIT_FAILED);
		expect_part(daemon->err, answers[i][1]);
		assert_null(strchr(daemon->err, '\033'));
		assert_string_equal(daemon->out, "");
	}
}

static void test_no_daemon(void **state)
{
	struct daemon *daemon = *state;
	char other[80];

	snprintf(other, sizeof(other), "%s-nowhere", daemon->path);
	assert_int_equal(RUN(daemon, "status", "--socket", other), CLI_EXIT_NOT_RUNNING);
	expect_part(daemon->err, "fwgen is not running");
	expect_part(daemon->err, other);
	/* a stale socket */
	shutdown(daemon->listener, SHUT_RDWR);
	close(daemon->listener);
	daemon->listener = -1;
	assert_int_equal(RUN(daemon, "rules", "--json", "--socket", daemon->path),
			 CLI_EXIT_NOT_RUNNING);
	assert_string_equal(daemon->out, "");
}

static void test_usage_errors(void **state)
{
	struct daemon *daemon = *state;
	char long_path[200];

	memset(long_path, 'x', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(RUN(daemon, "status", "--bogus"), CLI_EXIT_USAGE);
	expect_part(daemon->err, "unknown option --bogus");
	assert_int_equal(RUN(daemon, "status", "-x"), CLI_EXIT_USAGE);
	assert_int_equal(RUN(daemon, "status", "more"), CLI_EXIT_USAGE);
	expect_part(daemon->err, "unexpected more");
	assert_int_equal(RUN(daemon, "status", "--limit", "5"), CLI_EXIT_USAGE);
	assert_int_equal(RUN(daemon, "rules", "--limit", "0"), CLI_EXIT_USAGE);
	assert_int_equal(RUN(daemon, "rules", "--limit", "5x"), CLI_EXIT_USAGE);
	assert_int_equal(RUN(daemon, "rules", "--limit", ""), CLI_EXIT_USAGE);
	assert_int_equal(RUN(daemon, "rules", "--limit", "99999999999999999999"), CLI_EXIT_USAGE);
	assert_int_equal(RUN(daemon, "rules", "--limit"), CLI_EXIT_USAGE);
	expect_part(daemon->err, "a value is missing after --limit");
	assert_int_equal(RUN(daemon, "rules", "--socket", long_path), CLI_EXIT_USAGE);
	assert_int_equal(RUN(daemon, "rules\033[2J"), CLI_EXIT_USAGE);
	assert_null(strchr(daemon->err, '\033'));
}

static void write_config(const struct daemon *daemon, const char *text)
{
	int fd = open(daemon->config, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_socket_of_the_configuration(void **state)
{
	struct daemon *daemon = *state;
	char text[128];

	snprintf(text, sizeof(text), "{\"control\":{\"socket\":\"%s\"}}", daemon->path);
	write_config(daemon, text);
	assert_int_equal(RUN_ANSWERED(daemon, "{\"ok\":true,\"data\":[]}\n", "sources", "--config",
				      daemon->config),
			 CLI_EXIT_GOOD);
	write_config(daemon, "{\"contrl\":{}}");
	assert_int_equal(RUN(daemon, "sources", "--config", daemon->config), CLI_EXIT_FAILED);
	expect_part(daemon->err, "contrl");
	unlink(daemon->config);
	assert_int_equal(RUN(daemon, "sources", "--config", daemon->config), CLI_EXIT_FAILED);
	expect_part(daemon->err, daemon->config);
}

/* A daemon that is stopped: the call ends, in the time given. */
static void test_no_answer_in_time(void **state)
{
	struct daemon *daemon = *state;
	char error[CLIENT_ERROR_TEXT] = "";
	struct json *data = NULL;

	assert_int_equal(client_call(daemon->path, "{\"verb\":\"status\"}", 50, &data, error),
			 -ETIMEDOUT);
	assert_null(data);
	expect_part(error, "no answer in time");
}

static void test_large_answer(void **state)
{
	struct daemon *daemon = *state;
	size_t n = 3 << 20;
	char *answer = malloc(n + 64);

	strcpy(answer, "{\"ok\":true,\"data\":[\"");
	memset(answer + 20, 'x', n);
	strcpy(answer + 20 + n, "\"]}\n");
	assert_int_equal(RUN_ANSWERED(daemon, answer, "events", "--json", "--socket", daemon->path),
			 CLI_EXIT_GOOD);
	assert_int_equal(strlen(daemon->out), n + 5);
	free(answer);
}

static void test_help(void **state)
{
	static const char *const words[] = {
		"run",	    "check",	    "off",	 "version",  "status",
		"sources",  "events",	    "rules",	 "--iface",  "--config",
		"--db",	    "--observe",    "--enforce", "--sensor", "--takeover",
		"--socket", "--json",	    "--limit",	 "suggest",  "whatif NEWCONFIG",
		"--last",   "--no-restore",
	};
	struct daemon *daemon = *state;

	assert_int_equal(RUN(daemon, "status", "--help"), CLI_EXIT_GOOD);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		expect_part(daemon->out, words[i]);
	assert_string_equal(daemon->err, "");
}

static void test_history_is_read_from_the_named_database(void **state)
{
	struct daemon *daemon = *state;

	assert_int_equal(RUN(daemon, "suggest", "--db", "/tmp/a.db"), CLI_EXIT_GOOD);
	assert_string_equal(asked.database, "/tmp/a.db");
	assert_string_equal(asked.candidate, "-");
	assert_int_equal(asked.last_ns, 24 * 3600 * NS_PER_SECOND);
	expect_part(daemon->out, "1d 0h of traffic");
	expect_part(daemon->out, "syn_flood 2 s");
	expect_part(daemon->out, "          \"count\": 100,\n          \"seconds\": 2\n");
	assert_int_equal(RUN(daemon, "whatif", "new.json", "--last", "7d", "--db", "/tmp/a.db",
			     "--config", "old.json"),
			 CLI_EXIT_GOOD);
	assert_string_equal(asked.candidate, "new.json");
	assert_string_equal(asked.config, "old.json");
	assert_int_equal(asked.last_ns, 7 * 86400 * NS_PER_SECOND);
	expect_part(daemon->out, "udp_flood is on today, would be off");
	expect_part(daemon->out, "because");
	assert_int_equal(RUN(daemon, "suggest", "--db", "/tmp/a.db", "--json"), CLI_EXIT_GOOD);
	expect_part(daemon->out, "\"p99_9\":20");
}

static void test_history_is_read_from_the_running_daemons_database(void **state)
{
	struct daemon *daemon = *state;

	assert_int_equal(RUN_ANSWERED(daemon,
				      "{\"ok\":true,\"data\":{\"database\":\"/var/x.db\","
				      "\"config\":\"/etc/fwgen/config.json\"}}\n",
				      "suggest", "--socket", daemon->path),
			 CLI_EXIT_GOOD);
	assert_string_equal(asked.database, "/var/x.db");
	assert_string_equal(asked.config, "/etc/fwgen/config.json");
	expect_part(daemon->request, "\"status\"");
}

static void test_history_needs_no_daemon(void **state)
{
	struct daemon *daemon = *state;

	write_config(daemon, "{\"storage\":{\"database\":\"/tmp/b.db\"},"
			     "\"control\":{\"socket\":\"/tmp/fwg-nobody.sock\"}}");
	assert_int_equal(RUN(daemon, "suggest", "--config", daemon->config), CLI_EXIT_GOOD);
	assert_string_equal(asked.database, "/tmp/b.db");
	assert_string_equal(asked.config, daemon->config);
}

static void test_history_verbs_refuse(void **state)
{
	struct daemon *daemon = *state;

	assert_int_equal(RUN(daemon, "whatif"), CLI_EXIT_USAGE);
	expect_part(daemon->err, "NEWCONFIG");
	assert_int_equal(RUN(daemon, "whatif", "a", "b"), CLI_EXIT_USAGE);
	assert_int_equal(RUN(daemon, "suggest", "a"), CLI_EXIT_USAGE);
	assert_int_equal(RUN(daemon, "suggest", "--last", "never"), CLI_EXIT_USAGE);
	assert_int_equal(RUN(daemon, "suggest", "--limit", "3"), CLI_EXIT_USAGE);
	assert_int_equal(RUN(daemon, "rules", "--last", "3h"), CLI_EXIT_USAGE);
	assert_int_equal(RUN(daemon, "rules", "--db", "x"), CLI_EXIT_USAGE);
	assert_int_equal(RUN(daemon, "suggest", "--db", "/bad"), CLI_EXIT_FAILED);
	expect_part(daemon->err, "that database is bad");
}

/* What is typed becomes the arguments that the daemon knows. */
static void test_requests(void **state)
{
	static const struct {
		const char *words[12];
		const char *request;
	} cases[] = {
		{ { "block", "198.51.100.7" },
		  "{\"verb\":\"block\",\"args\":{\"address\":\"198.51.100.7\"}}\n" },
		{ { "block", "--to", "198.51.100.1", "--class", "syn", "--port=80/tcp", "--limit",
		    "1000", "--for", "10m" },
		  "{\"verb\":\"block\",\"args\":{\"to\":true,\"class\":\"syn\",\"port\":80,"
		  "\"protocol\":\"tcp\",\"limit\":1000,\"for\":\"10m\",\"address\":"
		  "\"198.51.100.1\"}}\n" },
		{ { "block", "198.51.100.7", "--reason", "a \"quoted\" one" },
		  "{\"verb\":\"block\",\"args\":{\"reason\":\"a \\\"quoted\\\" one\",\"address\":"
		  "\"198.51.100.7\"}}\n" },
		{ { "unblock", "2001:db8::/64" },
		  "{\"verb\":\"unblock\",\"args\":{\"address\":\"2001:db8::/64\"}}\n" },
		{ { "unblock", "12" }, "{\"verb\":\"unblock\",\"args\":{\"rule\":12}}\n" },
		{ { "unblock", "--all" }, "{\"verb\":\"unblock\",\"args\":{\"all\":true}}\n" },
		{ { "allow", "198.51.100.7", "--remove" },
		  "{\"verb\":\"allow\",\"args\":{\"remove\":true,\"address\":\"198.51.100.7\"}}"
		  "\n" },
		{ { "explain", "::1" }, "{\"verb\":\"explain\",\"args\":{\"address\":\"::1\"}}\n" },
		{ { "reload" }, "{\"verb\":\"reload\"}\n" },
		{ { "reload", "--confirm", "60s" },
		  "{\"verb\":\"reload\",\"args\":{\"confirm\":\"60s\"}}\n" },
		{ { "pause" }, "{\"verb\":\"pause\"}\n" },
		{ { "pause", "5m", "--disarm" },
		  "{\"verb\":\"pause\",\"args\":{\"disarm\":true,\"for\":\"5m\"}}\n" },
		{ { "capture", "198.51.100.7", "--count", "7", "-w", "/dev/null" },
		  "{\"verb\":\"capture\",\"args\":{\"count\":7,\"address\":\"198.51.100.7\"}}"
		  "\n" },
	};
	struct daemon *daemon = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *words[16] = { 0 };
		size_t n = 0;

		for (; cases[i].words[n]; n++)
			words[n] = cases[i].words[n];
		words[n++] = "--socket";
		words[n] = daemon->path;
		assert_int_equal(run_answered(daemon, "{\"ok\":false,\"error\":\"no\"}\n", words),
				 CLI_EXIT_FAILED);
		assert_string_equal(daemon->request, cases[i].request);
		expect_part(daemon->err, "fwgen refused: no");
	}
}

/* Slips of the pen are told before anything is asked. */
static void test_slips(void **state)
{
	static const char *const cases[][6] = {
		{ "missing: ADDR[/LEN]", "explain" },
		{ "missing: ADDR[/LEN] | --file LIST", "block" },
		{ "missing: ADDR[/LEN] | RULE | --all", "unblock" },
		{ "only one of them", "unblock", "12", "--all" },
		{ "unexpected 13", "unblock", "12", "13" },
		{ "a rule's number is from 1", "unblock", "0" },
		{ "an address or prefix is like", "allow", "me" },
		{ "a time is like", "pause", "0" },
		{ "--confirm is a time", "reload", "--confirm", "x" },
		{ "did you mean --confirm?", "reload", "--comfirm", "60s" },
		{ "unknown option --disarm", "reload", "--disarm" },
		{ "--count is a whole number from 1 to 1000", "capture", "::1", "--count", "1001" },
	};
	struct daemon *daemon = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(run(daemon, cases[i] + 1), CLI_EXIT_USAGE);
		expect_part(daemon->err, cases[i][0]);
	}
}

int main(void)
{
#define WITH_DAEMON(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verb_names),
		WITH_DAEMON(test_good_runs),
		WITH_DAEMON(test_json_is_harmless),
		WITH_DAEMON(test_requests),
		WITH_DAEMON(test_slips),
		WITH_DAEMON(test_failed_runs),
		WITH_DAEMON(test_no_daemon),
		WITH_DAEMON(test_usage_errors),
		WITH_DAEMON(test_socket_of_the_configuration),
		WITH_DAEMON(test_no_answer_in_time),
		WITH_DAEMON(test_large_answer),
		WITH_DAEMON(test_help),
		WITH_DAEMON(test_history_is_read_from_the_named_database),
		WITH_DAEMON(test_history_is_read_from_the_running_daemons_database),
		WITH_DAEMON(test_history_needs_no_daemon),
		WITH_DAEMON(test_history_verbs_refuse),
	};

	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
