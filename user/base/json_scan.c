/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks a JSON text before cJSON reads it. cJSON says neither where a text is wrong nor that it
 * is: it takes 01, raw control characters, broken UTF-8 and \u0000, which people who edit
 * config.json should be told about. Builds nothing.
 */
#include "base/json_scan.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/utf8.h"

struct scan {
	const char *text, *at, *end;
	size_t keys;	    /* seen so far */
	size_t wanted_key;  /* stop there; SIZE_MAX: nowhere */
	const char *reason; /* what is wrong at `at` */
};

static int fail(struct scan *s, const char *reason)
{
	if (!s->reason)
		s->reason = reason;
	return -EINVAL;
}

/* The next character, or -1 at the end. */
static int peek(const struct scan *s)
{
	return s->at < s->end ? (unsigned char)*s->at : -1;
}

static bool skip(struct scan *s, char c)
{
	if (peek(s) != c)
		return false;
	s->at++;
	return true;
}

static void skip_space(struct scan *s)
{
	while (s->at < s->end && *s->at && strchr(" \t\r\n", *s->at))
		s->at++;
}

static bool skip_digits(struct scan *s)
{
	const char *start = s->at;

	while (peek(s) >= '0' && peek(s) <= '9')
		s->at++;
	return s->at > start;
}

static int scan_number(struct scan *s)
{
	const char *start = s->at;
	char number[JSON_NUMBER_BYTES + 1];
	size_t len;

	skip(s, '-');
	if (skip(s, '0')) {
		if (peek(s) >= '0' && peek(s) <= '9')
			return fail(s, "a number may not begin with 0");
	} else if (!skip_digits(s)) {
		return fail(s, "expected a digit");
	}
	if (skip(s, '.') && !skip_digits(s))
		return fail(s, "expected a digit");
	if (skip(s, 'e') || skip(s, 'E')) {
		if (!skip(s, '+'))
			skip(s, '-');
		if (!skip_digits(s))
			return fail(s, "expected a digit");
	}
	len = (size_t)(s->at - start);
	if (len < sizeof(number)) {
		memcpy(number, start, len);
		number[len] = '\0';
		if (isfinite(strtod(number, NULL)))
			return 0;
	}
	s->at = start;
	return fail(s, len < sizeof(number) ? "number out of range" : "number too long");
}

/* Four hexadecimal digits behind \u, or -1. */
static int scan_hex(struct scan *s)
{
	int value = 0;

	for (int i = 0; i < 4; i++, s->at++) {
		int c = peek(s);

		if (c >= '0' && c <= '9')
			value = value * 16 + c - '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			value = value * 16 + (c | 32) - 'a' + 10;
		else
			return -1;
	}
	return value;
}

static int scan_unicode(struct scan *s)
{
	const char *start = s->at - 2; /* the backslash */
	int unit = scan_hex(s);

	if (unit < 0)
		return fail(s, "expected four hexadecimal digits");
	if (!unit) {
		s->at = start;
		return fail(s, "NUL in a string");
	}
	if (unit >= 0xd800 && unit <= 0xdbff && skip(s, '\\') && skip(s, 'u')) {
		int low = scan_hex(s);

		if (low >= 0xdc00 && low <= 0xdfff)
			return 0;
	}
	if (unit < 0xd800 || unit > 0xdfff)
		return 0;
	s->at = start;
	return fail(s, "half of a surrogate pair");
}

static int scan_escape(struct scan *s)
{
	int c = peek(s);

	if (c < 0)
		return fail(s, "string without end");
	if (!c || !strchr("\"\\/bfnrtu", c))
		return fail(s, "unknown escape");
	s->at++;
	return c == 'u' ? scan_unicode(s) : 0;
}

static int scan_string(struct scan *s)
{
	if (!skip(s, '"'))
		return fail(s, "expected a string");
	while (!skip(s, '"')) {
		int c = peek(s);
		size_t size;

		if (c < 0 || c == '\n')
			return fail(s, "string without end");
		if (c < 0x20)
			return fail(s, c ? "control character in a string" : "NUL in a string");
		size = utf8_sequence(s->at, (size_t)(s->end - s->at));
		if (!size)
			return fail(s, "invalid UTF-8");
		s->at += size;
		if (c == '\\' && scan_escape(s))
			return -EINVAL;
	}
	return 0;
}

static int scan_word(struct scan *s)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i]);

		if ((size_t)(s->end - s->at) >= len && !memcmp(s->at, words[i], len)) {
			s->at += len;
			return 0;
		}
	}
	return fail(s, s->at < s->end ? "expected a value" : "unexpected end");
}

static int scan_value(struct scan *s, int depth);

static int scan_member(struct scan *s, int depth)
{
	if (s->keys++ == s->wanted_key)
		return fail(s, "duplicate key");
	if (peek(s) != '"')
		return fail(s, "expected a key in double quotes");
	if (scan_string(s))
		return -EINVAL;
	skip_space(s);
	if (!skip(s, ':'))
		return fail(s, "expected ':'");
	return scan_value(s, depth);
}

/* What stands between two brackets: members of an object or values of an array. */
static int scan_list(struct scan *s, int depth, char close)
{
	bool object = close == '}';

	s->at++;
	if (depth > JSON_DEPTH_MAX)
		return fail(s, "nested too deep");
	skip_space(s);
	if (skip(s, close))
		return 0;
	for (;;) {
		skip_space(s);
		if (object ? scan_member(s, depth) : scan_value(s, depth))
			return -EINVAL;
		skip_space(s);
		if (skip(s, close))
			return 0;
		if (!skip(s, ','))
			return fail(s, object ? "expected ',' or '}'" : "expected ',' or ']'");
	}
}

static int scan_value(struct scan *s, int depth)
{
	int c;

	skip_space(s);
	c = peek(s);
	if (c == '{')
		return scan_list(s, depth + 1, '}');
	if (c == '[')
		return scan_list(s, depth + 1, ']');
	if (c == '"')
		return scan_string(s);
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(s);
	return scan_word(s);
}

/* Columns count characters, as editors do, not bytes. */
static void describe(const struct scan *s, char *error, size_t error_size)
{
	unsigned int line = 1, column = 1;

	for (const char *p = s->text; p < s->at; p++) {
		if (*p == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)*p & 0xc0) != 0x80) {
			column++;
		}
	}
	snprintf(error, error_size, "line %u, column %u: %s", line, column, s->reason);
}

int json_scan(const char *text, size_t len, char *error, size_t error_size)
{
	struct scan s = { .text = text, .at = text, .end = text + len, .wanted_key = SIZE_MAX };

	if (!scan_value(&s, 0)) {
		skip_space(&s);
		if (s.at == s.end)
			return 0;
		fail(&s, "unexpected text after the end");
	}
	describe(&s, error, error_size);
	return -EINVAL;
}

void json_scan_duplicate(const char *text, size_t len, size_t ordinal, char *error,
			 size_t error_size)
{
	struct scan s = { .text = text, .at = text, .end = text + len, .wanted_key = ordinal };

	if (scan_value(&s, 0))
		describe(&s, error, error_size);
}
