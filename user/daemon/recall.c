/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the record knows of earlier runs beside the rules in force: whom people allowed, which rules
 * have ended. */
#include "daemon/recall.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"

static void recall_allowed(struct daemon *daemon)
{
	struct protected_prefix *allowed = NULL;
	size_t count = 0;
	int err = recorder_load_allowed(daemon->recorder, &allowed, &count);

	if (err)
		log_error("failed to read what was allowed by hand: %s", strerror(-err));
	else
		daemon->allowed = (struct allowed){ allowed, count, count };
}

/* The oldest first, so that it is the first to be forgotten. */
static void recall_ended(struct daemon *daemon)
{
	struct past_block *blocks = NULL;
	size_t count = 0;
	int err =
		recorder_load_ended(daemon->recorder, moment_now(), RECENT_BLOCKS, &blocks, &count);

	if (err)
		log_error("failed to read the rules of earlier runs: %s", strerror(-err));
	for (size_t i = count; !err && i-- > 0;)
		recent_add(daemon->recent, &blocks[i]);
	free(blocks);
}

void daemon_recall(struct daemon *daemon)
{
	recall_allowed(daemon);
	recall_ended(daemon);
}
