/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom this box's sockets say it must go on talking to: login sessions, NTP servers, BGP and BFD
 * neighbours. A stranger chooses his own port, and may hold a connection to any of ours, so a port
 * number proves something only where our side opened the conversation. Private to host/.
 */
#ifndef FWGEN_HOST_SOCKET_PEERS_H
#define FWGEN_HOST_SOCKET_PEERS_H

#include "host/roster.h"
#include "host/sockets.h"
#include "host/ssh.h"

/* What is kept of all sockets. */
struct socket_view {
	const struct ssh_sockets *sessions; /* inodes whose sockets are kept */
	struct socket_fact *items;	    /* owned */
	size_t count, capacity;
	bool failed; /* memory ran out */
	/* ports that strangers can reach: of listening TCP, of UDP sockets without a peer */
	uint8_t tcp_open[65536 / 8], udp_open[65536 / 8];
};

/* Adds a socket, if it is of interest. A socket_fn. */
void socket_view_take(void *view, const struct socket_fact *socket);
/* Puts the peers into the roster. */
void socket_view_judge(struct socket_view *view, struct roster *roster);

/*
 * Reads sessions and sockets of this network namespace into the roster. Returns 0 or -errno, when
 * the kernel cannot tell or memory ran out.
 */
int socket_peers_read(struct roster *roster);

#endif
