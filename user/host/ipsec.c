/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/ipsec.h"

#include <arpa/inet.h>
#include <linux/xfrm.h>
#include "base/address.h"
#include "host/query.h"

static struct address read_address(const xfrm_address_t *address, int family)
{
	return family == AF_INET ? address_from_ipv4(address->a4) : address_from_ipv6(address->a6);
}

void ipsec_take(const struct nlmsghdr *message, struct address_set *out)
{
	const struct xfrm_usersa_info *info = mnl_nlmsg_get_payload(message);
	struct address ends[2];

	if (message->nlmsg_type != XFRM_MSG_NEWSA ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*info) || !info->id.spi ||
	    (info->family != AF_INET && info->family != AF_INET6))
		return;
	ends[0] = read_address(&info->saddr, info->family);
	ends[1] = read_address(&info->id.daddr, info->family);
	address_set_add(out, &ends[0]);
	address_set_add(out, &ends[1]);
}

static int take_message(const struct nlmsghdr *message, void *context)
{
	ipsec_take(message, context);
	return MNL_CB_OK;
}

int ipsec_read(struct address_set *out)
{
	char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = XFRM_MSG_GETSA;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	return query_once(NETLINK_XFRM, request, take_message, out);
}
