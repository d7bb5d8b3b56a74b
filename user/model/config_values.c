/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single values of config.json: numbers, switches, choices, file names, a listening address. Each
 * value is judged by itself here; how values go together is judged in config_check.c.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/address.h"
#include "base/nearest.h"
#include "model/config_keys.h"

static void *field(const struct config_key *key, struct config *config)
{
	return (char *)config + key->offset;
}

static const void *const_field(const struct config_key *key, const struct config *config)
{
	return (const char *)config + key->offset;
}

/* ---- whole numbers: unsigned int --------------------------------------------------------- */

int config_read_number(struct config_reader *reader, const struct json *value, int64_t min,
		       int64_t max, int64_t *out)
{
	char what[80];
	int64_t number;

	if (json_to_int(value, &number) && number >= min && number <= max) {
		*out = number;
		return 0;
	}
	snprintf(what, sizeof(what), "a whole number from %lld to %lld", (long long)min,
		 (long long)max);
	return config_refuse_value(reader, value, what);
}

static int read_number(struct config_reader *reader, const struct config_key *key,
		       const struct json *value, struct config *config)
{
	int64_t number;
	int r = config_read_number(reader, value, key->min, key->max, &number);

	if (!r)
		*(unsigned int *)field(key, config) = (unsigned int)number;
	return r;
}

static void print_number(const struct config_key *key, const struct config *config,
			 struct json *object)
{
	json_add_int(object, key->name, *(const unsigned int *)const_field(key, config));
}

static void initialise_number(const struct config_key *key, struct config *config)
{
	*(unsigned int *)field(key, config) = (unsigned int)key->number;
}

const struct config_kind config_kind_number = { read_number, print_number, initialise_number };

static int read_power(struct config_reader *reader, const struct config_key *key,
		      const struct json *value, struct config *config)
{
	char what[80];
	int64_t number;

	if (json_to_int(value, &number) && number >= key->min && number <= key->max &&
	    !(number & (number - 1))) {
		*(unsigned int *)field(key, config) = (unsigned int)number;
		return 0;
	}
	snprintf(what, sizeof(what), "a power of two from %lld to %lld", (long long)key->min,
		 (long long)key->max);
	return config_refuse_value(reader, value, what);
}

const struct config_kind config_kind_power = { read_power, print_number, initialise_number };

/* ---- switches: bool ---------------------------------------------------------------------- */

int config_read_bool(struct config_reader *reader, const struct json *value, bool *out)
{
	return json_to_bool(value, out) ? 0 : config_refuse_value(reader, value, "true or false");
}

static int read_bool(struct config_reader *reader, const struct config_key *key,
		     const struct json *value, struct config *config)
{
	return config_read_bool(reader, value, field(key, config));
}

static void print_bool(const struct config_key *key, const struct config *config,
		       struct json *object)
{
	json_add_bool(object, key->name, *(const bool *)const_field(key, config));
}

static void initialise_bool(const struct config_key *key, struct config *config)
{
	*(bool *)field(key, config) = key->number;
}

const struct config_kind config_kind_bool = { read_bool, print_bool, initialise_bool };

/* ---- choices: an enum, or a bool with two names ------------------------------------------- */

int config_read_choice(struct config_reader *reader, const struct json *value,
		       const char *(*choice)(unsigned int), unsigned int *out)
{
	const char *text = json_to_string(value), *names[CONFIG_NAMES_MAX], *meant = NULL;
	char what[256] = "one of ";
	unsigned int count = 0;

	while (count < CONFIG_NAMES_MAX && choice(count)) {
		size_t used = strlen(what);

		names[count] = choice(count);
		if (text && !strcmp(text, names[count])) {
			*out = count;
			return 0;
		}
		snprintf(what + used, sizeof(what) - used, "%s\"%s\"", count ? ", " : "",
			 names[count]);
		count++;
	}
	if (text)
		meant = nearest_name(text, names, count);
	if (meant) {
		size_t used = strlen(what);

		snprintf(what + used, sizeof(what) - used, "; did you mean \"%s\"?", meant);
	}
	return config_refuse_value(reader, value, what);
}

static void set_choice(const struct config_key *key, struct config *config, unsigned int index)
{
	if (key->size == sizeof(bool))
		*(bool *)field(key, config) = index;
	else
		*(unsigned int *)field(key, config) = index;
}

static int read_choice(struct config_reader *reader, const struct config_key *key,
		       const struct json *value, struct config *config)
{
	unsigned int index;
	int r = config_read_choice(reader, value, key->choice, &index);

	if (!r)
		set_choice(key, config, index);
	return r;
}

static void print_choice(const struct config_key *key, const struct config *config,
			 struct json *object)
{
	const void *value = const_field(key, config);
	unsigned int index =
		key->size == sizeof(bool) ? *(const bool *)value : *(const unsigned int *)value;

	json_add_string(object, key->name, key->choice(index));
}

static void initialise_choice(const struct config_key *key, struct config *config)
{
	set_choice(key, config, (unsigned int)key->number);
}

const struct config_kind config_kind_choice = { read_choice, print_choice, initialise_choice };

/* ---- text -------------------------------------------------------------------------------- */

static void print_text(const struct config_key *key, const struct config *config,
		       struct json *object)
{
	json_add_string(object, key->name, const_field(key, config));
}

static void initialise_text(const struct config_key *key, struct config *config)
{
	snprintf(field(key, config), key->size, "%s", key->text);
}

static bool names_file(const char *text, bool may_be_empty)
{
	size_t len = strlen(text);

	if (!len)
		return may_be_empty;
	for (const char *c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			return false;
	return text[len - 1] != '/';
}

static int read_file_name(struct config_reader *reader, const struct config_key *key,
			  const struct json *value, struct config *config)
{
	const char *text = json_to_string(value);

	if (!text || !names_file(text, key->may_be_empty))
		return config_refuse_value(reader, value,
					   key->may_be_empty ? "a file name, or \"\" for none"
							     : "a file name");
	if (strlen(text) >= key->size)
		return config_refuse(reader, "a file name of %zu bytes is too long, at most %zu",
				     strlen(text), key->size - 1);
	snprintf(field(key, config), key->size, "%s", text);
	return 0;
}

const struct config_kind config_kind_file = { read_file_name, print_text, initialise_text };

static int resolve(struct config_reader *reader, const struct config_key *key,
		   struct config *config, const char *folder)
{
	char *name = field(key, config), full[2 * PATH_MAX];
	int len;

	if (!*name || *name == '/')
		return 0;
	len = snprintf(full, sizeof(full), "%s%s%s", folder,
		       *folder && folder[strlen(folder) - 1] != '/' ? "/" : "", name);
	if ((size_t)len >= key->size) {
		config_path_key(reader, key->section);
		config_path_key(reader, key->name);
		return config_refuse(reader,
				     "with the folder of the configuration in front, the file name "
				     "has %d bytes, at most %zu are possible",
				     len, key->size - 1);
	}
	memcpy(name, full, (size_t)len + 1);
	return 0;
}

int config_resolve_files(struct config_reader *reader, struct config *config, const char *folder)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		int r = key->kind == &config_kind_file ? resolve(reader, key, config, folder) : 0;

		if (r)
			return r;
	}
	return 0;
}

/* "192.0.2.1:8730" or "[2001:db8::1]:8730". */
static bool is_listen(const char *text)
{
	const char *colon = strrchr(text, ':');
	bool bracket = *text == '[';
	struct address address;
	char host[ADDRESS_TEXT];
	unsigned int port = 0;
	size_t len;

	if (!colon || colon - text < 2 * bracket || (bracket && colon[-1] != ']'))
		return false;
	len = (size_t)(colon - text) - 2 * bracket;
	if (len >= sizeof(host) || strlen(colon + 1) > 5)
		return false;
	memcpy(host, text + bracket, len);
	host[len] = 0;
	if (address_parse(host, &address) || address_is_ipv4(&address) == bracket)
		return false;
	for (const char *c = colon + 1; *c; c++) {
		if (!isdigit((unsigned char)*c))
			return false;
		port = port * 10 + (unsigned int)(*c - '0');
	}
	return port > 0 && port <= 65535;
}

static int read_listen(struct config_reader *reader, const struct config_key *key,
		       const struct json *value, struct config *config)
{
	const char *text = json_to_string(value);

	if (!text || !is_listen(text))
		return config_refuse_value(reader, value,
					   "an address and a port, like \"127.0.0.1:8730\" or "
					   "\"[::1]:8730\"");
	snprintf(field(key, config), key->size, "%s", text);
	return 0;
}

const struct config_kind config_kind_listen = { read_listen, print_text, initialise_text };
