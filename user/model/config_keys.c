/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of config.json, each with its place, its range and its default. A new key is a line here
 * and a member of struct config. The keys of a section stand together, in the order of printing.
 */
#include "model/config_keys.h"

/* ipset takes no longer timeout, and a block must end in every enforcer at the same time. */
#define BLOCK_SECONDS_MAX 2147483

static const char *mode_choice(unsigned int index)
{
	return index <= MODE_ENFORCE ? mode_name((enum mode)index) : NULL;
}

static const char *backend_choice(unsigned int index)
{
	return index <= BACKEND_AF_PACKET ? backend_name((enum backend)index) : NULL;
}

static const char *level_choice(unsigned int index)
{
	return index <= LOG_LEVEL_DEBUG ? log_level_name((enum log_level)index) : NULL;
}

/* The index is keep_on_exit. */
static const char *exit_choice(unsigned int index)
{
	static const char *const names[] = { "remove", "keep", NULL };

	return names[index];
}

#define FIELD(member) \
	.offset = offsetof(struct config, member), .size = sizeof(((struct config *)0)->member)
#define NUMBER(key_section, key, from, to, value)                                                  \
	{                                                                                          \
		.section = #key_section, .name = #key, .kind = &config_kind_number, .min = (from), \
		.max = (to), .number = (value), FIELD(key_section.key)                             \
	}
#define SWITCH(key_section, key, value)                                           \
	{                                                                         \
		.section = #key_section, .name = #key, .kind = &config_kind_bool, \
		.number = (value), FIELD(key_section.key)                         \
	}
#define CHOICE(key_section, key, member, names, value)                            \
	{                                                                         \
		.section = key_section, .name = key, .kind = &config_kind_choice, \
		.choice = (names), .number = (value), FIELD(member)               \
	}
#define FILE_NAME(key_section, key, value, empty)                                                  \
	{                                                                                          \
		.section = #key_section, .name = #key, .kind = &config_kind_file, .text = (value), \
		.may_be_empty = (empty), FIELD(key_section.key)                                    \
	}
#define OTHER(key_section, key, key_kind)                                \
	{                                                                \
		.section = key_section, .name = key, .kind = &(key_kind) \
	}

const struct config_key config_keys[] = {
	OTHER("", "interfaces", config_kind_interfaces),
	CHOICE("", "mode", mode, mode_choice, MODE_ENFORCE),

	CHOICE("sensor", "backend", sensor.backend, backend_choice, BACKEND_AUTO),
	NUMBER(sensor, interval_ms, 50, 10000, 250),
	{ .section = "sensor",
	  .name = "table_buckets",
	  .kind = &config_kind_power,
	  .min = TABLE_BUCKETS_MIN,
	  .max = TABLE_BUCKETS_MAX,
	  .number = 8192,
	  FIELD(sensor.table_buckets) },
	NUMBER(sensor, memory_mb, 16, 65536, 256),
	NUMBER(sensor, wake_packets, 10, 1000000, 1000),

	OTHER("", "detectors", config_kind_detectors),
	OTHER("", "sensitive_ports", config_kind_ports),
	OTHER("", "groups", config_kind_groups),

	OTHER("access", "allow", config_kind_allow),
	OTHER("access", "deny", config_kind_deny),
	OTHER("access", "services", config_kind_services),

	OTHER("response", "enforcers", config_kind_enforcers),
	NUMBER(response, block_seconds, 1, BLOCK_SECONDS_MAX, 600),
	NUMBER(response, unproven_block_seconds, 1, BLOCK_SECONDS_MAX, 60),
	NUMBER(response, escalation, 1, 100, 4),
	NUMBER(response, max_block_seconds, 1, BLOCK_SECONDS_MAX, 86400),
	NUMBER(response, limit_packets_per_second, 1, 10000000, 100),
	NUMBER(response, max_unproven_blocks, 1, 100000, 20000),
	SWITCH(response, track_connections, false),
	CHOICE("response", "on_exit", response.keep_on_exit, exit_choice, false),

	FILE_NAME(storage, database, "network_security.db", false),
	FILE_NAME(storage, event_log, "fwgen-events.json", true),
	NUMBER(storage, retention_days, 1, 3650, 30),

	CHOICE("log", "level", log.level, level_choice, LOG_LEVEL_INFO),
	FILE_NAME(log, file, "", true),

	FILE_NAME(control, socket, "/run/fwgen/control.sock", false),

	SWITCH(web, enabled, true),
	{ .section = "web",
	  .name = "listen",
	  .kind = &config_kind_listen,
	  .text = "127.0.0.1:8730",
	  FIELD(web.listen) },

	OTHER("", "fleet", config_kind_empty_object),
};

const size_t config_key_count = sizeof(config_keys) / sizeof(*config_keys);
