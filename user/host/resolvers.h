/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The name servers this box asks, from resolv.conf and its kin, watched by inotify through symbolic
 * links and folders that do not exist yet. Private to host/.
 */
#ifndef FWGEN_HOST_RESOLVERS_H
#define FWGEN_HOST_RESOLVERS_H

#include <stdbool.h>
#include <stddef.h>
#include "abi.h"

#define RESOLVERS_MAX 64

struct resolver_set {
	struct address addresses[RESOLVERS_MAX]; /* loopback left out: stubs are protected anyway */
	size_t count;
};

struct resolvers;

/* Watches these absolute paths (kept, not copied) and reads them. Returns 0 or -errno. */
int resolvers_open(const char *const paths[], size_t count, struct resolvers **out);
void resolvers_close(struct resolvers **resolvers);
/* Readable when resolvers_refresh should be called. */
int resolvers_fd(const struct resolvers *resolvers);
/* Takes the notices and, when they concern us, reads again. Returns whether the set changed. */
bool resolvers_refresh(struct resolvers *resolvers);
const struct resolver_set *resolvers_get(const struct resolvers *resolvers);

/* The `nameserver` lines of one file, appended. What cannot be read or understood adds nothing. */
void resolver_set_read(struct resolver_set *set, const char *path);

#endif
