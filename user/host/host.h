/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the box itself tells: its addresses, gateways and resolvers, read over rtnetlink (libmnl)
 * and from resolv.conf, and kept current. Fills the model's protected list.
 */
#ifndef FWGEN_HOST_H
#define FWGEN_HOST_H

#include <net/if.h>
#include <stdbool.h>
#include "model/protected.h"

struct host;

/* Opens the netlink sockets and reads everything once. Returns 0 or -errno with a text. */
int host_open(struct host **out, char error[256]);
void host_close(struct host **host);

/* Readable when something may have changed (routes, addresses, resolv.conf): call host_refresh. */
int host_fd(const struct host *host);

/* Reads again after a notice. *changed says whether the protected list or an interface differs. */
int host_refresh(struct host *host, bool *changed);

/*
 * Appends: own addresses, loopback, link-local, multicast, unspecified, broadcast, default gateways
 * and other next hops, resolvers. Returns 0 or -ENOMEM.
 */
int host_protected(const struct host *host, struct protected_list *out);

/* The interface of the default route (IPv4 first, then IPv6). Returns 0 or -ENOENT. */
int host_default_interface(const struct host *host, char name[IF_NAMESIZE]);

#endif
