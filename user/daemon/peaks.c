/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sources came to, hour by hour, for fwgen suggest and whatif: those read the database, so the
 * running hour is written there too, again and again until it is over.
 */
#include "daemon/peaks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"

#define PERIOD_NS (3600 * NS_PER_SECOND)
#define AGAIN_NS  (300 * NS_PER_SECOND)

void daemon_record_peaks(struct daemon *daemon)
{
	struct peak_row *rows = NULL;
	size_t count = 0;
	int err;

	if (!daemon->detect || !daemon->recorder)
		return;
	daemon->peaks_next_ns = moment_now().boot_ns + AGAIN_NS;
	daemon_lock(daemon);
	err = detect_peaks(daemon->detect, PERIOD_NS, &rows, &count);
	daemon_unlock(daemon);
	if (err)
		log_error("failed to record what sources came to: %s", strerror(-err));
	recorder_peaks(daemon->recorder, rows, count);
	free(rows);
}

void daemon_note_peaks(struct daemon *daemon)
{
	int64_t now_ns = moment_now().boot_ns;

	if (!daemon->peaks_next_ns)
		daemon->peaks_next_ns = now_ns + AGAIN_NS;
	if (now_ns >= daemon->peaks_next_ns)
		daemon_record_peaks(daemon);
}
