/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fwgen block --file. Private to cli/. */
#ifndef FWGEN_CLI_BLOCK_FILE_H
#define FWGEN_CLI_BLOCK_FILE_H

struct options;

/*
 * Blocks the addresses of options->file ("-": standard input), those of bad lines not. Returns the
 * exit code: CLI_EXIT_FAILED when a line was bad or refused.
 */
int block_file(const struct options *options, const char *socket);

#endif
