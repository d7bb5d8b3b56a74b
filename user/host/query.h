/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking the kernel over netlink: one request, many messages in answer. Private to host/. */
#ifndef FWGEN_HOST_QUERY_H
#define FWGEN_HOST_QUERY_H

#include <libmnl/libmnl.h>

/*
 * Opens a netlink socket of this bus (NETLINK_ROUTE, ...) that waits for an answer no longer than
 * some seconds. flags: SOCK_NONBLOCK or 0. Returns 0 or -errno.
 */
int query_open(int bus, int flags, struct mnl_socket **out);

/*
 * Sends the request, whose nlmsg_seq is set here, and gives every message of the answer to take
 * (MNL_CB_OK, or MNL_CB_ERROR with errno). Returns 0 or -errno; -EINTR: what was asked about
 * changed meanwhile, the answer may lack something. After an error the socket may hold the rest of
 * the answer: close it.
 */
int query_run(struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t take, void *context);

/* Opens a socket of the bus, runs the one request, closes it. */
int query_once(int bus, struct nlmsghdr *request, mnl_cb_t take, void *context);

#endif
