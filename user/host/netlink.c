/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnetlink sockets: a full reading of the box, and the subscription to its changes, judged by
 * whether they say anything that is not known. When to read again is host.c's business.
 */
#include "host/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include "host/query.h"
#include "host/rtnl.h"

#define BUFFER_BYTES	    32768
#define NOTICE_BUFFER_BYTES (1 << 20)
#define NOTICES_AT_ONCE	    512
#define DUMP_TRIES	    5

/* Addresses before routes: the table `local` repeats them. */
static const struct {
	uint16_t type;
	uint8_t family;
	size_t header_bytes;
	bool optional; /* the running kernel may not have it */
} dumps[] = {
	{ RTM_GETLINK, AF_UNSPEC, sizeof(struct ifinfomsg), false },
	{ RTM_GETADDR, AF_UNSPEC, sizeof(struct ifaddrmsg), false },
	{ RTM_GETROUTE, AF_INET, sizeof(struct rtmsg), false },
	{ RTM_GETROUTE, AF_INET6, sizeof(struct rtmsg), false },
	{ RTM_GETNEXTHOP, AF_UNSPEC, sizeof(struct nhmsg), true },
};

static int collect(const struct nlmsghdr *message, void *data)
{
	int err = rtnl_take(message, data);

	if (!err)
		return MNL_CB_OK;
	errno = -err;
	return MNL_CB_ERROR;
}

static int dump(struct mnl_socket *socket, size_t which, struct facts *facts)
{
	char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	uint8_t *header;

	request->nlmsg_type = dumps[which].type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	/* Each of these headers begins with the family. */
	header = mnl_nlmsg_put_extra_header(request, dumps[which].header_bytes);
	header[0] = dumps[which].family;
	return query_run(socket, request, collect, facts);
}

/* One try, on a socket of its own: what is left of a broken dump must not meet the next one. */
static int read_once(struct facts *out)
{
	struct mnl_socket *socket;
	int err = query_open(NETLINK_ROUTE, 0, &socket);

	if (err)
		return err;
	for (size_t i = 0; !err && i < sizeof(dumps) / sizeof(dumps[0]); i++) {
		err = dump(socket, i, out);
		if (dumps[i].optional && err == -EOPNOTSUPP)
			err = 0;
	}
	mnl_socket_close(socket);
	return err;
}

int netlink_read(struct facts *out)
{
	int err = -EINTR;

	/* EINTR: something changed during the dump, which may lack it or have it twice. */
	for (int i = 0; i < DUMP_TRIES && err == -EINTR; i++) {
		struct facts facts = { 0 };

		err = read_once(&facts);
		if (err) {
			facts_free(&facts);
			continue;
		}
		facts_free(out);
		*out = facts;
	}
	return err;
}

int netlink_subscribe(struct mnl_socket **out)
{
	static const struct {
		int group;
		bool optional;
	} groups[] = {
		{ RTNLGRP_LINK, false },	{ RTNLGRP_IPV4_IFADDR, false },
		{ RTNLGRP_IPV6_IFADDR, false }, { RTNLGRP_IPV4_ROUTE, false },
		{ RTNLGRP_IPV6_ROUTE, false },	{ RTNLGRP_NEXTHOP, true },
	};
	struct mnl_socket *socket;
	int size = NOTICE_BUFFER_BYTES;
	int err = query_open(NETLINK_ROUTE, SOCK_NONBLOCK, &socket);

	if (err)
		return err;
	/* A larger buffer is a wish: lost notices are noticed (ENOBUFS). */
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int group = groups[i].group;

		if (mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) <
			    0 &&
		    !groups[i].optional) {
			err = -errno;
			mnl_socket_close(socket);
			return err;
		}
	}
	*out = socket;
	return 0;
}

struct judgement {
	const struct facts *known;
	enum notice notice;
};

static enum notice judge_message(const struct nlmsghdr *message, const struct facts *known)
{
	struct facts said = { 0 };
	bool failed, contained;

	if (rtnl_is_default_route(message))
		return NOTICE_NOW;
	failed = rtnl_take(message, &said) < 0;
	contained = facts_contain(known, &said);
	facts_free(&said);
	switch (message->nlmsg_type) {
	case RTM_DELLINK:
	case RTM_DELADDR:
		return NOTICE_NOW;
	case RTM_DELROUTE:
	case RTM_DELNEXTHOP:
		return NOTICE_LATER;
	}
	if (failed || !contained)
		return NOTICE_NOW;
	return message->nlmsg_flags & NLM_F_REPLACE ? NOTICE_LATER : NOTICE_NONE;
}

static int judge(const struct nlmsghdr *message, void *data)
{
	struct judgement *judgement = data;
	enum notice notice = judge_message(message, judgement->known);

	if (notice > judgement->notice)
		judgement->notice = notice;
	return MNL_CB_OK;
}

enum notice netlink_notices(struct mnl_socket *socket, const struct facts *known)
{
	struct judgement judgement = { .known = known, .notice = NOTICE_NONE };
	char buffer[BUFFER_BYTES];

	for (int i = 0; i < NOTICES_AT_ONCE; i++) {
		ssize_t n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		/* ENOBUFS: notices were lost; whatever else it is, reading again is right. */
		if (n < 0 || mnl_cb_run(buffer, (size_t)n, 0, 0, judge, &judgement) < 0)
			judgement.notice = NOTICE_NOW;
	}
	return judgement.notice;
}
