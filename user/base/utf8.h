/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef FWGEN_UTF8_H
#define FWGEN_UTF8_H

#include <stddef.h>

/* How many bytes the sequence at text takes (1 to 4), or 0 when it is not valid within len. */
size_t utf8_sequence(const char *text, size_t len);

/* A copy with each invalid byte replaced by U+FFFD. The caller frees. NULL when memory ran out. */
char *utf8_repair(const char *text);

#endif
