/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading facts over rtnetlink, and the notices that they may have changed. Private to host/. */
#ifndef FWGEN_HOST_NETLINK_H
#define FWGEN_HOST_NETLINK_H

#include "host/facts.h"

struct mnl_socket;

/*
 * What a notice asks for. NOTICE_LATER: at most, something that is protected needs it no longer;
 * most route changes of a router that speaks BGP are of this kind.
 */
enum notice { NOTICE_NONE, NOTICE_LATER, NOTICE_NOW };

/* Reads everything. Returns 0 or -errno, *out untouched. */
int netlink_read(struct facts *out);

/* Subscribes to changes. Returns 0 or -errno. */
int netlink_subscribe(struct mnl_socket **out);
/*
 * Takes the waiting notices (a bounded number: the socket stays readable when there are more) and
 * judges them by what is known. Lost ones count as NOTICE_NOW.
 */
enum notice netlink_notices(struct mnl_socket *socket, const struct facts *known);

#endif
