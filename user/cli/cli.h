/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs a person types at a running daemon, and the help text of the whole program. Starting,
 * checking and removing fwgen itself (run, check, off) are main's.
 */
#ifndef FWGEN_CLI_H
#define FWGEN_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CLI_EXIT_GOOD	     0
#define CLI_EXIT_FAILED	     1
#define CLI_EXIT_USAGE	     2
#define CLI_EXIT_NOT_RUNNING 3

/* Whether name is a verb that cli_run knows. */
bool cli_is_verb(const char *name);

struct json;

/* What a verb about recorded history is asked. */
struct cli_query {
	const char *database;
	const char *config; /* in force; "": the built-in defaults, NULL: the one that is found */
	const char *candidate; /* the file that was named, or NULL */
	int64_t last_ns;       /* 0: all there is */
};

#define CLI_ERROR 768

/* Makes the data of such a verb. 0 and *data for the caller to free, or -errno with a text. */
struct cli_maker {
	const char *verb; /* NULL ends the table */
	int (*make)(const struct cli_query *query, struct json **data, char error[CLI_ERROR]);
};

/*
 * Runs a client verb. argc and argv as main got them: argv[1] is the verb; makers: of all verbs
 * that read the history. The answer goes to stdout, complaints to stderr. Returns the exit code,
 * CLI_EXIT_*.
 */
int cli_run(int argc, char **argv, const struct cli_maker *makers);

/* Help for every verb and option, from the tables. */
void cli_usage(FILE *out);

#endif
