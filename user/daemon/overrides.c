/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration with the command line laid upon it: what was typed wins over the file, at start
 * and at every reload. The result goes through the model's own reader once more, so that a value
 * from the command line is held to the same rules, and the hash is of what is in force.
 */
#include "daemon/overrides.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int lay_database(struct config *config, const char *path, char error[CONFIG_ERROR_TEXT])
{
	char folder[PATH_MAX] = "";
	int len;

	if (path[0] != '/' && !getcwd(folder, sizeof(folder))) {
		snprintf(error, CONFIG_ERROR_TEXT, "failed to find the current folder: %s",
			 strerror(errno));
		return -errno;
	}
	len = snprintf(config->storage.database, PATH_MAX, "%s%s%s", folder, *folder ? "/" : "",
		       path);
	if (len < PATH_MAX)
		return 0;
	snprintf(error, CONFIG_ERROR_TEXT, "--db: the path is too long");
	return -ENAMETOOLONG;
}

static int lay(struct config *config, const struct options *options, char error[CONFIG_ERROR_TEXT])
{
	if (options->interface_count) {
		memcpy(config->interfaces, options->interfaces, sizeof(config->interfaces));
		config->interface_count = options->interface_count;
	}
	if (options->has_mode)
		config->mode = options->mode;
	if (options->has_backend)
		config->sensor.backend = options->backend;
	return options->database ? lay_database(config, options->database, error) : 0;
}

int overrides_rehash(struct config **config, char error[CONFIG_ERROR_TEXT])
{
	char *text = config_print(*config);
	struct config *fresh = NULL;
	int err;

	if (!text) {
		snprintf(error, CONFIG_ERROR_TEXT, "failed to read the configuration: %s",
			 strerror(ENOMEM));
		return -ENOMEM;
	}
	err = config_parse(text, strlen(text), "/", &fresh, error);
	free(text);
	if (err)
		return err;
	memcpy(fresh->path, (*config)->path, sizeof(fresh->path));
	config_free(config);
	*config = fresh;
	return 0;
}

int overrides_load(const struct options *options, struct config **out,
		   char error[CONFIG_ERROR_TEXT])
{
	struct config *config = NULL;
	int err = config_load(options->config, &config, error);

	if (!err)
		err = lay(config, options, error);
	if (!err)
		err = overrides_rehash(&config, error);
	if (err)
		config_free(&config);
	else
		*out = config;
	return err;
}
