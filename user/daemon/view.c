/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's state as plain values for the control socket. Runs on the tick thread; takes the
 * decision lock for no longer than copying takes, and asks neither database nor helper.
 */
#include "daemon/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "daemon/changes.h"
#include "daemon/deny.h"
#include "daemon/evidence.h"
#include "daemon/explain.h"
#include "daemon/protect.h"
#include "daemon/state.h"

void view_count(struct watch *watch, const struct traffic *traffic)
{
	struct interface_status *status = &watch->status;
	double seconds = (double)(traffic->end.boot_ns - traffic->start.boot_ns) / NS_PER_SECOND;

	status->packets += traffic->packets;
	status->bytes += traffic->bytes;
	status->dropped += traffic->dropped;
	status->attributed += traffic->attributed;
	status->unattributed += traffic->unattributed;
	status->wakes += traffic->wakes;
	status->wakes_lost += traffic->wakes_lost;
	status->overflow += traffic->overflow;
	status->sources_estimate = traffic->sources_estimate;
	status->blind_below_pps = traffic->blind_below_pps;
	status->packets_per_second = seconds > 0 ? (double)traffic->packets / seconds : 0;
	status->bytes_per_second = seconds > 0 ? (double)traffic->bytes / seconds : 0;
}

/* Our own pages; the tables that are mapped besides are the sensors'. */
static uint64_t memory_bytes(const struct daemon *daemon)
{
	unsigned long long resident = 0, shared = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	uint64_t bytes = 0;

	if (file) {
		if (fscanf(file, "%*s %llu %llu", &resident, &shared) == 2 && resident > shared)
			bytes = (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
		fclose(file);
	}
	for (unsigned int i = 0; i < daemon->watch_count; i++)
		bytes += sensor_memory_bytes(daemon->watches[i].sensor);
	return bytes + sizeof(struct contacts);
}

static void show_xdp(const struct daemon *daemon, struct enforcer_status *out)
{
	dropmap_status(daemon->dropmap, out);
	out->repairs += daemon->reattached;
	for (unsigned int i = 0; i < daemon->watch_count; i++) {
		const struct watch *watch = &daemon->watches[i];

		if (!watch->failing[0])
			continue;
		out->state = ENFORCER_UNENFORCED;
		snprintf(out->reason, sizeof(out->reason), "%s", watch->failing);
	}
}

/* Blocks are lifted: nobody is to believe that they stop anything. */
static unsigned int show_disarmed(const struct daemon *daemon, struct enforcer_status *enforcers,
				  unsigned int count)
{
	for (unsigned int i = 0; daemon->pause.disarmed && i < count; i++) {
		enforcers[i].state = ENFORCER_UNENFORCED;
		snprintf(enforcers[i].reason, sizeof(enforcers[i].reason),
			 "blocks are lifted by fwgen pause --disarm; fwgen resume ends it");
	}
	return count;
}

unsigned int view_enforcers(const struct daemon *daemon, struct enforcer_status out[ENFORCERS_MAX])
{
	const struct config *config = daemon->config;
	bool xdp = config->response.xdp && config->mode == MODE_ENFORCE;
	struct enforcer_status *iptables = &out[xdp];

	if (xdp)
		show_xdp(daemon, &out[0]);
	if (!config->response.iptables || config->mode != MODE_ENFORCE)
		return show_disarmed(daemon, out, xdp);
	*iptables = (struct enforcer_status){ .name = "iptables",
					      .state = ENFORCER_UNENFORCED,
					      .reason = "the helper process could not be started" };
	if (daemon->iptables)
		iptables_enforcer_status(daemon->iptables, iptables);
	/* What XDP drops never gets there: it stands by, and that is no fault. */
	if (xdp && iptables->state == ENFORCER_ENFORCED && out[0].state == ENFORCER_ENFORCED)
		iptables->state = ENFORCER_STANDBY;
	return show_disarmed(daemon, out, xdp + 1);
}

static void show_record(const struct daemon *daemon, struct status *out)
{
	struct recorder_stats stats;

	recorder_stats(daemon->recorder, &stats);
	out->record.queued = stats.queued;
	out->record.written = stats.written;
	out->record.lost = stats.lost;
	snprintf(out->record.failing, sizeof(out->record.failing), "%s", stats.failing);
}

static void show_status(void *context, struct status *out)
{
	struct daemon *daemon = context;
	const struct config *config = daemon->config;

	*out = (struct status){ .mode = config->mode,
				.version = FWGEN_VERSION,
				.interface_count = daemon->watch_count,
				.tick_ms_last = daemon->tick_ms_last,
				.tick_ms_max = daemon->tick_ms_max };
	snprintf(out->evidence, sizeof(out->evidence), "%s", evidence_source(daemon));
	out->uptime_s = (double)(moment_now().boot_ns - daemon->started.boot_ns) / NS_PER_SECOND;
	for (unsigned int i = 0; i < daemon->watch_count; i++)
		out->interfaces[i] = daemon->watches[i].status;
	out->enforcer_count = view_enforcers(daemon, out->enforcers);
	show_record(daemon, out);
	out->memory_bytes = memory_bytes(daemon);
	out->paused_until = daemon->pause.until;
	out->disarmed = daemon->pause.disarmed;
	out->confirm_end = daemon->trial.end;
	memcpy(out->config_path, config->path, sizeof(out->config_path));
	memcpy(out->database, config->storage.database, sizeof(out->database));
	daemon_lock(daemon);
	detect_tracker(daemon->detect, &out->tracker);
	out->active_rules = policy_rule_count(daemon->policy) + daemon->deny.count;
	daemon_unlock(daemon);
}

static enum source_state state_of(const struct daemon *daemon, const struct prefix *source)
{
	const struct rule *rule = policy_find(daemon->policy, source);

	if (deny_covering(&daemon->deny, source))
		return SOURCE_BLOCKED;
	if (rule)
		return rule->action == ACTION_LIMIT ? SOURCE_LIMITED : SOURCE_BLOCKED;
	return policy_protected(daemon->policy, source) ? SOURCE_PROTECTED : SOURCE_PASSING;
}

static size_t show_sources(void *context, struct source_status *out, size_t max)
{
	struct daemon *daemon = context;
	size_t n;

	daemon_lock(daemon);
	n = detect_top(daemon->detect, out, max);
	for (size_t i = 0; i < n; i++)
		out[i].state = state_of(daemon, &out[i].source);
	daemon_unlock(daemon);
	return n;
}

static size_t show_rules(void *context, struct rule_status *out, size_t max)
{
	struct daemon *daemon = context;
	struct enforcer_status iptables;
	struct rule *rules = NULL;
	size_t n = 0;
	int err;

	daemon_lock(daemon);
	err = daemon_ruleset(daemon, &rules, &n);
	daemon_unlock(daemon);
	if (err)
		return 0;
	daemon_iptables_status(daemon, &iptables);
	if (n > max)
		n = max;
	for (size_t i = 0; i < n; i++)
		daemon_show_rule(daemon, &rules[i], &iptables, &out[i]);
	free(rules);
	return n;
}

static size_t show_events(void *context, struct event *out, size_t max)
{
	struct daemon *daemon = context;

	return events_last(daemon->events, out, max);
}

static int show_protected(void *context, struct protected_prefix **out, size_t *count)
{
	struct daemon *daemon = context;
	struct protected_list list = { 0 };
	int err = protect_collect(daemon, &list);

	if (err) {
		protected_list_free(&list);
		return err;
	}
	*out = list.items;
	*count = list.count;
	list.items = NULL;
	protected_list_free(&list);
	return 0;
}

static void show_explanation(void *context, const struct prefix *prefix, struct explanation *out)
{
	daemon_explain(context, prefix, out);
}

const struct view_ops daemon_view = {
	.status = show_status,
	.sources = show_sources,
	.rules = show_rules,
	.events = show_events,
	.protected = show_protected,
	.explain = show_explanation,
};
