/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading what was recorded, from beside a running daemon or without one. Changes nothing. */
#ifndef FWGEN_HISTORY_H
#define FWGEN_HISTORY_H

#include "model/peaks.h"

#define HISTORY_ERROR 512

struct history_span {
	int64_t first_ns, last_ns; /* wall clock: begin and end of all there is; 0: nothing */
};

/*
 * Calls take with each row of the table peaks that ended within last_ns (0: any time) of the newest
 * one's end, the newest period first. span gets what there is in all. Returns 0, what take
 * returned when that was not 0, or -errno with a text that says which file and why: -ENOENT,
 * -EACCES, -EPROTO (not fwgen's, or of another version), -EUCLEAN, -EIO, -ENOMEM.
 */
int history_peaks(const char *path, int64_t last_ns,
		  int (*take)(void *context, const struct peak_row *row), void *context,
		  struct history_span *span, char error[HISTORY_ERROR]);

#endif
