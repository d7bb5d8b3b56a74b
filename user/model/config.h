/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.json as the program uses it. Parsed fresh, validated whole, then swapped: a struct config
 * never changes after config_load.
 */
#ifndef FWGEN_MODEL_CONFIG_H
#define FWGEN_MODEL_CONFIG_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include "abi.h"
#include "model/detector.h"
#include "model/limit.h"
#include "base/log.h"
#include "model/rule.h"

#define CONFIG_INTERFACES_MAX 16
#define CONFIG_LIMITS_MAX     4
#define CONFIG_PORTS_MAX      256
#define CONFIG_GROUPS_MAX     32
#define CONFIG_SERVICES_MAX   64
#define CONFIG_PREFIXES_MAX   256 /* of one group or service */

enum mode { MODE_OBSERVE, MODE_ENFORCE };
enum backend { BACKEND_AUTO, BACKEND_XDP, BACKEND_XDP_GENERIC, BACKEND_AF_PACKET };

struct detector_config {
	bool enabled;
	enum action action;
	struct limit limits[CONFIG_LIMITS_MAX];
	unsigned int limit_count;
};

/*
 * Other settings for named sources, or for what is aimed at named ports only. The first group of
 * the file that fits is taken.
 */
struct group_config {
	char name[GROUP_NAME_TEXT];
	struct prefix *sources; /* owned; none: all */
	size_t source_count;
	uint16_t ports[CONFIG_PORTS_MAX]; /* none: all */
	unsigned int port_count;
	struct detector_config detectors[DETECTOR_COUNT]; /* in force: what the group does not name
							     is as for all */
	uint8_t named[DETECTOR_COUNT];			  /* config_detectors.c */
};

/* A service that is for some only. */
struct service_config {
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t port;
	struct prefix *from; /* owned */
	size_t from_count;
};

struct config {
	char path[PATH_MAX];	     /* "" : the built-in defaults */
	char hash[CONFIG_HASH_TEXT]; /* of the values in force, not of the file's spelling */

	char interfaces[CONFIG_INTERFACES_MAX][IF_NAMESIZE];
	unsigned int interface_count;
	enum mode mode;

	struct {
		enum backend backend;
		unsigned int interval_ms;   /* 50 to 10000 */
		unsigned int table_buckets; /* a power of two, TABLE_BUCKETS_MIN to _MAX */
		unsigned int memory_mb;	    /* 16 to 65536 */
		unsigned int wake_packets;  /* 10 to 1000000 */
	} sensor;

	struct detector_config detectors[DETECTOR_COUNT];

	uint16_t sensitive_ports[CONFIG_PORTS_MAX];
	unsigned int sensitive_port_count;

	struct group_config *groups; /* owned */
	unsigned int group_count;

	struct {
		struct prefix *allow, *deny; /* owned */
		size_t allow_count, deny_count;
		struct service_config *services; /* owned */
		unsigned int service_count;
	} access;

	struct {
		bool xdp, iptables; /* "enforcers" */
		unsigned int block_seconds, unproven_block_seconds, max_block_seconds;
		unsigned int escalation;
		unsigned int limit_packets_per_second;
		unsigned int max_unproven_blocks;
		bool track_connections;
		bool keep_on_exit; /* "on_exit": "keep" */
	} response;

	struct {
		char database[PATH_MAX];  /* relative paths made absolute to the file's folder */
		char event_log[PATH_MAX]; /* "" : none */
		unsigned int retention_days;
	} storage;

	struct {
		enum log_level level;
		char file[PATH_MAX];
	} log;

	struct {
		char socket[108]; /* sun_path */
	} control;

	struct {
		bool enabled;
		char listen[64];
	} web;
};

#define CONFIG_ERROR_TEXT 512

/* The built-in defaults. Returns NULL when memory ran out. */
struct config *config_defaults(void);

/*
 * Loads path, or, when path is NULL, the first of ./config.json and /etc/fwgen/config.json that
 * exists (neither: the defaults). Returns 0 and *out, or, with a text that names the file, the
 * JSON path, the value and what would be right: -ENOENT/-EACCES/-EIO the file cannot be read,
 * -EPERM others may write to it, -EINVAL its content, -ENOMEM. *out is untouched on failure.
 */
int config_load(const char *path, struct config **out, char error[CONFIG_ERROR_TEXT]);

/* As config_load, from memory; base_dir is where relative paths start. For tests and whatif. */
int config_parse(const char *text, size_t len, const char *base_dir, struct config **out,
		 char error[CONFIG_ERROR_TEXT]);

void config_free(struct config **config);

/* The values in force as config.json, every key present. The caller frees. */
char *config_print(const struct config *config);

const char *mode_name(enum mode mode);
const char *backend_name(enum backend backend);
int mode_parse(const char *text, enum mode *out);
int backend_parse(const char *text, enum backend *out);

#endif
