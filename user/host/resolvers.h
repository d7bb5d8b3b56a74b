/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The name servers this box asks, from resolv.conf and its kin, watched by inotify through symbolic
 * links and folders that do not exist yet. Private to host/.
 */
#ifndef FWGEN_HOST_RESOLVERS_H
#define FWGEN_HOST_RESOLVERS_H

#include <stdbool.h>
#include <stddef.h>
#include "host/address_set.h"

struct resolvers;

/* Watches these absolute paths (kept, not copied) and reads them. Returns 0 or -errno. */
int resolvers_open(const char *const paths[], size_t count, struct resolvers **out);
void resolvers_close(struct resolvers **resolvers);
/* Readable when resolvers_refresh should be called. */
int resolvers_fd(const struct resolvers *resolvers);
/* Takes the notices and, when they concern us, reads again. Returns whether the set changed. */
bool resolvers_refresh(struct resolvers *resolvers);
const struct address_set *resolvers_get(const struct resolvers *resolvers);

/* The `nameserver` lines of one file, added. What cannot be read or understood adds nothing. */
void resolver_set_read(struct address_set *set, const char *path);

#endif
