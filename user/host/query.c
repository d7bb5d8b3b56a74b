/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The netlink dialogue that rtnetlink, sock_diag, conntrack, xfrm and generic netlink share. */
#include "host/query.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>

#define BUFFER_BYTES 32768 /* the kernel fills no more into one reading */
#define TIMEOUT_S    5

int query_open(int bus, int flags, struct mnl_socket **out)
{
	const struct timeval timeout = { .tv_sec = TIMEOUT_S };
	struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC | flags);
	int err = 0;

	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) < 0)
		err = -errno;
	if (err)
		mnl_socket_close(socket);
	else
		*out = socket;
	return err;
}

int query_run(struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t take, void *context)
{
	static atomic_uint last;
	unsigned int sequence = atomic_fetch_add(&last, 1) + 1;
	unsigned int port = mnl_socket_get_portid(socket);
	char buffer[BUFFER_BYTES];
	ssize_t n;
	int more;

	request->nlmsg_seq = sequence;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (n < 0)
			return -errno;
		more = mnl_cb_run(buffer, (size_t)n, sequence, port, take, context);
		if (more < 0)
			return -errno;
	} while (more > MNL_CB_STOP);
	return 0;
}

int query_once(int bus, struct nlmsghdr *request, mnl_cb_t take, void *context)
{
	struct mnl_socket *socket;
	int err = query_open(bus, 0, &socket);

	if (err)
		return err;
	err = query_run(socket, request, take, context);
	mnl_socket_close(socket);
	return err;
}
