/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Escapes: reasons, names and messages hold what strangers sent, and a terminal obeys more than
 * ESC. Control characters (C0, DEL, C1 also as UTF-8), marks that turn the direction of text round,
 * and bytes that are no UTF-8 never reach it. Meaning is not judged here.
 */
#include "cli/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/utf8.h"

static const struct {
	uint32_t first, last;
} unsafe[] = {
	{ 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x061c, 0x061c }, { 0x200b, 0x200f },
	{ 0x2028, 0x202e }, { 0x2060, 0x2069 }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffd },
};

static bool is_unsafe(uint32_t character)
{
	for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++) {
		if (character >= unsafe[i].first && character <= unsafe[i].last)
			return true;
	}
	return false;
}

/* The character at text, U+FFFD for what is none; *len gets its bytes, 1 at least. */
static uint32_t decode(const char *text, size_t left, size_t *len)
{
	const unsigned char *bytes = (const unsigned char *)text;
	uint32_t character;

	*len = utf8_sequence(text, left);
	if (!*len) {
		*len = 1;
		return 0xfffd;
	}
	if (*len == 1)
		return bytes[0];
	character = bytes[0] & (0x7fu >> *len);
	for (size_t i = 1; i < *len; i++)
		character = character << 6 | (bytes[i] & 0x3fu);
	return character;
}

char *escape_text(const char *text)
{
	size_t left = strlen(text), len;
	char *copy = malloc(left + 1), *out = copy;

	for (; copy && left; text += len, left -= len) {
		uint32_t character = decode(text, left, &len);

		if (is_unsafe(character)) {
			*out++ = '?';
			continue;
		}
		memcpy(out, text, len);
		out += len;
	}
	if (copy)
		*out = '\0';
	return copy;
}

size_t escape_width(const char *text)
{
	size_t left = strlen(text), len, width = 0;

	for (; left; text += len, left -= len) {
		decode(text, left, &len);
		width++;
	}
	return width;
}

void escape_write_json(FILE *out, const char *json)
{
	size_t left = strlen(json), len;

	for (; left; json += len, left -= len) {
		uint32_t character = decode(json, left, &len);

		/* JSON's own characters are all ASCII: what is unsafe stands inside a string. */
		if (is_unsafe(character))
			fprintf(out, "\\u%04x", (unsigned int)character);
		else
			fwrite(json, 1, len, out);
	}
}
