/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For the tests of record/: a folder of their own, real files, samples, and SQL from outside. */
#ifndef FWGEN_TEST_RECORD_FILES_H
#define FWGEN_TEST_RECORD_FILES_H

#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>
#include "base/address.h"
#include "base/log.h"
#include "model/rule.h"

#define BOOT_A "0b0b0b0b-1111-4222-8333-444444444444"
#define BOOT_B "0c0c0c0c-1111-4222-8333-555555555555"

static char folder[64];
static char file[PATH_MAX]; /* folder/network_security.db */

static inline int make_folder(void **state)
{
	(void)state;
	/* What is expected to fail says so; the test's own output stays readable. */
	log_open(LOG_LEVEL_ERROR, "/dev/null");
	strcpy(folder, "/tmp/fwgen-record-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/network_security.db", folder);
	return 0;
}

static inline int remove_folder(void **state)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	(void)state;
	while (dir && (entry = readdir(dir))) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		remove(path);
	}
	if (dir)
		closedir(dir);
	return rmdir(folder);
}

/* How many files of the folder have this in their names. */
static inline int count_files(const char *part)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += strstr(entry->d_name, part) != NULL;
	closedir(dir);
	return n;
}

static inline char *read_whole(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	char *text;
	long size;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	text = malloc((size_t)size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)size, f), size);
	text[size] = '\0';
	fclose(f);
	*len = (size_t)size;
	return text;
}

static inline void write_whole(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static inline sqlite3 *sql_open(void)
{
	sqlite3 *sql;

	assert_int_equal(sqlite3_open_v2(file, &sql, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	sqlite3_busy_timeout(sql, 5000);
	return sql;
}

static inline void sql_run(const char *text)
{
	sqlite3 *sql = sql_open();
	char *error = NULL;

	if (sqlite3_exec(sql, text, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", text, error);
	sqlite3_close(sql);
}

/* First column of the first row as text ("NULL", or "-" without a row) in a static buffer. */
static inline const char *sql_text(const char *text)
{
	static char buf[1024];
	sqlite3 *sql = sql_open();
	sqlite3_stmt *statement;
	const char *value;

	if (sqlite3_prepare_v2(sql, text, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(sql));
	strcpy(buf, "-");
	if (sqlite3_step(statement) == SQLITE_ROW) {
		value = (const char *)sqlite3_column_text(statement, 0);
		snprintf(buf, sizeof(buf), "%s", value ? value : "NULL");
	}
	sqlite3_finalize(statement);
	sqlite3_close(sql);
	return buf;
}

static inline long sql_int(const char *text)
{
	return atol(sql_text(text));
}

/* A rule of ten minutes. */
static inline struct rule_change sample_change(enum rule_change_kind kind, uint32_t id,
					       const char *prefix, struct moment created)
{
	struct rule_change change = { .kind = kind, .removed_why = REMOVED_EXPIRED };
	struct rule *rule = &change.rule;

	rule->id = id;
	assert_int_equal(prefix_parse(prefix, &rule->prefix), 0);
	rule->action = ACTION_DROP;
	rule->classes = CLASS_ALL;
	rule->detector = DETECTOR_PORT_SCAN;
	rule->evidence = EVIDENCE_UNPROVEN;
	rule->origin = ORIGIN_DETECTOR;
	strcpy(rule->reason, "tried 42 ports within 10 s");
	rule->observed = 42;
	rule->limit = (struct limit){ 20, 10 };
	strcpy(rule->config_hash, "00112233aabbccdd");
	rule->created = created;
	rule->expires = moment_plus(created, 600 * NS_PER_SECOND);
	return change;
}

/* Waits until the condition holds, ten seconds at most. */
#define wait_for(condition)                                                     \
	do {                                                                    \
		int64_t until_ = moment_now().boot_ns + 10 * NS_PER_SECOND;     \
		while (!(condition)) {                                          \
			struct timespec pause_ = { .tv_nsec = 2000000 };        \
			if (moment_now().boot_ns > until_)                      \
				fail_msg("waited in vain for: %s", #condition); \
			nanosleep(&pause_, NULL);                               \
		}                                                               \
	} while (0)

#endif
