/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests: one line of JSON, checked, looked up in the table of verbs and answered from the views.
 * Every line gets an answer. Knows nothing of sockets (connection.c).
 */
#include "serve/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "serve/render.h"

#define LIMIT_MAX	1000000 /* what a request may ask for */
#define SOURCES_DEFAULT 1000
#define SOURCES_MAX	100000
#define EVENTS_DEFAULT	100
#define RULES_SLACK	64 /* rules that may come between counting and copying */

struct request {
	const struct json *args; /* NULL: none */
	const struct view_ops *ops;
	void *context;
	size_t room_bytes;
	struct answer *answer;
};

/* Reads the argument "limit". False: the answer says what is wrong. */
static bool read_limit(const struct request *request, size_t *limit)
{
	const struct json *item = json_first(request->args);
	int64_t value;

	if (!item)
		return true;
	if (strcmp(json_name(item), "limit")) {
		answer_error(request->answer, "unknown argument \"%.64s\"; known: limit",
			     json_name(item));
		return false;
	}
	if (!json_to_int(item, &value) || value < 1 || value > LIMIT_MAX) {
		answer_error(request->answer, "\"limit\" must be a whole number from 1 to %d",
			     LIMIT_MAX);
		return false;
	}
	*limit = (size_t)value;
	return true;
}

/* Memory for a list's rows. NULL: the answer says why. */
static void *make_rows(const struct request *request, size_t count, size_t row_bytes)
{
	void *rows = NULL;

	if (count <= request->room_bytes / row_bytes)
		rows = calloc(count, row_bytes);
	if (!rows)
		answer_error(request->answer,
			     "no memory for %zu rows beside the lists that other "
			     "clients are reading: ask for fewer, or again later",
			     count);
	return rows;
}

static size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

static struct status *make_status(const struct request *request)
{
	struct status *status = calloc(1, sizeof(*status));

	if (status)
		request->ops->status(request->context, status);
	else
		answer_error(request->answer, "no memory");
	return status;
}

static void answer_status(const struct request *request)
{
	struct status *status = make_status(request);

	if (status)
		answer_data(request->answer, render_status(status));
	free(status);
}

static void answer_sources(const struct request *request)
{
	size_t limit = SOURCES_DEFAULT;
	struct source_status *rows;

	if (!read_limit(request, &limit))
		return;
	limit = lesser(limit, SOURCES_MAX);
	rows = make_rows(request, limit, sizeof(*rows));
	if (rows)
		answer_list(request->answer, rows, sizeof(*rows),
			    request->ops->sources(request->context, rows, limit), render_source);
}

static void answer_rules(const struct request *request)
{
	size_t limit = SIZE_MAX;
	struct rule_status *rows;
	struct status *status;

	if (!read_limit(request, &limit))
		return;
	status = make_status(request);
	if (!status)
		return;
	limit = lesser(limit, status->active_rules + RULES_SLACK);
	free(status);
	rows = make_rows(request, limit, sizeof(*rows));
	if (rows)
		answer_list(request->answer, rows, sizeof(*rows),
			    request->ops->rules(request->context, rows, limit), render_rule);
}

static void answer_events(const struct request *request)
{
	size_t limit = EVENTS_DEFAULT;
	struct event *rows;

	if (!read_limit(request, &limit))
		return;
	limit = lesser(limit, EVENT_RING_SIZE);
	rows = make_rows(request, limit, sizeof(*rows));
	if (rows)
		answer_list(request->answer, rows, sizeof(*rows),
			    request->ops->events(request->context, rows, limit), render_event);
}

static void answer_help(const struct request *request);

static const struct verb {
	const char *name;
	unsigned int min_args, max_args;
	const char *help;
	void (*answer)(const struct request *request);
} verbs[] = {
	{ "status", 0, 0, "mode, interfaces, enforcers, record", answer_status },
	{ "sources", 0, 1, "the busiest sources first; limit (1000)", answer_sources },
	{ "rules", 0, 1, "the rules in force, newest first; limit (all)", answer_rules },
	{ "events", 0, 1, "the newest events first; limit (100)", answer_events },
	{ "help", 0, 0, "these verbs", answer_help },
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static void answer_help(const struct request *request)
{
	struct json *list = json_new_array();

	for (size_t i = 0; list && i < VERB_COUNT; i++) {
		struct json *verb = json_new_object();

		if (verb) {
			json_add_string(verb, "verb", verbs[i].name);
			json_add_string(verb, "help", verbs[i].help);
		}
		json_append(list, verb);
	}
	answer_data(request->answer, list);
}

static void refuse_verb(struct answer *answer, const char *name)
{
	char known[128] = "";

	for (size_t i = 0; i < VERB_COUNT; i++) {
		size_t used = strlen(known);

		snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "", verbs[i].name);
	}
	answer_error(answer, "unknown verb \"%.64s\"; known: %s", name, known);
}

static void dispatch(const struct request *request, const char *name)
{
	size_t count = request->args ? json_size(request->args) : 0;

	for (size_t i = 0; i < VERB_COUNT; i++) {
		if (strcmp(verbs[i].name, name))
			continue;
		if (count < verbs[i].min_args || count > verbs[i].max_args)
			answer_error(request->answer, "%s takes %u to %u arguments, not %zu", name,
				     verbs[i].min_args, verbs[i].max_args, count);
		else
			verbs[i].answer(request);
		return;
	}
	refuse_verb(request->answer, name);
}

/* The first key that a request does not have, or NULL. */
static const char *unknown_key(const struct json *json)
{
	json_for_each (item, json) {
		if (strcmp(json_name(item), "verb") && strcmp(json_name(item), "args"))
			return json_name(item);
	}
	return NULL;
}

static void answer_parsed(struct request *request, const struct json *json)
{
	const char *form = "{\"verb\":NAME,\"args\":{...}}", *name;

	if (json_type(json) != JSON_OBJECT) {
		answer_error(request->answer, "a request is an object: %s", form);
		return;
	}
	name = json_to_string(json_get(json, "verb"));
	request->args = json_get(json, "args");
	if (!name)
		answer_error(request->answer, "\"verb\" must be a string: %s", form);
	else if (request->args && json_type(request->args) != JSON_OBJECT)
		answer_error(request->answer, "\"args\" must be an object: %s", form);
	else if (unknown_key(json))
		answer_error(request->answer, "unknown key \"%.64s\": %s", unknown_key(json), form);
	else
		dispatch(request, name);
}

void request_answer(const char *line, size_t len, const struct view_ops *ops, void *context,
		    size_t room_bytes, struct answer *answer)
{
	struct request request = {
		.ops = ops, .context = context, .room_bytes = room_bytes, .answer = answer
	};
	char error[256];
	struct json *json = json_parse(line, len, error, sizeof(error));

	if (json)
		answer_parsed(&request, json);
	else
		answer_error(answer, "not a JSON object: %s", error);
	json_free(&json);
}
