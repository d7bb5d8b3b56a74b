/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel is asked for its family "wireguard" only when there are such interfaces: the question
 * alone would load the module.
 */
#include "host/wireguard.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include "base/address.h"
#include "host/query.h"
#include "host/tunnel.h"

#define INTERFACES_MAX 64

struct interfaces {
	char names[INTERFACES_MAX][IF_NAMESIZE];
	size_t count;
};

/* ---- the answer ------------------------------------------------------------------------------ */

/* A struct sockaddr_in or sockaddr_in6. */
static bool read_endpoint(const struct nlattr *attr, struct address *out)
{
	const void *payload = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);
	struct sockaddr_in6 v6 = { 0 };
	struct sockaddr_in v4;

	memcpy(&v6, payload, len < sizeof(v6) ? len : sizeof(v6));
	memcpy(&v4, &v6, sizeof(v4));
	if (v6.sin6_family == AF_INET && len >= sizeof(v4))
		*out = address_from_ipv4(v4.sin_addr.s_addr);
	else if (v6.sin6_family == AF_INET6 && len >= sizeof(v6))
		*out = address_from_ipv6(&v6.sin6_addr);
	else
		return false;
	return true;
}

static void take_peer(const struct nlattr *peer, const char *interface, wireguard_fn take,
		      void *context)
{
	const struct nlattr *attr;
	struct address endpoint;

	mnl_attr_for_each_nested(attr, peer)
	{
		if (mnl_attr_get_type(attr) == WGPEER_A_ENDPOINT && read_endpoint(attr, &endpoint))
			take(context, &endpoint, interface);
	}
}

void wireguard_take(const struct nlmsghdr *message, const char *interface, wireguard_fn take,
		    void *context)
{
	const struct nlattr *attr, *peer;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct genlmsghdr))
		return;
	mnl_attr_for_each(attr, message, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) != WGDEVICE_A_PEERS)
			continue;
		mnl_attr_for_each_nested(peer, attr) take_peer(peer, interface, take, context);
	}
}

/* ---- the questions --------------------------------------------------------------------------- */

static int take_link(const struct nlmsghdr *message, void *context)
{
	struct interfaces *interfaces = context;
	const struct nlattr *attr;
	const char *name = NULL;
	bool ours = false;

	mnl_attr_for_each(attr, message, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			name = mnl_attr_get_str(attr);
		else if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
			ours = tunnel_is_kind(attr, WG_GENL_NAME);
	}
	if (ours && name && interfaces->count < INTERFACES_MAX)
		snprintf(interfaces->names[interfaces->count++], IF_NAMESIZE, "%s", name);
	return MNL_CB_OK;
}

/* Kernels that know the kind give no others; what they give is looked at all the same. */
static int find_interfaces(struct interfaces *out)
{
	char buffer[512];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nlattr *nest;

	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	nest = mnl_attr_nest_start(request, IFLA_LINKINFO);
	mnl_attr_put_strz(request, IFLA_INFO_KIND, WG_GENL_NAME);
	mnl_attr_nest_end(request, nest);
	return query_once(NETLINK_ROUTE, request, take_link, out);
}

static struct nlmsghdr *put_request(char *buffer, uint16_t type, uint16_t flags, uint8_t command,
				    uint8_t version)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *header;

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->cmd = command;
	header->version = version;
	return request;
}

static int take_family(const struct nlmsghdr *message, void *context)
{
	uint16_t *family = context;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) >= 0)
			*family = mnl_attr_get_u16(attr);
	}
	return MNL_CB_STOP;
}

static int find_family(uint16_t *out)
{
	char buffer[256];
	struct nlmsghdr *request = put_request(buffer, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1);
	int err;

	*out = 0;
	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	err = query_once(NETLINK_GENERIC, request, take_family, out);
	return err ? err : *out ? 0 : -ENOENT;
}

struct asked {
	const char *interface;
	wireguard_fn take;
	void *context;
};

static int take_device(const struct nlmsghdr *message, void *context)
{
	const struct asked *asked = context;

	wireguard_take(message, asked->interface, asked->take, asked->context);
	return MNL_CB_OK;
}

int wireguard_read(wireguard_fn take, void *context)
{
	struct interfaces interfaces = { 0 };
	uint16_t family = 0;
	int err = find_interfaces(&interfaces);

	if (!err && interfaces.count)
		err = find_family(&family);
	for (size_t i = 0; !err && i < interfaces.count; i++) {
		struct asked asked = { interfaces.names[i], take, context };
		char buffer[256];
		struct nlmsghdr *request =
			put_request(buffer, family, NLM_F_DUMP, WG_CMD_GET_DEVICE, WG_GENL_VERSION);

		mnl_attr_put_strz(request, WGDEVICE_A_IFNAME, interfaces.names[i]);
		err = query_once(NETLINK_GENERIC, request, take_device, &asked);
	}
	return err;
}
