/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program's entry: which verb, and whose it is. Exit codes are made here and in daemon/ and
 * cli/ only.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include "cli/cli.h"
#include "daemon/daemon.h"
#include "daemon/options.h"
#include "replay/replay.h"

static int version(void)
{
	printf("fwgen %s\n", FWGEN_VERSION);
	return 0;
}

static int help(void)
{
	cli_usage(stdout);
	return 0;
}

static const struct {
	const char *name;
	int (*fn)(void);
} plain_verbs[] = {
	{ "version", version }, { "--version", version }, { "-V", version },
	{ "help", help },	{ "--help", help },	  { "-h", help },
};

static const struct {
	const char *name;
	enum options_verb verb;
	int (*fn)(const struct options *options);
} daemon_verbs[] = {
	{ "run", VERB_RUN, daemon_run },
	{ "check", VERB_CHECK, daemon_check },
	{ "off", VERB_OFF, daemon_off },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int run_daemon_verb(size_t index, int count, char **arguments)
{
	struct options options;
	char error[256];

	if (options_parse(daemon_verbs[index].verb, count, arguments, &options, error)) {
		fprintf(stderr, "fwgen: %s\n", error);
		return EX_USAGE;
	}
	return options.help ? help() : daemon_verbs[index].fn(&options);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < COUNT(plain_verbs); i++) {
		if (!strcmp(verb, plain_verbs[i].name))
			return plain_verbs[i].fn();
	}
	if (!strncmp(verb, "--", 2)) /* run, the verb that is meant when none is named */
		return run_daemon_verb(0, argc - 1, argv + 1);
	for (size_t i = 0; i < COUNT(daemon_verbs); i++) {
		if (!strcmp(verb, daemon_verbs[i].name))
			return run_daemon_verb(i, argc - 2, argv + 2);
	}
	if (!strcmp(verb, "replay"))
		return replay_run(argc - 1, argv + 1);
	if (cli_is_verb(verb))
		return cli_run(argc, argv);
	if (*verb)
		fprintf(stderr, "fwgen: no such verb: %s\n", verb);
	cli_usage(stderr);
	return EX_USAGE;
}
