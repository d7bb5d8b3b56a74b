/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIGHUP: the file is read and validated whole, then swapped in; a bad one changes nothing and an
 * event says why. What cannot change under a running program (interfaces, tables, files it holds
 * open) keeps its old value and is named.
 */
#include "daemon/reload.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "base/log.h"
#include "daemon/changes.h"
#include "daemon/helper.h"
#include "daemon/overrides.h"
#include "daemon/peaks.h"
#include "daemon/protect.h"

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

static void keep_fixed(struct daemon *daemon, struct config *fresh)
{
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		const char *from = (const char *)daemon->config + fixed[i].offset;
		char *to = (char *)fresh + fixed[i].offset;

		if (!differs(&fixed[i], from, to))
			continue;
		memcpy(to, from, fixed[i].size);
		events_say(daemon->events, EVENT_CONFIG, SEVERITY_WARNING,
			   "%s needs a restart to change: the old value stays in force",
			   fixed[i].key);
	}
}

static int load(struct daemon *daemon, struct config **out, char error[CONFIG_ERROR_TEXT])
{
	struct config *fresh = NULL;
	int err = overrides_load(daemon->options, &fresh, error);

	if (err)
		return err;
	keep_fixed(daemon, fresh);
	err = overrides_rehash(&fresh, error);
	if (err)
		config_free(&fresh);
	else
		*out = fresh;
	return err;
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
		/*
		 * Who asks for observe mode wants nothing blocked any more; but nobody was spoken
		 * for, so in the next run that enforces all of it is as before.
		 */
		if (old->mode == MODE_ENFORCE && (*config)->mode == MODE_OBSERVE &&
		    policy_clear(daemon->policy, REMOVED_SHUTDOWN, now, &daemon->judgement.changes))
			log_error("failed to end all blocks: %s", strerror(ENOMEM));
		daemon_carry_out(daemon, &daemon->judgement.changes, now);
		daemon->config = *config;
		*config = old;
	}
	daemon_unlock(daemon);
	return err;
}

static void change_mode(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	bool observe = config->mode == MODE_OBSERVE;
	char error[512];

	dropmap_set_observe(daemon->dropmap, observe);
	if (observe)
		helper_close(daemon, false);
	else if (config->response.iptables && helper_open(daemon, error))
		events_say(daemon->events, EVENT_ALARM, SEVERITY_CRITICAL, "%.200s", error);
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
	daemon_protect(daemon);
}

void daemon_reload(struct daemon *daemon)
{
	struct config *config = NULL;
	char error[CONFIG_ERROR_TEXT];
	int err = load(daemon, &config, error);

	if (!err) {
		err = swap(daemon, &config);
		if (err)
			strcpy(error, "out of memory");
	}
	if (err) {
		events_say(daemon->events, EVENT_CONFIG, SEVERITY_WARNING,
			   "the configuration in force stays: %.200s", error);
		config_free(&config);
		return;
	}
	tell(daemon, config);
	events_say(daemon->events, EVENT_CONFIG, SEVERITY_NOTICE,
		   "configuration %.120s is in force: %s", daemon->config->path,
		   strcmp(daemon->config->hash, config->hash) ? "changed" : "nothing changed");
	config_free(&config);
}
