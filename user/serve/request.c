/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests: one line of JSON, checked, looked up in the table of verbs and answered. Every line
 * gets an answer. Knows nothing of sockets (connection.c), nor what verbs do (answer_*.c).
 */
#include "serve/request.h"

#include <stdio.h>
#include <string.h>
#include "base/json.h"
#include "base/log.h"
#include "base/nearest.h"
#include "serve/verbs.h"

#define VERBS_MAX 32

static void refuse_verb(struct answer *answer, const char *name)
{
	const char *names[VERBS_MAX], *meant;
	char known[192] = "";

	for (size_t i = 0; i < verb_count; i++) {
		size_t used = strlen(known);

		names[i] = verbs[i].name;
		snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "", verbs[i].name);
	}
	meant = nearest_name(name, names, verb_count);
	if (meant)
		answer_error(answer, "unknown verb \"%.64s\"; did you mean \"%s\"?", name, meant);
	else
		answer_error(answer, "unknown verb \"%.64s\"; known: %s", name, known);
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < verb_count; i++) {
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	}
	return NULL;
}

static void dispatch(struct request *request, const char *name)
{
	const struct requester *who = request->who;

	request->verb = find_verb(name);
	if (!request->verb) {
		refuse_verb(request->answer, name);
	} else if (request->verb->changes && who->uid != 0) {
		log_warning("%s by %s (uid %u, pid %d) refused: it needs root", name, who->name,
			    who->uid, who->pid);
		answer_error(
			request->answer,
			"%s needs root, and you are %s (uid %u): use sudo; group fwgen may only"
			" look",
			name, who->name, who->uid);
	} else if (arguments_check(name, request->verb->arguments, request->args,
				   request->answer)) {
		request->verb->answer(request);
	}
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

void request_answer(const char *line, size_t len, const struct control_ops *ops,
		    const struct requester *who, size_t room_bytes, struct answer *answer)
{
	struct request request = {
		.ops = ops, .who = who, .room_bytes = room_bytes, .answer = answer
	};
	char error[256];
	struct json *json = json_parse(line, len, error, sizeof(error));

	if (json)
		answer_parsed(&request, json);
	else
		answer_error(answer, "not a JSON object: %s", error);
	json_free(&json);
}
