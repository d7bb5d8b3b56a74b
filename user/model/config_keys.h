/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the config*.c files: the table of keys, and what reading a value needs. A key is one
 * line of the table: where it stands in config.json, where in struct config, what it may hold.
 */
#ifndef FWGEN_MODEL_CONFIG_KEYS_H
#define FWGEN_MODEL_CONFIG_KEYS_H

#include <stddef.h>
#include <stdint.h>
#include "base/json.h"
#include "model/config.h"

#define CONFIG_NAMES_MAX 24 /* keys of one object */

/* One parse. The path names the value in hand: "detectors.port_scan.limits[1].count". */
struct config_reader {
	const char *file; /* named in refusals; NULL: the text came from memory */
	const struct json *root;
	char *error;
	char path[256];
};

struct config_key;

/* How values of a kind are read and printed. initialise is NULL where the default is all zero. */
struct config_kind {
	int (*read)(struct config_reader *reader, const struct config_key *key,
		    const struct json *value, struct config *config);
	void (*print)(const struct config_key *key, const struct config *config,
		      struct json *object);
	void (*initialise)(const struct config_key *key, struct config *config);
};

struct config_key {
	const char *section; /* "": at the top */
	const char *name;
	const struct config_kind *kind;
	size_t offset, size; /* of the value in struct config */
	int64_t min, max;
	int64_t number;				   /* default */
	const char *text;			   /* default */
	const char *(*choice)(unsigned int index); /* NULL past the last */
	bool may_be_empty;
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* config_values.c */
extern const struct config_kind config_kind_number, config_kind_power, config_kind_bool,
	config_kind_choice, config_kind_file, config_kind_listen;
int config_read_number(struct config_reader *reader, const struct json *value, int64_t min,
		       int64_t max, int64_t *out);
int config_read_bool(struct config_reader *reader, const struct json *value, bool *out);
int config_read_choice(struct config_reader *reader, const struct json *value,
		       const char *(*choice)(unsigned int), unsigned int *out);
/* A relative file name that was read or is the default starts at folder. */
int config_resolve_files(struct config_reader *reader, struct config *config, const char *folder);

/* config_lists.c */
extern const struct config_kind config_kind_interfaces, config_kind_ports, config_kind_allow,
	config_kind_deny, config_kind_enforcers, config_kind_empty_object;
/* Refuses what is no list or has more than max items. what: "a list of ...". */
int config_check_list(struct config_reader *reader, const struct json *value, const char *what,
		      size_t max);
/* Calls read for each item, with the path set to it. */
int config_read_items(struct config_reader *reader, const struct json *list, void *into,
		      int (*read)(struct config_reader *reader, const struct json *item,
				  void *into));
/* A list of prefixes, each once. *items becomes the caller's to free, also on failure. */
int config_read_prefixes(struct config_reader *reader, const struct json *value, size_t max,
			 struct prefix **items, size_t *count);
struct json *config_print_prefixes(const struct prefix *items, size_t count);
int config_read_ports(struct config_reader *reader, const struct json *value,
		      uint16_t ports[CONFIG_PORTS_MAX], unsigned int *count);
struct json *config_print_ports(const uint16_t *ports, unsigned int count);

/* config_detectors.c */
extern const struct config_kind config_kind_detectors;
/* A group's section "detectors": what is not in it is taken over later. */
int config_read_group_detectors(struct config_reader *reader, const struct json *value,
				struct group_config *group);
struct json *config_print_group_detectors(const struct group_config *group);
/* What the groups do not name becomes as it is for all. */
void config_complete_groups(struct config *config);

/* config_groups.c */
extern const struct config_kind config_kind_groups;
void config_free_groups(struct config *config);

/* config_services.c */
extern const struct config_kind config_kind_services;
void config_free_services(struct config *config);

/* config_check.c: what no single value can tell. */
int config_check(struct config_reader *reader, struct config *config);

/* config.c */

/* As config_parse; file is named in refusals, unless it is NULL. */
int config_parse_file(const char *text, size_t len, const char *file, const char *folder,
		      struct config **out, char error[CONFIG_ERROR_TEXT]);
/* The absolute name of a folder; the folder as it is, when it has gone. */
const char *config_folder(const char *folder, char buf[PATH_MAX]);

/* config_path.c: where we are, and how a refusal is worded. */

/* Each returns what config_path_pop takes. */
size_t config_path_key(struct config_reader *reader, const char *key);
size_t config_path_index(struct config_reader *reader, size_t index);
void config_path_pop(struct config_reader *reader, size_t mark);
void config_path_set(struct config_reader *reader, const char *path);

/* Writes "file: path: text" and returns -EINVAL. */
int config_refuse(struct config_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* As config_refuse: "VALUE is not WHAT". */
int config_refuse_value(struct config_reader *reader, const struct json *value, const char *what);
int config_refuse_twice(struct config_reader *reader, const struct json *value);

/*
 * Calls read for each member of an object. A member that is not among names, or a value that is no
 * object, is refused.
 */
int config_read_object(struct config_reader *reader, const struct json *value,
		       const char *const *names, size_t count,
		       int (*read)(struct config_reader *reader, const char *name,
				   const struct json *value, void *into),
		       void *into);

#endif
