/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs a person types at a running daemon, and the help text of the whole program. Starting,
 * checking and removing fwgen itself (run, check, off) are main's.
 */
#ifndef FWGEN_CLI_H
#define FWGEN_CLI_H

#include <stdbool.h>
#include <stdio.h>

#define CLI_EXIT_GOOD	     0
#define CLI_EXIT_FAILED	     1
#define CLI_EXIT_USAGE	     2
#define CLI_EXIT_NOT_RUNNING 3

/* Whether name is a verb that cli_run knows. */
bool cli_is_verb(const char *name);

/*
 * Runs a client verb. argc and argv as main got them: argv[1] is the verb. The answer goes to
 * stdout, complaints to stderr. Returns the exit code, CLI_EXIT_*.
 */
int cli_run(int argc, char **argv);

/* Help for every verb and option, from the tables. */
void cli_usage(FILE *out);

#endif
