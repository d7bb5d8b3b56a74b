/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to base/json: a struct json is a cJSON, which no other module may know. */
#ifndef FWGEN_JSON_TREE_H
#define FWGEN_JSON_TREE_H

#include <cjson/cJSON.h>
#include "base/json.h"

#define EXACT_MAX 9007199254740992.0 /* 2^53 */

static inline cJSON *tree(struct json *json)
{
	return (cJSON *)json;
}

static inline const cJSON *const_tree(const struct json *json)
{
	return (const cJSON *)json;
}

static inline struct json *wrap(cJSON *item)
{
	return (struct json *)item;
}

static inline bool is_container(const cJSON *item)
{
	return cJSON_IsObject(item) || cJSON_IsArray(item);
}

#endif
