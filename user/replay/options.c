// SPDX-License-Identifier: GPL-2.0-or-later
/* Options of replay: a line in the table and one in take() for each. */
#include "replay/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

static const struct option known[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "db", required_argument, NULL, 'd' },
	{ "json", no_argument, NULL, 'j' },
	{ "continue", no_argument, NULL, 'o' },
	{ "features", required_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int take(struct replay_options *options, int option)
{
	switch (option) {
	case 'c':
		options->config = optarg;
		return 0;
	case 'd':
		options->database = optarg;
		return 0;
	case 'f':
		options->features = optarg;
		return 0;
	case 'j':
		options->json = true;
		return 0;
	case 'o':
		options->go_on = true;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	default:
		return -EINVAL;
	}
}

int replay_options_parse(int argc, char **argv, struct replay_options *out, char error[512])
{
	struct replay_options options = { 0 };
	int option;

	opterr = 0;
	optind = 0; /* glibc: begin anew */
	while ((option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		if (!take(&options, option))
			continue;
		snprintf(error, 512, "%.80s: %s", argv[optind - 1],
			 option == ':' ? "a value is missing"
				       : "no such option here: see fwgen help");
		return -EINVAL;
	}
	if (optind == argc && !options.help) {
		snprintf(error, 512, "replay needs at least one capture: fwgen replay FILE...");
		return -EINVAL;
	}
	options.files = argv + optind;
	options.file_count = argc - optind;
	*out = options;
	return 0;
}
