/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to features.c (rows and windows) and features_columns.c (what is in a row). */
#ifndef FWGEN_REPLAY_FEATURES_PRIVATE_H
#define FWGEN_REPLAY_FEATURES_PRIVATE_H

#include <stdbool.h>
#include <stdio.h>
#include "detect/spread.h"
#include "replay/features.h"

#define FEATURES_COUNTERS 16 /* of table_entry, added up */
#define FEATURES_LIMITS	  128
#define FEATURES_HEADS	  65536 /* a power of two */

/* A column for each window of each detector, whoever's limits they are. */
struct limit_column {
	enum detector_id detector;
	uint32_t seconds;
};

struct row {
	struct address address;
	uint8_t prefix_len;
	uint32_t next; /* in its chain */
	uint32_t intervals, found;
	uint64_t sums[FEATURES_COUNTERS];
	struct spread_bits tried;
	uint64_t counts[]; /* a number for each limit_column */
};

/* Found at a wake-up: for the row of the interval that is still running. */
struct early {
	struct address address;
	uint8_t prefix_len;
	uint32_t found;
};

struct features {
	char path[256];
	FILE *file;
	struct detect_observer observer;
	struct limit_column limits[FEATURES_LIMITS];
	unsigned int limit_count;
	int64_t window;		 /* number of the running one */
	char *file_field, *next; /* owned: of the window, and of the next one */
	size_t row_bytes, capacity, count;
	char *rows; /* owned */
	uint32_t heads[FEATURES_HEADS];
	struct early *early; /* owned */
	size_t early_count, early_capacity;
	bool no_memory;
};

/* The limits of the configuration as columns. */
void features_columns(struct features *features, const struct config *config);
void features_write_header(const struct features *features);
void features_write_row(const struct features *features, const struct row *row);
/* Adds what an interval has brought. */
void features_add(const struct features *features, struct row *row, const struct table_entry *entry,
		  const struct detect_count *counts, size_t n);

#endif
