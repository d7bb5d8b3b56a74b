/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs that answer from recorded history. They tie record/ to the client: neither asks the
 * daemon for more than where its database is, nor changes anything.
 */
#ifndef FWGEN_ADVISE_H
#define FWGEN_ADVISE_H

#include "cli/cli.h"

/* Each as struct cli_maker says. */
int advise_suggest(const struct cli_query *query, struct json **data, char error[CLI_ERROR]);
int advise_whatif(const struct cli_query *query, struct json **data, char error[CLI_ERROR]);

#endif
