/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parsing, building, printing. Adds what cJSON lacks: a strict grammar with line and column
 * (json_scan.c), duplicate keys refused, integers printed digit for digit, builders that need no
 * check at each step. What a key means is the business of whoever asks for it.
 */
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json_scan.h"
#include "base/json_tree.h"
#include "base/utf8.h"

/* From 10^15 on cJSON prints fewer digits than there are. */
#define PLAIN_INT_MAX 1000000000000000.0
#define TREE_BROKEN   0x6c6f7374 /* in valueint, which containers do not use */

/* ---- parsing ------------------------------------------------------------------------------- */

struct key {
	const char *name;
	size_t ordinal; /* its place in the text, over all objects */
};

static int compare_keys(const void *left, const void *right)
{
	const struct key *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : (a->ordinal > b->ordinal) - (a->ordinal < b->ordinal);
}

/* The first ordinal in keys[] whose name stood there before, or SIZE_MAX. Sorts keys. */
static size_t first_repeat(struct key *keys, size_t count)
{
	size_t first = SIZE_MAX;

	qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < count; i++) {
		if (!strcmp(keys[i - 1].name, keys[i].name) && keys[i].ordinal < first)
			first = keys[i].ordinal;
	}
	return first;
}

/* 0, -EEXIST with *repeat, or -ENOMEM. *ordinal counts keys in the order of the text. */
static int find_repeat(const cJSON *parent, size_t *ordinal, size_t *repeat)
{
	size_t count = (size_t)cJSON_GetArraySize(parent), n = 0;
	struct key *keys = NULL;
	const cJSON *item;
	int result = 0;

	if (cJSON_IsObject(parent) && count) {
		keys = calloc(count, sizeof(*keys));
		if (!keys)
			return -ENOMEM;
	}
	cJSON_ArrayForEach(item, parent)
	{
		if (keys)
			keys[n++] = (struct key){ item->string, (*ordinal)++ };
		if (!result)
			result = find_repeat(item, ordinal, repeat);
	}
	if (!result && keys) {
		*repeat = first_repeat(keys, n);
		result = *repeat == SIZE_MAX ? 0 : -EEXIST;
	}
	free(keys);
	return result;
}

/* Holds the digits themselves where a double would be printed with too few of them. */
static bool keep_digits(cJSON *item, const char *digits)
{
	char *copy = cJSON_malloc(strlen(digits) + 1);

	if (!copy)
		return false;
	item->valuestring = strcpy(copy, digits);
	item->type = cJSON_Raw;
	return true;
}

static bool keep_large_ints(cJSON *item)
{
	cJSON *child;
	char digits[32];

	if (cJSON_IsNumber(item)) {
		double value = fabs(item->valuedouble);

		if (value < PLAIN_INT_MAX || value > EXACT_MAX || value != floor(value))
			return true;
		snprintf(digits, sizeof(digits), "%.0f", item->valuedouble);
		return keep_digits(item, digits);
	}
	cJSON_ArrayForEach(child, item)
	{
		if (!keep_large_ints(child))
			return false;
	}
	return true;
}

struct json *json_parse(const char *text, size_t len, char *error, size_t error_size)
{
	size_t ordinal = 0, repeat = SIZE_MAX;
	int result = -ENOMEM;
	cJSON *root;

	if (json_scan(text, len, error, error_size))
		return NULL;
	root = cJSON_ParseWithLength(text, len);
	if (root && keep_large_ints(root))
		result = find_repeat(root, &ordinal, &repeat);
	if (!result)
		return wrap(root);
	cJSON_Delete(root);
	if (result == -EEXIST)
		json_scan_duplicate(text, len, repeat, error, error_size);
	else
		snprintf(error, error_size, "line 1, column 1: out of memory");
	return NULL;
}

void json_free(struct json **json)
{
	cJSON_Delete(tree(*json));
	*json = NULL;
}

/* ---- printing ------------------------------------------------------------------------------ */

static bool is_broken(const cJSON *item)
{
	const cJSON *child;

	if (!is_container(item))
		return !item;
	if (item->valueint == TREE_BROKEN)
		return true;
	cJSON_ArrayForEach(child, item)
	{
		if (is_broken(child))
			return true;
	}
	return false;
}

char *json_print(const struct json *json)
{
	return is_broken(const_tree(json)) ? NULL : cJSON_PrintUnformatted(const_tree(json));
}

/* ---- building ------------------------------------------------------------------------------ */

struct json *json_new_object(void)
{
	return wrap(cJSON_CreateObject());
}

struct json *json_new_array(void)
{
	return wrap(cJSON_CreateArray());
}

struct json *json_new_string(const char *text)
{
	char *clean = utf8_repair(text);
	cJSON *item = clean ? cJSON_CreateString(clean) : NULL;

	free(clean);
	return wrap(item);
}

struct json *json_new_int(int64_t value)
{
	cJSON *item = cJSON_CreateNumber((double)value);
	char digits[32];

	if (!item || fabs((double)value) < PLAIN_INT_MAX)
		return wrap(item);
	snprintf(digits, sizeof(digits), "%" PRId64, value);
	if (!keep_digits(item, digits)) {
		cJSON_Delete(item);
		item = NULL;
	}
	return wrap(item);
}

struct json *json_clone(const struct json *json)
{
	return wrap(cJSON_Duplicate(const_tree(json), true));
}

/* parent NULL: its own making failed, and whoever adds or prints it finds that out. */
static void attach(struct json *parent, const char *key, cJSON *child)
{
	cJSON *to = tree(parent);
	cJSON_bool done = false;

	if (child && to)
		done = key ? cJSON_AddItemToObject(to, key, child)
			   : cJSON_AddItemToArray(to, child);
	if (done)
		return;
	cJSON_Delete(child);
	if (to)
		to->valueint = TREE_BROKEN;
}

void json_add(struct json *object, const char *key, struct json *child)
{
	attach(object, key, tree(child));
}

void json_append(struct json *array, struct json *child)
{
	attach(array, NULL, tree(child));
}

void json_add_string(struct json *object, const char *key, const char *text)
{
	json_add(object, key, json_new_string(text));
}

void json_add_int(struct json *object, const char *key, int64_t value)
{
	json_add(object, key, json_new_int(value));
}

void json_add_double(struct json *object, const char *key, double value)
{
	attach(object, key, cJSON_CreateNumber(value));
}

void json_add_bool(struct json *object, const char *key, bool value)
{
	attach(object, key, cJSON_CreateBool(value));
}

void json_add_null(struct json *object, const char *key)
{
	attach(object, key, cJSON_CreateNull());
}
