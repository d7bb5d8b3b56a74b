/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at a tree: types, members, values. Changes nothing and allocates nothing. */
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include "base/json_tree.h"

enum json_type json_type(const struct json *json)
{
	const cJSON *item = const_tree(json);

	if (cJSON_IsBool(item))
		return JSON_BOOL;
	if (cJSON_IsNumber(item) || cJSON_IsRaw(item))
		return JSON_NUMBER;
	if (cJSON_IsString(item))
		return JSON_STRING;
	if (cJSON_IsArray(item))
		return JSON_ARRAY;
	return cJSON_IsObject(item) ? JSON_OBJECT : JSON_NULL;
}

const char *json_type_name(enum json_type type)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",	  [JSON_BOOL] = "boolean", [JSON_NUMBER] = "number",
		[JSON_STRING] = "string", [JSON_ARRAY] = "array",  [JSON_OBJECT] = "object",
	};

	return (size_t)type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}

const struct json *json_get(const struct json *object, const char *key)
{
	if (!cJSON_IsObject(const_tree(object)))
		return NULL;
	return (const struct json *)cJSON_GetObjectItemCaseSensitive(const_tree(object), key);
}

size_t json_size(const struct json *array_or_object)
{
	return (size_t)cJSON_GetArraySize(const_tree(array_or_object));
}

const struct json *json_first(const struct json *array_or_object)
{
	const cJSON *parent = const_tree(array_or_object);

	return is_container(parent) ? wrap(parent->child) : NULL;
}

const struct json *json_next(const struct json *item)
{
	return wrap(const_tree(item)->next);
}

const char *json_name(const struct json *item)
{
	return item ? const_tree(item)->string : NULL;
}

bool json_to_int(const struct json *json, int64_t *out)
{
	const cJSON *item = const_tree(json);

	if (cJSON_IsRaw(item)) {
		*out = strtoll(item->valuestring, NULL, 10);
		return true;
	}
	if (!cJSON_IsNumber(item) || fabs(item->valuedouble) > EXACT_MAX ||
	    item->valuedouble != floor(item->valuedouble))
		return false;
	*out = (int64_t)item->valuedouble;
	return true;
}

bool json_to_double(const struct json *json, double *out)
{
	if (json_type(json) != JSON_NUMBER)
		return false;
	*out = const_tree(json)->valuedouble;
	return true;
}

bool json_to_bool(const struct json *json, bool *out)
{
	if (!cJSON_IsBool(const_tree(json)))
		return false;
	*out = cJSON_IsTrue(const_tree(json));
	return true;
}

const char *json_to_string(const struct json *json)
{
	return cJSON_GetStringValue(const_tree(json));
}
