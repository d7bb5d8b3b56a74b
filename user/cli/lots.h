/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is too much for one request, a lot after another. Private to cli/. */
#ifndef FWGEN_CLI_LOTS_H
#define FWGEN_CLI_LOTS_H

struct options;

/*
 * Blocks the addresses of options->file ("-": standard input), those of bad lines not. Returns the
 * exit code: CLI_EXIT_FAILED when a line was bad or refused.
 */
int lots_block_file(const struct options *options, const char *socket);
/* Ends all rules. Returns the exit code. */
int lots_unblock_all(const struct options *options, const char *socket);

#endif
