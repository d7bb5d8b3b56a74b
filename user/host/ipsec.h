/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peers of IPsec: both ends of the kernel's security associations (RFC 4301). Private to host/. */
#ifndef FWGEN_HOST_IPSEC_H
#define FWGEN_HOST_IPSEC_H

#include <linux/netlink.h>
#include <stdbool.h>
#include "host/address_set.h"

/*
 * Adds both ends of the association that a message of an answer describes; one of them is this
 * box's own. Associations without an SPI are left out: they are only wished for, by traffic.
 */
void ipsec_take(const struct nlmsghdr *message, struct address_set *out);

/* Adds those of this network namespace. Returns 0 or -errno: the kernel may have no IPsec. */
int ipsec_read(struct address_set *out);

#endif
