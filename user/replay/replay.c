// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The verb: opens all files, gives up privileges, then takes one file after the other. Exit code 1:
 * a file could not be read, or not to its end; the others were.
 */
#include "replay/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include "base/privileges.h"
#include "cli/cli.h"
#include "replay/capture.h"
#include "replay/options.h"
#include "replay/progress.h"
#include "replay/record.h"
#include "replay/world.h"

#define EXIT_FILE 1

struct replay {
	struct replay_options options;
	struct config *config;
	struct capture **captures; /* NULL: could not be opened */
	struct world_options world_options;
	struct world *world;
	struct record *record;	   /* NULL: no --db */
	struct features *features; /* NULL: no --features */
	bool failed;		   /* a file could not be read, or not to its end */
};

static void complain(const char *text)
{
	fflush(stdout); /* in the order in which it happened, where both go to one place */
	fprintf(stderr, "fwgen replay: %s\n", text);
}

/* ---- a file ---------------------------------------------------------------------------------- */

static int complain_memory(void)
{
	complain("out of memory");
	return EX_OSERR;
}

static void complain_order(const struct capture *capture)
{
	char error[CAPTURE_ERROR];

	snprintf(error, sizeof(error),
		 "%s: frame %llu is older than what the file before it ended with; with "
		 "--continue, files go in the order of their time",
		 capture_path(capture), (unsigned long long)capture_frames(capture));
	complain(error);
}

/* Returns an exit code. */
static int read_frames(struct replay *replay, struct capture *capture, bool last)
{
	struct progress progress = { 0 };
	char error[CAPTURE_ERROR];
	struct captured frame;
	int result, err = 0;

	while (!err && (result = capture_next(capture, &frame, error)) > 0) {
		err = world_frame(replay->world, &frame);
		progress_tell(&progress, capture);
	}
	progress_end(&progress);
	if (err == -EINVAL) {
		complain_order(capture);
		return EXIT_FILE;
	}
	if (world_end_file(replay->world, last) || err)
		return complain_memory();
	if (!result)
		return 0;
	complain(error);
	return EXIT_FILE;
}

/* Returns an exit code. */
static int take_file(struct replay *replay, struct capture *capture, bool last)
{
	char error[CAPTURE_ERROR];

	if (capture_begin(capture, error)) {
		complain(error);
		return EXIT_FILE;
	}
	if (!replay->world && world_new(&replay->world_options, &replay->world))
		return complain_memory();
	world_begin_file(replay->world, capture_path(capture), capture_link(capture));
	if (replay->world_options.report->begin)
		replay->world_options.report->begin(stdout, capture_path(capture),
						    capture_link_name(capture));
	return read_frames(replay, capture, last);
}

static int take_files(struct replay *replay)
{
	int count = replay->options.file_count;

	for (int i = 0; i < count; i++) {
		struct capture **capture = &replay->captures[i];
		int code;

		if (!*capture)
			continue;
		code = take_file(replay, *capture, i + 1 == count || !replay->options.go_on);
		capture_close(capture);
		if (code && code != EXIT_FILE)
			return code;
		replay->failed |= code != 0;
		if (!replay->options.go_on)
			world_free(&replay->world);
	}
	return 0;
}

/* ---- the verb -------------------------------------------------------------------------------- */

/* As many files at a time as the system lets us. */
static void allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_files(struct replay *replay)
{
	const struct replay_options *options = &replay->options;
	char error[CAPTURE_ERROR];

	replay->captures = calloc((size_t)options->file_count, sizeof(*replay->captures));
	if (!replay->captures)
		return complain_memory();
	allow_files();
	for (int i = 0; i < options->file_count; i++) {
		if (!capture_open(options->files[i], &replay->captures[i], error))
			continue;
		complain(error);
		replay->failed = true;
	}
	return 0;
}

/* Everything that needs the rights of who started us. */
static int open_all(struct replay *replay)
{
	const char *database = replay->options.database, *features = replay->options.features;
	char error[CONFIG_ERROR_TEXT];

	if (config_load(replay->options.config, &replay->config, error)) {
		complain(error);
		return EX_CONFIG;
	}
	if (database && record_open(database, &replay->record, error)) {
		complain(error);
		return EX_OSERR;
	}
	if (features && features_open(features, replay->config, &replay->features, error)) {
		complain(error);
		return EX_OSERR;
	}
	return open_files(replay);
}

static int prepare(struct replay *replay)
{
	char error[CAPTURE_ERROR];
	int code = open_all(replay), err;

	if (code)
		return code;
	replay->world_options = (struct world_options){
		.config = replay->config,
		.report = replay->options.json ? &report_json : &report_text,
		.out = stdout,
		.record = replay->record,
		.features = replay->features,
	};
	err = privileges_drop();
	if (!err)
		return 0;
	snprintf(error, sizeof(error), "failed to give up privileges: %s", strerror(-err));
	complain(error);
	return EX_OSERR;
}

static void clean_up(struct replay *replay)
{
	for (int i = 0; replay->captures && i < replay->options.file_count; i++)
		capture_close(&replay->captures[i]);
	free(replay->captures);
	config_free(&replay->config);
}

int replay_run(int argc, char **argv)
{
	struct replay replay = { 0 };
	char error[RECORD_ERROR];
	int code;

	if (replay_options_parse(argc, argv, &replay.options, error)) {
		complain(error);
		return EX_USAGE;
	}
	if (replay.options.help) {
		cli_usage(stdout);
		return 0;
	}
	code = prepare(&replay);
	if (!code)
		code = take_files(&replay);
	world_free(&replay.world); /* its last rows */
	if (features_close(&replay.features, error)) {
		complain(error);
		code = EX_OSERR;
	}
	if (record_close(&replay.record, error)) {
		complain(error);
		code = EX_OSERR;
	}
	clean_up(&replay);
	if (!code && (fflush(stdout) || ferror(stdout))) {
		snprintf(error, sizeof(error), "failed to write: %s", strerror(errno));
		complain(error);
		code = EX_OSERR;
	}
	return code ? code : replay.failed ? EXIT_FILE : 0;
}
