/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of config.json: interfaces, ports, prefixes, enforcers, and the section of which this
 * version takes only the empty form. A list that is given replaces the default one, whole.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "model/config_keys.h"

#define ACCESS_MAX 10000 /* prefixes allowed, or denied */

int config_check_list(struct config_reader *reader, const struct json *value, const char *what,
		      size_t max)
{
	if (json_type(value) != JSON_ARRAY)
		return config_refuse_value(reader, value, what);
	if (json_size(value) > max)
		return config_refuse(reader, "a list of %zu items is too long, at most %zu",
				     json_size(value), max);
	return 0;
}

int config_read_items(struct config_reader *reader, const struct json *list, void *into,
		      int (*read)(struct config_reader *reader, const struct json *item,
				  void *into))
{
	size_t index = 0;

	json_for_each (item, list) {
		size_t mark = config_path_index(reader, index++);
		int r = read(reader, item, into);

		if (r)
			return r;
		config_path_pop(reader, mark);
	}
	return 0;
}

/* ---- interfaces --------------------------------------------------------------------------- */

/* What the kernel takes as the name of an interface. */
static bool is_interface(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= IF_NAMESIZE || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (const char *c = name; *c; c++)
		if (*c == '/' || *c == ':' || isspace((unsigned char)*c) ||
		    iscntrl((unsigned char)*c))
			return false;
	return true;
}

static int add_interface(struct config_reader *reader, const struct json *item, void *into)
{
	struct config *config = into;
	const char *name = json_to_string(item);

	if (!name || !is_interface(name))
		return config_refuse_value(reader, item,
					   "the name of an interface (1 to 15 characters)");
	for (unsigned int i = 0; i < config->interface_count; i++)
		if (!strcmp(config->interfaces[i], name))
			return config_refuse_twice(reader, item);
	strcpy(config->interfaces[config->interface_count++], name);
	return 0;
}

static int read_interfaces(struct config_reader *reader, const struct config_key *key,
			   const struct json *value, struct config *config)
{
	int r = config_check_list(reader, value, "a list of names of interfaces",
				  CONFIG_INTERFACES_MAX);

	(void)key;
	config->interface_count = 0;
	return r ? r : config_read_items(reader, value, config, add_interface);
}

static void print_interfaces(const struct config_key *key, const struct config *config,
			     struct json *object)
{
	struct json *list = json_new_array();

	for (unsigned int i = 0; i < config->interface_count; i++)
		json_append(list, json_new_string(config->interfaces[i]));
	json_add(object, key->name, list);
}

const struct config_kind config_kind_interfaces = { read_interfaces, print_interfaces, NULL };

/* ---- ports -------------------------------------------------------------------------------- */

struct ports {
	uint16_t *items;
	unsigned int count;
};

static int add_port(struct config_reader *reader, const struct json *item, void *into)
{
	struct ports *ports = into;
	int64_t port;
	int r = config_read_number(reader, item, 1, UINT16_MAX, &port);

	if (r)
		return r;
	for (unsigned int i = 0; i < ports->count; i++)
		if (ports->items[i] == port)
			return config_refuse_twice(reader, item);
	ports->items[ports->count++] = (uint16_t)port;
	return 0;
}

int config_read_ports(struct config_reader *reader, const struct json *value,
		      uint16_t items[CONFIG_PORTS_MAX], unsigned int *count)
{
	struct ports ports = { .items = items };
	int r = config_check_list(reader, value, "a list of port numbers", CONFIG_PORTS_MAX);

	if (!r)
		r = config_read_items(reader, value, &ports, add_port);
	*count = ports.count;
	return r;
}

struct json *config_print_ports(const uint16_t *ports, unsigned int count)
{
	struct json *list = json_new_array();

	for (unsigned int i = 0; i < count; i++)
		json_append(list, json_new_int(ports[i]));
	return list;
}

static int read_ports(struct config_reader *reader, const struct config_key *key,
		      const struct json *value, struct config *config)
{
	(void)key;
	return config_read_ports(reader, value, config->sensitive_ports,
				 &config->sensitive_port_count);
}

static void print_ports(const struct config_key *key, const struct config *config,
			struct json *object)
{
	json_add(object, key->name,
		 config_print_ports(config->sensitive_ports, config->sensitive_port_count));
}

static void initialise_ports(const struct config_key *key, struct config *config)
{
	static const uint16_t ports[] = { 21, 22, 23, 25, 110, 143, 3306, 3389, 5432, 5900 };

	(void)key;
	memcpy(config->sensitive_ports, ports, sizeof(ports));
	config->sensitive_port_count = sizeof(ports) / sizeof(*ports);
}

const struct config_kind config_kind_ports = { read_ports, print_ports, initialise_ports };

/* ---- prefixes ----------------------------------------------------------------------------- */

static int read_prefix(struct config_reader *reader, const struct json *item, struct prefix *out)
{
	const char *text = json_to_string(item);
	char base[ADDRESS_TEXT] = "", meant[PREFIX_TEXT], what[160];
	struct address address;
	size_t len;

	if (!text || prefix_parse(text, out))
		return config_refuse_value(
			reader, item,
			"an address or prefix, like \"192.0.2.1\" or \"2001:db8::/32\"");
	len = strcspn(text, "/");
	if (len < sizeof(base))
		memcpy(base, text, len);
	if (!address_parse(base, &address) && address_equal(&address, &out->address))
		return 0;
	/* Either the length or the address is a slip; to guess which would block the wrong ones. */
	snprintf(what, sizeof(what),
		 "a prefix, since bits after its length are set; did you mean \"%s\"?",
		 prefix_format(out, meant));
	return config_refuse_value(reader, item, what);
}

static int add_prefixes(struct config_reader *reader, const struct json *value,
			struct prefix *items, size_t *count)
{
	json_for_each (item, value) {
		size_t mark = config_path_index(reader, *count);
		int r = read_prefix(reader, item, &items[*count]);

		for (size_t i = 0; !r && i < *count; i++)
			if (prefix_equal(&items[i], &items[*count]))
				r = config_refuse_twice(reader, item);
		if (r)
			return r;
		++*count;
		config_path_pop(reader, mark);
	}
	return 0;
}

int config_read_prefixes(struct config_reader *reader, const struct json *value, size_t max,
			 struct prefix **items, size_t *count)
{
	int r = config_check_list(reader, value, "a list of addresses and prefixes", max);

	if (r)
		return r;
	*items = calloc(json_size(value) + 1, sizeof(**items));
	return *items ? add_prefixes(reader, value, *items, count) : -ENOMEM;
}

struct json *config_print_prefixes(const struct prefix *items, size_t count)
{
	struct json *list = json_new_array();
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < count; i++)
		json_append(list, json_new_string(prefix_format(&items[i], text)));
	return list;
}

static int read_allow(struct config_reader *reader, const struct config_key *key,
		      const struct json *value, struct config *config)
{
	(void)key;
	return config_read_prefixes(reader, value, ACCESS_MAX, &config->access.allow,
				    &config->access.allow_count);
}

static int read_deny(struct config_reader *reader, const struct config_key *key,
		     const struct json *value, struct config *config)
{
	(void)key;
	return config_read_prefixes(reader, value, ACCESS_MAX, &config->access.deny,
				    &config->access.deny_count);
}

static void print_allow(const struct config_key *key, const struct config *config,
			struct json *object)
{
	json_add(object, key->name,
		 config_print_prefixes(config->access.allow, config->access.allow_count));
}

static void print_deny(const struct config_key *key, const struct config *config,
		       struct json *object)
{
	json_add(object, key->name,
		 config_print_prefixes(config->access.deny, config->access.deny_count));
}

const struct config_kind config_kind_allow = { read_allow, print_allow, NULL };
const struct config_kind config_kind_deny = { read_deny, print_deny, NULL };

/* ---- enforcers ---------------------------------------------------------------------------- */

static const char *enforcer_choice(unsigned int index)
{
	static const char *const names[] = { "xdp", "iptables", NULL };

	return names[index];
}

static int add_enforcer(struct config_reader *reader, const struct json *item, void *into)
{
	struct config *config = into;
	unsigned int index;
	int r = config_read_choice(reader, item, enforcer_choice, &index);
	bool *chosen = index ? &config->response.iptables : &config->response.xdp;

	if (r)
		return r;
	if (*chosen)
		return config_refuse_twice(reader, item);
	*chosen = true;
	return 0;
}

static int read_enforcers(struct config_reader *reader, const struct config_key *key,
			  const struct json *value, struct config *config)
{
	int r = config_check_list(reader, value, "a list of enforcers (\"xdp\", \"iptables\")", 2);

	(void)key;
	if (r)
		return r;
	/* With none, fwgen would say "blocked" while packets pass; that is what observe is for. */
	if (!json_size(value))
		return config_refuse_value(
			reader, value,
			"a list of at least one of \"xdp\", \"iptables\" (to block nothing, set "
			"mode to \"observe\")");
	config->response.xdp = config->response.iptables = false;
	return config_read_items(reader, value, config, add_enforcer);
}

static void print_enforcers(const struct config_key *key, const struct config *config,
			    struct json *object)
{
	struct json *list = json_new_array();

	if (config->response.xdp)
		json_append(list, json_new_string(enforcer_choice(0)));
	if (config->response.iptables)
		json_append(list, json_new_string(enforcer_choice(1)));
	json_add(object, key->name, list);
}

static void initialise_enforcers(const struct config_key *key, struct config *config)
{
	(void)key;
	config->response.xdp = config->response.iptables = true;
}

const struct config_kind config_kind_enforcers = { read_enforcers, print_enforcers,
						   initialise_enforcers };

/* ---- a section that only its empty form is taken of --------------------------------------- */

static int read_empty_object(struct config_reader *reader, const struct config_key *key,
			     const struct json *value, struct config *config)
{
	static const char what[] = "an empty object ({})";

	(void)key;
	(void)config;
	if (json_type(value) != JSON_OBJECT)
		return config_refuse_value(reader, value, what);
	if (json_size(value))
		return config_refuse(reader, "not supported by this version; it must be %s", what);
	return 0;
}

static void print_empty_object(const struct config_key *key, const struct config *config,
			       struct json *object)
{
	(void)config;
	json_add(object, key->name, json_new_object());
}

const struct config_kind config_kind_empty_object = { read_empty_object, print_empty_object, NULL };
