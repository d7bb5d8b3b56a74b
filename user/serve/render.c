/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control protocol's objects: status, sources, rules, events. Keys of rules and events are the
 * columns of the database's tables of the same names. Text for people is the client's (cli/).
 */
#include "serve/render.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "base/address.h"
#include "base/json.h"
#include "model/status.h"

/* Three digits after the point are enough for seconds, rates and milliseconds. */
static void add_rounded(struct json *object, const char *key, double value)
{
	bool fits = value > -1e12 && value < 1e12;

	json_add_double(object, key, fits ? (double)(int64_t)(value * 1000 + 0.5) / 1000 : value);
}

static void add_count(struct json *object, const char *key, uint64_t value)
{
	json_add_int(object, key, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static void add_time(struct json *object, const char *key, struct moment at)
{
	char text[MOMENT_TEXT];

	json_add_string(object, key, moment_format(at, text));
}

static struct json *render_interface(const struct interface_status *interface)
{
	struct json *json = json_new_object();

	if (!json)
		return NULL;
	json_add_string(json, "name", interface->name);
	json_add_string(json, "sensor", interface->sensor);
	json_add_string(json, "direction", interface->direction_unknown[0] ? "unknown" : "seen");
	if (interface->direction_unknown[0])
		json_add_string(json, "direction_reason", interface->direction_unknown);
	add_count(json, "packets", interface->packets);
	add_count(json, "bytes", interface->bytes);
	add_count(json, "dropped", interface->dropped);
	add_count(json, "attributed", interface->attributed);
	add_count(json, "unattributed", interface->unattributed);
	add_count(json, "sources_estimate", interface->sources_estimate);
	add_rounded(json, "blind_below_pps", interface->blind_below_pps);
	add_rounded(json, "packets_per_second", interface->packets_per_second);
	add_rounded(json, "bytes_per_second", interface->bytes_per_second);
	add_count(json, "wakes", interface->wakes);
	add_count(json, "wakes_lost", interface->wakes_lost);
	add_count(json, "overflow", interface->overflow);
	return json;
}

static struct json *render_enforcer(const struct enforcer_status *enforcer)
{
	struct json *json = json_new_object();

	if (!json)
		return NULL;
	json_add_string(json, "name", enforcer->name);
	json_add_string(json, "state", enforcer_state_name(enforcer->state));
	json_add_string(json, "reason", enforcer->reason);
	add_count(json, "repairs", enforcer->repairs);
	add_count(json, "rules", enforcer->rules);
	return json;
}

static struct json *render_record(const struct status *status)
{
	struct json *json = json_new_object();

	if (!json)
		return NULL;
	add_count(json, "queued", status->record.queued);
	add_count(json, "written", status->record.written);
	add_count(json, "lost", status->record.lost);
	json_add_string(json, "failing", status->record.failing);
	return json;
}

static struct json *render_tracker(const struct tracker_status *tracker)
{
	struct json *json = json_new_object();

	add_count(json, "sources", tracker->sources);
	add_count(json, "evicted", tracker->evicted);
	add_count(json, "refused", tracker->refused);
	return json;
}

struct json *render_status(const struct status *status)
{
	struct json *json = json_new_object(), *interfaces = json_new_array(),
		    *enforcers = json_new_array();

	if (!json || !interfaces || !enforcers) {
		json_free(&json);
		json_free(&interfaces);
		json_free(&enforcers);
		return NULL;
	}
	for (unsigned int i = 0; i < status->interface_count; i++)
		json_append(interfaces, render_interface(&status->interfaces[i]));
	for (unsigned int i = 0; i < status->enforcer_count; i++)
		json_append(enforcers, render_enforcer(&status->enforcers[i]));
	json_add_string(json, "mode", mode_name(status->mode));
	add_rounded(json, "uptime_s", status->uptime_s);
	json_add_string(json, "version", status->version);
	json_add_string(json, "evidence", status->evidence);
	json_add(json, "interfaces", interfaces);
	json_add(json, "enforcers", enforcers);
	add_count(json, "tracked_sources", status->tracker.sources);
	json_add(json, "tracker", render_tracker(&status->tracker));
	add_count(json, "memory_bytes", status->memory_bytes);
	add_count(json, "active_rules", status->active_rules);
	json_add(json, "record", render_record(status));
	json_add_string(json, "config", status->config_path);
	json_add_string(json, "database", status->database);
	add_rounded(json, "tick_ms_last", status->tick_ms_last);
	add_rounded(json, "tick_ms_max", status->tick_ms_max);
	render_time(json, "paused_until", status->paused_until);
	json_add_bool(json, "disarmed", status->disarmed);
	render_time(json, "confirm_until", status->confirm_end);
	return json;
}

struct json *render_source(const void *row)
{
	const struct source_status *source = row;
	struct json *json = json_new_object(), *detectors = json_new_array();
	char text[PREFIX_TEXT];

	if (!json || !detectors) {
		json_free(&json);
		json_free(&detectors);
		return NULL;
	}
	for (int i = 0; i < DETECTOR_COUNT; i++) {
		if (source->detectors & (1u << i))
			json_append(detectors, json_new_string(detector_name(i)));
	}
	json_add_string(json, "address", prefix_format(&source->source, text));
	add_count(json, "packets", source->packets);
	add_count(json, "bytes", source->bytes);
	add_rounded(json, "packets_per_second", source->packets_per_second);
	add_count(json, "dropped", source->dropped);
	json_add_string(json, "state", source_state_name(source->state));
	json_add(json, "detectors", detectors);
	return json;
}

/* Of the running kernel: expires_boottime_ms means nothing without it. */
static const char *boot_id(void)
{
	static char text[BOOT_ID_TEXT];
	int fd;

	if (text[0])
		return text;
	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, text, sizeof(text) - 1) != sizeof(text) - 1)
			text[0] = '\0';
		close(fd);
	}
	return text;
}

static void add_removal(struct json *json, const struct rule_status *status)
{
	if (status->removed) {
		add_time(json, "removed_at", status->removed_at);
		json_add_string(json, "removed_why", removed_why_name(status->removed_why));
	} else {
		json_add_null(json, "removed_at");
		json_add_null(json, "removed_why");
	}
}

static void add_enforcers(struct json *json, const struct rule_status *status)
{
	struct json *enforcers = json_new_array();

	if (enforcers && status->in_xdp)
		json_append(enforcers, json_new_string("xdp"));
	if (enforcers && status->in_iptables)
		json_append(enforcers, json_new_string("iptables"));
	json_add(json, "enforcers", enforcers);
}

struct json *render_rule(const void *row)
{
	const struct rule_status *status = row;
	const struct rule *rule = &status->rule;
	char address[ADDRESS_TEXT], classes[CLASSES_TEXT], command[RULE_COMMAND_TEXT];
	char protocol[8];
	struct json *json = json_new_object();

	if (!json)
		return NULL;
	json_add_int(json, "id", rule->id);
	json_add_string(json, "address", address_format(&rule->prefix.address, address));
	json_add_int(json, "prefix_len", prefix_family_len(&rule->prefix));
	json_add_string(json, "action", action_name(rule->action));
	json_add_string(json, "class", classes_format(rule->classes, classes));
	json_add_int(json, "port", rule->port);
	json_add_string(json, "protocol", protocol_format(rule->protocol, protocol));
	json_add_string(json, "direction", rule->to_destination ? "destination" : "source");
	json_add_string(json, "detector", detector_name(rule->detector));
	json_add_string(json, "evidence", evidence_name(rule->evidence));
	json_add_string(json, "origin", origin_name(rule->origin));
	json_add_string(json, "reason", rule->reason);
	add_count(json, "observed", rule->observed);
	add_count(json, "limit_count", rule->limit.count);
	json_add_int(json, "limit_seconds", rule->limit.seconds);
	json_add_int(json, "limit_pps", rule->limit_pps);
	json_add_string(json, "command", rule_command(rule, command));
	json_add_string(json, "config_hash", rule->config_hash);
	add_time(json, "created_at", rule->created);
	add_time(json, "expires_at", rule->expires);
	json_add_string(json, "boot_id", boot_id());
	json_add_int(json, "expires_boottime_ms", rule->expires.boot_ns / NS_PER_MS);
	add_removal(json, status);
	add_count(json, "packets_dropped", status->packets_dropped);
	add_enforcers(json, status);
	return json;
}

/* NULL for what an event does not have. */
static void add_optional(struct json *json, const char *key, const char *text)
{
	if (text && *text)
		json_add_string(json, key, text);
	else
		json_add_null(json, key);
}

static void add_details(struct json *json, const char *text)
{
	struct json *details = NULL;
	char error[128];

	if (*text)
		details = json_parse(text, strlen(text), error, sizeof(error));
	if (details)
		json_add(json, "details", details);
	else
		json_add_null(json, "details");
}

struct json *render_event(const void *row)
{
	const struct event *event = row;
	char source[PREFIX_TEXT] = "", destination[ADDRESS_TEXT] = "", protocol[8];
	struct json *json = json_new_object();

	if (!json)
		return NULL;
	if (event->has_source)
		prefix_format(&event->source, source);
	if (event->has_destination)
		address_format(&event->destination, destination);
	add_count(json, "id", event->id);
	add_time(json, "at", event->at);
	json_add_string(json, "type", event_type_name(event->type));
	json_add_string(json, "severity", severity_name(event->severity));
	add_optional(json, "source", source);
	add_optional(json, "destination", destination);
	if (event->port)
		json_add_int(json, "port", event->port);
	else
		json_add_null(json, "port");
	add_optional(json, "protocol", protocol_format(event->protocol, protocol));
	add_optional(json, "detector", detector_name(event->detector));
	json_add_string(json, "message", event->message);
	add_details(json, event->details);
	return json;
}
