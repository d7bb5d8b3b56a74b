/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/sockets.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include "base/address.h"
#include "host/query.h"

bool socket_read(const struct nlmsghdr *message, uint8_t protocol, struct socket_fact *out)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*diag))
		return false;
	*out = (struct socket_fact){
		.protocol = protocol,
		.state = diag->idiag_state,
		.local_port = ntohs(diag->id.idiag_sport),
		.peer_port = ntohs(diag->id.idiag_dport),
		.inode = diag->idiag_inode,
	};
	if (diag->idiag_family == AF_INET)
		out->peer = address_from_ipv4(diag->id.idiag_dst[0]);
	else if (diag->idiag_family == AF_INET6)
		out->peer = address_from_ipv6(diag->id.idiag_dst);
	else
		return false;
	return true;
}

struct dump {
	uint8_t protocol;
	socket_fn take;
	void *context;
};

static int take_message(const struct nlmsghdr *message, void *context)
{
	const struct dump *dump = context;
	struct socket_fact socket;

	if (socket_read(message, dump->protocol, &socket))
		dump->take(dump->context, &socket);
	return MNL_CB_OK;
}

static int dump_family(int family, uint32_t states, struct dump *dump)
{
	char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *asked;

	request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	asked = mnl_nlmsg_put_extra_header(request, sizeof(*asked));
	asked->sdiag_family = (uint8_t)family;
	asked->sdiag_protocol = dump->protocol;
	asked->idiag_states = states;
	return query_once(NETLINK_SOCK_DIAG, request, take_message, dump);
}

int sockets_dump(uint8_t protocol, uint32_t states, socket_fn take, void *context)
{
	struct dump dump = { .protocol = protocol, .take = take, .context = context };
	int err = dump_family(AF_INET, states, &dump);

	return err ? err : dump_family(AF_INET6, states, &dump);
}
