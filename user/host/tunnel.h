/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The far end of a tunnel interface, from rtnetlink. Private to host/. */
#ifndef FWGEN_HOST_TUNNEL_H
#define FWGEN_HOST_TUNNEL_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include "abi.h"

/*
 * The remote address in an IFLA_LINKINFO of ipip, sit, ip6tnl, gre and vti with their kin, vxlan,
 * geneve. Returns false for other kinds, and where the far end is anybody or a multicast group.
 */
bool tunnel_remote(const struct nlattr *link_info, struct address *out);

/* Whether IFLA_LINKINFO says that the interface is of this kind. */
bool tunnel_is_kind(const struct nlattr *link_info, const char *kind);

#endif
