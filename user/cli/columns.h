/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Aligned tables for people. Private to cli/. */
#ifndef FWGEN_CLI_COLUMNS_H
#define FWGEN_CLI_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum ink { INK_PLAIN, INK_GOOD, INK_WARNING, INK_BAD, INK_FAINT, INK_COUNT };

/* The sequences for one colour and back, or "" without colour. */
const char *ink_on(enum ink ink, bool colour);
const char *ink_off(enum ink ink, bool colour);

struct column {
	const char *title;
	bool right; /* numbers */
};

struct columns;

/* NULL when memory ran out; columns[] is kept, not copied. */
struct columns *columns_new(const struct column *columns, size_t count);
void columns_free(struct columns **columns);
/* The next cell, row by row. Text from outside is made harmless. */
void columns_add(struct columns *columns, enum ink ink, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Returns 0, or -ENOMEM when a cell was lost. */
int columns_print(const struct columns *columns, FILE *out, bool colour);

#endif
