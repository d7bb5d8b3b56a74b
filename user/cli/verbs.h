/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of client verbs, for running and for help. Private to cli/. */
#ifndef FWGEN_CLI_VERBS_H
#define FWGEN_CLI_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include "cli/render_text.h"

struct client_verb {
	const char *name;
	const char *help;
	bool takes_limit;
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
