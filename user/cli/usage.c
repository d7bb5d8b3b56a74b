/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Help for the whole program: its own verbs and options (main's), and the client verbs. Says what
 * there is; what it does is documented in the manual.
 */
#include "cli/cli.h"

#include <string.h>
#include "cli/usage.h"
#include "cli/verbs.h"

static const struct {
	const char *synopsis, *help;
} program_verbs[] = {
	{ "[run] --iface IF[,IF] [options]", "watch these interfaces until told to stop" },
	{ "check [--config FILE]", "is the configuration good? touches nothing" },
	{ "replay FILE... [options]", "what fwgen would have done about this captured traffic" },
	{ "off [--iface IF]", "take everything of fwgen's off this box, daemon or not" },
	{ "version", "which fwgen this is" },
};

/* One line of help. */
struct option_help {
	const char *name, *value, *help;
};

static const struct option_help daemon_options[] = {
	{ "iface", "IF[,IF]", "the interfaces to watch" },
	{ "config", "FILE", "default: ./config.json, then /etc/fwgen/config.json" },
	{ "db", "FILE", "the SQLite database" },
	{ "observe", NULL, "report attacks, block nothing" },
	{ "enforce", NULL, "block them" },
	{ "sensor", "NAME", "auto, xdp or xdp-generic" },
	{ "takeover", NULL, "take over from a running fwgen, without a gap" },
	{ "no-restore", NULL, "end what the run before blocked, instead of going on with it" },
};

static const struct option_help replay_options[] = {
	{ "config", "FILE", "default: ./config.json, then /etc/fwgen/config.json" },
	{ "db", "FILE", "write rules and events into this database" },
	{ "json", NULL, "an object a line, for programs" },
	{ "features", "CSV", "what each source did in each 10 s, for models of one's own" },
	{ "continue", NULL, "the files are one capture: what was learnt goes on" },
};

void usage_print_option(FILE *out, const char *name, const char *value, const char *help)
{
	fprintf(out, "  --%s %-*s  %s\n", name, (int)(17 - strlen(name)), value ? value : "", help);
}

static void print_options(FILE *out, const char *title, const struct option_help *options,
			  size_t count)
{
	fprintf(out, "\n%s:\n", title);
	for (size_t i = 0; i < count; i++)
		usage_print_option(out, options[i].name, options[i].value, options[i].help);
}

void cli_usage(FILE *out)
{
	fprintf(out, "fwgen watches what enters this box, finds attackers and blocks them.\n\n"
		     "Usage:\n");
	for (size_t i = 0; i < sizeof(program_verbs) / sizeof(program_verbs[0]); i++)
		fprintf(out, "  fwgen %-33s %s\n", program_verbs[i].synopsis,
			program_verbs[i].help);
	for (size_t i = 0; i < client_verb_count; i++) {
		const char *argument = client_verbs[i].argument ? client_verbs[i].argument : "";

		fprintf(out, "  fwgen %s %-*s %s\n", client_verbs[i].name,
			(int)(32 - strlen(client_verbs[i].name)), argument, client_verbs[i].help);
	}
	print_options(out, "Options of run", daemon_options,
		      sizeof(daemon_options) / sizeof(daemon_options[0]));
	print_options(out, "Options of replay", replay_options,
		      sizeof(replay_options) / sizeof(replay_options[0]));
	fprintf(out, "\nOptions of the verbs from status on:\n");
	options_print_help(out);
	fprintf(out,
		"\nExit codes of these verbs: %d good, %d failed, %d usage, %d fwgen is not "
		"running.\n",
		CLI_EXIT_GOOD, CLI_EXIT_FAILED, CLI_EXIT_USAGE, CLI_EXIT_NOT_RUNNING);
}
