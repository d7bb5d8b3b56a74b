/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnetlink messages to facts. Private to host/. */
#ifndef FWGEN_HOST_RTNL_H
#define FWGEN_HOST_RTNL_H

#include <linux/netlink.h>
#include <stdbool.h>
#include "host/facts.h"

/*
 * Adds what a message of a dump or notice says; what it deletes is read like what it adds. Other
 * messages add nothing. Returns 0 or -ENOMEM.
 */
int rtnl_take(const struct nlmsghdr *message, struct facts *facts);
/* Whether it adds or deletes a default route, of whatever table. */
bool rtnl_is_default_route(const struct nlmsghdr *message);

#endif
