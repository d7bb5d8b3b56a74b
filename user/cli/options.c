/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of a client verb to the arguments of its request. A new option is a line of the
 * table. Values are checked here as far as that needs no daemon, so that a slip of the pen is told
 * before anything is asked.
 */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/nearest.h"
#include "cli/cli.h"
#include "cli/escape.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "model/capture.h"
#include "model/detector.h"

#define DEFAULT_LAST_NS (24 * 3600 * NS_PER_SECOND)
#define ROWS_MAX	1000000
#define PPS_MAX		10000000
#define REASON_MAX	191 /* bytes */
#define TAKES_EVERYONE	(~0u)

/* What an option's value is. Those with a key become an argument of the request. */
enum kind {
	KIND_WORD,
	KIND_SWITCH,
	KIND_FLAG,
	KIND_TEXT,
	KIND_NUMBER,
	KIND_TIME,
	KIND_CLASS,
	KIND_PORT,
	KIND_LAST
};

static const struct option_line {
	const char *name, *value; /* value: what follows it, or NULL */
	unsigned int takes;	  /* the verbs that have it */
	enum kind kind;
	const char *key; /* KIND_WORD, KIND_SWITCH, KIND_LAST: none, it is kept in struct options */
	size_t place;
	int64_t max;
	const char *help;
} lines[] = {
	{ "socket", "PATH", TAKES_EVERYONE, KIND_WORD, NULL, offsetof(struct options, socket), 0,
	  "the daemon's control socket (default: the one of the configuration)" },
	{ "config", "FILE", TAKES_EVERYONE, KIND_WORD, NULL, offsetof(struct options, config), 0,
	  "the configuration that names the socket" },
	{ "json", NULL, TAKES_EVERYONE, KIND_SWITCH, NULL, offsetof(struct options, json), 0,
	  "the daemon's data as it is, for programs" },
	{ "help", NULL, TAKES_EVERYONE, KIND_SWITCH, NULL, offsetof(struct options, help), 0,
	  "this help" },
	{ "limit", "N", TAKES_ROWS, KIND_NUMBER, "limit", 0, ROWS_MAX,
	  "at most so many rows (sources, events, rules)" },
	{ "last", "TIME", TAKES_HISTORY, KIND_LAST, NULL, 0, 0,
	  "so much of the history, like 24h (suggest, whatif; default 24h)" },
	{ "db", "FILE", TAKES_HISTORY, KIND_WORD, NULL, offsetof(struct options, database), 0,
	  "that database, daemon or not (suggest, whatif)" },
	{ "for", "TIME", TAKES_BLOCK, KIND_TIME, "for", 0, 0,
	  "how long, like 10m (block; default response.block_seconds)" },
	{ "reason", "TEXT", TAKES_BLOCK, KIND_TEXT, "reason", 0, REASON_MAX,
	  "why, for who asks later (block)" },
	{ "class", "LIST", TAKES_BLOCK, KIND_CLASS, "class", 0, 0,
	  "only these packets: syn,tcp,udp,icmp,fragment,other (block)" },
	{ "limit", "PPS", TAKES_BLOCK, KIND_NUMBER, "limit", 0, PPS_MAX,
	  "let so many packets a second pass (block)" },
	{ "port", "P[/tcp]", TAKES_BLOCK, KIND_PORT, "port", 0, UINT16_MAX,
	  "only what goes to this port (block)" },
	{ "to", NULL, TAKES_BLOCK, KIND_FLAG, "to", 0, 0,
	  "what is sent TO the address, by everybody; with --class and --limit (block)" },
	{ "file", "LIST", TAKES_BLOCK, KIND_WORD, NULL, offsetof(struct options, file), 0,
	  "the addresses in this file, one a line: ADDR[/LEN] [10m] [# reason]; -: stdin (block)" },
	{ "all", NULL, TAKES_ALL, KIND_FLAG, "all", 0, 0, "every rule (unblock)" },
	{ "remove", NULL, TAKES_REMOVE, KIND_FLAG, "remove", 0, 0,
	  "it may be blocked again (allow)" },
	{ "confirm", "TIME", TAKES_CONFIRM, KIND_TIME, "confirm", 0, 0,
	  "back to the old configuration unless fwgen confirm follows in time (reload)" },
	{ "disarm", NULL, TAKES_DISARM, KIND_FLAG, "disarm", 0, 0,
	  "lift the blocks meanwhile (pause)" },
	{ "count", "N", TAKES_CAPTURE, KIND_NUMBER, "count", 0, CAPTURE_FRAMES_MAX,
	  "so many packets at most (capture; default 100)" },
	{ "for", "TIME", TAKES_CAPTURE, KIND_TIME, "for", 0, 0,
	  "so long at most, like 30s (capture; default 10s)" },
	{ "write", "FILE", TAKES_CAPTURE, KIND_WORD, NULL, offsetof(struct options, file), 0,
	  "as pcap into this file, also -w FILE (capture)" },
};
#define LINES (sizeof(lines) / sizeof(lines[0]))

/* What was typed may come from a script's input: it is made harmless too. */
int options_complain(const struct options *options, const char *what, const char *word)
{
	char *safe = escape_text(word);

	fprintf(stderr, "fwgen %s: %s %s\nSee fwgen %s --help.\n", options->verb->name, what,
		safe ? safe : "?", options->verb->name);
	free(safe);
	return CLI_EXIT_USAGE;
}

/* ---- values ---------------------------------------------------------------------------------- */

static int read_number(struct options *options, const struct option_line *line, const char *text)
{
	char what[96], *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (!errno && end != text && !*end && value >= 1 && value <= line->max) {
		json_add_int(options->args, line->key, value);
		return CLI_EXIT_GOOD;
	}
	snprintf(what, sizeof(what), "--%s is a whole number from 1 to %lld, not", line->name,
		 (long long)line->max);
	return options_complain(options, what, text);
}

static int read_time(struct options *options, const struct option_line *line, const char *text)
{
	char what[96];
	int64_t ns;

	if (duration_parse(text, &ns)) {
		snprintf(what, sizeof(what), "--%s is a time like 90s, 10m or 24h, not",
			 line->name);
		return options_complain(options, what, text);
	}
	if (line->kind == KIND_LAST)
		options->last_ns = ns;
	else
		json_add_string(options->args, line->key, text);
	return CLI_EXIT_GOOD;
}

static int read_class(struct options *options, const struct option_line *line, const char *text)
{
	uint32_t classes;

	if (classes_parse(text, &classes))
		return options_complain(options,
					"--class is all, or some of syn, tcp, udp, icmp, fragment,"
					" other with commas between, not",
					text);
	json_add_string(options->args, line->key, text);
	return CLI_EXIT_GOOD;
}

/* "80", or "80/tcp". */
static int read_port(struct options *options, const struct option_line *line, const char *text)
{
	char number[8] = "", *end;
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	long port;

	if (len < sizeof(number))
		memcpy(number, text, len);
	port = strtol(number, &end, 10);
	if (!*number || *end || port < 1 || port > line->max ||
	    (slash && strcmp(slash, "/tcp") && strcmp(slash, "/udp")))
		return options_complain(options, "--port is a port like 80/tcp or 53/udp, not",
					text);
	json_add_int(options->args, line->key, port);
	if (slash)
		json_add_string(options->args, "protocol", slash + 1);
	return CLI_EXIT_GOOD;
}

static int read_text(struct options *options, const struct option_line *line, const char *text)
{
	char what[96];

	if (strlen(text) > (size_t)line->max) {
		snprintf(what, sizeof(what), "--%s is text of at most %lld bytes, not", line->name,
			 (long long)line->max);
		return options_complain(options, what, text);
	}
	json_add_string(options->args, line->key, text);
	return CLI_EXIT_GOOD;
}

static int read_value(struct options *options, const struct option_line *line, const char *text)
{
	switch (line->kind) {
	case KIND_WORD:
		memcpy((char *)options + line->place, &text, sizeof(text));
		return CLI_EXIT_GOOD;
	case KIND_SWITCH:
		*(bool *)((char *)options + line->place) = true;
		return CLI_EXIT_GOOD;
	case KIND_FLAG:
		json_add_bool(options->args, line->key, true);
		return CLI_EXIT_GOOD;
	case KIND_TEXT:
		return read_text(options, line, text);
	case KIND_NUMBER:
		return read_number(options, line, text);
	case KIND_TIME:
	case KIND_LAST:
		return read_time(options, line, text);
	case KIND_CLASS:
		return read_class(options, line, text);
	case KIND_PORT:
		return read_port(options, line, text);
	}
	return CLI_EXIT_USAGE;
}

/* ---- words ----------------------------------------------------------------------------------- */

static int read_address(struct options *options, const char *text)
{
	struct prefix prefix;

	if (prefix_parse(text, &prefix))
		return options_complain(
			options, "an address or prefix is like 198.51.100.7 or 2001:db8::/64, not",
			text);
	json_add_string(options->args, "address", text);
	return CLI_EXIT_GOOD;
}

static int read_address_or_rule(struct options *options, const char *text)
{
	char *end;
	long rule = strtol(text, &end, 10);

	if (*end || end == text)
		return read_address(options, text);
	if (rule < 1 || rule > UINT32_MAX)
		return options_complain(options, "a rule's number is from 1 to 4294967295, not",
					text);
	json_add_int(options->args, "rule", rule);
	return CLI_EXIT_GOOD;
}

static int read_duration(struct options *options, const char *text)
{
	int64_t ns;

	if (duration_parse(text, &ns))
		return options_complain(options, "a time is like 90s, 5m or 2h, not", text);
	json_add_string(options->args, "for", text);
	return CLI_EXIT_GOOD;
}

static int read_word(struct options *options, const char *text)
{
	switch (options->verb->word) {
	case WORD_FILE:
		options->file = text;
		return CLI_EXIT_GOOD;
	case WORD_ADDRESS:
	case WORD_ADDRESS_OR_FILE:
		return read_address(options, text);
	case WORD_ADDRESS_OR_RULE:
		return read_address_or_rule(options, text);
	case WORD_DURATION:
		return read_duration(options, text);
	case WORD_NONE:
		break;
	}
	return options_complain(options, "unexpected", text);
}

/* What must be there, and what may not be together. */
static int check_words(const struct options *options, int words)
{
	enum word word = options->verb->word;
	int given = words;

	if (word == WORD_ADDRESS_OR_FILE)
		given += options->file != NULL;
	if (word == WORD_ADDRESS_OR_RULE)
		given += json_get(options->args, "all") != NULL;
	if (word == WORD_NONE || (word == WORD_DURATION && !given) || given == 1)
		return CLI_EXIT_GOOD;
	return options_complain(options,
				given ? "only one of them:" : "missing:", options->verb->argument);
}

/* ---- the command line ------------------------------------------------------------------------ */

static int complain_unknown(const struct options *options, const char *text)
{
	const char *names[LINES], *meant;
	char what[96];
	size_t n = 0;

	for (size_t i = 0; i < LINES; i++) {
		if (lines[i].takes & options->verb->takes || lines[i].takes == TAKES_EVERYONE)
			names[n++] = lines[i].name;
	}
	meant = strncmp(text, "--", 2) ? NULL : nearest_name(text + 2, names, n);
	if (!meant)
		return options_complain(options, "unknown option", text);
	snprintf(what, sizeof(what), "did you mean --%s? Unknown option", meant);
	return options_complain(options, what, text);
}

/* The options of this verb, for getopt: val is the number of the line, from 1. */
static void list_known(const struct options *options, struct option known[LINES + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < LINES; i++) {
		const struct option_line *line = &lines[i];

		if (line->takes & options->verb->takes || line->takes == TAKES_EVERYONE)
			known[n++] = (struct option){ line->name,
						      line->value ? required_argument : no_argument,
						      NULL, (int)i + 256 };
	}
	known[n] = (struct option){ 0 };
}

int options_read(struct options *options, int argc, char **argv)
{
	struct option known[LINES + 1];
	const char *letters = options->verb->takes & TAKES_CAPTURE ? ":hw:" : ":h";
	int option, words = 0, code = CLI_EXIT_GOOD;

	list_known(options, known);
	options->last_ns = DEFAULT_LAST_NS;
	options->args = json_new_object();
	opterr = 0;
	optind = 0; /* glibc: begin anew */
	while (!code && (option = getopt_long(argc, argv, letters, known, NULL)) != -1) {
		if (option == 'h')
			options->help = true;
		else if (option == 'w') /* as tcpdump has it */
			options->file = optarg;
		else if (option >= 256)
			code = read_value(options, &lines[option - 256], optarg);
		else if (option == ':')
			code = options_complain(options, "a value is missing after",
						argv[optind - 1]);
		else
			code = complain_unknown(options, argv[optind - 1]);
	}
	while (!code && optind < argc) {
		code = words++ ? options_complain(options, "unexpected", argv[optind])
			       : read_word(options, argv[optind]);
		optind++;
	}
	return code || options->help ? code : check_words(options, words);
}

void options_clear(struct options *options)
{
	json_free(&options->args);
}

void options_print_help(FILE *out)
{
	for (size_t i = 0; i < LINES; i++)
		usage_print_option(out, lines[i].name, lines[i].value, lines[i].help);
}
