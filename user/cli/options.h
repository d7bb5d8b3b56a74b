/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of the client verbs: one table says who takes what, and what becomes of it. Private to
 * cli/. */
#ifndef FWGEN_CLI_OPTIONS_H
#define FWGEN_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct client_verb;
struct json;

/* What a verb takes, beside --socket, --config, --json and --help. */
enum takes {
	TAKES_ROWS = 1 << 0,
	TAKES_HISTORY = 1 << 1, /* its data is made from the database, by a cli_maker */
	TAKES_BLOCK = 1 << 2,
	TAKES_ALL = 1 << 3,
	TAKES_REMOVE = 1 << 4,
	TAKES_CONFIRM = 1 << 5,
	TAKES_DISARM = 1 << 6,
	TAKES_CAPTURE = 1 << 7,
};

/* What a verb is told without an option. */
enum word {
	WORD_NONE,
	WORD_FILE,
	WORD_ADDRESS,
	WORD_ADDRESS_OR_FILE, /* or --file */
	WORD_ADDRESS_OR_RULE, /* or --all */
	WORD_DURATION,	      /* may be left out */
};

struct options {
	const struct client_verb *verb;
	const char *socket, *config, *database, *file;
	int64_t last_ns;
	bool json, help;
	struct json *args; /* owned: of the request, as the daemon wants them */
};

/*
 * Reads argv, whose first word is the verb. Returns an exit code; when it is not CLI_EXIT_GOOD the
 * reason was printed.
 */
int options_read(struct options *options, int argc, char **argv);
void options_clear(struct options *options);

/* Says what is wrong with a word that was typed. Returns CLI_EXIT_USAGE. */
int options_complain(const struct options *options, const char *what, const char *word);

/* Help for all of them. */
void options_print_help(FILE *out);

#endif
