/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP and UDP sockets of this network namespace, over sock_diag. Private to host/. */
#ifndef FWGEN_HOST_SOCKETS_H
#define FWGEN_HOST_SOCKETS_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include "abi.h"

/* States as the kernel numbers them (include/net/tcp_states.h); UDP has the first two. */
enum socket_state { SOCKET_ESTABLISHED = 1, SOCKET_UNCONNECTED = 7, SOCKET_LISTEN = 10 };

struct socket_fact {
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint8_t state;	  /* enum socket_state */
	uint16_t local_port, peer_port;
	uint32_t inode; /* 0: no process has it, as while it waits for accept(2) */
	struct address peer;
};

typedef void (*socket_fn)(void *context, const struct socket_fact *socket);

/* Reads one message of an answer. Returns false when it is none about a socket. */
bool socket_read(const struct nlmsghdr *message, uint8_t protocol, struct socket_fact *out);

/*
 * Every socket of the protocol in one of the states (bit per enum socket_state), IPv4 and IPv6.
 * Returns 0 or -errno: -ENOENT when the kernel cannot tell (no inet_diag).
 */
int sockets_dump(uint8_t protocol, uint32_t states, socket_fn take, void *context);

#endif
