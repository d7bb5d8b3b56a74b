/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON for the rest of the program: the only user of cJSON. Integers are exact up to 2^53.
 * A tree has one owner; children belong to their parent. Builders that fail (memory) leave the tree
 * as it was and make json_print return NULL, so that callers check once, at the end.
 */
#ifndef FWGEN_JSON_H
#define FWGEN_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/*
 * Parses a whole text (nothing but white space may follow). On failure returns NULL and writes
 * "line 3, column 7: ..." into error. Duplicate keys in one object and NUL bytes are errors.
 */
struct json *json_parse(const char *text, size_t len, char *error, size_t error_size);
void json_free(struct json **json);
/* One line, or indented by two spaces. The caller frees. NULL when memory ran out. */
char *json_print(const struct json *json);
char *json_print_pretty(const struct json *json);

enum json_type json_type(const struct json *json);
const char *json_type_name(enum json_type type);
const struct json *json_get(const struct json *object, const char *key); /* NULL: not there */
size_t json_size(const struct json *array_or_object);
const struct json *json_first(const struct json *array_or_object);
const struct json *json_next(const struct json *item);
const char *json_name(const struct json *item); /* the key of an object's member, or NULL */
#define json_for_each(item, parent) \
	for (const struct json *item = json_first(parent); item; item = json_next(item))

/* Values; each returns false and leaves *out alone when the type is another (int: not a whole
 * number). */
bool json_to_int(const struct json *json, int64_t *out);
bool json_to_double(const struct json *json, double *out);
bool json_to_bool(const struct json *json, bool *out);
const char *json_to_string(const struct json *json); /* NULL when not a string; owned by the tree */

struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_string(const char *text);
struct json *json_new_int(int64_t value);
struct json *json_clone(const struct json *json);
/* Add to an object. Invalid UTF-8 in text is replaced byte by byte by U+FFFD. */
void json_add_string(struct json *object, const char *key, const char *text);
void json_add_int(struct json *object, const char *key, int64_t value);
void json_add_double(struct json *object, const char *key, double value);
void json_add_bool(struct json *object, const char *key, bool value);
void json_add_null(struct json *object, const char *key);
/* Takes ownership of child, also on failure. */
void json_add(struct json *object, const char *key, struct json *child);
void json_append(struct json *array, struct json *child);

#endif
