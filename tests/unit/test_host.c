/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host facts against a real kernel: every test has a network namespace of its own with a pair of
 * veth interfaces. Needs root.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/address.h"
#include "base/clock.h"
#include "host/host.h"

#define WAIT_MS 5000

static void run(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("command failed: %s", command);
}

/* A namespace with v0 (192.0.2.1/24, 2001:db8::1/64) and v1. */
static int enter_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	run("ip link set lo up");
	run("ip link add v0 type veth peer name v1");
	/* No link-local addresses: their notices come whenever the kernel finds them unique. */
	run("ip link set v0 addrgenmode none && ip link set v1 addrgenmode none");
	run("ip link set v0 up && ip link set v1 up");
	run("ip address add 192.0.2.1/24 broadcast + dev v0");
	run("ip address add 2001:db8::1/64 nodad dev v0");
	return 0;
}

static struct host *open_host(void)
{
	struct host *host = NULL;
	char error[256] = "";

	if (host_open(&host, error))
		fail_msg("%s", error);
	return host;
}

/* The reason for which an address or prefix is protected, or NULL. */
static const char *reason(const struct host *host, const char *text)
{
	static char found[64];
	struct protected_list list = { 0 };
	const struct protected_prefix *entry;
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	assert_int_equal(host_protected(host, &list), 0);
	entry = protected_list_find(&list, &prefix);
	if (entry)
		snprintf(found, sizeof(found), "%s", entry->reason);
	protected_list_free(&list);
	return entry ? found : NULL;
}

/* Refreshes as the daemon does, until something has changed. Returns false when time is over. */
static bool changes(struct host *host)
{
	int64_t end_ns = moment_now().boot_ns + WAIT_MS * NS_PER_MS;

	for (;;) {
		int64_t left_ms = (end_ns - moment_now().boot_ns) / NS_PER_MS;
		struct pollfd pollfd = { .fd = host_fd(host), .events = POLLIN };
		bool changed = false;

		if (left_ms <= 0 || poll(&pollfd, 1, (int)left_ms) <= 0)
			return false;
		assert_int_equal(host_refresh(host, &changed), 0);
		if (changed)
			return true;
	}
}

/* Refreshes until nothing is waiting. Returns whether anything changed. */
static bool settles_changed(struct host *host)
{
	bool changed = false, any = false;

	for (;;) {
		struct pollfd pollfd = { .fd = host_fd(host), .events = POLLIN };

		/* Longer than a small box's reading is ever delayed. */
		if (poll(&pollfd, 1, 300) <= 0)
			return any;
		assert_int_equal(host_refresh(host, &changed), 0);
		any |= changed;
	}
}

static void test_own_and_constant_addresses(void **state)
{
	struct host *host = open_host();

	(void)state;
	assert_string_equal(reason(host, "192.0.2.1"), "own address on v0");
	assert_string_equal(reason(host, "2001:db8::1"), "own address on v0");
	assert_string_equal(reason(host, "192.0.2.255"), "broadcast of v0");
	assert_string_equal(reason(host, "127.0.0.1"), "loopback");
	assert_string_equal(reason(host, "::1"), "loopback");
	assert_string_equal(reason(host, "169.254.3.4"), "link-local");
	assert_string_equal(reason(host, "fe80::7"), "link-local");
	assert_string_equal(reason(host, "224.0.0.251"), "multicast");
	assert_string_equal(reason(host, "ff02::1"), "multicast");
	assert_string_equal(reason(host, "0.0.0.0"), "unspecified address");
	assert_string_equal(reason(host, "::"), "unspecified address");
	assert_string_equal(reason(host, "255.255.255.255"), "broadcast");
	assert_null(reason(host, "192.0.2.77"));
	assert_null(reason(host, "2001:db8::77"));
	assert_null(reason(host, "198.51.100.0/24"));
	host_close(&host);
	assert_null(host);
}

static void test_gateways_of_every_table(void **state)
{
	struct host *host;

	(void)state;
	run("ip route add default via 192.0.2.254");
	run("ip route add 198.51.100.0/24 via 192.0.2.253 table 77");
	run("ip route add 203.0.113.0/24 nexthop via 192.0.2.250 nexthop via 192.0.2.251");
	run("ip route add 198.18.0.0/24 via inet6 2001:db8::66 dev v0");
	run("ip -6 route add default via 2001:db8::fe");
	run("ip -6 route add 2001:db8:7::/48 via 2001:db8::fd");
	host = open_host();
	assert_string_equal(reason(host, "192.0.2.254"), "default gateway of v0");
	assert_string_equal(reason(host, "192.0.2.253"), "next hop on v0");
	assert_string_equal(reason(host, "192.0.2.250"), "next hop on v0");
	assert_string_equal(reason(host, "192.0.2.251"), "next hop on v0");
	assert_string_equal(reason(host, "2001:db8::66"), "next hop on v0");
	assert_string_equal(reason(host, "2001:db8::fe"), "default gateway of v0");
	assert_string_equal(reason(host, "2001:db8::fd"), "next hop on v0");
	assert_null(reason(host, "198.51.100.7"));
	assert_null(reason(host, "2001:db8:7::7"));
	host_close(&host);
}

static void test_next_hop_objects(void **state)
{
	struct host *host;

	(void)state;
	run("ip nexthop add id 5 via 192.0.2.99 dev v0");
	host = open_host();
	assert_string_equal(reason(host, "192.0.2.99"), "next hop on v0");
	run("ip nexthop add id 6 via 192.0.2.98 dev v0");
	assert_true(changes(host));
	assert_string_equal(reason(host, "192.0.2.98"), "next hop on v0");
	host_close(&host);
}

static void test_peers_and_local_routes(void **state)
{
	struct host *host;

	(void)state;
	run("ip address add 198.51.100.1 peer 198.51.100.2/32 dev v1");
	run("ip route add local 203.0.113.0/28 dev lo");
	/* How a transparent proxy catches everything: must not protect everything. */
	run("ip route add local default dev lo table 100");
	host = open_host();
	assert_string_equal(reason(host, "198.51.100.1"), "own address on v1");
	assert_string_equal(reason(host, "198.51.100.2"), "peer of v1");
	assert_string_equal(reason(host, "203.0.113.5"), "local route on lo");
	assert_null(reason(host, "203.0.113.16"));
	assert_null(reason(host, "8.8.8.8"));
	host_close(&host);
}

/* The far end of a tunnel, when the interface comes and until it goes. */
static void test_tunnel(void **state)
{
	struct host *host = open_host();

	(void)state;
	run("ip link add vx0 type vxlan id 5 dstport 4789 remote 203.0.113.9 dev v0");
	assert_true(changes(host));
	assert_string_equal(reason(host, "203.0.113.9"), "tunnel endpoint of vx0");
	settles_changed(host);
	run("ip link del vx0");
	assert_true(changes(host));
	assert_null(reason(host, "203.0.113.9"));
	host_close(&host);
}

/* What no notice tells is found by the thread that host_start begins. */
static void test_survey(void **state)
{
	const struct sockaddr_in ntp = { .sin_family = AF_INET,
					 .sin_port = htons(123),
					 .sin_addr.s_addr = inet_addr("192.0.2.123") };
	struct host *host = open_host();
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(connect(fd, (const struct sockaddr *)&ntp, sizeof(ntp)), 0);
	assert_false(settles_changed(host));
	assert_int_equal(host_start(host), 0);
	assert_true(changes(host));
	assert_string_equal(reason(host, "192.0.2.123"), "NTP server");
	assert_false(settles_changed(host));
	close(fd);
	host_close(&host);
}

static void test_default_interface(void **state)
{
	char name[IF_NAMESIZE] = "";
	struct host *host;

	(void)state;
	host = open_host();
	assert_int_equal(host_default_interface(host, name), -ENOENT);
	assert_string_equal(name, "");
	run("ip -6 route add default via 2001:db8::fe");
	assert_true(changes(host));
	assert_int_equal(host_default_interface(host, name), 0);
	assert_string_equal(name, "v0");
	/* IPv4 first; the lower metric; the main table before any other. */
	run("ip address add 198.51.100.1/24 dev v1");
	run("ip route add default via 198.51.100.254 metric 50");
	run("ip route add default via 192.0.2.254 metric 100");
	run("ip route add default via 192.0.2.254 table 9");
	host_close(&host);
	host = open_host();
	assert_int_equal(host_default_interface(host, name), 0);
	assert_string_equal(name, "v1");
	run("ip route del default via 198.51.100.254");
	assert_true(changes(host));
	assert_int_equal(host_default_interface(host, name), 0);
	assert_string_equal(name, "v0");
	run("ip route add unreachable default metric 1");
	assert_false(settles_changed(host));
	host_close(&host);
}

static void test_changed_gateway_is_noticed(void **state)
{
	struct host *host;

	(void)state;
	run("ip route add default via 192.0.2.254");
	host = open_host();
	assert_false(settles_changed(host));
	run("ip route replace default via 192.0.2.253");
	assert_true(changes(host));
	assert_string_equal(reason(host, "192.0.2.253"), "default gateway of v0");
	assert_null(reason(host, "192.0.2.254"));
	run("ip route add 198.51.100.0/24 via 192.0.2.200");
	assert_true(changes(host));
	assert_string_equal(reason(host, "192.0.2.200"), "next hop on v0");
	host_close(&host);
}

static void test_changed_addresses_and_interfaces_are_noticed(void **state)
{
	struct host *host = open_host();

	(void)state;
	run("ip address add 192.0.2.9/24 dev v0");
	assert_true(changes(host));
	assert_string_equal(reason(host, "192.0.2.9"), "own address on v0");
	run("ip address del 192.0.2.9/24 dev v0");
	assert_true(changes(host));
	assert_null(reason(host, "192.0.2.9"));
	settles_changed(host);
	run("ip link add v2 type veth peer name v3");
	assert_true(changes(host));
	settles_changed(host);
	run("ip link set v2 name v9");
	assert_true(changes(host));
	settles_changed(host);
	run("ip link del v9");
	assert_true(changes(host));
	host_close(&host);
}

/* A router's route updates name next hops that are known: no change, and the list stays. */
static void test_known_next_hops_are_no_change(void **state)
{
	struct host *host;

	(void)state;
	run("ip route add 198.51.100.0/24 via 192.0.2.200");
	host = open_host();
	run("ip route add 203.0.113.0/24 via 192.0.2.200");
	run("ip route del 203.0.113.0/24");
	assert_false(settles_changed(host));
	assert_string_equal(reason(host, "192.0.2.200"), "next hop on v0");
	host_close(&host);
}

/* More notices than the socket holds: the last change is among the lost ones, and still seen. */
static void test_lost_notices(void **state)
{
	char path[] = "/tmp/fwg-routes-XXXXXX";
	struct host *host;
	int fd = mkstemp(path);
	FILE *file;

	(void)state;
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	run("ip route add 198.51.100.0/24 via 192.0.2.200");
	for (int i = 0; i < 12000; i++)
		fprintf(file, "route add 10.%d.%d.0/24 via 192.0.2.200\n", i / 250, i % 250);
	fprintf(file, "route add default via 192.0.2.254\n");
	fclose(file);
	host = open_host();
	run("ip -batch %s", path);
	unlink(path);
	assert_true(changes(host));
	assert_string_equal(reason(host, "192.0.2.254"), "default gateway of v0");
	host_close(&host);
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void test_descriptors_are_closed(void **state)
{
	int before = open_descriptors();
	struct host *host = open_host();

	(void)state;
	assert_int_equal(host_start(host), 0);
	run("ip address add 192.0.2.9/24 dev v0");
	assert_true(changes(host));
	host_close(&host);
	assert_int_equal(open_descriptors(), before);
	host_close(&host); /* twice does nothing */
}

int main(void)
{
#define IN_NAMESPACE(test) cmocka_unit_test_setup(test, enter_namespace)
	const struct CMUnitTest tests[] = {
		IN_NAMESPACE(test_own_and_constant_addresses),
		IN_NAMESPACE(test_gateways_of_every_table),
		IN_NAMESPACE(test_next_hop_objects),
		IN_NAMESPACE(test_peers_and_local_routes),
		IN_NAMESPACE(test_tunnel),
		IN_NAMESPACE(test_survey),
		IN_NAMESPACE(test_default_interface),
		IN_NAMESPACE(test_changed_gateway_is_noticed),
		IN_NAMESPACE(test_changed_addresses_and_interfaces_are_noticed),
		IN_NAMESPACE(test_known_next_hops_are_no_change),
		IN_NAMESPACE(test_lost_notices),
		IN_NAMESPACE(test_descriptors_are_closed),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "SKIPPED: host facts need root for network namespaces\n");
		return 0;
	}
	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
