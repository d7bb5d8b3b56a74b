/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctnetlink's attributes, parsed by hand. /proc/sys/net shows the network namespace of who reads
 * it, whatever is mounted where. Flows can outlive the last rule that had connections tracked; they
 * run out by their own timeouts.
 */
#include "host/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/address.h"
#include "host/query.h"

#define SETTINGS      "/proc/sys/net/netfilter/"
#define FILTER_SOURCE 1 /* CTA_FILTER_F_CTA_IP_SRC, nf_conntrack_netlink.c keeps it to itself */

/* ---- one flow -------------------------------------------------------------------------------- */

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

static bool read_source(const struct nlattr *tuple, struct address *out)
{
	const struct nlattr *ip = find(tuple, CTA_TUPLE_IP), *attr;

	attr = ip ? find(ip, CTA_IP_V4_SRC) : NULL;
	if (attr && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0) {
		*out = address_from_ipv4(mnl_attr_get_u32(attr));
		return true;
	}
	attr = ip ? find(ip, CTA_IP_V6_SRC) : NULL;
	if (!attr || mnl_attr_get_payload_len(attr) != sizeof(*out))
		return false;
	*out = address_from_ipv6(mnl_attr_get_payload(attr));
	return true;
}

static uint16_t read_port(const struct nlattr *tuple)
{
	const struct nlattr *protocol = find(tuple, CTA_TUPLE_PROTO);
	const struct nlattr *port = protocol ? find(protocol, CTA_PROTO_DST_PORT) : NULL;

	return port && mnl_attr_validate(port, MNL_TYPE_U16) >= 0 ? ntohs(mnl_attr_get_u16(port))
								  : 0;
}

static bool is_liberal(const struct nlattr *tcp, uint16_t type)
{
	const struct nlattr *attr = find(tcp, type);
	struct nf_ct_tcp_flags flags;

	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(flags))
		return true;
	memcpy(&flags, mnl_attr_get_payload(attr), sizeof(flags));
	return flags.flags & IP_CT_TCP_FLAG_BE_LIBERAL;
}

/* The kernel is liberal with a connection whose beginning it has not seen (tcp_new()). */
static void read_tcp(const struct nlattr *protocol, struct flow *out)
{
	const struct nlattr *tcp = find(protocol, CTA_PROTOINFO_TCP);
	const struct nlattr *state = tcp ? find(tcp, CTA_PROTOINFO_TCP_STATE) : NULL;

	if (!state || mnl_attr_validate(state, MNL_TYPE_U8) < 0)
		return;
	out->completed = true;
	out->established = mnl_attr_get_u8(state) == TCP_CONNTRACK_ESTABLISHED;
	out->strict = !is_liberal(tcp, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL) &&
		      !is_liberal(tcp, CTA_PROTOINFO_TCP_FLAGS_REPLY);
}

bool flow_read(const struct nlmsghdr *message, struct flow *out)
{
	bool has_opener = false, has_answerer = false;
	const struct nlattr *attr;
	uint32_t status = 0;

	if (NFNL_SUBSYS_ID(message->nlmsg_type) != NFNL_SUBSYS_CTNETLINK ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg))
		return false;
	*out = (struct flow){ 0 };
	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg))
	{
		switch (mnl_attr_get_type(attr)) {
		case CTA_TUPLE_ORIG:
			has_opener = read_source(attr, &out->opener);
			out->port = read_port(attr);
			break;
		case CTA_TUPLE_REPLY:
			has_answerer = read_source(attr, &out->answerer);
			break;
		case CTA_STATUS:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				status = ntohl(mnl_attr_get_u32(attr));
			break;
		case CTA_PROTOINFO:
			read_tcp(attr, out);
			break;
		}
	}
	out->answered = status & IPS_SEEN_REPLY;
	out->completed = out->completed && out->answered && status & IPS_ASSURED;
	out->established = out->established && out->completed;
	return has_opener && has_answerer;
}

/* ---- the table ------------------------------------------------------------------------------- */

struct dump {
	flow_fn take;
	void *context;
};

static int take_message(const struct nlmsghdr *message, void *context)
{
	const struct dump *dump = context;
	struct flow flow;

	if (flow_read(message, &flow) && flow.answered)
		dump->take(dump->context, &flow);
	return MNL_CB_OK;
}

/* What a flood leaves behind is not even copied; older kernels give it all the same. */
static struct nlmsghdr *put_request(char *buffer, int family)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header;

	request->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->nfgen_family = (uint8_t)family;
	header->version = NFNETLINK_V0;
	mnl_attr_put_u32(request, CTA_STATUS, htonl(IPS_SEEN_REPLY));
	mnl_attr_put_u32(request, CTA_STATUS_MASK, htonl(IPS_SEEN_REPLY));
	return request;
}

static void put_source(struct nlmsghdr *request, uint16_t tuple, const struct address *address)
{
	struct nlattr *outer = mnl_attr_nest_start(request, tuple);
	struct nlattr *inner = mnl_attr_nest_start(request, CTA_TUPLE_IP);

	mnl_attr_put_u32(request, CTA_IP_V4_SRC, address->words[3]);
	mnl_attr_nest_end(request, inner);
	mnl_attr_nest_end(request, outer);
}

/* Only flows with this source in one of their two tuples (Linux 5.8). */
static int find_by(uint16_t tuple, const struct address *address, struct dump *dump)
{
	char buffer[512];
	struct nlmsghdr *request = put_request(buffer, AF_INET);
	bool reply = tuple == CTA_TUPLE_REPLY;
	struct nlattr *filter;

	put_source(request, tuple, address);
	filter = mnl_attr_nest_start(request, CTA_FILTER);
	mnl_attr_put_u32(request, CTA_FILTER_ORIG_FLAGS, reply ? 0 : FILTER_SOURCE);
	mnl_attr_put_u32(request, CTA_FILTER_REPLY_FLAGS, reply ? FILTER_SOURCE : 0);
	mnl_attr_nest_end(request, filter);
	return query_once(NETLINK_NETFILTER, request, take_message, dump);
}

int conntrack_dump(int family, flow_fn take, void *context)
{
	struct dump dump = { take, context };
	char buffer[256];

	return query_once(NETLINK_NETFILTER, put_request(buffer, family), take_message, &dump);
}

int conntrack_find(const struct address *address, flow_fn take, void *context)
{
	struct dump dump = { take, context };
	int err = find_by(CTA_TUPLE_ORIG, address, &dump);

	return err ? err : find_by(CTA_TUPLE_REPLY, address, &dump);
}

/* ---- settings -------------------------------------------------------------------------------- */

/* -1: there is no such setting, as without conntrack. */
static long read_setting(const char *path)
{
	FILE *file = fopen(path, "re");
	long value = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

/* Makes a flow, if connections are tracked at all. */
static void send_to_self(void)
{
	struct sockaddr_in self = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(self);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	if (!bind(fd, (struct sockaddr *)&self, len) &&
	    !getsockname(fd, (struct sockaddr *)&self, &len))
		(void)!sendto(fd, "", 0, 0, (struct sockaddr *)&self, len);
	close(fd);
}

bool conntrack_is_on(void)
{
	long flows = read_setting(SETTINGS "nf_conntrack_count");

	if (!flows) {
		send_to_self();
		flows = read_setting(SETTINGS "nf_conntrack_count");
	}
	return flows > 0;
}

bool conntrack_is_strict(void)
{
	return read_setting(SETTINGS "nf_conntrack_tcp_be_liberal") == 0;
}
