/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnetlink messages to facts: interfaces, addresses, routes, next-hop objects. Dumps and notices
 * are read by the same code, so that a notice which brings nothing new costs no dump. No sockets
 * here (netlink.c).
 */
#include "host/rtnl.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include "base/address.h"
#include "host/tunnel.h"

/* An attribute that holds an address of this family. Returns false when it cannot be one. */
static bool read_address(const struct nlattr *attr, int family, struct address *out)
{
	size_t len = mnl_attr_get_payload_len(attr);
	uint32_t be32;

	if (family == AF_INET && len == sizeof(be32)) {
		memcpy(&be32, mnl_attr_get_payload(attr), sizeof(be32));
		*out = address_from_ipv4(be32);
		return true;
	}
	if (family == AF_INET6 && len == sizeof(out->bytes)) {
		*out = address_from_ipv6(mnl_attr_get_payload(attr));
		return true;
	}
	return false;
}

static int add_address(struct facts *facts, enum fact_kind kind, uint32_t link,
		       const struct address *address)
{
	struct fact fact = { .kind = kind, .link = link, .prefix = prefix_of(address) };

	return facts_add(facts, &fact);
}

static int take_link(const struct nlmsghdr *message, struct facts *facts)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	uint32_t index = (uint32_t)info->ifi_index;
	const struct nlattr *attr;
	struct address remote;
	int err = 0;

	/* AF_BRIDGE repeats a bridge's ports. */
	if (info->ifi_family != AF_UNSPEC)
		return 0;
	mnl_attr_for_each(attr, message, sizeof(*info))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if (err)
			break;
		if (type == IFLA_IFNAME && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			err = facts_add_link(facts, index, mnl_attr_get_str(attr));
		else if (type == IFLA_LINKINFO && tunnel_remote(attr, &remote))
			err = add_address(facts, FACT_TUNNEL, index, &remote);
	}
	return err;
}

/* IFA_ADDRESS is the other end when IFA_LOCAL differs from it (point to point). */
static int take_address(const struct nlmsghdr *message, struct facts *facts)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	struct address local, address, broadcast;
	bool has_local = false, has_address = false, has_broadcast = false;
	const struct nlattr *attr;
	int err = 0;

	mnl_attr_for_each(attr, message, sizeof(*info))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if (type == IFA_LOCAL)
			has_local = read_address(attr, info->ifa_family, &local);
		else if (type == IFA_ADDRESS)
			has_address = read_address(attr, info->ifa_family, &address);
		else if (type == IFA_BROADCAST)
			has_broadcast = read_address(attr, info->ifa_family, &broadcast);
	}
	if (has_local || has_address)
		err = add_address(facts, FACT_OWN, info->ifa_index, has_local ? &local : &address);
	if (!err && has_local && has_address && !address_equal(&local, &address))
		err = add_address(facts, FACT_PEER, info->ifa_index, &address);
	if (!err && has_broadcast)
		err = add_address(facts, FACT_BROADCAST, info->ifa_index, &broadcast);
	return err;
}

/* A hop's gateway stands in RTA_GATEWAY, or in RTA_VIA when it is of another family. */
static int take_gateway(const struct nlattr *attr, int family, enum fact_kind kind, uint32_t link,
			struct facts *facts)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);
	struct address address;
	uint32_t be32;

	if (mnl_attr_get_type(attr) == RTA_GATEWAY) {
		if (!read_address(attr, family, &address))
			return 0;
	} else if (mnl_attr_get_type(attr) == RTA_VIA && len >= sizeof(*via) + sizeof(be32)) {
		if (via->rtvia_family == AF_INET6 && len >= sizeof(*via) + sizeof(address.bytes)) {
			address = address_from_ipv6(via->rtvia_addr);
		} else if (via->rtvia_family == AF_INET) {
			memcpy(&be32, via->rtvia_addr, sizeof(be32));
			address = address_from_ipv4(be32);
		} else {
			return 0;
		}
	} else {
		return 0;
	}
	return add_address(facts, kind, link, &address);
}

/* The hops of a route with several. *link gets the first one's interface. */
static int take_multipath(const struct nlattr *multipath, int family, enum fact_kind kind,
			  uint32_t *link, struct facts *facts)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	int left = mnl_attr_get_payload_len(multipath);

	while (RTNH_OK(hop, left)) {
		const struct nlattr *attr = (const struct nlattr *)RTNH_DATA(hop);
		int attrs_left = hop->rtnh_len - (int)RTNH_LENGTH(0);

		if (!*link)
			*link = (uint32_t)hop->rtnh_ifindex;
		for (; mnl_attr_ok(attr, attrs_left); attr = mnl_attr_next(attr)) {
			int err = take_gateway(attr, family, kind, (uint32_t)hop->rtnh_ifindex,
					       facts);

			if (err)
				return err;
			attrs_left -= (int)MNL_ALIGN(attr->nla_len);
		}
		left -= (int)RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
	return 0;
}

struct route {
	const struct rtmsg *info;
	uint32_t table, link, metric;
	const struct nlattr *destination, *gateway, *multipath;
};

static void read_route(const struct nlmsghdr *message, struct route *out)
{
	const struct nlattr *attr;

	memset(out, 0, sizeof(*out));
	out->info = mnl_nlmsg_get_payload(message);
	out->table = out->info->rtm_table;
	mnl_attr_for_each(attr, message, sizeof(*out->info))
	{
		bool is_u32 = mnl_attr_validate(attr, MNL_TYPE_U32) >= 0;

		switch (mnl_attr_get_type(attr)) {
		case RTA_TABLE:
			out->table = is_u32 ? mnl_attr_get_u32(attr) : out->table;
			break;
		case RTA_OIF:
			out->link = is_u32 ? mnl_attr_get_u32(attr) : 0;
			break;
		case RTA_PRIORITY:
			out->metric = is_u32 ? mnl_attr_get_u32(attr) : 0;
			break;
		case RTA_DST:
			out->destination = attr;
			break;
		case RTA_GATEWAY:
		case RTA_VIA:
			out->gateway = attr;
			break;
		case RTA_MULTIPATH:
			out->multipath = attr;
			break;
		}
	}
}

static int take_unicast(struct route *route, struct facts *facts)
{
	enum fact_kind kind = route->info->rtm_dst_len ? FACT_NEXT_HOP : FACT_DEFAULT_GATEWAY;
	int family = route->info->rtm_family;
	struct default_route candidate;
	int err = 0;

	if (route->gateway)
		err = take_gateway(route->gateway, family, kind, route->link, facts);
	if (!err && route->multipath)
		err = take_multipath(route->multipath, family, kind, &route->link, facts);
	if (err || route->info->rtm_dst_len || !route->link)
		return err;
	candidate = (struct default_route){
		.link = route->link,
		.metric = route->metric,
		.main_table = route->table == RT_TABLE_MAIN,
	};
	facts_offer_default(family == AF_INET ? &facts->default4 : &facts->default6, &candidate);
	return 0;
}

/*
 * The table `local` repeats the own addresses, and has the broadcasts and whole prefixes that this
 * box answers for. Local routes of other tables are how transparent proxies catch traffic: no
 * address of ours.
 */
static int take_local(const struct route *route, enum fact_kind kind, struct facts *facts)
{
	struct fact fact = { .kind = kind, .link = route->link };
	uint32_t len = route->info->rtm_dst_len;
	struct address address;

	if (route->table != RT_TABLE_LOCAL || !len || !route->destination ||
	    !read_address(route->destination, route->info->rtm_family, &address))
		return 0;
	fact.prefix.len = len + (route->info->rtm_family == AF_INET ? PREFIX_LEN_MAPPED : 0);
	fact.prefix.address = address_masked(&address, fact.prefix.len);
	if (facts_have(facts, FACT_OWN, &fact.prefix))
		return 0;
	return facts_add(facts, &fact);
}

static int take_route(const struct nlmsghdr *message, struct facts *facts)
{
	struct route route;

	read_route(message, &route);
	if (route.info->rtm_family != AF_INET && route.info->rtm_family != AF_INET6)
		return 0;
	/* A clone is one flow's copy of a route, an IPv6 redirect or path MTU. */
	if (route.info->rtm_flags & RTM_F_CLONED)
		return 0;
	switch (route.info->rtm_type) {
	case RTN_UNICAST:
		return take_unicast(&route, facts);
	case RTN_LOCAL:
		return take_local(&route, FACT_LOCAL_ROUTE, facts);
	case RTN_BROADCAST:
		return take_local(&route, FACT_BROADCAST, facts);
	case RTN_ANYCAST:
		return take_local(&route, FACT_ANYCAST, facts);
	default:
		return 0;
	}
}

/* With net.ipv4.nexthop_compat_mode off, routes only name these objects. */
static int take_next_hop(const struct nlmsghdr *message, struct facts *facts)
{
	const struct nhmsg *info = mnl_nlmsg_get_payload(message);
	struct address address;
	bool has_address = false;
	const struct nlattr *attr;
	uint32_t link = 0;

	mnl_attr_for_each(attr, message, sizeof(*info))
	{
		if (mnl_attr_get_type(attr) == NHA_GATEWAY)
			has_address = read_address(attr, info->nh_family, &address);
		else if (mnl_attr_get_type(attr) == NHA_OIF &&
			 mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			link = mnl_attr_get_u32(attr);
	}
	return has_address ? add_address(facts, FACT_NEXT_HOP, link, &address) : 0;
}

int rtnl_take(const struct nlmsghdr *message, struct facts *facts)
{
	size_t len = mnl_nlmsg_get_payload_len(message);

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return len < sizeof(struct ifinfomsg) ? 0 : take_link(message, facts);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return len < sizeof(struct ifaddrmsg) ? 0 : take_address(message, facts);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return len < sizeof(struct rtmsg) ? 0 : take_route(message, facts);
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		return len < sizeof(struct nhmsg) ? 0 : take_next_hop(message, facts);
	default:
		return 0;
	}
}

bool rtnl_is_default_route(const struct nlmsghdr *message)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type != RTM_NEWROUTE && message->nlmsg_type != RTM_DELROUTE)
		return false;
	return mnl_nlmsg_get_payload_len(message) >= sizeof(*info) &&
	       info->rtm_type == RTN_UNICAST && !info->rtm_dst_len;
}
