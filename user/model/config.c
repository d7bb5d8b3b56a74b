/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.json, from text to struct config and back: walks the text by the table of keys, completes
 * it with defaults. The keys are in config_keys.c, the file is opened in config_file.c; what the
 * values do is each step's own business.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/config_keys.h"

static const char *const mode_names[] = { "observe", "enforce" };
static const char *const backend_names[] = { "auto", "xdp", "xdp-generic", "af_packet" };

_Static_assert(sizeof(mode_names) / sizeof(*mode_names) == MODE_ENFORCE + 1, "a name per mode");
_Static_assert(sizeof(backend_names) / sizeof(*backend_names) == BACKEND_AF_PACKET + 1,
	       "a name per backend");

const char *mode_name(enum mode mode)
{
	return mode <= MODE_ENFORCE ? mode_names[mode] : "";
}

const char *backend_name(enum backend backend)
{
	return backend <= BACKEND_AF_PACKET ? backend_names[backend] : "";
}

static int find(const char *text, const char *const *names, unsigned int count, unsigned int *out)
{
	for (unsigned int i = 0; i < count; i++) {
		if (strcmp(text, names[i]))
			continue;
		*out = i;
		return 0;
	}
	return -EINVAL;
}

int mode_parse(const char *text, enum mode *out)
{
	unsigned int index;
	int r = find(text, mode_names, MODE_ENFORCE + 1, &index);

	if (!r)
		*out = (enum mode)index;
	return r;
}

int backend_parse(const char *text, enum backend *out)
{
	unsigned int index;
	int r = find(text, backend_names, BACKEND_AF_PACKET + 1, &index);

	if (!r)
		*out = (enum backend)index;
	return r;
}

void config_free(struct config **config)
{
	if (!*config)
		return;
	free((*config)->access.allow);
	free((*config)->access.deny);
	config_free_services(*config);
	config_free_groups(*config);
	free(*config);
	*config = NULL;
}

/* ---- printing ----------------------------------------------------------------------------- */

char *config_print(const struct config *config)
{
	struct json *root = json_new_object();
	char *text;

	for (size_t i = 0; i < config_key_count;) {
		const char *section = config_keys[i].section;
		struct json *object = *section ? json_new_object() : root;

		while (i < config_key_count && !strcmp(config_keys[i].section, section)) {
			config_keys[i].kind->print(&config_keys[i], config, object);
			i++;
		}
		if (*section)
			json_add(root, section, object);
	}
	text = json_print_pretty(root);
	json_free(&root);
	return text;
}

/* FNV-1a. Names a configuration in the database; nobody gains by a collision. */
static int hash(struct config *config)
{
	uint64_t sum = 0xcbf29ce484222325;
	char *text = config_print(config);

	if (!text)
		return -ENOMEM;
	for (const char *c = text; *c; c++)
		sum = (sum ^ (unsigned char)*c) * 0x100000001b3;
	free(text);
	snprintf(config->hash, sizeof(config->hash), "%016llx", (unsigned long long)sum);
	return 0;
}

/* ---- parsing ------------------------------------------------------------------------------ */

struct section {
	struct config *config;
	const char *name;
};

/* The keys of a section; for the top also the sections, each once. */
static size_t list_names(const char *section, const char *names[CONFIG_NAMES_MAX])
{
	const char *last = "";
	size_t count = 0;

	for (size_t i = 0; i < config_key_count && count < CONFIG_NAMES_MAX; i++) {
		const struct config_key *key = &config_keys[i];

		if (!strcmp(key->section, section))
			names[count++] = key->name;
		else if (!*section && strcmp(key->section, last))
			names[count++] = last = key->section;
	}
	return count;
}

static int read_member(struct config_reader *reader, const char *name, const struct json *value,
		       void *into)
{
	struct section *section = into, inner = { section->config, name };
	const char *names[CONFIG_NAMES_MAX];

	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (!strcmp(key->section, section->name) && !strcmp(key->name, name))
			return key->kind->read(reader, key, value, section->config);
	}
	return config_read_object(reader, value, names, list_names(name, names), read_member,
				  &inner);
}

static struct config *initialise(void)
{
	struct config *config = calloc(1, sizeof(*config));

	for (size_t i = 0; config && i < config_key_count; i++)
		if (config_keys[i].kind->initialise)
			config_keys[i].kind->initialise(&config_keys[i], config);
	return config;
}

static int finish(struct config_reader *reader, struct config *config, const char *folder)
{
	int r;

	reader->path[0] = 0;
	config_complete_groups(config);
	r = config_resolve_files(reader, config, folder);
	if (!r)
		r = config_check(reader, config);
	return r ? r : hash(config);
}

static int read_root(struct config_reader *reader, const char *folder, struct config **out)
{
	struct section top = { initialise(), "" };
	const char *names[CONFIG_NAMES_MAX];
	int r;

	if (!top.config)
		return -ENOMEM;
	r = config_read_object(reader, reader->root, names, list_names("", names), read_member,
			       &top);
	if (!r)
		r = finish(reader, top.config, folder);
	if (r)
		config_free(&top.config);
	else
		*out = top.config;
	return r;
}

const char *config_folder(const char *folder, char buf[PATH_MAX])
{
	if (!realpath(*folder ? folder : ".", buf))
		snprintf(buf, PATH_MAX, "%s", folder);
	return buf;
}

int config_parse_file(const char *text, size_t len, const char *file, const char *folder,
		      struct config **out, char error[CONFIG_ERROR_TEXT])
{
	struct config_reader reader = { .file = file, .error = error };
	char reason[160], full[PATH_MAX];
	struct json *root = json_parse(text, len, reason, sizeof(reason));
	int r;

	if (!root)
		return config_refuse(&reader, "%s", reason);
	reader.root = root;
	r = read_root(&reader, config_folder(folder, full), out);
	if (r == -ENOMEM)
		config_refuse(&reader, "failed to read the configuration: %s", strerror(ENOMEM));
	json_free(&root);
	return r;
}

int config_parse(const char *text, size_t len, const char *base_dir, struct config **out,
		 char error[CONFIG_ERROR_TEXT])
{
	return config_parse_file(text, len, NULL, base_dir ? base_dir : ".", out, error);
}

struct config *config_defaults(void)
{
	char error[CONFIG_ERROR_TEXT], folder[PATH_MAX];
	struct config_reader reader = { .error = error };
	struct config *config = initialise();

	if (config && finish(&reader, config, config_folder(".", folder)))
		config_free(&config);
	return config;
}
