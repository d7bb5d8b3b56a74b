/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end, orderly or of a start that failed half way: everything that is there goes, in the
 * reverse order of start.c. Signals stay blocked meanwhile, so a second SIGTERM cannot leave half
 * of it.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "daemon/capture.h"
#include "daemon/deny.h"
#include "daemon/evidence.h"
#include "daemon/helper.h"
#include "daemon/peaks.h"
#include "daemon/start.h"
#include "daemon/upkeep.h"
#include "daemon/wake.h"

/*
 * Rules leave the kernel, so the record says that they ended; as "shutdown", which the next start
 * takes back with the time they have left.
 */
static void record_end(struct daemon *daemon)
{
	struct rule_change_list changes = { 0 };
	struct moment now = moment_now();
	struct recorder_stats stats;

	if (!daemon->policy || !daemon->recorder)
		return;
	recorder_stats(daemon->recorder, &stats);
	if (policy_clear(daemon->policy, REMOVED_SHUTDOWN, now, &changes))
		log_error("failed to record the end of all rules: out of memory");
	for (size_t i = 0; i < changes.count; i++)
		recorder_rule_change(daemon->recorder, &changes.items[i], now);
	if (changes.count && stats.failing[0])
		log_warning("rules taken back: %zu; the record is not written (%s): the next start"
			    " may not know of them",
			    changes.count, stats.failing);
	else if (changes.count)
		log_info("rules taken back: %zu; the next start restores them with the time they"
			 " have left",
			 changes.count);
	rule_change_list_free(&changes);
}

static void release_kernel(struct daemon *daemon)
{
	int pins;

	helper_close(daemon, daemon->keep);
	for (unsigned int i = 0; i < daemon->watch_count; i++)
		sensor_close(&daemon->watches[i].sensor, daemon->keep);
	daemon->watch_count = 0;
	contacts_close(&daemon->contacts);
	if (daemon->dropmap)
		dropmap_close(&daemon->dropmap, daemon->keep);
	if (daemon->keep || !daemon->pin_dir[0])
		return;
	pins = bpffs_remove();
	if (pins < 0)
		log_error("failed to remove %s: %s", daemon->pin_dir, strerror(-pins));
}

static void free_memory(struct daemon *daemon)
{
	if (daemon->events)
		events_log(daemon->events);
	events_free(&daemon->events);
	policy_free(&daemon->policy);
	detect_free(&daemon->detect);
	deny_free(&daemon->deny);
	recent_free(&daemon->recent);
	free(daemon->allowed.items);
	config_free(&daemon->trial.back);
	free(daemon->trial.rules);
	finding_list_free(&daemon->judgement.findings);
	rule_change_list_free(&daemon->judgement.changes);
	loop_free(&daemon->loop);
	config_free(&daemon->config);
}

void daemon_stop(struct daemon *daemon)
{
	char error[512];

	start_join(daemon, error);
	if (daemon->control)
		control_close(&daemon->control);
	capturing_stop(daemon);
	loop_remove(&daemon->pause.timer);
	loop_remove(&daemon->trial.timer);
	wake_stop(daemon);
	evidence_stop(daemon);
	if (daemon->grace) {
		loop_remove(&daemon->grace_source);
		grace_stop(&daemon->grace);
	}
	upkeep_stop(daemon);
	daemon_record_peaks(daemon);
	if (!daemon->keep)
		record_end(daemon);
	release_kernel(daemon);
	loop_remove(&daemon->host_source);
	if (daemon->host)
		host_close(&daemon->host);
	if (daemon->running)
		events_say(daemon->events, EVENT_SYSTEM, SEVERITY_NOTICE, "stopped%s",
			   daemon->keep ? "; blocks stay until their time is over" : "");
	if (daemon->recorder)
		recorder_close(&daemon->recorder);
	free_memory(daemon);
	bpffs_unlock(&daemon->lock_fd, !daemon->keep); /* last: whoever waits for it may start now
							*/
	log_close();
}
