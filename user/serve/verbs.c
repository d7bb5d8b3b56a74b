/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of verbs: names, arguments, rights, help. A new verb is a line here and a function. */
#include "serve/verbs.h"

#include "base/json.h"

#define LIMIT_MAX  1000000 /* rows that a request may ask for */
#define PPS_MAX	   10000000
#define REASON_MAX ((int64_t)sizeof(((struct block_request *)0)->reason) - 1)

#define LIMIT                                                              \
	{                                                                  \
		.name = "limit", .type = ARGUMENT_NUMBER, .max = LIMIT_MAX \
	}
#define FOR                                              \
	{                                                \
		.name = "for", .type = ARGUMENT_DURATION \
	}

static void answer_help(const struct request *request);

const struct verb verbs[] = {
	{ "status", false, "mode, interfaces, enforcers, record", answer_status, { { 0 } } },
	{ "sources", false, "the busiest sources first; limit (1000)", answer_sources, { LIMIT } },
	{ "rules",
	  false,
	  "the rules in force, newest first; limit (all)",
	  answer_rules,
	  { LIMIT } },
	{ "events", false, "the newest events first; limit (100)", answer_events, { LIMIT } },
	{ "protected", false, "what is never blocked, and why", answer_protected, { { 0 } } },
	{ "explain",
	  false,
	  "why an address is blocked, or not",
	  answer_explain,
	  { { .name = "address", .type = ARGUMENT_PREFIX, .required = true } } },
	{ "block",
	  true,
	  "drop or limit what comes from an address (to: is sent to it), or a list of addresses",
	  answer_block,
	  { { .name = "address", .type = ARGUMENT_PREFIX },
	    { .name = "list", .type = ARGUMENT_LIST, .max = COMMAND_BLOCKS },
	    FOR,
	    { .name = "reason", .type = ARGUMENT_TEXT, .max = REASON_MAX },
	    { .name = "class", .type = ARGUMENT_TEXT, .max = CLASSES_TEXT - 1 },
	    { .name = "limit", .type = ARGUMENT_NUMBER, .max = PPS_MAX },
	    { .name = "to", .type = ARGUMENT_FLAG },
	    { .name = "port", .type = ARGUMENT_NUMBER, .max = UINT16_MAX },
	    { .name = "protocol", .type = ARGUMENT_TEXT, .max = 7 } } },
	{ "unblock",
	  true,
	  "end the rules of an address or prefix, one rule by its number, or all",
	  answer_unblock,
	  { { .name = "address", .type = ARGUMENT_PREFIX },
	    { .name = "rule", .type = ARGUMENT_NUMBER, .max = UINT32_MAX },
	    { .name = "all", .type = ARGUMENT_FLAG } } },
	{ "allow",
	  true,
	  "never block this address or prefix, also after a restart; remove: take that back",
	  answer_allow,
	  { { .name = "address", .type = ARGUMENT_PREFIX, .required = true },
	    { .name = "remove", .type = ARGUMENT_FLAG } } },
	{ "reload",
	  true,
	  "read the configuration anew; confirm: go back to the old one unless confirmed in time",
	  answer_reload,
	  { { .name = "confirm", .type = ARGUMENT_DURATION } } },
	{ "confirm", true, "keep the configuration that was loaded", answer_confirm, { { 0 } } },
	{ "pause",
	  true,
	  "no new decisions for this time (5m); disarm: lift the blocks meanwhile",
	  answer_pause,
	  { FOR, { .name = "disarm", .type = ARGUMENT_FLAG } } },
	{ "resume", true, "end the pause", answer_resume, { { 0 } } },
	{ "capture",
	  true,
	  "samples of what is dropped of an address or prefix; ends with the connection",
	  answer_capture,
	  { { .name = "address", .type = ARGUMENT_PREFIX, .required = true },
	    { .name = "count", .type = ARGUMENT_NUMBER, .max = CAPTURE_FRAMES_MAX },
	    FOR } },
	{ "captured", true, "the samples since the last time", answer_captured, { { 0 } } },
	{ "help", false, "these verbs", answer_help, { { 0 } } },
};
const size_t verb_count = sizeof(verbs) / sizeof(verbs[0]);

static struct json *render_arguments(const struct argument *arguments)
{
	static const char *const types[] = {
		[ARGUMENT_NUMBER] = "number", [ARGUMENT_TEXT] = "text",
		[ARGUMENT_FLAG] = "flag",     [ARGUMENT_DURATION] = "duration",
		[ARGUMENT_PREFIX] = "prefix", [ARGUMENT_LIST] = "list",
	};
	struct json *list = json_new_array();

	for (; list && arguments->name; arguments++) {
		struct json *argument = json_new_object();

		if (argument) {
			json_add_string(argument, "name", arguments->name);
			json_add_string(argument, "type", types[arguments->type]);
			json_add_bool(argument, "required", arguments->required);
		}
		json_append(list, argument);
	}
	return list;
}

static void answer_help(const struct request *request)
{
	struct json *list = json_new_array();

	for (size_t i = 0; list && i < verb_count; i++) {
		struct json *verb = json_new_object();

		if (verb) {
			json_add_string(verb, "verb", verbs[i].name);
			json_add_string(verb, "help", verbs[i].help);
			json_add_bool(verb, "changes", verbs[i].changes);
			json_add(verb, "arguments", render_arguments(verbs[i].arguments));
		}
		json_append(list, verb);
	}
	answer_data(request->answer, list);
}
