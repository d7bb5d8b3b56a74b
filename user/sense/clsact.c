// SPDX-License-Identifier: GPL-2.0-or-later
/* Two questions over rtnetlink that libbpf has no words for. */
#include "sense/clsact.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>

/* Sends one request and calls fn for what comes back. Returns 0, -errno, or what fn has said. */
static int ask(uint16_t type, uint16_t flags, int ifindex, uint32_t parent, mnl_cb_t fn,
	       void *context)
{
	char buffer[8192]; /* of a dump's part; the kernel's largest is this by default */
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct tcmsg *tc;
	ssize_t length;
	int status = MNL_CB_ERROR, err;

	if (!socket)
		return -errno;
	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	request->nlmsg_seq = 1;
	tc = mnl_nlmsg_put_extra_header(request, sizeof(*tc));
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = parent;
	if (!mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) &&
	    mnl_socket_sendto(socket, request, request->nlmsg_len) > 0) {
		do {
			length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
			if (length < 0)
				break;
			status = mnl_cb_run(buffer, (size_t)length, 1,
					    mnl_socket_get_portid(socket), fn, context);
		} while (status > MNL_CB_STOP);
	}
	err = status == MNL_CB_ERROR ? -errno : 0;
	mnl_socket_close(socket);
	return err;
}

static int read_kind(const struct nlmsghdr *message, void *context)
{
	enum clsact *found = context;
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWQDISC)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(struct tcmsg))
	{
		if (mnl_attr_get_type(attr) == TCA_KIND &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			*found = strcmp(mnl_attr_get_str(attr), "clsact") ? CLSACT_OTHER
									  : CLSACT_THERE;
	}
	return MNL_CB_OK;
}

int clsact_find(int ifindex)
{
	enum clsact found = CLSACT_NONE;
	/* without NLM_F_ECHO the kernel tells everybody but the one who asks */
	int err =
		ask(RTM_GETQDISC, NLM_F_ACK | NLM_F_ECHO, ifindex, TC_H_CLSACT, read_kind, &found);

	/* there is nothing, or what the kernel puts in place of nothing */
	if (err == -ENOENT || err == -EINVAL)
		err = 0;
	return err ? err : (int)found;
}

static int note_any(const struct nlmsghdr *message, void *context)
{
	bool *empty = context;

	if (message->nlmsg_type == RTM_NEWTFILTER)
		*empty = false;
	return MNL_CB_OK;
}

bool clsact_is_empty(int ifindex)
{
	static const uint32_t sides[] = { TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
					  TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS) };
	bool empty = true;

	for (unsigned int i = 0; i < 2 && empty; i++) {
		if (ask(RTM_GETTFILTER, NLM_F_DUMP, ifindex, sides[i], note_any, &empty))
			return false;
	}
	return empty;
}
