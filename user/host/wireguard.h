/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Endpoints of WireGuard peers: where the last authenticated packet came from, or what the
 * configuration says. From the kernel over generic netlink (include/uapi/linux/wireguard.h).
 * Private to host/.
 */
#ifndef FWGEN_HOST_WIREGUARD_H
#define FWGEN_HOST_WIREGUARD_H

#include <linux/netlink.h>
#include <net/if.h>
#include "abi.h"

typedef void (*wireguard_fn)(void *context, const struct address *endpoint, const char *interface);

/* Tells of each endpoint in one message of an answer to WG_CMD_GET_DEVICE. */
void wireguard_take(const struct nlmsghdr *message, const char *interface, wireguard_fn take,
		    void *context);

/* Tells of the endpoints of every WireGuard interface. Returns 0 or -errno. */
int wireguard_read(wireguard_fn take, void *context);

#endif
