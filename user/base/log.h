/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program's own log: one line a message, to stderr (with the journal's <N> priority prefix when
 * JOURNAL_STREAM says that stderr is the journal) or to a file. Not the event log, which is
 * record/. Messages read "failed to <verb> <object>: <reason>". Thread-safe; a full disk loses
 * lines only.
 */
#ifndef FWGEN_LOG_H
#define FWGEN_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* "error", "warning", "info", "debug". Returns 0, or -EINVAL. */
int log_level_parse(const char *text, enum log_level *out);
const char *log_level_name(enum log_level level);

/* file: path to append to, or NULL or "" for stderr. Returns 0, or -errno of open(2), log
 * unchanged. */
int log_open(enum log_level level, const char *file);
/* Reopens the file (after rotation); nothing for stderr. Returns 0 or -errno. */
int log_reopen(void);
void log_close(void);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
