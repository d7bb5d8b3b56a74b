/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps what fwgen prints valid UTF-8, whatever a packet, a file name or a client gave it. Knows
 * nothing of characters beyond that: no widths, no case.
 */
#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT	  "\xef\xbf\xbd"
#define REPLACEMENT_BYTES 3

size_t utf8_sequence(const char *text, size_t len)
{
	/* By length: bits of the first byte that are payload, and the first code point that needs
	 * it. */
	static const uint32_t payload[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = len ? (unsigned char)*text : 0xff;
	size_t size = first < 0x80	       ? 1
		      : (first & 0xe0) == 0xc0 ? 2
		      : (first & 0xf0) == 0xe0 ? 3
		      : (first & 0xf8) == 0xf0 ? 4
					       : 0;
	uint32_t point = first & payload[size];

	if (size > len)
		return 0;
	for (size_t i = 1; i < size; i++) {
		unsigned char byte = (unsigned char)text[i];

		if ((byte & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (byte & 0x3f);
	}
	if (point < lowest[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	return size;
}

char *utf8_repair(const char *text)
{
	size_t left = strlen(text);
	char *out = malloc(left * REPLACEMENT_BYTES + 1);
	char *to = out;

	if (!out)
		return NULL;
	while (left) {
		size_t size = utf8_sequence(text, left);
		size_t step = size ? size : 1;

		memcpy(to, size ? text : REPLACEMENT, size ? size : REPLACEMENT_BYTES);
		to += size ? size : REPLACEMENT_BYTES;
		text += step;
		left -= step;
	}
	*to = '\0';
	return out;
}
