/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration with the command line laid upon it. */
#ifndef FWGEN_DAEMON_OVERRIDES_H
#define FWGEN_DAEMON_OVERRIDES_H

#include "daemon/options.h"

/* config_load, then the options. Returns 0, or -errno with a text as config_load does. */
int overrides_load(const struct options *options, struct config **out,
		   char error[CONFIG_ERROR_TEXT]);

/* Works out the hash anew after fields were changed. Returns 0, or -errno, nothing changed. */
int overrides_rehash(struct config **config, char error[CONFIG_ERROR_TEXT]);

#endif
