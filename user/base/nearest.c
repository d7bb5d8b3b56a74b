/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mistyped names: by letters inserted, removed, replaced or swapped. Knows no name itself. */
#include "base/nearest.h"

#include <string.h>

#define NAME_MAX_LEN 40

static size_t smallest(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to insert, remove, replace or swap with their neighbour to come from a to b. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t rows[3][NAME_MAX_LEN + 1];
	size_t a_len = strlen(a), b_len = strlen(b);

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		const size_t *before = rows[(i + 1) % 3], *above = rows[(i - 1) % 3];
		size_t *row = rows[i % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = smallest(row[j], smallest(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = smallest(row[j], before[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

const char *nearest_name(const char *text, const char *const *names, size_t count)
{
	size_t len = strlen(text), best = len < 8 ? 1 + len / 4 : 3;
	const char *found = NULL;

	if (len < 2 || len > NAME_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t distance = edit_distance(text, names[i]);

		/* "warn" is nearer to "warning" than the letters say. */
		if (len > 2 && !strncmp(text, names[i], len))
			distance = 1;
		/* A short name may not be replaced whole. */
		if (distance > best || distance >= strlen(names[i]))
			continue;
		if (!found || distance < best)
			found = names[i];
		best = distance;
	}
	return found;
}
