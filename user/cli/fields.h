/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading an answer's fields; a daemon of another version may lack some. Private to cli/. */
#ifndef FWGEN_CLI_FIELDS_H
#define FWGEN_CLI_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

struct json;

/* "" when it is not there or no string. */
const char *field_text(const struct json *object, const char *key);
/* 0 when it is not there or no number. */
int64_t field_int(const struct json *object, const char *key);
/* False when it is not there or neither true nor false. */
bool field_true(const struct json *object, const char *key);
double field_double(const struct json *object, const char *key);
/* A list of strings in one; the caller frees. Returns NULL when memory ran out, "" for none. */
char *field_joined(const struct json *object, const char *key, const char *separator);

#endif
