/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to base/json: the grammar of RFC 8259 and the place where a text leaves it. */
#ifndef FWGEN_JSON_SCAN_H
#define FWGEN_JSON_SCAN_H

#include <stddef.h>

#define JSON_DEPTH_MAX	  64
#define JSON_NUMBER_BYTES 63 /* cJSON reads no more of a number */

/* Returns 0, or -EINVAL with "line L, column C: ..." in error. */
int json_scan(const char *text, size_t len, char *error, size_t error_size);

/*
 * Writes "line L, column C: duplicate key" for the key with that ordinal: keys are counted from 0
 * as they stand in the text. The text must have passed json_scan.
 */
void json_scan_duplicate(const char *text, size_t len, size_t ordinal, char *error,
			 size_t error_size);

#endif
