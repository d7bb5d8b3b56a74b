/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to record/: the event log, a JSON object a line. One thread. */
#ifndef FWGEN_RECORD_EVENT_LOG_H
#define FWGEN_RECORD_EVENT_LOG_H

#include "model/event.h"

struct event_log;

/* Opens or creates the file (mode 0640). Returns 0, or -errno with a text. */
int event_log_open(const char *path, struct event_log **out, char error[512]);
void event_log_close(struct event_log **log);
/*
 * Appends one line, whole or not at all. Returns 0 or -errno; the first failure in a row is
 * reported by log_warning, and its end by log_info. A file that could not be opened is tried again.
 */
int event_log_write(struct event_log *log, const struct event *event);
/* Closes and opens (after rotation). Returns 0 or -errno. */
int event_log_reopen(struct event_log *log);
/* What the last write failed of, or "". */
const char *event_log_failing(const struct event_log *log);

/* The line without its newline; the caller frees. NULL when memory ran out. */
char *event_log_line(const struct event *event);

#endif
