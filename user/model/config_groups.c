/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The section "groups" of config.json: named sources or ports that have other limits. What a group
 * says of detectors is read in config_detectors.c; which group a source is in is detect/'s matter.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/config_keys.h"

/* Names stand in the reasons of rules: nothing that a line of a log would be read wrong for. */
static bool is_name(const char *text)
{
	size_t len = strlen(text);

	if (!len || len >= GROUP_NAME_TEXT)
		return false;
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			return false;
	return true;
}

static int read_name(struct config_reader *reader, const struct json *value,
		     struct group_config *group)
{
	const char *text = json_to_string(value);

	if (!text || !is_name(text))
		return config_refuse_value(reader, value,
					   "the name of a group (1 to 31 letters, digits, \"-\", "
					   "\"_\" and \".\")");
	strcpy(group->name, text);
	return 0;
}

static int read_member(struct config_reader *reader, const char *name, const struct json *value,
		       void *into)
{
	struct group_config *group = into;

	if (!strcmp(name, "name"))
		return read_name(reader, value, group);
	if (!strcmp(name, "sources"))
		return config_read_prefixes(reader, value, CONFIG_PREFIXES_MAX, &group->sources,
					    &group->source_count);
	if (!strcmp(name, "ports"))
		return config_read_ports(reader, value, group->ports, &group->port_count);
	return config_read_group_detectors(reader, value, group);
}

/* Whether the name is another's. The path then is the name's. */
static int check_name(struct config_reader *reader, const struct config *config,
		      const struct json *item)
{
	const struct group_config *group = &config->groups[config->group_count - 1];

	for (const struct group_config *other = config->groups; other < group; other++) {
		if (strcmp(other->name, group->name))
			continue;
		config_path_key(reader, "name");
		return config_refuse_twice(reader, json_get(item, "name"));
	}
	return 0;
}

static int read_group(struct config_reader *reader, const struct json *item, void *into)
{
	static const char *const names[] = { "name", "sources", "ports", "detectors" };
	struct config *config = into;
	struct group_config *group = &config->groups[config->group_count++];
	int r = config_read_object(reader, item, names, sizeof(names) / sizeof(*names), read_member,
				   group);

	if (r)
		return r;
	if (!*group->name)
		return config_refuse_value(reader, item, "a group, since \"name\" is missing");
	/* It would be everybody's; that is what the section "detectors" is for. */
	if (!group->source_count && !group->port_count)
		return config_refuse_value(
			reader, item, "a group, since it has neither \"sources\" nor \"ports\"");
	return check_name(reader, config, item);
}

static int read_groups(struct config_reader *reader, const struct config_key *key,
		       const struct json *value, struct config *config)
{
	int r = config_check_list(reader, value, "a list of groups", CONFIG_GROUPS_MAX);

	(void)key;
	if (r)
		return r;
	config->groups = calloc(json_size(value) + 1, sizeof(*config->groups));
	return config->groups ? config_read_items(reader, value, config, read_group) : -ENOMEM;
}

static void print_groups(const struct config_key *key, const struct config *config,
			 struct json *object)
{
	struct json *list = json_new_array();

	for (unsigned int i = 0; i < config->group_count; i++) {
		const struct group_config *group = &config->groups[i];
		struct json *item = json_new_object();

		json_add_string(item, "name", group->name);
		json_add(item, "sources",
			 config_print_prefixes(group->sources, group->source_count));
		json_add(item, "ports", config_print_ports(group->ports, group->port_count));
		json_add(item, "detectors", config_print_group_detectors(group));
		json_append(list, item);
	}
	json_add(object, key->name, list);
}

void config_free_groups(struct config *config)
{
	for (unsigned int i = 0; i < config->group_count; i++)
		free(config->groups[i].sources);
	free(config->groups);
}

const struct config_kind config_kind_groups = { read_groups, print_groups, NULL };
