/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the record knows of earlier runs beside the rules: whom people allowed. */
#include "daemon/recall.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "daemon/commands.h"

static void recall_allowed(struct daemon *daemon)
{
	struct prefix *prefixes = NULL;
	size_t count = 0;
	int err = recorder_load_allowed(daemon->recorder, &prefixes, &count);

	for (size_t i = 0; !err && i < count; i++)
		err = commands_allow(daemon, &prefixes[i], "hand");
	free(prefixes);
	if (err)
		log_error("failed to read what was allowed by hand: %s", strerror(-err));
}

void daemon_recall(struct daemon *daemon)
{
	recall_allowed(daemon);
}
