/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Endpoints of tunnels, IPsec and WireGuard, from netlink messages as the kernel writes them; from
 * the kernel itself where it has the feature (vxlan, xfrm), which needs root.
 */
#include <net/if.h> /* before the kernel's own */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <linux/xfrm.h>
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
#include "host/ipsec.h"
#include "host/tunnel.h"
#include "host/wireguard.h"

static char buffer[2048];

static struct nlmsghdr *message(uint16_t type, size_t header_bytes, void **header)
{
	struct nlmsghdr *made;

	memset(buffer, 0, sizeof(buffer));
	made = mnl_nlmsg_put_header(buffer);
	made->nlmsg_type = type;
	*header = mnl_nlmsg_put_extra_header(made, header_bytes);
	return made;
}

static void put_address(struct nlmsghdr *into, uint16_t type, const char *text)
{
	uint8_t bytes[16];
	bool v6 = strchr(text, ':');

	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, text, bytes), 1);
	mnl_attr_put(into, type, v6 ? 16 : 4, bytes);
}

/* ---- tunnels --------------------------------------------------------------------------------- */

/* The remote that is read out of an IFLA_LINKINFO, "" for none. */
static const char *remote(const char *kind, uint16_t type, const char *address)
{
	static char text[ADDRESS_TEXT];
	struct address found;
	struct nlattr *info, *data;
	struct nlmsghdr *link;
	void *header;

	link = message(RTM_NEWLINK, sizeof(struct ifinfomsg), &header);
	info = mnl_attr_nest_start(link, IFLA_LINKINFO);
	mnl_attr_put_strz(link, IFLA_INFO_KIND, kind);
	data = mnl_attr_nest_start(link, IFLA_INFO_DATA);
	put_address(link, type, address);
	mnl_attr_nest_end(link, data);
	mnl_attr_nest_end(link, info);
	text[0] = '\0';
	if (tunnel_remote(info, &found))
		address_format(&found, text);
	return text;
}

static void test_tunnels(void **state)
{
	(void)state;
	assert_string_equal(remote("ipip", IFLA_IPTUN_REMOTE, "192.0.2.9"), "192.0.2.9");
	assert_string_equal(remote("sit", IFLA_IPTUN_REMOTE, "192.0.2.9"), "192.0.2.9");
	assert_string_equal(remote("ip6tnl", IFLA_IPTUN_REMOTE, "2001:db8::9"), "2001:db8::9");
	assert_string_equal(remote("gre", IFLA_GRE_REMOTE, "192.0.2.9"), "192.0.2.9");
	assert_string_equal(remote("ip6gretap", IFLA_GRE_REMOTE, "2001:db8::9"), "2001:db8::9");
	assert_string_equal(remote("vti", IFLA_VTI_REMOTE, "192.0.2.9"), "192.0.2.9");
	assert_string_equal(remote("vxlan", IFLA_VXLAN_GROUP, "192.0.2.9"), "192.0.2.9");
	assert_string_equal(remote("vxlan", IFLA_VXLAN_GROUP6, "2001:db8::9"), "2001:db8::9");
	assert_string_equal(remote("geneve", IFLA_GENEVE_REMOTE6, "2001:db8::9"), "2001:db8::9");
	/* anybody, many, ourselves, something else */
	assert_string_equal(remote("gre", IFLA_GRE_REMOTE, "0.0.0.0"), "");
	assert_string_equal(remote("ip6gre", IFLA_GRE_REMOTE, "::"), "");
	assert_string_equal(remote("vxlan", IFLA_VXLAN_GROUP, "239.1.1.1"), "");
	assert_string_equal(remote("vxlan", IFLA_VXLAN_GROUP6, "ff05::1"), "");
	assert_string_equal(remote("gre", IFLA_GRE_LOCAL, "192.0.2.9"), "");
	assert_string_equal(remote("veth", IFLA_GRE_REMOTE, "192.0.2.9"), "");
}

/* ---- IPsec ----------------------------------------------------------------------------------- */

static void test_ipsec(void **state)
{
	struct address_set set = { 0 };
	struct xfrm_usersa_info *info;
	struct nlmsghdr *sa;

	(void)state;
	sa = message(XFRM_MSG_NEWSA, sizeof(*info), (void **)&info);
	info->family = AF_INET;
	info->saddr.a4 = inet_addr("192.0.2.1");
	info->id.daddr.a4 = inet_addr("192.0.2.9");
	ipsec_take(sa, &set); /* no SPI: wished for */
	assert_int_equal(set.count, 0);
	info->id.spi = htonl(0x100);
	ipsec_take(sa, &set);
	assert_int_equal(set.count, 2);
	info->family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::9", &info->id.daddr), 1);
	ipsec_take(sa, &set);
	assert_int_equal(set.count, 4);
	sa->nlmsg_len = NLMSG_HDRLEN + 20; /* cut off */
	ipsec_take(sa, &set);
	sa->nlmsg_type = XFRM_MSG_NEWPOLICY;
	ipsec_take(sa, &set);
	assert_int_equal(set.count, 4);
}

/* ---- WireGuard ------------------------------------------------------------------------------- */

static void note_peer(void *context, const struct address *endpoint, const char *interface)
{
	char address[ADDRESS_TEXT];
	size_t len = strlen(context);

	snprintf((char *)context + len, 256 - len, "%s on %s ", address_format(endpoint, address),
		 interface);
}

/* A peer with a key, an endpoint of so many bytes and an allowed address. */
static void put_peer(struct nlmsghdr *device, const void *endpoint, size_t bytes)
{
	struct nlattr *peer = mnl_attr_nest_start(device, 0);
	const uint8_t key[WG_KEY_LEN] = { 1 };

	mnl_attr_put(device, WGPEER_A_PUBLIC_KEY, sizeof(key), key);
	if (bytes)
		mnl_attr_put(device, WGPEER_A_ENDPOINT, bytes, endpoint);
	mnl_attr_put_u64(device, WGPEER_A_RX_BYTES, 5);
	mnl_attr_nest_end(device, peer);
}

static void test_wireguard(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = inet_addr("192.0.2.9") };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	char found[256] = "";
	struct nlmsghdr *device;
	struct nlattr *peers;
	void *header;

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::9", &v6.sin6_addr), 1);
	device = message(0x20, sizeof(struct genlmsghdr), &header);
	mnl_attr_put_strz(device, WGDEVICE_A_IFNAME, "wg0");
	peers = mnl_attr_nest_start(device, WGDEVICE_A_PEERS);
	put_peer(device, &v4, sizeof(v4));
	put_peer(device, NULL, 0); /* has never been heard of */
	put_peer(device, &v6, sizeof(v6));
	put_peer(device, &v6, 20);
	put_peer(device, &v4, 1);
	mnl_attr_nest_end(device, peers);
	wireguard_take(device, "wg0", note_peer, found);
	assert_string_equal(found, "192.0.2.9 on wg0 2001:db8::9 on wg0 ");
	device->nlmsg_len = NLMSG_HDRLEN;
	wireguard_take(device, "wg0", note_peer, found);
}

/* ---- the kernel ------------------------------------------------------------------------------ */

static void test_kernel(void **state)
{
	struct address_set set = { 0 };
	char found[256] = "";

	(void)state;
	if (geteuid() || unshare(CLONE_NEWNET)) {
		skip();
		return;
	}
	assert_int_equal(wireguard_read(note_peer, found), 0); /* there is none: nobody is asked */
	assert_string_equal(found, "");
	assert_int_equal(ipsec_read(&set), 0);
	assert_int_equal(set.count, 0);
	if (system("ip xfrm state add src 192.0.2.1 dst 192.0.2.9 proto esp spi 0x100 mode tunnel "
		   "enc 'ecb(cipher_null)' '' 2>/dev/null")) {
		print_message("SKIPPED: this kernel has no ESP\n");
		return;
	}
	assert_int_equal(ipsec_read(&set), 0);
	assert_int_equal(set.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_ipsec),
		cmocka_unit_test(test_wireguard),
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests_name("vpn", tests, NULL, NULL);
}
