/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of run, check and off: a table of names, each with its verbs and what it does. The client
 * verbs' options are the cli's; what a value means for the configuration is overrides.c.
 */
#include "daemon/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct option_row {
	const char *name;
	const char *value; /* how the value is called in messages, NULL: it takes none */
	unsigned int verbs;
	int (*take)(struct options *options, const char *value, char error[256]);
};

static int refuse(char error[256], const char *name, const char *value, const char *why)
{
	snprintf(error, 256, "%s %.80s: %s", name, value, why);
	return -EINVAL;
}

static int add_interface(struct options *options, const char *name, size_t len, char error[256])
{
	char text[IF_NAMESIZE];

	if (!len)
		return refuse(error, "--iface", "", "a name is missing: --iface eth0,eth1");
	if (len >= IF_NAMESIZE)
		return refuse(error, "--iface", name, "no interface has so long a name");
	if (options->interface_count == CONFIG_INTERFACES_MAX)
		return refuse(error, "--iface", name, "too many interfaces, 16 at most");
	snprintf(text, sizeof(text), "%.*s", (int)len, name);
	for (unsigned int i = 0; i < options->interface_count; i++) {
		if (!strcmp(options->interfaces[i], text))
			return refuse(error, "--iface", text, "named twice");
	}
	memcpy(options->interfaces[options->interface_count++], text, sizeof(text));
	return 0;
}

/* "eth0,eth1"; given again it adds. */
static int take_interfaces(struct options *options, const char *value, char error[256])
{
	int result;

	for (;;) {
		size_t len = strcspn(value, ",");

		result = add_interface(options, value, len, error);
		if (result || !value[len])
			return result;
		value += len + 1;
	}
}

static int take_config(struct options *options, const char *value, char error[256])
{
	(void)error;
	options->config = value;
	return 0;
}

static int take_database(struct options *options, const char *value, char error[256])
{
	(void)error;
	options->database = value;
	return 0;
}

static int set_mode(struct options *options, enum mode mode, char error[256])
{
	if (options->has_mode && options->mode != mode) {
		snprintf(error, 256, "--observe and --enforce exclude each other");
		return -EINVAL;
	}
	options->has_mode = true;
	options->mode = mode;
	return 0;
}

static int take_observe(struct options *options, const char *value, char error[256])
{
	(void)value;
	return set_mode(options, MODE_OBSERVE, error);
}

static int take_enforce(struct options *options, const char *value, char error[256])
{
	(void)value;
	return set_mode(options, MODE_ENFORCE, error);
}

static int take_sensor(struct options *options, const char *value, char error[256])
{
	if (backend_parse(value, &options->backend))
		return refuse(error, "--sensor", value,
			      "it is auto, xdp, xdp-generic or af_packet");
	options->has_backend = true;
	return 0;
}

static int take_takeover(struct options *options, const char *value, char error[256])
{
	(void)value;
	(void)error;
	options->takeover = true;
	return 0;
}

static int take_no_restore(struct options *options, const char *value, char error[256])
{
	(void)value;
	(void)error;
	options->no_restore = true;
	return 0;
}

static int take_help(struct options *options, const char *value, char error[256])
{
	(void)value;
	(void)error;
	options->help = true;
	return 0;
}

static const struct option_row rows[] = {
	{ "--iface", "INTERFACE[,INTERFACE]", VERB_RUN | VERB_OFF, take_interfaces },
	{ "--config", "FILE", VERB_RUN | VERB_CHECK | VERB_OFF, take_config },
	{ "--db", "FILE", VERB_RUN | VERB_OFF, take_database },
	{ "--observe", NULL, VERB_RUN, take_observe },
	{ "--enforce", NULL, VERB_RUN, take_enforce },
	{ "--sensor", "auto|xdp|xdp-generic|af_packet", VERB_RUN, take_sensor },
	{ "--takeover", NULL, VERB_RUN, take_takeover },
	{ "--no-restore", NULL, VERB_RUN, take_no_restore },
	{ "--help", NULL, VERB_RUN | VERB_CHECK | VERB_OFF, take_help },
};

static const struct option_row *find(enum options_verb verb, const char *argument, size_t len)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((rows[i].verbs & verb) && strlen(rows[i].name) == len &&
		    !memcmp(rows[i].name, argument, len))
			return &rows[i];
	}
	return NULL;
}

/* Takes the option at *at, and its value behind it; moves *at past them. */
static int take(enum options_verb verb, int count, char *const *arguments, int *at,
		struct options *options, char error[256])
{
	const char *argument = arguments[(*at)++];
	size_t len = strcspn(argument, "=");
	const struct option_row *row = find(verb, argument, len);
	const char *value = argument[len] ? argument + len + 1 : NULL;

	if (!row) {
		snprintf(error, 256, "%.80s: no such option here: see fwgen help", argument);
		return -EINVAL;
	}
	if (!row->value && value)
		return refuse(error, row->name, value, "this option takes no value");
	if (row->value && !value && *at < count)
		value = arguments[(*at)++];
	/* Another option is no value: somebody forgot it. */
	if (row->value && (!value || !*value || (!argument[len] && !strncmp(value, "--", 2)))) {
		snprintf(error, 256, "%s needs a value: %s %s", row->name, row->name, row->value);
		return -EINVAL;
	}
	return row->take(options, value, error);
}

int options_parse(enum options_verb verb, int count, char *const *arguments, struct options *out,
		  char error[256])
{
	struct options options = { 0 };
	int at = 0, result = 0;

	while (!result && at < count)
		result = take(verb, count, arguments, &at, &options, error);
	if (!result)
		*out = options;
	return result;
}
