/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event log: every line is JSON with EVE's names, whole or absent, whatever the disk does. */
#include "record_files.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include "base/json.h"
#include "record/event_log.h"

static char log_path[PATH_MAX];

static struct event_log *open_log(void)
{
	struct event_log *log = NULL;
	char error[512] = "";

	snprintf(log_path, sizeof(log_path), "%s/events.json", folder);
	if (event_log_open(log_path, &log, error))
		fail_msg("%s", error);
	return log;
}

static struct event sample_event(uint64_t id)
{
	struct event event = {
		.id = id,
		.at = { .boot_ns = 1, .wall_ns = 1769860800123 * NS_PER_MS },
		.type = EVENT_RULE,
		.severity = SEVERITY_WARNING,
		.has_source = true,
		.has_destination = true,
		.port = 443,
		.protocol = 6,
		.detector = DETECTOR_SYN_FLOOD,
		.message = "blocked 192.0.2.0/24",
		.details = "{\"change\":\"added\",\"interface\":\"eth0\",\"rule\":7}",
	};

	prefix_parse("192.0.2.0/24", &event.source);
	address_parse("198.51.100.9", &event.destination);
	return event;
}

static struct json *line_of(const struct event *event)
{
	char *text = event_log_line(event), error[128];
	struct json *line;

	assert_non_null(text);
	assert_null(strchr(text, '\n'));
	line = json_parse(text, strlen(text), error, sizeof(error));
	if (!line)
		fail_msg("%s: %s", error, text);
	free(text);
	return line;
}

/* "alert.action" */
static const struct json *find(const struct json *line, const char *path)
{
	char part[64];
	const char *dot = strchr(path, '.');

	if (!dot)
		return json_get(line, path);
	snprintf(part, sizeof(part), "%.*s", (int)(dot - path), path);
	line = json_get(line, part);
	return line ? find(line, dot + 1) : NULL;
}

static void has_text(const struct json *line, const char *path, const char *wanted)
{
	const struct json *item = find(line, path);

	if (!item)
		fail_msg("%s is not there", path);
	assert_string_equal(json_to_string(item), wanted);
}

static void has_int(const struct json *line, const char *path, int64_t wanted)
{
	int64_t value;

	assert_true(json_to_int(find(line, path), &value));
	assert_int_equal(value, wanted);
}

static void rule_line_has_eve_names(void **state)
{
	struct event event = sample_event(12);
	struct json *line = line_of(&event);

	(void)state;
	has_text(line, "timestamp", "2026-01-31T12:00:00.123Z");
	has_text(line, "event_type", "alert");
	has_text(line, "in_iface", "eth0");
	has_text(line, "src_ip", "192.0.2.0");
	has_text(line, "dest_ip", "198.51.100.9");
	has_int(line, "dest_port", 443);
	has_text(line, "proto", "TCP");
	has_text(line, "alert.action", "blocked");
	has_text(line, "alert.signature", "fwgen syn_flood");
	has_text(line, "alert.category", "Denial of service");
	has_int(line, "alert.severity", 2);
	has_int(line, "fwgen.id", 12);
	has_text(line, "fwgen.type", "rule");
	has_text(line, "fwgen.source", "192.0.2.0/24");
	has_text(line, "fwgen.detector", "syn_flood");
	has_text(line, "fwgen.severity", "warning");
	has_text(line, "fwgen.message", "blocked 192.0.2.0/24");
	has_int(line, "fwgen.details.rule", 7);
	json_free(&line);
}

static void what_is_not_blocked_does_not_say_so(void **state)
{
	static const struct {
		enum event_type type;
		const char *change, *event_type, *action;
	} cases[] = {
		{ EVENT_FINDING, "", "alert", "allowed" },
		{ EVENT_FINDING, "{\"change\":\"also_found\"}", "alert", "blocked" },
		{ EVENT_ALARM, "", "alert", "allowed" },
		{ EVENT_RULE, "{\"change\":\"observed\"}", "alert", "allowed" },
		{ EVENT_RULE, "{\"change\":\"refused\"}", "alert", "allowed" },
		{ EVENT_RULE, "{\"change\":\"removed\"}", "rule", NULL },
		{ EVENT_RULE, "{\"change\":\"renewed\"}", "rule", NULL },
		{ EVENT_CONFIG, "", "config", NULL },
		{ EVENT_SYSTEM, "", "system", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct event event = sample_event(1);
		struct json *line;

		event.type = cases[i].type;
		strcpy(event.details, cases[i].change);
		line = line_of(&event);
		has_text(line, "event_type", cases[i].event_type);
		if (cases[i].action)
			has_text(line, "alert.action", cases[i].action);
		else
			assert_null(json_get(line, "alert"));
		json_free(&line);
	}
}

static void absent_facts_are_absent(void **state)
{
	struct event event = { .type = EVENT_SYSTEM,
			       .detector = DETECTOR_NONE,
			       .message = "a \"quoted\"\nline \xff",
			       .details = "{not json" };
	struct json *line = line_of(&event);

	(void)state;
	assert_null(json_get(line, "src_ip"));
	assert_null(json_get(line, "dest_ip"));
	assert_null(json_get(line, "dest_port"));
	assert_null(json_get(line, "proto"));
	assert_null(json_get(line, "in_iface"));
	has_text(line, "fwgen.message", "a \"quoted\"\nline \xef\xbf\xbd");
	has_text(line, "fwgen.details", "{not json");
	json_free(&line);
	event.protocol = 58;
	line = line_of(&event);
	has_text(line, "proto", "IPv6-ICMP");
	json_free(&line);
	event.protocol = 132;
	line = line_of(&event);
	has_text(line, "proto", "132");
	json_free(&line);
}

/* Parses every line; returns how many, the ids rising. */
static int count_lines(const char *path)
{
	size_t len;
	char *text = read_whole(path, &len), error[128], *at = text;
	int64_t last = 0;
	int n = 0;

	while (*at) {
		char *end = strchr(at, '\n');
		struct json *line;
		int64_t id = 0;

		if (!end)
			fail_msg("half a line: %s", at);
		line = json_parse(at, (size_t)(end - at), error, sizeof(error));
		if (!line)
			fail_msg("%s: %.*s", error, (int)(end - at), at);
		assert_true(json_to_int(find(line, "fwgen.id"), &id));
		assert_true(id > last);
		last = id;
		json_free(&line);
		at = end + 1;
		n++;
	}
	free(text);
	return n;
}

static void lines_are_appended(void **state)
{
	mode_t before = umask(0077);
	struct stat st;

	(void)state;
	for (uint64_t id = 1; id <= 6; id += 2) {
		struct event_log *log = open_log();
		struct event one = sample_event(id), two = sample_event(id + 1);

		assert_int_equal(event_log_write(log, &one), 0);
		assert_int_equal(event_log_write(log, &two), 0);
		event_log_close(&log);
		assert_null(log);
	}
	umask(before);
	assert_int_equal(count_lines(log_path), 6);
	assert_int_equal(stat(log_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void reopening_begins_a_new_file(void **state)
{
	struct event_log *log = open_log();
	struct event event = sample_event(1);
	char rotated[PATH_MAX];

	(void)state;
	assert_int_equal(event_log_write(log, &event), 0);
	snprintf(rotated, sizeof(rotated), "%s/events.1", folder);
	assert_int_equal(rename(log_path, rotated), 0);
	event.id = 2;
	assert_int_equal(event_log_write(log, &event), 0); /* until told, to the old one */
	assert_int_equal(event_log_reopen(log), 0);
	event.id = 3;
	assert_int_equal(event_log_write(log, &event), 0);
	event_log_close(&log);
	assert_int_equal(count_lines(rotated), 2);
	assert_int_equal(count_lines(log_path), 1);
}

static void full_disk_loses_whole_lines_only(void **state)
{
	struct rlimit before, limit;
	struct event_log *log = open_log();
	struct event event = sample_event(1);
	int written = 0, err = 0;

	(void)state;
	/* A limit of the file's size cuts the write short, as a disk that becomes full does. */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ 2000, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (event.id = 1; event.id <= 10; event.id++) {
		int result = event_log_write(log, &event);

		written += result == 0;
		if (result)
			err = result;
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(written > 0 && written < 10);
	assert_true(err < 0);
	assert_non_null(strstr(event_log_failing(log), log_path));
	assert_int_equal(count_lines(log_path), written);
	assert_int_equal(event_log_write(log, &event), 0);
	assert_string_equal(event_log_failing(log), "");
	event_log_close(&log);
	assert_int_equal(count_lines(log_path), written + 1);
}

static void device_without_room_is_an_error(void **state)
{
	struct event event = sample_event(1);
	struct event_log *log = NULL;
	char error[512];

	(void)state;
	assert_int_equal(event_log_open("/dev/full", &log, error), 0);
	assert_int_equal(event_log_write(log, &event), -ENOSPC);
	event_log_close(&log);
}

static void pipe_without_reader_does_not_block(void **state)
{
	struct event event = sample_event(1);
	struct event_log *log = NULL;
	char error[512];
	int reader, err = 0;

	(void)state;
	snprintf(log_path, sizeof(log_path), "%s/pipe", folder);
	assert_int_equal(mkfifo(log_path, 0600), 0);
	assert_int_equal(event_log_open(log_path, &log, error), -ENXIO);
	reader = open(log_path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(event_log_open(log_path, &log, error), 0);
	for (int i = 0; i < 1000 && !err; i++) /* more than a pipe holds */
		err = event_log_write(log, &event);
	assert_int_equal(err, -EAGAIN);
	event_log_close(&log);
	close(reader);
}

static void refuses_what_it_cannot_open(void **state)
{
	struct event_log *log = NULL;
	char error[512] = "", path[PATH_MAX];

	(void)state;
	snprintf(path, sizeof(path), "%s/no/events.json", folder);
	assert_int_equal(event_log_open(path, &log, error), -ENOENT);
	assert_non_null(strstr(error, path));
	assert_null(log);
	if (geteuid()) {
		print_message("skipped: the link of another user needs root\n");
		return;
	}
	snprintf(path, sizeof(path), "%s/link.json", folder);
	assert_int_equal(symlink("/tmp/fwgen-nowhere", path), 0);
	assert_int_equal(lchown(path, 12345, 12345), 0);
	assert_int_equal(event_log_open(path, &log, error), -EACCES);
	assert_int_equal(access("/tmp/fwgen-nowhere", F_OK), -1);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(rule_line_has_eve_names),
		in_folder(what_is_not_blocked_does_not_say_so),
		in_folder(absent_facts_are_absent),
		in_folder(lines_are_appended),
		in_folder(reopening_begins_a_new_file),
		in_folder(full_disk_loses_whole_lines_only),
		in_folder(device_without_room_is_an_error),
		in_folder(pipe_without_reader_does_not_block),
		in_folder(refuses_what_it_cannot_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
