/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The services that are for some only, and for whom. */
#ifndef FWGEN_DETECT_SERVICES_H
#define FWGEN_DETECT_SERVICES_H

#include <stdbool.h>
#include "abi.h"
#include "model/config.h"

struct services {
	struct service_config *items; /* owned, and their prefixes */
	unsigned int count;
};

/* Keeps no pointer to config. Returns 0 or -ENOMEM. */
int services_copy(const struct config *config, struct services *out);
void services_free(struct services *services);
/*
 * Whether the entry's source may use the port that it used last of those that are for some only. A
 * prefix may when anybody in it may: what others there do cannot be told apart.
 */
bool services_allow(const struct services *services, const struct table_entry *entry);

#endif
