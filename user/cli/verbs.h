/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of client verbs, for running and for help. Private to cli/. */
#ifndef FWGEN_CLI_VERBS_H
#define FWGEN_CLI_VERBS_H

#include <stddef.h>
#include "cli/options.h"
#include "cli/render_text.h"

struct client_verb {
	const char *name, *argument; /* argument: what is typed behind it, or NULL */
	const char *help;
	enum word word;
	unsigned int takes; /* enum takes */
	int (*render)(const struct page *page, const struct json *data);
};

extern const struct client_verb client_verbs[];
extern const size_t client_verb_count;

/* Prints the data of an answer as the options say. Returns the exit code. */
int verbs_show(const struct options *options, const struct json *data);
/* Says what went wrong. Returns the exit code for the -errno. */
int verbs_complain(const struct options *options, int err, const char *error);

#endif
