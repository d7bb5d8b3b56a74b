/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many addresses to the daemon, some hundred at a time: it does a lot in one go, between two ticks,
 * and says how long its record needs before the next. Of a list each bad line is told with its
 * number; the others are blocked all the same.
 */
#include "cli/lots.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "base/json.h"
#include "cli/block_list.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/escape.h"
#include "cli/fields.h"
#include "cli/verbs.h"

#define LOT 256 /* what the daemon takes at once */
#define LOT_BYTES                                                                      \
	56000 /* a request line has 64 KiB at most, and there is more in it than these \
	       */
#define TIMEOUT_MS  30000
#define WAIT_MS_MAX 5000

struct sending {
	const struct options *options;
	struct client *client;
	char *items; /* owned: JSON objects, with commas between */
	size_t len;
	uint64_t lines[LOT]; /* of the items in hand */
	size_t count;
	uint64_t line, blocked, failed;
	struct json *failures; /* for --json */
};

static void fail_line(struct sending *sending, uint64_t line, const char *error)
{
	struct json *json = json_new_object();

	sending->failed++;
	if (sending->options->json) {
		json_add_int(json, "line", (int64_t)line);
		json_add_string(json, "error", error);
		json_append(sending->failures, json);
	} else {
		char *safe = escape_text(error), *file = escape_text(sending->options->file);

		json_free(&json);
		fprintf(stderr, "fwgen block: %s:%" PRIu64 ": %s\n", file ? file : "?", line,
			safe ? safe : "bad");
		free(safe);
		free(file);
	}
}

static void wait_as_told(const struct json *data)
{
	int64_t told_ms = field_int(data, "wait_ms");
	int64_t wait_ms = told_ms < WAIT_MS_MAX ? told_ms : WAIT_MS_MAX;
	struct timespec pause = { wait_ms / 1000, wait_ms % 1000 * NS_PER_MS };

	if (wait_ms > 0)
		nanosleep(&pause, NULL);
}

static void take_answer(struct sending *sending, const struct json *data)
{
	sending->blocked += (uint64_t)field_int(data, "blocked");
	json_for_each (refused, json_get(data, "refused")) {
		int64_t index = field_int(refused, "index");

		if (index >= 0 && (size_t)index < sending->count)
			fail_line(sending, sending->lines[index], field_text(refused, "error"));
	}
	wait_as_told(data);
}

/* Sends what is in hand. Returns an exit code. */
static int send_lot(struct sending *sending)
{
	char error[CLIENT_ERROR_TEXT] = "no memory", *common, *request = NULL;
	struct json *data = NULL;
	int err = -ENOMEM;

	if (!sending->count)
		return CLI_EXIT_GOOD;
	common = json_print(sending->options->args);
	if (common) /* {} or {"for":"10m"}: the list goes in front of it */
		err = asprintf(&request, "{\"verb\":\"block\",\"args\":{\"list\":[%s]%s%s}",
			       sending->items, common[1] == '}' ? "" : ",", common + 1);
	if (common && err >= 0)
		err = client_ask(sending->client, request, TIMEOUT_MS, &data, error);
	free(common);
	free(request);
	if (err)
		return verbs_complain(sending->options, err, error);
	take_answer(sending, data);
	json_free(&data);
	sending->count = 0;
	sending->len = 0;
	return CLI_EXIT_GOOD;
}

static char *print_item(const struct list_line *line)
{
	struct json *json = json_new_object();
	char *text;

	json_add_string(json, "address", line->address);
	if (line->duration)
		json_add_string(json, "for", line->duration);
	if (line->reason[0])
		json_add_string(json, "reason", line->reason);
	text = json_print(json);
	json_free(&json);
	return text;
}

static int add_item(struct sending *sending, const struct list_line *line)
{
	char *item = print_item(line);
	size_t len = item ? strlen(item) : 0;
	int code = CLI_EXIT_GOOD;

	if (!item)
		return verbs_complain(sending->options, -ENOMEM, "no memory");
	if (sending->count == LOT || sending->len + len + 2 > LOT_BYTES)
		code = send_lot(sending);
	if (!code) {
		sending->len += (size_t)sprintf(sending->items + sending->len, "%s%s",
						sending->count ? "," : "", item);
		sending->lines[sending->count++] = sending->line;
	}
	free(item);
	return code;
}

static int take_line(struct sending *sending, char *line, size_t len)
{
	struct list_line parsed;
	char error[LIST_ERROR];

	sending->line++;
	if (strlen(line) != len) {
		fail_line(sending, sending->line,
			  "there is a NUL byte in it: is this a text file?");
		return CLI_EXIT_GOOD;
	}
	if (list_parse_line(line, &parsed, error)) {
		fail_line(sending, sending->line, error);
		return CLI_EXIT_GOOD;
	}
	return parsed.address ? add_item(sending, &parsed) : CLI_EXIT_GOOD;
}

static int read_lines(struct sending *sending, FILE *file)
{
	int code = CLI_EXIT_GOOD;
	size_t capacity = 0;
	char *line = NULL;
	ssize_t len;

	while (!code && (len = getline(&line, &capacity, file)) >= 0)
		code = take_line(sending, line, (size_t)len);
	free(line);
	if (!code && ferror(file))
		code = verbs_complain(sending->options, -EIO, strerror(errno));
	return code ? code : send_lot(sending);
}

static int show(const struct sending *sending)
{
	struct json *data = json_new_object();
	int code;

	json_add_int(data, "blocked", (int64_t)sending->blocked);
	json_add_int(data, "failed", (int64_t)sending->failed);
	json_add(data, "failures", json_clone(sending->failures));
	code = verbs_show(sending->options, data);
	json_free(&data);
	return code || !sending->failed ? code : CLI_EXIT_FAILED;
}

static int send_file(struct sending *sending, const char *socket)
{
	const char *name = sending->options->file;
	char error[CLIENT_ERROR_TEXT];
	FILE *file = strcmp(name, "-") ? fopen(name, "re") : stdin;
	int err, code;

	if (!file) {
		snprintf(error, sizeof(error), "failed to read %.200s: %s", name, strerror(errno));
		return verbs_complain(sending->options, -EIO, error);
	}
	err = client_open(socket, &sending->client, error);
	code = err ? verbs_complain(sending->options, err, error) : read_lines(sending, file);
	client_close(&sending->client);
	if (file != stdin)
		fclose(file);
	if (!err && (!code || sending->blocked)) {
		int shown = show(sending);

		code = code ? code : shown;
	}
	return code;
}

int lots_block_file(const struct options *options, const char *socket)
{
	struct sending sending = { .options = options,
				   .items = malloc(LOT_BYTES + 1),
				   .failures = json_new_array() };
	int code = sending.items && sending.failures
			   ? send_file(&sending, socket)
			   : verbs_complain(options, -ENOMEM, "no memory");

	free(sending.items);
	json_free(&sending.failures);
	return code;
}

/* ---- unblock --all --------------------------------------------------------------------------- */

/* One lot. *data is the first lot's, with the sum of all in "ended". */
static int unblock_lot(struct client *client, struct json **data, int64_t *ended, int64_t *left,
		       char error[CLIENT_ERROR_TEXT])
{
	struct json *lot = NULL;
	int err = client_ask(client, "{\"verb\":\"unblock\",\"args\":{\"all\":true}}", TIMEOUT_MS,
			     &lot, error);

	if (err)
		return err;
	*ended += field_int(lot, "ended");
	*left = field_int(lot, "ended") ? field_int(lot, "left") : 0;
	if (*left)
		wait_as_told(lot);
	if (*data)
		json_free(&lot);
	else
		*data = lot;
	return 0;
}

static int show_ended(const struct options *options, const struct json *first, int64_t ended)
{
	struct json *data = json_new_object();
	int code;

	json_add_int(data, "ended", ended);
	json_add(data, "rules", json_clone(json_get(first, "rules")));
	json_add(data, "held_until", json_clone(json_get(first, "held_until")));
	code = verbs_show(options, data);
	json_free(&data);
	return code;
}

int lots_unblock_all(const struct options *options, const char *socket)
{
	char error[CLIENT_ERROR_TEXT];
	struct client *client = NULL;
	struct json *data = NULL;
	int64_t ended = 0, left = 1;
	int err = client_open(socket, &client, error), code;

	while (!err && left)
		err = unblock_lot(client, &data, &ended, &left, error);
	client_close(&client);
	code = err ? verbs_complain(options, err, error) : show_ended(options, data, ended);
	json_free(&data);
	return code;
}
