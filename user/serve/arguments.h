/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arguments of a request: what a verb takes, whether it was given that, and its values. Private
 * to serve/. */
#ifndef FWGEN_SERVE_ARGUMENTS_H
#define FWGEN_SERVE_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi.h"

struct answer;
struct json;

enum argument_type {
	ARGUMENT_NUMBER,   /* whole, from 1 to max */
	ARGUMENT_TEXT,	   /* of at most max bytes */
	ARGUMENT_FLAG,	   /* true or false */
	ARGUMENT_DURATION, /* "10m", or whole seconds */
	ARGUMENT_PREFIX,   /* an address or prefix */
	ARGUMENT_LIST,	   /* of at most max items, 1 at least */
};

struct argument {
	const char *name; /* NULL ends a list of them */
	enum argument_type type;
	int64_t max;
	bool required;
};

/* Whether args (NULL: none) are what the verb takes. False: the answer says what would be right. */
bool arguments_check(const char *verb, const struct argument *known, const struct json *args,
		     struct answer *answer);
/* The same for one value, whose name is in text. */
bool argument_check(const struct argument *argument, const struct json *value, char *text,
		    size_t size);

/* Values of checked arguments; each gives the default when it was not given. */
int64_t argument_number(const struct json *args, const char *name, int64_t otherwise);
const char *argument_text(const struct json *args, const char *name, const char *otherwise);
bool argument_flag(const struct json *args, const char *name);
int64_t argument_duration(const struct json *args, const char *name, int64_t otherwise);
/* False: not given. */
bool argument_prefix(const struct json *args, const char *name, struct prefix *out);

#endif
