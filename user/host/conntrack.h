/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's table of tracked connections, over ctnetlink (linux/netfilter/
 * nfnetlink_conntrack.h). Private to host/.
 */
#ifndef FWGEN_HOST_CONNTRACK_H
#define FWGEN_HOST_CONNTRACK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include "abi.h"

/* What is asked of one flow. */
struct flow {
	struct address opener, answerer; /* source of the first packet, and of what answers it */
	bool answered;			 /* packets were seen both ways */
	bool completed;	  /* TCP: the handshake came to its end, perhaps the connection too */
	uint16_t port;	  /* to which it was opened, 0: it has none */
	bool established; /* TCP: the handshake came to its end, and the connection goes on */
	bool strict; /* sequence numbers were checked all the way; false in a flow that was picked
		      * up
		      */
};

typedef void (*flow_fn)(void *context, const struct flow *flow);

/* Reads one message of an answer. Returns false when it is not about a flow. */
bool flow_read(const struct nlmsghdr *message, struct flow *out);

/* Tells of every answered flow of the family, AF_INET or AF_INET6. Returns 0 or -errno. */
int conntrack_dump(int family, flow_fn take, void *context);
/*
 * Tells at least of the answered flows that an IPv4 address opened or answers, one perhaps twice.
 * The kernel compares: about a fifth of the time of a dump. (With IPv6 Linux 6.18 compares the
 * wrong way round, ctnetlink_filter_match_tuple(): it gives all but the address that is asked for.)
 * Returns 0 or -errno.
 */
int conntrack_find(const struct address *address, flow_fn take, void *context);

/*
 * Whether connections are tracked in this network namespace: then there are flows, at the least one
 * that this call makes on loopback (a UDP packet to itself). A box that tracks all but loopback and
 * is idle says no until its first flow.
 */
bool conntrack_is_on(void);
/* Whether a TCP flow's packets must fit its window (nf_conntrack_tcp_be_liberal is 0). */
bool conntrack_is_strict(void);

#endif
