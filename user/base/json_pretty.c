/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON for people: two spaces a level, lists of plain values on one line, as config.json is written
 * by hand. Knows the tree through json.h only.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/json.h"

static bool is_plain(const struct json *json)
{
	return json_type(json) != JSON_ARRAY && json_type(json) != JSON_OBJECT;
}

/* Arrays of plain values, and what is empty. */
static bool fits_one_line(const struct json *json)
{
	if (json_type(json) == JSON_OBJECT)
		return !json_first(json);
	json_for_each (item, json) {
		if (!is_plain(item))
			return false;
	}
	return true;
}

static bool write_plain(FILE *out, const struct json *json)
{
	char *text = json_print(json);

	if (!text)
		return false;
	fputs(text, out);
	free(text);
	return true;
}

static bool write_name(FILE *out, const struct json *item)
{
	struct json *name;
	bool done;

	name = json_new_string(json_name(item));
	done = name && write_plain(out, name);
	json_free(&name);
	fputs(": ", out);
	return done;
}

static bool write_value(FILE *out, const struct json *json, int indent)
{
	bool object = json_type(json) == JSON_OBJECT, inside = fits_one_line(json), done = true;
	const char *separator = "";

	if (is_plain(json))
		return write_plain(out, json);
	fputc(object ? '{' : '[', out);
	json_for_each (item, json) {
		fputs(separator, out);
		if (!inside)
			fprintf(out, "\n%*s", indent + 2, "");
		done = done && (!object || write_name(out, item)) &&
		       write_value(out, item, indent + 2);
		separator = inside ? ", " : ",";
	}
	if (!inside)
		fprintf(out, "\n%*s", indent, "");
	fputc(object ? '}' : ']', out);
	return done;
}

char *json_print_pretty(const struct json *json)
{
	char *text = json_print(json); /* only to learn whether the tree is whole */
	size_t size;
	FILE *out;
	bool done;

	if (!text)
		return NULL;
	free(text);
	text = NULL;
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	done = write_value(out, json, 0);
	done = !ferror(out) && done;
	if (fclose(out) || !done) {
		free(text);
		return NULL;
	}
	return text;
}
