/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client verbs: options, where the daemon's socket is, the call, and text or JSON on stdout.
 * They ask the running daemon, or the database that it writes; none touches the box itself.
 */
#include "cli/verbs.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/json.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/escape.h"
#include "cli/fields.h"
#include "model/config.h"

#define DEFAULT_SOCKET	"/run/fwgen/control.sock"
#define TIMEOUT_MS	30000
#define LIMIT_MAX	1000000
#define DEFAULT_LAST_NS (24 * 3600 * NS_PER_SECOND)

const struct client_verb client_verbs[] = {
	{ "status", NULL, "mode, interfaces, enforcers, what is wrong", 0, render_text_status },
	{ "sources", NULL, "who sends, the busiest first", TAKES_LIMIT, render_text_sources },
	{ "events", NULL, "what happened, the newest first", TAKES_LIMIT, render_text_events },
	{ "rules", NULL, "the rules in force: why, and for how long", TAKES_LIMIT,
	  render_text_rules },
	{ "suggest", NULL, "limits that fit what was recorded here", TAKES_HISTORY,
	  render_text_suggest },
	{ "whatif", "NEWCONFIG", "whom these limits would have stopped", TAKES_HISTORY | TAKES_FILE,
	  render_text_whatif },
};
const size_t client_verb_count = sizeof(client_verbs) / sizeof(client_verbs[0]);

const struct option_help client_options[] = {
	{ "--socket", "PATH",
	  "the daemon's control socket (default: the one of the configuration)" },
	{ "--config", "FILE", "the configuration that names the socket" },
	{ "--limit", "N", "at most so many rows (sources, events, rules)" },
	{ "--last", "TIME", "so much of the history, like 24h (suggest, whatif; default 24h)" },
	{ "--db", "FILE", "that database, daemon or not (suggest, whatif)" },
	{ "--json", NULL, "the daemon's data as it is, for programs" },
};
const size_t client_option_count = sizeof(client_options) / sizeof(client_options[0]);

struct options {
	const struct client_verb *verb;
	const char *socket, *config, *database, *file;
	long limit; /* 0: the daemon's default */
	int64_t last_ns;
	bool json, help;
};

static const struct client_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < client_verb_count; i++) {
		if (!strcmp(client_verbs[i].name, name))
			return &client_verbs[i];
	}
	return NULL;
}

bool cli_is_verb(const char *name)
{
	return name && find_verb(name);
}

/* What was typed may come from a script's input: it is made harmless too. */
static int complain_usage(const struct options *options, const char *what, const char *word)
{
	char *safe = escape_text(word);

	fprintf(stderr, "fwgen %s: %s %s\nSee fwgen %s --help.\n", options->verb->name, what,
		safe ? safe : "?", options->verb->name);
	free(safe);
	return CLI_EXIT_USAGE;
}

static int read_limit(struct options *options, const char *text)
{
	char *end;

	errno = 0;
	options->limit = strtol(text, &end, 10);
	if (errno || end == text || *end || options->limit < 1 || options->limit > LIMIT_MAX)
		return complain_usage(options, "--limit is a whole number from 1 to 1000000, not",
				      text);
	return CLI_EXIT_GOOD;
}

static int read_last(struct options *options, const char *text)
{
	if (duration_parse(text, &options->last_ns))
		return complain_usage(options, "--last is a time like 90m, 24h or 7d, not", text);
	return CLI_EXIT_GOOD;
}

/* Options that not every verb has. */
static int read_special(struct options *options, int option, const char *text)
{
	static const struct {
		int option;
		const char *name;
		unsigned int takes;
	} special[] = {
		{ 'l', "--limit", TAKES_LIMIT },
		{ 't', "--last", TAKES_HISTORY },
		{ 'd', "--db", TAKES_HISTORY },
	};

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		if (special[i].option == option && !(options->verb->takes & special[i].takes))
			return complain_usage(options, "unknown option", special[i].name);
	}
	if (option == 'l')
		return read_limit(options, text);
	if (option == 't')
		return read_last(options, text);
	options->database = text;
	return CLI_EXIT_GOOD;
}

/* Returns an exit code; argv[0] is the verb. */
static int read_options(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "config", required_argument, NULL, 'c' },
		{ "limit", required_argument, NULL, 'l' },
		{ "last", required_argument, NULL, 't' },
		{ "db", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option, code = CLI_EXIT_GOOD;

	opterr = 0;
	optind = 0; /* glibc: begin anew */
	while (!code && (option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		if (option == 's')
			options->socket = optarg;
		else if (option == 'c')
			options->config = optarg;
		else if (option == 'l' || option == 't' || option == 'd')
			code = read_special(options, option, optarg);
		else if (option == 'j')
			options->json = true;
		else if (option == 'h')
			options->help = true;
		else if (option == ':')
			code = complain_usage(options, "a value is missing after",
					      argv[optind - 1]);
		else
			code = complain_usage(options, "unknown option", argv[optind - 1]);
	}
	if (!code && options->verb->takes & TAKES_FILE && optind < argc)
		options->file = argv[optind++];
	if (!code && optind < argc)
		code = complain_usage(options, "unexpected", argv[optind]);
	if (!code && !options->help && options->verb->takes & TAKES_FILE && !options->file)
		code = complain_usage(options, "a file is missing:", options->verb->argument);
	return code;
}

/* The configured socket. A configuration that was named must be good; one that was found need not.
 */
static int find_socket(const struct options *options, char path[108])
{
	char error[CONFIG_ERROR_TEXT];
	struct config *config = NULL;

	if (options->socket) {
		if (strlen(options->socket) >= 108)
			return complain_usage(options, "the path is too long:", options->socket);
		strcpy(path, options->socket);
		return CLI_EXIT_GOOD;
	}
	strcpy(path, DEFAULT_SOCKET);
	if (config_load(options->config, &config, error)) {
		fprintf(stderr, "fwgen %s: %s\n", options->verb->name, error);
		if (options->config)
			return CLI_EXIT_FAILED;
		fprintf(stderr, "Trying %s.\n", path);
		return CLI_EXIT_GOOD;
	}
	memcpy(path, config->control.socket, sizeof(config->control.socket));
	config_free(&config);
	return CLI_EXIT_GOOD;
}

static char *make_request(const struct options *options)
{
	struct json *request = json_new_object(), *args;
	char *text;

	json_add_string(request, "verb", options->verb->name);
	if (options->limit) {
		args = json_new_object();
		json_add_int(args, "limit", options->limit);
		json_add(request, "args", args);
	}
	text = json_print(request);
	json_free(&request);
	return text;
}

static bool wants_colour(void)
{
	const char *terminal = getenv("TERM"), *refused = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(refused && *refused) &&
	       !(terminal && !strcmp(terminal, "dumb"));
}

static int print_json(const struct json *data)
{
	char *text = json_print(data);

	if (!text)
		return -ENOMEM;
	escape_write_json(stdout, text);
	putchar('\n');
	free(text);
	return 0;
}

static int show(const struct options *options, const struct json *data)
{
	struct page page = { .out = stdout, .colour = wants_colour(), .now = moment_now() };
	int err = options->json ? print_json(data) : options->verb->render(&page, data);

	if (err == -EPROTO)
		fprintf(stderr,
			"fwgen %s: the daemon's answer has another form: is it of another "
			"version? --json shows it\n",
			options->verb->name);
	else if (err)
		fprintf(stderr, "fwgen %s: failed to show the answer: %s\n", options->verb->name,
			strerror(-err));
	else if (fflush(stdout) || ferror(stdout))
		fprintf(stderr, "fwgen %s: failed to write to standard output: %s\n",
			options->verb->name, strerror(errno));
	else
		return CLI_EXIT_GOOD;
	return CLI_EXIT_FAILED;
}

static int complain(const struct options *options, int err, const char *error)
{
	char *safe = escape_text(error);

	fprintf(stderr, "fwgen %s: %s\n", options->verb->name, safe ? safe : "no memory");
	free(safe);
	return err == -ESRCH ? CLI_EXIT_NOT_RUNNING : CLI_EXIT_FAILED;
}

static int call(const struct options *options, const char *path)
{
	char error[CLIENT_ERROR_TEXT] = "no memory", *request = make_request(options);
	struct json *data = NULL;
	int err = request ? client_call(path, request, TIMEOUT_MS, &data, error) : -ENOMEM, code;

	free(request);
	if (err)
		return complain(options, err, error);
	code = show(options, data);
	json_free(&data);
	return code;
}

/* ---- verbs about recorded history ------------------------------------------------------------ */

static int make(const struct options *options, const struct cli_maker *makers, const char *database,
		const char *config)
{
	struct cli_query query = { .database = database,
				   .config = config,
				   .candidate = options->file,
				   .last_ns = options->last_ns };
	struct json *data = NULL;
	char error[CLI_ERROR] = "";
	int err = -ENOSYS, code;

	for (; makers->verb; makers++) {
		if (!strcmp(makers->verb, options->verb->name))
			err = makers->make(&query, &data, error);
	}
	if (err)
		return complain(options, 0, *error ? error : strerror(-err));
	code = show(options, data);
	json_free(&data);
	return code;
}

/* Without a daemon: the database that the configuration names. */
static int make_from_config(const struct options *options, const struct cli_maker *makers)
{
	char error[CONFIG_ERROR_TEXT];
	struct config *config = NULL;
	int code;

	if (config_load(options->config, &config, error))
		return complain(options, 0, error);
	code = make(options, makers, config->storage.database, config->path);
	config_free(&config);
	return code;
}

/* The running daemon knows which database and configuration are in use. */
static int find_and_make(const struct options *options, const struct cli_maker *makers,
			 const char *socket)
{
	char error[CLIENT_ERROR_TEXT] = "no memory";
	struct json *status = NULL;
	const char *config;
	int err = client_call(socket, "{\"verb\":\"status\"}", TIMEOUT_MS, &status, error), code;

	if (err == -ESRCH)
		return make_from_config(options, makers);
	if (err)
		return complain(options, err, error);
	config = options->config ? options->config : field_text(status, "config");
	code = make(options, makers, field_text(status, "database"), config);
	json_free(&status);
	return code;
}

int cli_run(int argc, char **argv, const struct cli_maker *makers)
{
	struct options options = { .verb = argc > 1 ? find_verb(argv[1]) : NULL,
				   .last_ns = DEFAULT_LAST_NS };
	char path[108];
	int code;

	if (!options.verb) {
		cli_usage(stderr);
		return CLI_EXIT_USAGE;
	}
	code = read_options(&options, argc - 1, argv + 1);
	if (code)
		return code;
	if (options.help) {
		cli_usage(stdout);
		return CLI_EXIT_GOOD;
	}
	if (options.verb->takes & TAKES_HISTORY && options.database)
		return make(&options, makers, options.database, options.config);
	code = find_socket(&options, path);
	if (code)
		return code;
	return options.verb->takes & TAKES_HISTORY ? find_and_make(&options, makers, path)
						   : call(&options, path);
}
