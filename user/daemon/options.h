/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of the verbs that are the daemon's own: run, check, off. */
#ifndef FWGEN_DAEMON_OPTIONS_H
#define FWGEN_DAEMON_OPTIONS_H

#include <net/if.h>
#include <stdbool.h>
#include "model/config.h"

enum options_verb { VERB_RUN = 1 << 0, VERB_CHECK = 1 << 1, VERB_OFF = 1 << 2 };

struct options {
	char interfaces[CONFIG_INTERFACES_MAX][IF_NAMESIZE];
	unsigned int interface_count;  /* 0: not given */
	const char *config, *database; /* NULL: not given; they point into argv */
	bool has_mode, has_backend;
	enum mode mode;
	enum backend backend;
	bool takeover;
	bool no_restore; /* rules of the run before end */
	bool help;
};

/*
 * Reads the options behind the verb; each may be written --name VALUE or --name=VALUE. Returns 0,
 * or -EINVAL with a text that names the option and what would be right; *out is untouched then.
 */
int options_parse(enum options_verb verb, int count, char *const *arguments, struct options *out,
		  char error[256]);

#endif
