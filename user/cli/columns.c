/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables: cells are collected, then printed with each column as wide as its widest cell; the last
 * one is left ragged. Colour never counts as width. What the cells mean is render_text.c's.
 */
#include "cli/columns.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include "base/array.h"
#include "cli/escape.h"

#define GAP "  "

static const char *const inks[] = {
	[INK_PLAIN] = "",	  [INK_GOOD] = "\033[32m", [INK_WARNING] = "\033[33m",
	[INK_BAD] = "\033[1;31m", [INK_FAINT] = "\033[2m",
};
_Static_assert(sizeof(inks) / sizeof(inks[0]) == INK_COUNT, "each ink has a sequence");

const char *ink_on(enum ink ink, bool colour)
{
	return colour ? inks[ink] : "";
}

const char *ink_off(enum ink ink, bool colour)
{
	return colour && ink != INK_PLAIN ? "\033[0m" : "";
}

struct cell {
	char *text; /* owned */
	enum ink ink;
};

struct columns {
	const struct column *columns;
	size_t column_count;
	struct cell *cells; /* owned */
	size_t count, capacity;
	bool failed;
};

struct columns *columns_new(const struct column *columns, size_t count)
{
	struct columns *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = columns;
	table->column_count = count;
	return table;
}

void columns_free(struct columns **columns)
{
	struct columns *table = *columns;

	if (!table)
		return;
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table);
	*columns = NULL;
}

void columns_add(struct columns *columns, enum ink ink, const char *format, ...)
{
	struct cell *grown = NULL;
	char *text = NULL, *safe;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	safe = n >= 0 ? escape_text(text) : NULL;
	if (n >= 0)
		free(text);
	if (safe)
		grown = array_room(columns->cells, columns->count, &columns->capacity,
				   sizeof(*grown));
	if (!grown) {
		free(safe);
		columns->failed = true;
		return;
	}
	columns->cells = grown;
	columns->cells[columns->count++] = (struct cell){ .text = safe, .ink = ink };
}

static size_t column_width(const struct columns *columns, size_t column)
{
	size_t widest = escape_width(columns->columns[column].title);

	for (size_t i = column; i < columns->count; i += columns->column_count) {
		size_t width = escape_width(columns->cells[i].text);

		if (width > widest)
			widest = width;
	}
	return widest;
}

static void print_cell(const struct columns *columns, size_t column, size_t width,
		       const struct cell *cell, FILE *out, bool colour)
{
	bool last = column + 1 == columns->column_count, right = columns->columns[column].right;
	int padding = (int)(width - escape_width(cell->text));

	fprintf(out, "%*s%s%s%s%*s%s", right ? padding : 0, "", ink_on(cell->ink, colour),
		cell->text, ink_off(cell->ink, colour), right || last ? 0 : padding, "",
		last ? "\n" : GAP);
}

int columns_print(const struct columns *columns, FILE *out, bool colour)
{
	size_t n = columns->column_count;
	size_t *widths = columns->failed ? NULL : calloc(n, sizeof(*widths));

	if (!widths)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct cell title = { (char *)columns->columns[i].title, INK_FAINT };

		widths[i] = column_width(columns, i);
		print_cell(columns, i, widths[i], &title, out, colour);
	}
	for (size_t i = 0; i < columns->count; i++)
		print_cell(columns, i % n, widths[i % n], &columns->cells[i], out, colour);
	free(widths);
	return 0;
}
