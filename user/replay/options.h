/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of replay. */
#ifndef FWGEN_REPLAY_OPTIONS_H
#define FWGEN_REPLAY_OPTIONS_H

#include <stdbool.h>

struct replay_options {
	const char *config, *database, *features; /* NULL: not given */
	bool json;
	bool go_on; /* --continue */
	bool help;
	char *const *files;
	int file_count;
};

/*
 * Reads what stands behind the verb: argv[0] is the verb. Changes the order in argv, to which *out
 * points. Returns 0, or -EINVAL with a text.
 */
int replay_options_parse(int argc, char **argv, struct replay_options *out, char error[512]);

#endif
