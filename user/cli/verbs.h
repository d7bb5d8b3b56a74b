/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of client verbs, for running and for help. Private to cli/. */
#ifndef FWGEN_CLI_VERBS_H
#define FWGEN_CLI_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include "cli/render_text.h"

enum takes {
	TAKES_LIMIT = 1 << 0, /* --limit */
	TAKES_HISTORY =
		1 << 1,	     /* --db, --last: its data is made from the database, by a cli_maker */
	TAKES_FILE = 1 << 2, /* a configuration, which must be named */
};

struct client_verb {
	const char *name, *argument; /* argument: of the file, or NULL */
	const char *help;
	unsigned int takes;
	int (*render)(const struct page *page, const struct json *data);
};

extern const struct client_verb client_verbs[];
extern const size_t client_verb_count;

/* One line of help. value: what follows the option, or NULL. */
struct option_help {
	const char *name, *value, *help;
};

extern const struct option_help client_options[];
extern const size_t client_option_count;

#endif
