/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `fwgen check`: whether a configuration would be taken. Reads it and nothing else. */
#include <stdio.h>
#include <sysexits.h>
#include "daemon/daemon.h"
#include "daemon/overrides.h"

int daemon_check(const struct options *options)
{
	char error[CONFIG_ERROR_TEXT];
	struct config *config = NULL;

	if (overrides_load(options, &config, error)) {
		fprintf(stderr, "fwgen: %s\n", error);
		return EX_CONFIG;
	}
	printf("%s: good\n", config->path[0] ? config->path : "built-in defaults");
	printf("mode %s, interfaces", mode_name(config->mode));
	for (unsigned int i = 0; i < config->interface_count; i++)
		printf("%s %s", i ? "," : "", config->interfaces[i]);
	printf("%s\n", config->interface_count ? "" : " none: fwgen run needs --iface");
	config_free(&config);
	return 0;
}
