/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may use what. Asked only for a source that has used a reserved port in this interval, so a
 * plain search through the few prefixes will do.
 */
#include "detect/services.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"

static int copy_service(const struct service_config *from, struct service_config *out)
{
	*out = *from;
	out->from = calloc(from->from_count + 1, sizeof(*out->from));
	if (!out->from)
		return -ENOMEM;
	memcpy(out->from, from->from, from->from_count * sizeof(*out->from));
	return 0;
}

int services_copy(const struct config *config, struct services *out)
{
	*out = (struct services){ 0 };
	if (!config->access.service_count)
		return 0;
	out->items = calloc(config->access.service_count, sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	for (unsigned int i = 0; i < config->access.service_count; i++) {
		out->count++;
		if (copy_service(&config->access.services[i], &out->items[i])) {
			services_free(out);
			return -ENOMEM;
		}
	}
	return 0;
}

void services_free(struct services *services)
{
	for (unsigned int i = 0; i < services->count; i++)
		free(services->items[i].from);
	free(services->items);
	*services = (struct services){ 0 };
}

static bool is_for(const struct service_config *service, const struct prefix *source)
{
	for (size_t i = 0; i < service->from_count; i++)
		if (prefix_overlaps(&service->from[i], source))
			return true;
	return false;
}

bool services_allow(const struct services *services, const struct table_entry *entry)
{
	uint32_t len = entry->prefix_len ? entry->prefix_len : PREFIX_LEN_FULL;
	const struct prefix source = { .address = address_masked(&entry->address, len),
				       .len = len };

	for (unsigned int i = 0; i < services->count; i++) {
		const struct service_config *service = &services->items[i];

		if (service->port == entry->restricted_port &&
		    service->protocol == (entry->restricted_udp ? IPPROTO_UDP : IPPROTO_TCP))
			return is_for(service, &source);
	}
	return true; /* reserved no longer */
}
