/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list "services" of config.json's section "access": ports that are reserved for some. What
 * becomes of others that use them is the detector unauthorized's matter.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/config_keys.h"
#include "model/event.h"

static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
static const char *const protocol_names[] = { "tcp", "udp", NULL };

static const char *protocol_choice(unsigned int index)
{
	return protocol_names[index];
}

static int read_member(struct config_reader *reader, const char *name, const struct json *value,
		       void *into)
{
	struct service_config *service = into;
	unsigned int choice = 0;
	int64_t port;
	int r;

	if (!strcmp(name, "protocol")) {
		r = config_read_choice(reader, value, protocol_choice, &choice);
		service->protocol = protocols[choice];
		return r;
	}
	if (!strcmp(name, "from"))
		return config_read_prefixes(reader, value, CONFIG_PREFIXES_MAX, &service->from,
					    &service->from_count);
	r = config_read_number(reader, value, 1, UINT16_MAX, &port);
	if (!r)
		service->port = (uint16_t)port;
	return r;
}

static int check_twice(struct config_reader *reader, const struct config *config)
{
	unsigned int last = config->access.service_count - 1;
	const struct service_config *service = &config->access.services[last], *other;
	char protocol[8];

	for (unsigned int i = 0; i < last; i++) {
		other = &config->access.services[i];
		if (other->port == service->port && other->protocol == service->protocol)
			return config_refuse(reader,
					     "port %u/%s is reserved by "
					     "access.services[%u] already",
					     service->port,
					     protocol_format(service->protocol, protocol), i);
	}
	return 0;
}

static int read_service(struct config_reader *reader, const struct json *item, void *into)
{
	static const char *const names[] = { "protocol", "port", "from" };
	static const char *const missing[] = {
		"a service, since \"protocol\" is missing",
		"a service, since \"port\" is missing",
		"a service, since \"from\" is missing",
	};
	const size_t count = sizeof(names) / sizeof(*names);
	struct config *config = into;
	struct service_config *service = &config->access.services[config->access.service_count++];
	int r = config_read_object(reader, item, names, count, read_member, service);

	if (r)
		return r;
	for (size_t i = 0; i < count; i++)
		if (!json_get(item, names[i]))
			return config_refuse_value(reader, item, missing[i]);
	/* Who closes a port to everybody by mistake has locked himself out. */
	if (!service->from_count)
		return config_refuse_value(reader, item, "a service, since \"from\" names nobody");
	return check_twice(reader, config);
}

static int read_services(struct config_reader *reader, const struct config_key *key,
			 const struct json *value, struct config *config)
{
	int r = config_check_list(reader, value, "a list of services", CONFIG_SERVICES_MAX);

	(void)key;
	if (r)
		return r;
	config->access.services = calloc(json_size(value) + 1, sizeof(*config->access.services));
	return config->access.services ? config_read_items(reader, value, config, read_service)
				       : -ENOMEM;
}

static void print_services(const struct config_key *key, const struct config *config,
			   struct json *object)
{
	struct json *list = json_new_array();
	char protocol[8];

	for (unsigned int i = 0; i < config->access.service_count; i++) {
		const struct service_config *service = &config->access.services[i];
		struct json *item = json_new_object();

		json_add_string(item, "protocol", protocol_format(service->protocol, protocol));
		json_add_int(item, "port", service->port);
		json_add(item, "from", config_print_prefixes(service->from, service->from_count));
		json_append(list, item);
	}
	json_add(object, key->name, list);
}

void config_free_services(struct config *config)
{
	for (unsigned int i = 0; i < config->access.service_count; i++)
		free(config->access.services[i].from);
	free(config->access.services);
}

const struct config_kind config_kind_services = { read_services, print_services, NULL };
