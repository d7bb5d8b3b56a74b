/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the sockets of this network namespace say of their far ends. Which of them a session of
 * somebody who logged in came by is told by who listens: a session's process may hold forwarded
 * connections of strangers besides, to ports at which it listens itself, or that it opened.
 */
#include "host/socket_peers.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"

#define PORT_NTP      123
#define PORT_BGP      179
#define PORT_BFD      3784 /* RFC 5881; over several hops 4784, RFC 5883 */
#define PORT_BFD_HOPS 4784

static bool is_set(const uint8_t *ports, uint16_t port)
{
	return ports[port / 8] & 1 << port % 8;
}

static bool of_session(const struct socket_view *view, uint32_t inode)
{
	const struct ssh_sockets *sessions = view->sessions;

	for (size_t i = 0; i < sessions->count; i++) {
		if (sessions->items[i].inode == inode)
			return true;
	}
	return false;
}

static bool is_kept(const struct socket_view *view, const struct socket_fact *socket)
{
	if (socket->state == SOCKET_LISTEN)
		return true;
	if (!socket->inode || socket->state != SOCKET_ESTABLISHED)
		return false;
	if (socket->protocol == IPPROTO_UDP)
		return socket->peer_port == PORT_NTP || socket->peer_port == PORT_BFD ||
		       socket->peer_port == PORT_BFD_HOPS;
	return socket->local_port == PORT_BGP || socket->peer_port == PORT_BGP ||
	       of_session(view, socket->inode);
}

void socket_view_take(void *context, const struct socket_fact *socket)
{
	struct socket_view *view = context;
	struct socket_fact *grown;

	if (socket->state == SOCKET_LISTEN)
		view->tcp_open[socket->local_port / 8] |= 1 << socket->local_port % 8;
	if (socket->state == SOCKET_UNCONNECTED && socket->protocol == IPPROTO_UDP)
		view->udp_open[socket->local_port / 8] |= 1 << socket->local_port % 8;
	if (!is_kept(view, socket))
		return;
	grown = array_room(view->items, view->count, &view->capacity, sizeof(*grown));
	if (!grown) {
		view->failed = true;
		return;
	}
	view->items = grown;
	view->items[view->count++] = *socket;
}

/* ---- sessions -------------------------------------------------------------------------------- */

static const struct socket_fact *find(const struct socket_view *view, uint32_t inode)
{
	for (size_t i = 0; i < view->count; i++) {
		if (view->items[i].inode == inode)
			return &view->items[i];
	}
	return NULL;
}

/* Whether the process listens at the port itself, as for a port that it forwards. */
static bool listens(const struct socket_view *view, int pid, uint16_t port)
{
	const struct ssh_sockets *sessions = view->sessions;

	for (size_t i = 0; i < sessions->count; i++) {
		const struct socket_fact *socket;

		if (sessions->items[i].pid != pid)
			continue;
		socket = find(view, sessions->items[i].inode);
		if (socket && socket->state == SOCKET_LISTEN && socket->local_port == port)
			return true;
	}
	return false;
}

/*
 * The connection that the session of a process came by, n sockets from first on: it came to a port
 * at which somebody else listens, sshd or systemd. When nobody does any more, it is the oldest.
 */
static const struct socket_fact *connection(const struct socket_view *view,
					    const struct ssh_socket *first, size_t n)
{
	const struct socket_fact *oldest = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct socket_fact *socket = find(view, first[i].inode);

		if (!socket || socket->state != SOCKET_ESTABLISHED ||
		    socket->protocol != IPPROTO_TCP ||
		    listens(view, first->pid, socket->local_port))
			continue;
		if (is_set(view->tcp_open, socket->local_port))
			return socket;
		if (!oldest)
			oldest = socket;
	}
	return oldest;
}

static void judge_sessions(const struct socket_view *view, struct roster *roster)
{
	const struct ssh_sockets *sessions = view->sessions;
	size_t n;

	for (size_t i = 0; i < sessions->count; i += n) {
		const struct ssh_socket *first = &sessions->items[i];
		const struct socket_fact *socket;
		char reason[64];

		for (n = 1; i + n < sessions->count && first[n].pid == first->pid;)
			n++;
		socket = connection(view, first, n);
		if (!socket)
			continue;
		snprintf(reason, sizeof(reason), "SSH session of %s", first->user);
		roster_see(roster, ROSTER_SSH, &socket->peer, 0, reason);
	}
}

/* ---- others ---------------------------------------------------------------------------------- */

/*
 * A session that a neighbour opened has to last from one reading to the next: a BGP daemon closes
 * at once what comes from somebody it does not know.
 */
static void judge_bgp(const struct socket_view *view, const struct socket_fact *socket,
		      struct roster *roster)
{
	if (socket->local_port == PORT_BGP)
		roster_see(roster, ROSTER_ROUTING, &socket->peer, socket->inode, "BGP neighbour");
	else if (socket->peer_port == PORT_BGP && !is_set(view->tcp_open, socket->local_port))
		roster_see(roster, ROSTER_ROUTING, &socket->peer, 0, "BGP neighbour");
}

void socket_view_judge(struct socket_view *view, struct roster *roster)
{
	judge_sessions(view, roster);
	for (size_t i = 0; i < view->count; i++) {
		const struct socket_fact *socket = &view->items[i];

		if (socket->state != SOCKET_ESTABLISHED)
			continue;
		if (socket->protocol == IPPROTO_TCP)
			judge_bgp(view, socket, roster);
		else if (is_set(view->udp_open, socket->local_port))
			continue; /* a server that connects to who comes to it, as for QUIC */
		else if (socket->peer_port == PORT_NTP)
			roster_see(roster, ROSTER_TIME, &socket->peer, 0, "NTP server");
		else
			roster_see(roster, ROSTER_ROUTING, &socket->peer, 0, "BFD neighbour");
	}
}

static int read_view(struct socket_view *view)
{
	int err = sockets_dump(IPPROTO_TCP, 1 << SOCKET_LISTEN | 1 << SOCKET_ESTABLISHED,
			       socket_view_take, view);

	if (!err)
		err = sockets_dump(IPPROTO_UDP, 1 << SOCKET_UNCONNECTED | 1 << SOCKET_ESTABLISHED,
				   socket_view_take, view);
	return err ? err : view->failed ? -ENOMEM : 0;
}

int socket_peers_read(struct roster *roster)
{
	struct ssh_sockets *sessions = malloc(sizeof(*sessions));
	struct socket_view *view = calloc(1, sizeof(*view));
	int err = -ENOMEM;

	if (sessions && view) {
		ssh_sockets_read(sessions);
		view->sessions = sessions;
		err = read_view(view);
		if (!err)
			socket_view_judge(view, roster);
		free(view->items);
	}
	free(view);
	free(sessions);
	return err;
}
