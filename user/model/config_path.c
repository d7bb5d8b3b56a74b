/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where in config.json the reader is, and how a refusal is worded: file, path, value, what would be
 * right, the nearest known key. Knows no key itself, except to say under which section one stands.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/nearest.h"
#include "model/config_keys.h"

#define NAME_SHOWN  40 /* characters of a key or value that a message repeats */
#define VALUE_SHOWN 80
#define FILE_SHOWN  160

static size_t append(struct config_reader *reader, const char *text)
{
	size_t mark = strlen(reader->path);

	snprintf(reader->path + mark, sizeof(reader->path) - mark, "%s", text);
	return mark;
}

/* Copies what is fit for one line of a terminal, cut to size on a whole UTF-8 character. */
static const char *show(const char *text, char *buf, size_t size)
{
	size_t len = strnlen(text, size - 1);

	memcpy(buf, text, len);
	buf[len] = 0;
	if (text[len]) {
		len -= 3;
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
		memcpy(buf + len, "...", 4);
	}
	for (char *c = buf; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	return buf;
}

size_t config_path_key(struct config_reader *reader, const char *key)
{
	char shown[NAME_SHOWN + 1], part[NAME_SHOWN + 2];

	snprintf(part, sizeof(part), "%s%s", *reader->path ? "." : "",
		 show(key, shown, sizeof(shown)));
	return append(reader, part);
}

size_t config_path_index(struct config_reader *reader, size_t index)
{
	char part[32];

	snprintf(part, sizeof(part), "[%zu]", index);
	return append(reader, part);
}

void config_path_pop(struct config_reader *reader, size_t mark)
{
	reader->path[mark] = 0;
}

void config_path_set(struct config_reader *reader, const char *path)
{
	reader->path[0] = 0;
	append(reader, path);
}

int config_refuse(struct config_reader *reader, const char *format, ...)
{
	const char *file = reader->file ? reader->file : "";
	size_t len = strlen(file);
	va_list arguments;
	int used;

	used = snprintf(reader->error, CONFIG_ERROR_TEXT, "%s%s%s%s%s",
			len > FILE_SHOWN ? "..." : "",
			len > FILE_SHOWN ? file + len - FILE_SHOWN : file, len ? ": " : "",
			reader->path, *reader->path ? ": " : "");
	va_start(arguments, format);
	if (used >= 0 && used < CONFIG_ERROR_TEXT)
		vsnprintf(reader->error + used, CONFIG_ERROR_TEXT - used, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int refuse_shown(struct config_reader *reader, const struct json *value, const char *is,
			const char *what)
{
	char shown[VALUE_SHOWN + 1];
	char *text = json_print(value);
	int r;

	r = config_refuse(reader, "%s %s%s", text ? show(text, shown, sizeof(shown)) : "the value",
			  is, what);
	free(text);
	return r;
}

int config_refuse_value(struct config_reader *reader, const struct json *value, const char *what)
{
	return refuse_shown(reader, value, "is not ", what);
}

int config_refuse_twice(struct config_reader *reader, const struct json *value)
{
	return refuse_shown(reader, value, "is in the list already", "");
}

/* The place of a key that was put under the wrong section. */
static const char *elsewhere(const char *key, char *buf, size_t size)
{
	enum detector_id detector;

	if (!detector_parse(key, &detector)) {
		snprintf(buf, size, "detectors.%s", key);
		return buf;
	}
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *known = &config_keys[i];

		if (strcmp(known->name, key))
			continue;
		snprintf(buf, size, "%s%s%s", known->section, *known->section ? "." : "", key);
		return buf;
	}
	return NULL;
}

static int refuse_key(struct config_reader *reader, const char *key, const char *const *names,
		      size_t count)
{
	char list[256] = "", place[2 * NAME_SHOWN];
	const char *meant = elsewhere(key, place, sizeof(place));

	if (!meant)
		meant = nearest_name(key, names, count);
	if (meant)
		return config_refuse(reader, "unknown key; did you mean \"%s\"?", meant);
	for (size_t i = 0, used = 0; i < count && used < sizeof(list); i++)
		used += snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", names[i]);
	return config_refuse(reader, "unknown key; known here: %s", list);
}

static bool among(const char *key, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(key, names[i]))
			return true;
	return false;
}

int config_read_object(struct config_reader *reader, const struct json *value,
		       const char *const *names, size_t count,
		       int (*read)(struct config_reader *reader, const char *name,
				   const struct json *value, void *into),
		       void *into)
{
	if (json_type(value) != JSON_OBJECT)
		return config_refuse_value(reader, value, "an object ({ ... })");
	json_for_each (member, value) {
		const char *name = json_name(member);
		size_t mark = config_path_key(reader, name);
		int r = among(name, names, count) ? read(reader, name, member, into)
						  : refuse_key(reader, name, names, count);

		if (r)
			return r;
		config_path_pop(reader, mark);
	}
	return 0;
}
