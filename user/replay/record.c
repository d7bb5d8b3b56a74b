// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The writing process is forked before the first capture is opened, and trusts nothing that it is
 * sent: who sends may have been taken over by a capture. Messages have one size, through a pipe.
 */
#include "replay/record.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "daemon/events.h"
#include "record/recorder.h"

/* The recorder drops what it cannot queue; replay has time. */
#define QUEUED_MAX	 16384
#define PEAKS_QUEUED_MAX 1024

enum message_kind { MESSAGE_BEGIN, MESSAGE_CHANGE, MESSAGE_TRAFFIC, MESSAGE_PEAKS };

/* MESSAGE_PEAKS is followed by a struct peak_row, which would make all of them large. */
struct message {
	enum message_kind kind;
	struct moment at;
	union {
		struct rule_change change;
		struct traffic traffic;
	};
};

/* The first thing that the writing process says. */
struct greeting {
	int err;
	uint32_t next_rule_id;
	char error[RECORD_ERROR];
};

struct record {
	pid_t writer;
	FILE *to;
	uint32_t next_rule_id;
};

/* ---- the writing process --------------------------------------------------------------------- */

struct writing {
	struct recorder *recorder;
	struct events *events;
	uint64_t lost;
};

static void end_text(char *text, size_t size)
{
	text[size - 1] = '\0';
}

static bool are_traits(const struct trait traits[TRAIT_FIELDS])
{
	unsigned int seen = 0;

	for (size_t i = 0; i < TRAIT_FIELDS && traits[i].share; i++) {
		if ((unsigned int)traits[i].field >= TRAIT_FIELDS || seen >> traits[i].field & 1)
			return false;
		seen |= 1u << traits[i].field;
	}
	return true;
}

/* Makes the message one that nothing in it can harm: texts end, names are in their tables. */
static bool make_safe(struct message *message)
{
	struct rule_change *change = &message->change;
	struct rule *rule = &change->rule;

	if (message->kind == MESSAGE_TRAFFIC)
		end_text(message->traffic.interface, sizeof(message->traffic.interface));
	if (message->kind != MESSAGE_CHANGE)
		return (unsigned int)message->kind <= MESSAGE_PEAKS;
	end_text(rule->reason, sizeof(rule->reason));
	end_text(rule->config_hash, sizeof(rule->config_hash));
	end_text(change->protected_as, sizeof(change->protected_as));
	return (unsigned int)change->kind < RULE_CHANGE_KINDS && are_traits(change->traits) &&
	       (unsigned int)change->removed_why < REMOVED_COUNT &&
	       (unsigned int)change->refused_why < REFUSED_COUNT &&
	       rule->prefix.len <= PREFIX_LEN_FULL && (unsigned int)rule->action < ACTION_COUNT &&
	       (unsigned int)rule->detector <= DETECTOR_NONE &&
	       (unsigned int)rule->evidence < EVIDENCE_COUNT &&
	       (unsigned int)rule->origin < ORIGIN_COUNT;
}

static bool make_row_safe(struct peak_row *row)
{
	end_text(row->config_hash, sizeof(row->config_hash));
	for (unsigned int i = 0; i < PEAK_TOP; i++)
		if (row->top[i].source.len > PREFIX_LEN_FULL)
			return false;
	return (unsigned int)row->detector < DETECTOR_COUNT && row->top_count <= PEAK_TOP;
}

static void wait_for_queue(struct writing *writing, uint64_t most)
{
	static const struct timespec pause = { .tv_nsec = 5000000 };
	struct recorder_stats stats;

	for (;;) {
		recorder_stats(writing->recorder, &stats);
		writing->lost = stats.lost;
		if (stats.queued <= most || stats.failing[0])
			return;
		nanosleep(&pause, NULL);
	}
}

static int take_row(struct writing *writing, FILE *in)
{
	struct peak_row *row = malloc(sizeof(*row));
	int err = row ? 0 : -ENOMEM;

	if (!err && (fread(row, sizeof(*row), 1, in) != 1 || !make_row_safe(row)))
		err = -EINVAL;
	if (!err) {
		wait_for_queue(writing, PEAKS_QUEUED_MAX);
		recorder_peaks(writing->recorder, row, 1);
	}
	free(row);
	return err;
}

static int take(struct writing *writing, struct message *message, FILE *in)
{
	if (!make_safe(message))
		return -EINVAL;
	switch (message->kind) {
	case MESSAGE_BEGIN:
		events_free(&writing->events);
		return events_new(writing->recorder, &writing->events);
	case MESSAGE_CHANGE:
		recorder_rule_change(writing->recorder, &message->change, message->at);
		events_rule(writing->events, &message->change, message->at);
		wait_for_queue(writing, QUEUED_MAX);
		return 0;
	case MESSAGE_TRAFFIC:
		recorder_traffic(writing->recorder, &message->traffic);
		return 0;
	case MESSAGE_PEAKS:
		return take_row(writing, in);
	}
	return 0;
}

static int write_all(struct writing *writing, int from)
{
	FILE *in = fdopen(from, "r");
	struct message message;
	int err = in ? events_new(writing->recorder, &writing->events) : -errno;

	while (!err && fread(&message, sizeof(message), 1, in) == 1)
		err = take(writing, &message, in);
	wait_for_queue(writing, 0);
	events_free(&writing->events);
	recorder_close(&writing->recorder);
	return err || writing->lost;
}

/* Does not return. */
static void run_writer(const char *database, int from, int answer)
{
	const struct recorder_options options = { .database = database };
	struct greeting greeting = { 0 };
	struct writing writing = { 0 };

	signal(SIGINT, SIG_IGN); /* the end of the pipe tells when it is over */
	greeting.err = recorder_open(&options, &writing.recorder, greeting.error);
	if (!greeting.err)
		greeting.next_rule_id = recorder_next_rule_id(writing.recorder);
	if (write(answer, &greeting, sizeof(greeting)) != sizeof(greeting) || greeting.err)
		_exit(EXIT_FAILURE);
	close(answer);
	_exit(write_all(&writing, from) ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* ---- this side ------------------------------------------------------------------------------- */

static int fork_writer(struct record *record, const char *database, int *answer)
{
	int messages[2], answers[2];

	if (pipe(messages))
		return -errno;
	if (pipe(answers)) {
		close(messages[0]);
		close(messages[1]);
		return -EMFILE;
	}
	record->writer = fork();
	if (record->writer == 0) {
		close(messages[1]);
		close(answers[0]);
		run_writer(database, messages[0], answers[1]);
	}
	close(messages[0]);
	close(answers[1]);
	*answer = answers[0];
	record->to = fdopen(messages[1], "w");
	return record->writer < 0 ? -EAGAIN : record->to ? 0 : -ENOMEM;
}

static int meet(struct record *record, const char *database, char error[RECORD_ERROR])
{
	struct greeting greeting = { .err = -EIO };
	int answer = -1, err = fork_writer(record, database, &answer);

	snprintf(greeting.error, sizeof(greeting.error), "failed to write database %.200s",
		 database);
	if (!err && read(answer, &greeting, sizeof(greeting)) == sizeof(greeting))
		record->next_rule_id = greeting.next_rule_id;
	if (answer >= 0)
		close(answer);
	if (!err)
		err = greeting.err;
	if (err)
		memcpy(error, greeting.error, RECORD_ERROR);
	return err;
}

int record_open(const char *database, struct record **out, char error[RECORD_ERROR])
{
	struct record *record = calloc(1, sizeof(*record));
	char ignored[RECORD_ERROR];
	int err;

	if (!record) {
		snprintf(error, RECORD_ERROR, "out of memory");
		return -ENOMEM;
	}
	signal(SIGPIPE, SIG_IGN);
	err = meet(record, database, error);
	if (err)
		record_close(&record, ignored);
	else
		*out = record;
	return err;
}

int record_close(struct record **out, char error[RECORD_ERROR])
{
	struct record *record = *out;
	bool failed;
	int status = 0;

	if (!record)
		return 0;
	failed = !record->to || fclose(record->to);
	if (record->writer > 0)
		while (waitpid(record->writer, &status, 0) < 0 && errno == EINTR)
			;
	free(record);
	*out = NULL;
	if (!failed && WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	snprintf(error, RECORD_ERROR, "not everything is in the database");
	return -EIO;
}

static void send_message(struct record *record, const struct message *message)
{
	fwrite(message, sizeof(*message), 1, record->to); /* an error stays: record_close */
}

void record_begin(struct record *record)
{
	struct message message = { .kind = MESSAGE_BEGIN };

	send_message(record, &message);
}

void record_change(struct record *record, const struct rule_change *change, struct moment at)
{
	struct message message = { .kind = MESSAGE_CHANGE, .at = at, .change = *change };

	if (change->kind == RULE_ADDED && change->rule.id >= record->next_rule_id)
		record->next_rule_id = change->rule.id + 1;
	send_message(record, &message);
}

void record_traffic(struct record *record, const struct traffic *traffic)
{
	struct message message = { .kind = MESSAGE_TRAFFIC, .traffic = *traffic };

	send_message(record, &message);
}

void record_peaks(struct record *record, struct detect *detect, int64_t period_ns)
{
	const struct message message = { .kind = MESSAGE_PEAKS };
	struct peak_row *rows = NULL;
	size_t count = 0;

	if (detect_peaks_ns(detect) < period_ns || detect_peaks(detect, period_ns, &rows, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		send_message(record, &message);
		fwrite(&rows[i], sizeof(rows[i]), 1, record->to);
	}
	free(rows);
}

uint32_t record_next_rule_id(const struct record *record)
{
	return record->next_rule_id;
}
