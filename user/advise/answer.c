/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "advise/answer.h"

static void add_time(struct json *json, const char *key, bool there, int64_t wall_ns)
{
	char text[MOMENT_TEXT];

	if (there)
		json_add_string(json, key,
				moment_format((struct moment){ .wall_ns = wall_ns }, text));
	else
		json_add_null(json, key);
}

struct json *answer_begin(const struct past *past)
{
	struct json *json = json_new_object();

	json_add_string(json, "database", past->database);
	add_time(json, "from", past->any, past->first_ns);
	add_time(json, "to", past->any, past->end_ns);
	json_add_int(json, "watched_seconds", past->covered_ns / NS_PER_SECOND);
	add_time(json, "recorded_since", past->any, past->span.first_ns);
	return json;
}
