/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows from ctnetlink messages, and from the kernel's own table: real connections over loopback in
 * a namespace where a rule of iptables has them tracked, which needs root.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/address.h"
#include "host/conntrack.h"

#define HERE  "192.0.2.1"
#define THERE "192.0.2.2"
#define HERE6 "2001:db8::1"

/* ---- messages -------------------------------------------------------------------------------- */

struct made {
	const char *opener, *answerer;
	uint32_t status;
	int state; /* -1: no TCP */
	uint8_t flags;
};

static void put_tuple(struct nlmsghdr *into, uint16_t type, const char *source)
{
	struct nlattr *tuple = mnl_attr_nest_start(into, type);
	struct nlattr *ip = mnl_attr_nest_start(into, CTA_TUPLE_IP);
	uint8_t bytes[16];
	bool v6 = strchr(source, ':');

	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, source, bytes), 1);
	mnl_attr_put(into, v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, v6 ? 16 : 4, bytes);
	mnl_attr_nest_end(into, ip);
	mnl_attr_nest_end(into, tuple);
}

static const struct nlmsghdr *message(const struct made *made)
{
	static char buffer[1024];
	struct nlmsghdr *out;

	memset(buffer, 0, sizeof(buffer));
	out = mnl_nlmsg_put_header(buffer);
	out->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	mnl_nlmsg_put_extra_header(out, sizeof(struct nfgenmsg));
	put_tuple(out, CTA_TUPLE_ORIG, made->opener);
	put_tuple(out, CTA_TUPLE_REPLY, made->answerer);
	mnl_attr_put_u32(out, CTA_STATUS, htonl(made->status));
	if (made->state >= 0) {
		const struct nf_ct_tcp_flags flags = { .flags = made->flags };
		struct nlattr *info = mnl_attr_nest_start(out, CTA_PROTOINFO);
		struct nlattr *tcp = mnl_attr_nest_start(out, CTA_PROTOINFO_TCP);

		mnl_attr_put_u8(out, CTA_PROTOINFO_TCP_STATE, (uint8_t)made->state);
		mnl_attr_put(out, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, sizeof(flags), &flags);
		mnl_attr_put(out, CTA_PROTOINFO_TCP_FLAGS_REPLY, sizeof(flags), &flags);
		mnl_attr_nest_end(out, tcp);
		mnl_attr_nest_end(out, info);
	}
	return out;
}

static struct flow read_made(struct made made)
{
	struct flow flow;

	assert_true(flow_read(message(&made), &flow));
	return flow;
}

static void test_messages(void **state)
{
	const uint32_t both = IPS_SEEN_REPLY | IPS_ASSURED;
	char text[ADDRESS_TEXT];
	struct flow flow;

	(void)state;
	flow = read_made((struct made){ HERE, THERE, both, TCP_CONNTRACK_ESTABLISHED, 0 });
	assert_string_equal(address_format(&flow.opener, text), HERE);
	assert_string_equal(address_format(&flow.answerer, text), THERE);
	assert_true(flow.answered && flow.established && flow.completed && flow.strict);
	flow = read_made((struct made){ HERE6, HERE6, both, TCP_CONNTRACK_ESTABLISHED, 0 });
	assert_string_equal(address_format(&flow.opener, text), HERE6);
	/* picked up in the middle; in each of the other ways not established */
	flow = read_made((struct made){ HERE, THERE, both, TCP_CONNTRACK_ESTABLISHED,
					IP_CT_TCP_FLAG_BE_LIBERAL });
	assert_true(flow.established && !flow.strict);
	flow = read_made((struct made){ HERE, THERE, both, TCP_CONNTRACK_TIME_WAIT, 0 });
	assert_true(flow.answered && !flow.established && flow.completed);
	flow = read_made(
		(struct made){ HERE, THERE, IPS_SEEN_REPLY, TCP_CONNTRACK_ESTABLISHED, 0 });
	assert_false(flow.established || flow.completed);
	flow = read_made((struct made){ HERE, THERE, IPS_ASSURED, TCP_CONNTRACK_ESTABLISHED, 0 });
	assert_false(flow.established || flow.answered);
	flow = read_made((struct made){ HERE, THERE, both, -1, 0 });
	assert_true(flow.answered && !flow.established && !flow.strict);
}

/* Whatever is cut off: no answer, or one about less; never a reading beyond the message. */
static void test_cut_messages(void **state)
{
	const struct made made = { HERE, THERE, IPS_SEEN_REPLY, TCP_CONNTRACK_ESTABLISHED, 0 };
	uint32_t whole = message(&made)->nlmsg_len;
	struct flow flow;

	(void)state;
	for (uint32_t len = NLMSG_HDRLEN; len < whole; len += NLMSG_ALIGNTO) {
		struct nlmsghdr *cut = malloc(len);

		memcpy(cut, message(&made), len);
		cut->nlmsg_len = len;
		flow_read(cut, &flow);
		free(cut);
	}
}

/* ---- the kernel ------------------------------------------------------------------------------ */

static int enter_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET))
		return -1;
	return system("ip link set lo up && ip address add " HERE
		      "/32 dev lo && ip address add " THERE "/32 dev lo && ip address add " HERE6
		      "/128 dev lo nodad");
}

static void track(void)
{
	assert_int_equal(system("iptables -A INPUT -m conntrack --ctstate INVALID -j ACCEPT && "
				"ip6tables -A INPUT -m conntrack --ctstate INVALID -j ACCEPT"),
			 0);
}

static struct sockaddr_in on(const char *address, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = inet_addr(address) };
}

/* A connection from HERE to THERE; fds: listener, client, server. */
static void open_connection(int fds[3])
{
	struct sockaddr_in server = on(THERE, 8000), client = on(HERE, 0);

	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fds[0], (struct sockaddr *)&server, sizeof(server)), 0);
	assert_int_equal(listen(fds[0], 5), 0);
	assert_int_equal(bind(fds[1], (struct sockaddr *)&client, sizeof(client)), 0);
	assert_int_equal(connect(fds[1], (struct sockaddr *)&server, sizeof(server)), 0);
	fds[2] = accept(fds[0], NULL, NULL);
}

static void close_all(int fds[3])
{
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

/* A datagram that nobody answers. */
static void send_datagram(const char *from)
{
	struct sockaddr_in source = on(from, 0), target = on(THERE, 9);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), sink = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(sink, (struct sockaddr *)&target, sizeof(target)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&source, sizeof(source)), 0);
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&target, sizeof(target)), 1);
	close(fd);
	close(sink);
}

struct seen {
	int flows, established;
	struct flow last;
};

static void see(void *context, const struct flow *flow)
{
	struct seen *seen = context;

	seen->flows++;
	seen->established += flow->established;
	seen->last = *flow;
}

static struct seen ask_for(const char *text)
{
	struct seen seen = { 0 };
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	assert_int_equal(conntrack_find(&address, see, &seen), 0);
	return seen;
}

static void test_table(void **state)
{
	struct seen seen = { 0 };
	char text[ADDRESS_TEXT];
	int fds[3];

	(void)state;
	track();
	open_connection(fds);
	send_datagram("127.0.0.1");
	assert_int_equal(conntrack_dump(AF_INET, see, &seen), 0);
	assert_int_equal(seen.flows, 1); /* the datagram was not answered */
	assert_true(seen.last.established && seen.last.strict);
	assert_string_equal(address_format(&seen.last.opener, text), HERE);
	assert_int_equal(ask_for(HERE).established, 1);
	assert_int_equal(ask_for(THERE).established, 1);
	assert_int_equal(ask_for("192.0.2.3").flows, 0);
	seen.flows = 0;
	assert_int_equal(conntrack_dump(AF_INET6, see, &seen), 0);
	assert_int_equal(seen.flows, 0);
	assert_int_equal(system("ping -6 -c 1 -w 2 " HERE6 " >/dev/null"), 0);
	assert_int_equal(conntrack_dump(AF_INET6, see, &seen), 0);
	assert_int_equal(seen.flows, 1);
	assert_string_equal(address_format(&seen.last.answerer, text), HERE6);
	close_all(fds);
}

static void test_strictness(void **state)
{
	(void)state;
	assert_true(conntrack_is_strict());
	assert_int_equal(system("echo 1 > /proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal"), 0);
	assert_false(conntrack_is_strict());
}

/* A box without flows is told by one that we make; without the rule none comes of it. */
static void test_whether_it_is_on(void **state)
{
	(void)state;
	assert_false(conntrack_is_on());
	track();
	assert_true(conntrack_is_on());
	assert_true(conntrack_is_on());
}

int main(void)
{
#define IN_NAMESPACE(test) cmocka_unit_test_setup(test, enter_namespace)
	const struct CMUnitTest parsing[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_cut_messages),
	};
	const struct CMUnitTest kernel[] = {
		IN_NAMESPACE(test_table),
		IN_NAMESPACE(test_strictness),
		IN_NAMESPACE(test_whether_it_is_on),
	};
	int failed = cmocka_run_group_tests_name("conntrack messages", parsing, NULL, NULL);

	if (geteuid() != 0) {
		fprintf(stderr, "SKIPPED: the kernel's table needs root for network namespaces\n");
		return failed;
	}
	return failed + cmocka_run_group_tests_name("conntrack", kernel, NULL, NULL);
}
