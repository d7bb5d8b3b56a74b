/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what was asked to the data of the answer: configurations loaded, history read. */
#include "advise/advise.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "advise/suggest.h"
#include "advise/whatif.h"

static int no_memory(char error[CLI_ERROR])
{
	snprintf(error, CLI_ERROR, "%s", strerror(ENOMEM));
	return -ENOMEM;
}

int advise_suggest(const struct cli_query *query, struct json **data, char error[CLI_ERROR])
{
	struct config *defaults = config_defaults();
	struct past past;
	int err = past_read(query->database, query->last_ns, &past, error);

	if (!err && defaults)
		*data = suggest_json(&past, defaults);
	if (!err && !*data)
		err = no_memory(error);
	past_free(&past);
	config_free(&defaults);
	return err;
}

static int load(const char *path, const char *what, struct config **out, char error[CLI_ERROR])
{
	char why[CONFIG_ERROR_TEXT];
	int err;

	if (path && !*path) {
		*out = config_defaults();
		return *out ? 0 : no_memory(error);
	}
	err = config_load(path, out, why);

	if (err)
		snprintf(error, CLI_ERROR, "%s%s", what, why);
	return err;
}

int advise_whatif(const struct cli_query *query, struct json **data, char error[CLI_ERROR])
{
	struct config *candidate = NULL, *today = NULL;
	struct whatif *whatif = NULL;
	int err = load(query->candidate, "", &candidate, error);

	if (!err)
		err = load(query->config, "today's configuration: ", &today, error);
	if (!err)
		err = whatif_make(query->database, query->last_ns, candidate, today, &whatif,
				  error);
	if (!err)
		*data = whatif_json(whatif);
	if (!err && !*data)
		err = no_memory(error);
	whatif_free(&whatif);
	config_free(&candidate);
	config_free(&today);
	return err;
}
