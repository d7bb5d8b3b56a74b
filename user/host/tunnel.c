/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/tunnel.h"

#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <netinet/in.h>
#include <string.h>
#include "base/address.h"
#include "host/address_set.h"

/* Where each kind has its remote address; what is 4 bytes long is IPv4. */
static const struct {
	const char *kind;
	uint16_t remote, remote6; /* remote6: 0, or where the IPv6 one is apart */
} kinds[] = {
	{ "ipip", IFLA_IPTUN_REMOTE, 0 },
	{ "sit", IFLA_IPTUN_REMOTE, 0 },
	{ "ip6tnl", IFLA_IPTUN_REMOTE, 0 },
	{ "gre", IFLA_GRE_REMOTE, 0 },
	{ "gretap", IFLA_GRE_REMOTE, 0 },
	{ "erspan", IFLA_GRE_REMOTE, 0 },
	{ "ip6gre", IFLA_GRE_REMOTE, 0 },
	{ "ip6gretap", IFLA_GRE_REMOTE, 0 },
	{ "ip6erspan", IFLA_GRE_REMOTE, 0 },
	{ "vti", IFLA_VTI_REMOTE, 0 },
	{ "vti6", IFLA_VTI_REMOTE, 0 },
	{ "vxlan", IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6 },
	{ "geneve", IFLA_GENEVE_REMOTE, IFLA_GENEVE_REMOTE6 },
};

static const struct nlattr *find(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

bool tunnel_is_kind(const struct nlattr *link_info, const char *kind)
{
	const struct nlattr *attr = find(link_info, IFLA_INFO_KIND);

	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 &&
	       !strcmp(mnl_attr_get_str(attr), kind);
}

static bool is_multicast(const struct address *address)
{
	return address_is_ipv4(address) ? address->bytes[12] >> 4 == 14 : address->bytes[0] == 0xff;
}

static bool read_remote(const struct nlattr *attr, struct address *out)
{
	uint32_t be32;

	if (mnl_attr_get_payload_len(attr) == sizeof(be32)) {
		memcpy(&be32, mnl_attr_get_payload(attr), sizeof(be32));
		*out = address_from_ipv4(be32);
	} else if (mnl_attr_get_payload_len(attr) == sizeof(*out)) {
		*out = address_from_ipv6(mnl_attr_get_payload(attr));
	} else {
		return false;
	}
	return !address_is_unspecified(out) && !is_multicast(out);
}

bool tunnel_remote(const struct nlattr *link_info, struct address *out)
{
	const struct nlattr *data = find(link_info, IFLA_INFO_DATA), *attr = NULL;

	for (size_t i = 0; data && !attr && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!tunnel_is_kind(link_info, kinds[i].kind))
			continue;
		attr = find(data, kinds[i].remote);
		if (!attr && kinds[i].remote6)
			attr = find(data, kinds[i].remote6);
	}
	return attr && read_remote(attr, out);
}
