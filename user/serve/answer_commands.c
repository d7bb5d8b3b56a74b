/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs that change something: arguments to plain requests, the daemon's results to JSON. What
 * arguments mean together is checked here; whether it may be done is the daemon's to say.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/json.h"
#include "serve/render.h"
#include "serve/verbs.h"

#define PAUSE_DEFAULT_NS (300 * NS_PER_SECOND)

static void refuse(const struct request *request, int err, const char *error)
{
	answer_error(request->answer, "%s", *error ? error : strerror(-err));
}

static int read_protocol(const char *text, uint8_t *out)
{
	if (strcmp(text, "tcp") && strcmp(text, "udp"))
		return -EINVAL;
	*out = classes_protocol(!strcmp(text, "udp") ? CLASS_UDP : CLASS_TCP);
	return 0;
}

/* What all blocks of a request have in common. False: the answer says what is wrong. */
static bool read_common(const struct request *request, struct block_request *out)
{
	const char *class = argument_text(request->args, "class", NULL);
	const char *protocol = argument_text(request->args, "protocol", NULL);
	const char *error = NULL;

	*out = (struct block_request){
		.to_destination = argument_flag(request->args, "to"),
		.port = (uint16_t)argument_number(request->args, "port", 0),
		.limit_pps = (uint32_t)argument_number(request->args, "limit", 0),
		.duration_ns = argument_duration(request->args, "for", 0),
		.origin = ORIGIN_MANUAL,
	};
	snprintf(out->reason, sizeof(out->reason), "%s",
		 argument_text(request->args, "reason", ""));
	if (class && classes_parse(class, &out->classes))
		error = "\"class\" must be all, or some of syn, tcp, udp, icmp, fragment, other, "
			"with"
			" commas between";
	else if (protocol && read_protocol(protocol, &out->protocol))
		error = "\"protocol\" must be tcp or udp";
	else if (protocol && !out->port)
		error = "a protocol is given with its port: --port 80/tcp; for all of it there is"
			" --class";
	else if (out->port && !out->protocol && !classes_protocol(out->classes))
		error = "a port is tcp's or udp's: say which, --port 80/tcp";
	else if (out->to_destination && (!out->classes || !out->limit_pps))
		error = "what is sent TO an address can be limited only: with --to give --class"
			" (syn, udp or icmp) and --limit PPS";
	if (out->port && !out->protocol)
		out->protocol = classes_protocol(out->classes);
	if (error)
		answer_error(request->answer, "%s", error);
	return !error;
}

static void block_one(const struct request *request, const struct block_request *block)
{
	struct block_result *result = calloc(1, sizeof(*result));
	unsigned int wait_ms;

	if (!result) {
		answer_error(request->answer, "no memory");
		return;
	}
	request->ops->commands->block(request->ops->context, request->who, block, 1, result,
				      &wait_ms);
	if (result->err)
		refuse(request, result->err, result->error);
	else
		answer_data(request->answer, render_block(result));
	free(result);
}

static const struct argument item_arguments[] = {
	{ .name = "address", .type = ARGUMENT_PREFIX, .required = true },
	{ .name = "for", .type = ARGUMENT_DURATION },
	{ .name = "reason",
	  .type = ARGUMENT_TEXT,
	  .max = sizeof(((struct block_request *)0)->reason) - 1 },
	{ 0 },
};

/* One item of a list, on top of what is common to all. False: error says what is wrong. */
static bool read_item(const struct json *item, struct block_request *out, char *error, size_t size)
{
	const struct argument *argument = item_arguments;
	const char *reason;

	snprintf(error, size, "an item is an object with \"address\", \"for\", \"reason\"");
	if (json_type(item) != JSON_OBJECT || !json_get(item, "address"))
		return false;
	json_for_each (value, item) {
		for (argument = item_arguments; argument->name; argument++) {
			if (!strcmp(argument->name, json_name(value)))
				break;
		}
		if (!argument->name || !argument_check(argument, value, error, size))
			return false;
	}
	argument_prefix(item, "address", &out->prefix);
	out->duration_ns = argument_duration(item, "for", out->duration_ns);
	reason = argument_text(item, "reason", NULL);
	if (reason)
		snprintf(out->reason, sizeof(out->reason), "%s", reason);
	return true;
}

/* The good ones of a list are blocked, whatever the others are. */
static void block_list(const struct request *request, const struct block_request *common,
		       const struct json *list)
{
	struct block_request *blocks = calloc(COMMAND_BLOCKS, sizeof(*blocks));
	struct block_result *results = calloc(COMMAND_BLOCKS, sizeof(*results));
	size_t places[COMMAND_BLOCKS], n = 0, at = 0;
	struct block_answer answer = { 0 };

	if (!blocks || !results) {
		answer_error(request->answer, "no memory");
		free(blocks);
		free(results);
		return;
	}
	block_answer_begin(&answer);
	json_for_each (item, list) {
		char error[192];

		blocks[n] = *common;
		if (read_item(item, &blocks[n], error, sizeof(error)))
			places[n++] = at;
		else
			block_answer_refused(&answer, at, error);
		at++;
	}
	if (n)
		request->ops->commands->block(request->ops->context, request->who, blocks, n,
					      results, &answer.wait_ms);
	for (size_t i = 0; i < n; i++) {
		if (results[i].err)
			block_answer_refused(&answer, places[i], results[i].error);
		else
			answer.blocked++;
	}
	answer_data(request->answer, block_answer_end(&answer));
	free(blocks);
	free(results);
}

void answer_block(const struct request *request)
{
	const struct json *list = json_get(request->args, "list");
	struct block_request block;
	struct prefix prefix;
	bool one = argument_prefix(request->args, "address", &prefix);

	if (one == (list != NULL)) {
		answer_error(request->answer, "block takes either \"address\" or \"list\"");
		return;
	}
	if (!read_common(request, &block))
		return;
	if (one) {
		block.prefix = prefix;
		block_one(request, &block);
	} else {
		block_list(request, &block, list);
	}
}

void answer_unblock(const struct request *request)
{
	struct unblock_request unblock = { .what = UNBLOCK_ALL };
	struct unblock_result *result;
	char error[COMMAND_ERROR] = "";
	int given = 0, err;

	if (argument_flag(request->args, "all"))
		given++;
	if (argument_prefix(request->args, "address", &unblock.prefix)) {
		unblock.what = UNBLOCK_PREFIX;
		given++;
	}
	unblock.rule = (uint32_t)argument_number(request->args, "rule", 0);
	if (unblock.rule) {
		unblock.what = UNBLOCK_RULE;
		given++;
	}
	if (given != 1) {
		answer_error(request->answer,
			     "unblock takes one of \"address\", \"rule\" and \"all\"");
		return;
	}
	result = calloc(1, sizeof(*result));
	err = result ? request->ops->commands->unblock(request->ops->context, request->who,
						       &unblock, result, error)
		     : -ENOMEM;
	if (err)
		refuse(request, err, error);
	else
		answer_data(request->answer, render_unblock(result));
	free(result);
}

void answer_allow(const struct request *request)
{
	struct allow_request allow = { .remove = argument_flag(request->args, "remove") };
	struct allow_result result = { 0 };
	char error[COMMAND_ERROR] = "";
	int err;

	argument_prefix(request->args, "address", &allow.prefix);
	err = request->ops->commands->allow(request->ops->context, request->who, &allow, &result,
					    error);
	if (err)
		refuse(request, err, error);
	else
		answer_data(request->answer, render_allow(&allow, &result));
}

static void answer_loaded(const struct request *request, int err, const char *error,
			  const struct reload_result *result)
{
	if (err)
		refuse(request, err, error);
	else
		answer_data(request->answer, render_reload(result));
}

void answer_reload(const struct request *request)
{
	struct reload_result result = { 0 };
	char error[COMMAND_ERROR] = "";
	int err = request->ops->commands->reload(request->ops->context, request->who,
						 argument_duration(request->args, "confirm", 0),
						 &result, error);

	answer_loaded(request, err, error, &result);
}

void answer_confirm(const struct request *request)
{
	struct reload_result result = { 0 };
	char error[COMMAND_ERROR] = "";
	int err = request->ops->commands->confirm(request->ops->context, request->who, &result,
						  error);

	answer_loaded(request, err, error, &result);
}

void answer_pause(const struct request *request)
{
	struct pause_result result = { 0 };
	char error[COMMAND_ERROR] = "";
	int err = request->ops->commands->pause(
		request->ops->context, request->who,
		argument_duration(request->args, "for", PAUSE_DEFAULT_NS),
		argument_flag(request->args, "disarm"), &result, error);

	if (err)
		refuse(request, err, error);
	else
		answer_data(request->answer, render_pause(&result));
}

void answer_resume(const struct request *request)
{
	struct pause_result result = { 0 };
	char error[COMMAND_ERROR] = "";
	int err = request->ops->commands->resume(request->ops->context, request->who, error);

	if (err)
		refuse(request, err, error);
	else
		answer_data(request->answer, render_pause(&result));
}
