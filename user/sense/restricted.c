/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which ports are for some only, as the program reads it: a bit for each. For whom they are stays
 * here (detect/services.c).
 */
#include "sense/restricted.h"

#include <netinet/in.h>
#include <string.h>

void restricted_set(struct sensor_control *control, const struct config *config)
{
	__u64 fresh[2][SENSITIVE_PORT_MAX / 64] = { 0 };

	for (unsigned int i = 0; i < config->access.service_count; i++) {
		const struct service_config *service = &config->access.services[i];

		fresh[service->protocol == IPPROTO_UDP][service->port / 64] |=
			1ULL << (service->port % 64);
	}
	memcpy(control->restricted_ports, fresh, sizeof(fresh));
	control->restricted = config->access.service_count > 0;
}
