/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments against the table of what a verb takes. A refusal names the argument and says what
 * would be right; what came from outside is repeated cut to size. What they mean is the verbs'.
 */
#include "serve/arguments.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/address.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/nearest.h"
#include "serve/answer.h"

#define ARGUMENTS_MAX 16

static bool read_duration(const struct json *value, int64_t *ns)
{
	const char *text = json_to_string(value);
	int64_t seconds;

	if (text)
		return !duration_parse(text, ns);
	if (!json_to_int(value, &seconds) || seconds < 1 || seconds > INT64_MAX / NS_PER_SECOND)
		return false;
	*ns = seconds * NS_PER_SECOND;
	return true;
}

static bool is_good(const struct argument *argument, const struct json *value)
{
	const char *text = json_to_string(value);
	struct prefix prefix;
	int64_t number;
	bool flag;

	switch (argument->type) {
	case ARGUMENT_NUMBER:
		return json_to_int(value, &number) && number >= 1 && number <= argument->max;
	case ARGUMENT_TEXT:
		return text && strlen(text) <= (size_t)argument->max;
	case ARGUMENT_FLAG:
		return json_to_bool(value, &flag);
	case ARGUMENT_DURATION:
		return read_duration(value, &number);
	case ARGUMENT_PREFIX:
		return text && !prefix_parse(text, &prefix);
	case ARGUMENT_LIST:
		return json_type(value) == JSON_ARRAY && json_size(value) >= 1 &&
		       json_size(value) <= (size_t)argument->max;
	}
	return false;
}

/* What would be right. */
static void say_right(const struct argument *argument, char *buf, size_t size)
{
	switch (argument->type) {
	case ARGUMENT_NUMBER:
		snprintf(buf, size, "a whole number from 1 to %" PRId64, argument->max);
		return;
	case ARGUMENT_TEXT:
		snprintf(buf, size, "text of at most %" PRId64 " bytes", argument->max);
		return;
	case ARGUMENT_FLAG:
		snprintf(buf, size, "true or false");
		return;
	case ARGUMENT_DURATION:
		snprintf(buf, size, "a time like \"90s\", \"10m\" or \"2h\"");
		return;
	case ARGUMENT_PREFIX:
		snprintf(buf, size,
			 "an address or prefix, like \"198.51.100.7\" or \"2001:db8::/64\"");
		return;
	case ARGUMENT_LIST:
		snprintf(buf, size, "a list of 1 to %" PRId64 " objects", argument->max);
		return;
	}
}

bool argument_check(const struct argument *argument, const struct json *value, char *text,
		    size_t size)
{
	char right[96];

	if (is_good(argument, value))
		return true;
	say_right(argument, right, sizeof(right));
	snprintf(text, size, "\"%s\" must be %s", argument->name, right);
	return false;
}

static void refuse_unknown(const char *verb, const struct argument *known, const char *name,
			   struct answer *answer)
{
	const char *names[ARGUMENTS_MAX], *meant;
	char list[192] = "";
	size_t n = 0;

	for (; n < ARGUMENTS_MAX && known[n].name; n++) {
		size_t used = strlen(list);

		names[n] = known[n].name;
		snprintf(list + used, sizeof(list) - used, "%s%s", n ? ", " : "", known[n].name);
	}
	meant = nearest_name(name, names, n);
	if (!n)
		answer_error(answer, "%s takes no arguments, not \"%.64s\"", verb, name);
	else if (meant)
		answer_error(answer, "unknown argument \"%.64s\" of %s; did you mean \"%s\"?", name,
			     verb, meant);
	else
		answer_error(answer, "unknown argument \"%.64s\" of %s; known: %s", name, verb,
			     list);
}

static const struct argument *find(const struct argument *known, const char *name)
{
	for (; known->name; known++) {
		if (!strcmp(known->name, name))
			return known;
	}
	return NULL;
}

bool arguments_check(const char *verb, const struct argument *known, const struct json *args,
		     struct answer *answer)
{
	char text[192];

	json_for_each (item, args) {
		const struct argument *argument = find(known, json_name(item));

		if (!argument) {
			refuse_unknown(verb, known, json_name(item), answer);
			return false;
		}
		if (!argument_check(argument, item, text, sizeof(text))) {
			answer_error(answer, "%s", text);
			return false;
		}
	}
	for (; known->name; known++) {
		if (!known->required || json_get(args, known->name))
			continue;
		say_right(known, text, sizeof(text));
		answer_error(answer, "%s needs \"%s\": %s", verb, known->name, text);
		return false;
	}
	return true;
}

int64_t argument_number(const struct json *args, const char *name, int64_t otherwise)
{
	json_to_int(json_get(args, name), &otherwise);
	return otherwise;
}

const char *argument_text(const struct json *args, const char *name, const char *otherwise)
{
	const char *text = json_to_string(json_get(args, name));

	return text ? text : otherwise;
}

bool argument_flag(const struct json *args, const char *name)
{
	bool flag = false;

	json_to_bool(json_get(args, name), &flag);
	return flag;
}

int64_t argument_duration(const struct json *args, const char *name, int64_t otherwise)
{
	read_duration(json_get(args, name), &otherwise);
	return otherwise;
}

bool argument_prefix(const struct json *args, const char *name, struct prefix *out)
{
	const char *text = json_to_string(json_get(args, name));

	return text && !prefix_parse(text, out);
}
