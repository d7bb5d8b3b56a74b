/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fwgen capture. Private to cli/. */
#ifndef FWGEN_CLI_CAPTURE_H
#define FWGEN_CLI_CAPTURE_H

struct options;

/*
 * Writes samples of what is dropped as they come: as pcap (nanoseconds, Ethernet) to options->file
 * or, where that is no terminal, to standard output; on a terminal, a line each; with --json an
 * object a line. Returns the exit code.
 */
int capture_run(const struct options *options, const char *socket);

#endif
