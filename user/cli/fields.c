/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields of an answer, with a value for what is missing. Nothing is made harmless here (escape.c).
 */
#include "cli/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/json.h"

const char *field_text(const struct json *object, const char *key)
{
	const char *text = json_to_string(json_get(object, key));

	return text ? text : "";
}

int64_t field_int(const struct json *object, const char *key)
{
	int64_t value = 0;

	json_to_int(json_get(object, key), &value);
	return value;
}

bool field_true(const struct json *object, const char *key)
{
	bool value = false;

	return json_to_bool(json_get(object, key), &value) && value;
}

double field_double(const struct json *object, const char *key)
{
	double value = 0;

	json_to_double(json_get(object, key), &value);
	return value;
}

char *field_joined(const struct json *object, const char *key, const char *separator)
{
	const char *before = "";
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	json_for_each (item, json_get(object, key)) {
		const char *part = json_to_string(item);

		fprintf(out, "%s%s", before, part ? part : "?");
		before = separator;
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
