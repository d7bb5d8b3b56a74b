/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of all CPUs added up by address: a growing array of samples behind an open-addressed
 * index. */
#ifndef FWGEN_SENSE_MERGE_H
#define FWGEN_SENSE_MERGE_H

#include "model/sample.h"

struct merge {
	struct sample *samples;
	size_t count, capacity;
	uint32_t *index;   /* sample + 1, 0: free */
	size_t index_size; /* a power of two, at least twice count */
};

void merge_clear(struct merge *merge);
void merge_free(struct merge *merge);
/* Adds the entry to its address's sample. Returns 0 or -ENOMEM, nothing changed. */
int merge_add(struct merge *merge, const struct table_entry *entry, uint32_t ifindex);

#endif
