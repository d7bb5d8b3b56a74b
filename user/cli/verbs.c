/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client verbs: where the daemon's socket is, the call, and text or JSON on stdout.
 * They ask the running daemon, or the database that it writes; none touches the box itself.
 */
#include "cli/verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/json.h"
#include "cli/capture.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/escape.h"
#include "cli/fields.h"
#include "cli/lots.h"
#include "model/config.h"

#define DEFAULT_SOCKET "/run/fwgen/control.sock"
#define TIMEOUT_MS     30000

const struct client_verb client_verbs[] = {
	{ "status", NULL, "mode, interfaces, enforcers, what is wrong", WORD_NONE, 0,
	  render_text_status },
	{ "sources", NULL, "who sends, the busiest first", WORD_NONE, TAKES_ROWS,
	  render_text_sources },
	{ "events", NULL, "what happened, the newest first", WORD_NONE, TAKES_ROWS,
	  render_text_events },
	{ "rules", NULL, "the rules in force: why, and for how long", WORD_NONE, TAKES_ROWS,
	  render_text_rules },
	{ "protected", NULL, "what is never blocked, and why", WORD_NONE, 0,
	  render_text_protected },
	{ "explain", "ADDR[/LEN]", "why it is blocked, or why not", WORD_ADDRESS, 0,
	  render_text_explain },
	{ "block", "ADDR[/LEN] | --file LIST", "drop or limit what it sends", WORD_ADDRESS_OR_FILE,
	  TAKES_BLOCK, render_text_block },
	{ "unblock", "ADDR[/LEN] | RULE | --all", "end its rules, and leave it alone a while",
	  WORD_ADDRESS_OR_RULE, TAKES_ALL, render_text_unblock },
	{ "allow", "ADDR[/LEN]", "never block it, also after a restart", WORD_ADDRESS, TAKES_REMOVE,
	  render_text_allow },
	{ "reload", NULL, "read the configuration anew", WORD_NONE, TAKES_CONFIRM,
	  render_text_reload },
	{ "confirm", NULL, "keep the configuration that reload --confirm tries", WORD_NONE, 0,
	  render_text_reload },
	{ "pause", "[TIME]", "block nobody new for a while (5m)", WORD_DURATION, TAKES_DISARM,
	  render_text_pause },
	{ "resume", NULL, "end the pause", WORD_NONE, 0, render_text_pause },
	{ "capture", "ADDR[/LEN]", "samples of what is dropped of it, as pcap", WORD_ADDRESS,
	  TAKES_CAPTURE, NULL },
	{ "suggest", NULL, "limits that fit what was recorded here", WORD_NONE, TAKES_HISTORY,
	  render_text_suggest },
	{ "whatif", "NEWCONFIG", "whom these limits would have stopped", WORD_FILE, TAKES_HISTORY,
	  render_text_whatif },
};
const size_t client_verb_count = sizeof(client_verbs) / sizeof(client_verbs[0]);

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

/* The configured socket. A configuration that was named must be good; one that was found need not.
 */
static int find_socket(const struct options *options, char path[108])
{
	char error[CONFIG_ERROR_TEXT];
	struct config *config = NULL;

	if (options->socket) {
		if (strlen(options->socket) >= 108)
			return options_complain(options, "the path is too long:", options->socket);
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
	struct json *request = json_new_object();
	char *text;

	json_add_string(request, "verb", options->verb->name);
	if (json_size(options->args))
		json_add(request, "args", json_clone(options->args));
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

int verbs_show(const struct options *options, const struct json *data)
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

int verbs_complain(const struct options *options, int err, const char *error)
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
		return verbs_complain(options, err, error);
	code = verbs_show(options, data);
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
		return verbs_complain(options, 0, *error ? error : strerror(-err));
	code = verbs_show(options, data);
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
		return verbs_complain(options, 0, error);
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
		return verbs_complain(options, err, error);
	config = options->config ? options->config : field_text(status, "config");
	code = make(options, makers, field_text(status, "database"), config);
	json_free(&status);
	return code;
}

static int run(const struct options *options, const struct cli_maker *makers)
{
	char path[108];
	int code;

	if (options->verb->takes & TAKES_HISTORY && options->database)
		return make(options, makers, options->database, options->config);
	code = find_socket(options, path);
	if (code)
		return code;
	if (options->verb->takes & TAKES_HISTORY)
		return find_and_make(options, makers, path);
	if (options->verb->takes & TAKES_BLOCK && options->file)
		return lots_block_file(options, path);
	if (options->verb->takes & TAKES_ALL && json_get(options->args, "all"))
		return lots_unblock_all(options, path);
	return options->verb->takes & TAKES_CAPTURE ? capture_run(options, path)
						    : call(options, path);
}

int cli_run(int argc, char **argv, const struct cli_maker *makers)
{
	struct options options = { .verb = argc > 1 ? find_verb(argv[1]) : NULL };
	int code;

	if (!options.verb) {
		cli_usage(stderr);
		return CLI_EXIT_USAGE;
	}
	code = options_read(&options, argc - 1, argv + 1);
	if (!code && options.help)
		cli_usage(stdout);
	else if (!code)
		code = run(&options, makers);
	options_clear(&options);
	return code;
}
