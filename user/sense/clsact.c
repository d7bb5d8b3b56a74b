// SPDX-License-Identifier: GPL-2.0-or-later
/* Two questions over rtnetlink that libbpf has no words for. */
#include "sense/clsact.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>

/* Asks for a dump and calls fn for each of its messages. Returns 0 or -errno; -EINTR: something
 * changed meanwhile. */
static int dump_once(uint16_t type, int ifindex, uint32_t parent, mnl_cb_t fn, void *context)
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
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
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

static int dump(uint16_t type, int ifindex, uint32_t parent, mnl_cb_t fn, void *context)
{
	int err;

	do
		err = dump_once(type, ifindex, parent, fn, context);
	while (err == -EINTR);
	return err;
}

struct search {
	int ifindex;
	enum clsact found;
};

/* The kernel dumps the disciplines of all interfaces, whichever one was named. */
static int read_qdisc(const struct nlmsghdr *message, void *context)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	struct search *search = context;
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWQDISC || tc->tcm_ifindex != search->ifindex ||
	    tc->tcm_parent != TC_H_CLSACT)
		return MNL_CB_OK;
	search->found = CLSACT_OTHER;
	mnl_attr_for_each(attr, message, sizeof(*tc))
	{
		if (mnl_attr_get_type(attr) == TCA_KIND &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 &&
		    !strcmp(mnl_attr_get_str(attr), "clsact"))
			search->found = CLSACT_THERE;
	}
	return MNL_CB_OK;
}

int clsact_find(int ifindex)
{
	struct search search = { ifindex, CLSACT_NONE };
	int err = dump(RTM_GETQDISC, ifindex, 0, read_qdisc, &search);

	return err ? err : (int)search.found;
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
		if (dump(RTM_GETTFILTER, ifindex, sides[i], note_any, &empty))
			return false;
	}
	return empty;
}
