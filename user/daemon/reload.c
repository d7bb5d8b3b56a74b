/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIGHUP and the verb reload: the file is read and validated whole, then swapped in; a bad one
 * changes nothing and an event says why. What cannot change under a running program (interfaces,
 * tables, files it holds open) keeps its old value and is named.
 *
 * With a time to confirm, the configuration is on trial: without the verb confirm the one before
 * comes back, so that who locked himself out is let in again. Only confirm ends a trial; a reload
 * meanwhile changes what is on trial, and what comes back is still the last that was confirmed.
 */
#include "daemon/reload.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "daemon/changes.h"
#include "daemon/commands.h"
#include "daemon/helper.h"
#include "daemon/overrides.h"
#include "daemon/pause.h"
#include "daemon/peaks.h"
#include "daemon/protect.h"
#include "daemon/restore.h"

#define CONFIRM_MAX_NS (3600 * NS_PER_SECOND)

struct fixed {
	const char *key;
	size_t offset, size;
	bool text; /* ends at its NUL */
};

#define RANGE(from, to) \
	offsetof(struct config, from), offsetof(struct config, to) - offsetof(struct config, from)
#define FIELD(field) offsetof(struct config, field), sizeof(((struct config *)0)->field)

static const struct fixed fixed[] = {
	{ "interfaces", RANGE(interfaces, mode), false },
	{ "sensor.backend", FIELD(sensor.backend), false },
	{ "sensor.table_buckets", FIELD(sensor.table_buckets), false },
	{ "sensor.memory_mb", FIELD(sensor.memory_mb), false },
	{ "response.enforcers", RANGE(response.xdp, response.block_seconds), false },
	{ "storage.database", FIELD(storage.database), true },
	{ "storage.event_log", FIELD(storage.event_log), true },
	{ "storage.retention_days", FIELD(storage.retention_days), false },
	{ "control.socket", FIELD(control.socket), true },
};

static bool differs(const struct fixed *field, const char *old, const char *fresh)
{
	if (field->text)
		return strcmp(old, fresh) != 0;
	return memcmp(old, fresh, field->size) != 0;
}

/* kept gets the names of the keys. */
static void keep_fixed(struct daemon *daemon, struct config *fresh, char *kept, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		const char *from = (const char *)daemon->config + fixed[i].offset;
		char *to = (char *)fresh + fixed[i].offset;

		if (!differs(&fixed[i], from, to))
			continue;
		memcpy(to, from, fixed[i].size);
		events_say(daemon->events, EVENT_CONFIG, SEVERITY_WARNING,
			   "%s needs a restart to change: the old value stays in force",
			   fixed[i].key);
		if (used < size)
			used += (size_t)snprintf(kept + used, size - used, "%s%s", used ? ", " : "",
						 fixed[i].key);
	}
}

static int load(struct daemon *daemon, struct config **out, struct reload_result *result,
		char error[CONFIG_ERROR_TEXT])
{
	struct config *fresh = NULL;
	int err = overrides_load(daemon->options, &fresh, error);

	if (err)
		return err;
	keep_fixed(daemon, fresh, result->kept, sizeof(result->kept));
	err = overrides_rehash(&fresh, error);
	if (err)
		config_free(&fresh);
	else
		*out = fresh;
	return err;
}

/*
 * Who asks for observe mode wants nothing blocked any more; but nobody was spoken for, so in the
 * next run that enforces all of it is as before. On trial it is only set aside.
 */
static void end_rules(struct daemon *daemon, struct moment now)
{
	struct trial *trial = &daemon->trial;
	size_t n = policy_rule_count(daemon->policy);

	if (trial->timer && !trial->rules) {
		trial->rules = malloc((n + 1) * sizeof(*trial->rules));
		trial->rule_count =
			trial->rules ? policy_rules(daemon->policy, trial->rules, n) : 0;
	}
	if (policy_clear(daemon->policy, REMOVED_SHUTDOWN, now, &daemon->judgement.changes))
		log_error("failed to end all blocks: %s", strerror(ENOMEM));
}

static void return_rules(struct daemon *daemon, struct moment now)
{
	struct trial *trial = &daemon->trial;

	if (trial->rules && restore_ended(daemon, trial->rules, trial->rule_count, now))
		log_error("failed to put all blocks in force again: %s", strerror(ENOMEM));
	free(trial->rules);
	trial->rules = NULL;
}

/* From here on the new one is in force; *config is the old one then. */
static int swap(struct daemon *daemon, struct config **config)
{
	struct config *old = daemon->config;
	struct moment now = moment_now();
	int err;

	daemon_record_peaks(daemon); /* against the old limits */
	daemon_lock(daemon);
	err = detect_reconfigure(daemon->detect, *config);
	if (!err)
		err = policy_reconfigure(daemon->policy, *config);
	if (!err) {
		policy_room(daemon->policy, DAEMON_BLOCKS_MAX - (*config)->access.deny_count);
		if (old->mode == MODE_ENFORCE && (*config)->mode == MODE_OBSERVE)
			end_rules(daemon, now);
		daemon_carry_out(daemon, &daemon->judgement.changes, now);
		daemon->config = *config;
		if (old->mode == MODE_OBSERVE && daemon->config->mode == MODE_ENFORCE)
			return_rules(daemon, now);
		*config = old;
	}
	daemon_unlock(daemon);
	return err;
}

static void change_mode(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	bool observe = config->mode == MODE_OBSERVE;

	dropmap_set_observe(daemon->dropmap, pause_observes(daemon));
	if (observe)
		helper_close(daemon, false);
	else if (config->response.iptables)
		helper_begin(daemon);
	daemon_lock(daemon);
	daemon_sync(daemon, moment_now()); /* rules may have come back */
	daemon_unlock(daemon);
}

/* What holds values of its own takes the new ones. */
static void tell(struct daemon *daemon, const struct config *old)
{
	const struct config *config = daemon->config;
	int64_t interval_ns = config->sensor.interval_ms * NS_PER_MS;
	struct wake_marks marks;
	int err;

	detect_wake_marks(config, &marks);
	for (unsigned int i = 0; i < daemon->watch_count; i++)
		sensor_reconfigure(daemon->watches[i].sensor, config, &marks);
	if (config->sensor.interval_ms != old->sensor.interval_ms)
		loop_change_timer(daemon->interval_timer, interval_ns, interval_ns);
	err = log_open(config->log.level, config->log.file);
	if (err)
		log_warning("failed to open log %s: %s: the old one stays", config->log.file,
			    strerror(-err));
	if (config->mode != old->mode)
		change_mode(daemon);
	else if (config->response.track_connections != old->response.track_connections)
		helper_reopen(daemon);
	daemon_protect(daemon);
}

/* config is in force from here on; *config becomes the one before. Returns 0 or -errno. */
static int put_in_force(struct daemon *daemon, struct config **config)
{
	int err = swap(daemon, config);

	if (!err)
		tell(daemon, *config);
	return err;
}

/* ---- on trial -------------------------------------------------------------------------------- */

static void end_trial(struct daemon *daemon)
{
	config_free(&daemon->trial.back);
	free(daemon->trial.rules);
	daemon->trial.rules = NULL;
	daemon->trial.end = (struct moment){ 0 };
	loop_remove(&daemon->trial.timer);
}

static void on_trial_over(void *context, uint64_t expirations)
{
	struct daemon *daemon = context;
	struct config *config = daemon->trial.back;
	char tried[CONFIG_HASH_TEXT];
	int err;

	(void)expirations;
	memcpy(tried, daemon->config->hash, sizeof(tried));
	err = put_in_force(daemon, &config);
	if (err) { /* once more: nobody may be left with what nobody confirmed */
		log_error("failed to put the configuration before in force again: %s",
			  strerror(-err));
		loop_change_timer(daemon->trial.timer, NS_PER_SECOND, 0);
		return;
	}
	daemon->trial.back = config; /* the one that was tried */
	end_trial(daemon);
	recorder_audit(daemon->recorder, moment_now(), 0, getpid(), "fwgen", "reload", tried,
		       daemon->config->hash);
	events_say(daemon->events, EVENT_CONFIG, SEVERITY_WARNING,
		   "nobody confirmed the configuration in time: the one before (%s) is in force"
		   " again; the file %.120s stays as it is, and the next reload or start reads it",
		   daemon->config->hash, daemon->config->path);
}

static int begin_trial(struct daemon *daemon, int64_t duration_ns)
{
	struct trial *trial = &daemon->trial;
	int err = trial->timer ? loop_change_timer(trial->timer, duration_ns, 0)
			       : loop_add_timer(daemon->loop, duration_ns, 0, on_trial_over, daemon,
						&trial->timer);

	if (!err)
		trial->end = moment_plus(moment_now(), duration_ns);
	return err;
}

/* ---- what it is asked ------------------------------------------------------------------------ */

/* The one before goes, unless a trial is to come back to it. */
static void put_aside(struct daemon *daemon, struct config **before)
{
	if (daemon->trial.timer && !daemon->trial.back) {
		daemon->trial.back = *before;
		*before = NULL;
	}
	config_free(before);
}

static int reload(struct daemon *daemon, int64_t confirm_ns, struct reload_result *out,
		  char error[CONFIG_ERROR_TEXT])
{
	struct config *config = NULL;
	int err = load(daemon, &config, out, error);

	if (!err && confirm_ns) { /* first: it may not come into force without a way back */
		err = begin_trial(daemon, confirm_ns);
		if (err)
			strcpy(error, "failed to plan the way back");
	}
	if (!err) {
		err = put_in_force(daemon, &config);
		if (err)
			strcpy(error, "out of memory");
	}
	if (err) {
		config_free(&config);
		if (!daemon->trial.back)
			end_trial(daemon);
		return err;
	}
	out->changed = strcmp(daemon->config->hash, config->hash) != 0;
	memcpy(out->path, daemon->config->path, sizeof(out->path));
	memcpy(out->hash, daemon->config->hash, sizeof(out->hash));
	put_aside(daemon, &config);
	out->confirm_end = daemon->trial.end;
	return 0;
}

static int reload_and_say(struct daemon *daemon, int64_t confirm_ns, struct reload_result *out,
			  char error[CONFIG_ERROR_TEXT])
{
	int err = reload(daemon, confirm_ns, out, error);
	char until[MOMENT_TEXT] = "";

	if (err) {
		events_say(daemon->events, EVENT_CONFIG, SEVERITY_WARNING,
			   "the configuration in force stays: %.200s", error);
		return err;
	}
	if (out->confirm_end.boot_ns)
		moment_format(out->confirm_end, until);
	events_say(daemon->events, EVENT_CONFIG, SEVERITY_NOTICE,
		   "configuration %.120s is in force: %s%s%s", daemon->config->path,
		   out->changed ? "changed" : "nothing changed",
		   *until ? "; without fwgen confirm the one before comes back at " : "", until);
	return 0;
}

void daemon_reload(struct daemon *daemon)
{
	struct reload_result result = { 0 };
	char error[CONFIG_ERROR_TEXT];

	reload_and_say(daemon, 0, &result, error);
}

int reload_command(void *context, const struct requester *who, int64_t confirm_ns,
		   struct reload_result *out, char error[COMMAND_ERROR])
{
	struct daemon *daemon = context;
	char before[CONFIG_HASH_TEXT];
	int err;

	if (confirm_ns > CONFIRM_MAX_NS) {
		snprintf(error, COMMAND_ERROR, "--confirm is a time up to 1h");
		return -EINVAL;
	}
	memcpy(before, daemon->config->hash, sizeof(before));
	err = reload_and_say(daemon, confirm_ns, out, error);
	if (!err)
		command_audit(daemon, who, "reload", before, out->hash);
	return err;
}

int reload_confirm(void *context, const struct requester *who, struct reload_result *out,
		   char error[COMMAND_ERROR])
{
	struct daemon *daemon = context;

	if (!daemon->trial.back) {
		snprintf(
			error, COMMAND_ERROR,
			"no configuration waits to be confirmed: reload --confirm 60s begins that");
		return -EALREADY;
	}
	command_audit(daemon, who, "confirm", daemon->trial.back->hash, daemon->config->hash);
	out->changed = strcmp(daemon->trial.back->hash, daemon->config->hash) != 0;
	memcpy(out->path, daemon->config->path, sizeof(out->path));
	memcpy(out->hash, daemon->config->hash, sizeof(out->hash));
	end_trial(daemon);
	events_say(daemon->events, EVENT_CONFIG, SEVERITY_NOTICE,
		   "configuration %.120s stays in force: confirmed by %s", daemon->config->path,
		   who->name);
	return 0;
}
