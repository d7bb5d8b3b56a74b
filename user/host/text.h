/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small files of other programs, line by line. Private to host/. */
#ifndef FWGEN_HOST_TEXT_H
#define FWGEN_HOST_TEXT_H

#include <stddef.h>

/* A line without its end; may be changed. */
typedef void (*text_line_fn)(void *context, char *line);

/*
 * Lines of a regular file. What cannot be read, or is no file (a FIFO would hold us up), has none;
 * after a megabyte the rest is left.
 */
void text_read(const char *path, text_line_fn take, void *context);
/* Calls take with the path of each file in the folder whose name begins and ends so; at most 256.
 */
typedef void (*text_file_fn)(void *context, const char *path);
void text_each_file(const char *folder, const char *prefix, const char *suffix, text_file_fn take,
		    void *context);

/* The next word, NULL at the end: *rest moves on. Blanks and tabs part words. */
char *text_word(char **rest);
/* What stands behind "key=", or NULL when the line is about something else. */
const char *text_value(const char *line, const char *key);

#endif
