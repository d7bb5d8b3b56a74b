/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the box itself tells: its addresses, gateways and resolvers, read over rtnetlink (libmnl)
 * and from resolv.conf; whom it talks to and must go on talking to, read from its sockets, sessions
 * and files. Kept current. Fills the model's protected list.
 */
#ifndef FWGEN_HOST_H
#define FWGEN_HOST_H

#include <net/if.h>
#include <stdbool.h>
#include "model/protected.h"

struct host;

/* Opens the netlink sockets and reads everything once. Returns 0 or -errno with a text. */
int host_open(struct host **out, char error[256]);
/*
 * Begins to look again and again, on a thread of its own, at what sends no notices: sessions,
 * sockets, files. Until then they are as host_open read them. Returns 0 or -errno.
 */
int host_start(struct host *host);
void host_close(struct host **host);

/* Readable when something may have changed: call host_refresh. */
int host_fd(const struct host *host);

/* Reads again after a notice. *changed says whether the protected list or an interface differs. */
int host_refresh(struct host *host, bool *changed);

/*
 * Appends: own addresses, loopback, link-local, multicast, unspecified, broadcast, default gateways
 * and other next hops, resolvers; peers of login sessions, servers of NTP and DHCP, neighbours of
 * BGP, BFD and VRRP, endpoints of tunnels, WireGuard and IPsec. Nobody's name is ever looked up.
 * Returns 0 or -ENOMEM.
 */
int host_protected(const struct host *host, struct protected_list *out);

/* The interface of the default route (IPv4 first, then IPv6). Returns 0 or -ENOENT. */
int host_default_interface(const struct host *host, char name[IF_NAMESIZE]);

#endif
