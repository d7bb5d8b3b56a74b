/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs that are the daemon's own. Each returns the exit code: 0, or one of <sysexits.h>. */
#ifndef FWGEN_DAEMON_H
#define FWGEN_DAEMON_H

struct options;

/* Watches and blocks until it is told to stop. */
int daemon_run(const struct options *options);
/* Reads the configuration and says whether it is good; touches nothing. */
int daemon_check(const struct options *options);
/* Removes everything of fwgen's from this network namespace, whether a daemon runs, hangs or is
 * dead. */
int daemon_off(const struct options *options);

#endif
