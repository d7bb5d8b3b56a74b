/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to record/: struct peak_row as the texts of its row, and back. */
#ifndef FWGEN_RECORD_PEAKS_H
#define FWGEN_RECORD_PEAKS_H

#include "record/queue.h"

/*
 * A record with the row's lists as JSON that a person can read: histograms are [[to, sources], ...]
 * (a bucket's largest number), top is [[source, peak], ...], with "found" behind those that were.
 * NULL when memory ran out.
 */
struct peaks_record *peaks_record_new(const struct peak_row *row);

/* The way back; what is damaged in them is left out. */
void peaks_read_histogram(const char *text, struct peak_histogram *out);
void peaks_read_top(const char *text, struct peak_row *out);

#endif
