/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text from outside made harmless for a terminal. Private to cli/. */
#ifndef FWGEN_CLI_ESCAPE_H
#define FWGEN_CLI_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/* A copy in which every character that could steer a terminal is '?'. NULL: no memory. */
char *escape_text(const char *text);
/* How many columns it takes: its characters (wide ones count as one). */
size_t escape_width(const char *text);
/* Writes printed JSON with such characters as \uXXXX: the same values, for whoever parses it. */
void escape_write_json(FILE *out, const char *json);

#endif
