/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The iptables enforcer with the real iptables and ipset, in network namespaces of its own. Root.
 */
#include "netfilter_fixture.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>

static void test_start_sets_all_up(void **state)
{
	struct enforcer_status status;

	(void)state;
	start_on("eth7", "lo");
	until(status_now().state == ENFORCER_ENFORCED);
	status = status_now();
	assert_string_equal(status.name, "iptables");
	assert_string_equal(status.reason, "");
	assert_int_equal(status.repairs, 0);
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		assert_true(listed(ipv6, "-A PREROUTING -i eth7 -j FWGEN\n"
					 "-A PREROUTING -i lo -j FWGEN\n"));
		assert_true(
			listed(ipv6, ipv6 ? "-A FWGEN -m set --match-set fwgen6 src -j DROP\n"
					    "-A FWGEN -m set --match-set fwgen6net src -j DROP\n"
					  : "-A FWGEN -m set --match-set fwgen4 src -j DROP\n"
					    "-A FWGEN -m set --match-set fwgen4net src -j DROP\n"));
	}
	assert_string_equal(output_of("ipset", "list", "-n", NULL),
			    "fwgen4\nfwgen6\nfwgen4net\nfwgen6net\n");
}

static void test_rules_come_and_go(void **state)
{
	int64_t took_ms;

	(void)state;
	start_on("lo", NULL);
	tell(RULE_ADDED, 11, "192.0.2.1", CLASS_ALL, 100);
	took_ms = until(in_set("fwgen4", "192.0.2.1"));
	print_message("from the change to the kernel: %d ms\n", (int)took_ms);
	assert_true(took_ms < 500); /* 100 ms is the aim; tests share their machine */
	tell(RULE_ADDED, 12, "2001:db8::5", CLASS_ALL, 100);
	tell(RULE_ADDED, 13, "198.51.100.0/24", CLASS_ALL, 100);
	tell(RULE_ADDED, 14, "2001:db8:1::/48", CLASS_SYN | CLASS_UDP, 100);
	until(in_set("fwgen6", "2001:db8::5") && in_set("fwgen4net", "198.51.100.0/24") &&
	      in_set("fwgen6net-syn", "2001:db8:1::/48") &&
	      in_set("fwgen6net-udp", "2001:db8:1::/48"));
	assert_non_null(strstr(output_of("ipset", "save", "fwgen4", NULL), "comment \"11\""));
	assert_true(listed(true, "--match-set fwgen6net-syn src -j DROP\n"));
	assert_true(listed(true, "-A FWGEN -p udp -m set --match-set fwgen6net-udp src -j DROP\n"));
	assert_true(listed(false, "--match-set fwgen4-syn src -j DROP\n"));
	until(status_now().rules == 5);

	assert_in_range(remaining("fwgen4", "192.0.2.1"), 90, 100);
	tell(RULE_RENEWED, 11, "192.0.2.1", CLASS_ALL, 1000);
	until(remaining("fwgen4", "192.0.2.1") > 900);
	assert_true(remaining("fwgen4", "192.0.2.1") <= 1000);

	tell(RULE_REMOVED, 11, "192.0.2.1", CLASS_ALL, 0);
	tell(RULE_REMOVED, 14, "2001:db8:1::/48", CLASS_SYN | CLASS_UDP, 0);
	until(!in_set("fwgen4", "192.0.2.1") && !in_set("fwgen6net-udp", "2001:db8:1::/48"));
	until(status_now().rules == 2);
	assert_int_equal(status_now().repairs, 0);
	assert_int_equal(status_now().state, ENFORCER_ENFORCED);
}

static void test_limits_have_their_own_sets(void **state)
{
	struct rule_change change = change_of(RULE_ADDED, 5, "192.0.2.9", CLASS_ICMP, 60);

	(void)state;
	start_on("lo", NULL);
	change.rule.action = ACTION_LIMIT;
	change.rule.limit_pps = 250;
	iptables_enforcer_change(enforcer, &change, moment_now());
	until(in_set("fwgen4-icmp-l250", "192.0.2.9"));
	assert_true(listed(false, "-p icmp -m set --match-set fwgen4-icmp-l250 src -m hashlimit "
				  "--hashlimit-above 250/sec"));
}

/* Rates may be any: kinds without members make room for others, and go after a restart. */
static void test_kinds_come_and_go(void **state)
{
	struct rule_change change = change_of(RULE_ADDED, 5, "192.0.2.9", CLASS_ICMP, 60);
	char set[32];

	(void)state;
	start_on("lo", NULL);
	tell(RULE_ADDED, 1, "192.0.2.1", CLASS_UDP, 60);
	change.rule.action = ACTION_LIMIT;
	for (uint32_t pps = 1; pps <= 80; pps++) {
		change.kind = RULE_ADDED;
		change.rule.id = 100 + pps;
		change.rule.limit_pps = pps;
		iptables_enforcer_change(enforcer, &change, moment_now());
		if (pps == 80)
			break;
		change.kind = RULE_REMOVED;
		iptables_enforcer_change(enforcer, &change, moment_now());
	}
	snprintf(set, sizeof(set), "fwgen4-icmp-l%d", 80);
	until_within(in_set(set, "192.0.2.9"), 60000);
	until(status_now().state == ENFORCER_ENFORCED && status_now().rules == 2);
	assert_true(in_set("fwgen4-udp", "192.0.2.1"));
	assert_null(strstr(output_of("ipset", "list", "-n", NULL), "fwgen4-icmp-l1\n"));
	assert_false(listed(false, "fwgen4-icmp-l1 "));

	assert_int_equal(iptables_enforcer_stop(&enforcer, true), 0);
	start_on("lo", NULL); /* with a sync of nothing */
	until(strcmp(output_of("ipset", "list", "-n", NULL),
		     "fwgen4\nfwgen6\nfwgen4net\nfwgen6net\n") == 0);
	until(status_now().state == ENFORCER_ENFORCED);
	assert_int_equal(status_now().repairs, 0);
}

/* Observed and refused findings are no rules. */
static void test_other_changes_are_ignored(void **state)
{
	(void)state;
	start_on("lo", NULL);
	tell(RULE_OBSERVED, 1, "192.0.2.1", CLASS_ALL, 60);
	tell(RULE_REFUSED, 2, "192.0.2.2", CLASS_ALL, 60);
	tell(RULE_ADDED, 3, "192.0.2.3", CLASS_ALL, 60);
	until(in_set("fwgen4", "192.0.2.3"));
	assert_false(in_set("fwgen4", "192.0.2.1"));
	assert_false(in_set("fwgen4", "192.0.2.2"));
}

static void test_sync_removes_the_rest(void **state)
{
	struct rule rules[2];

	(void)state;
	start_on("lo", NULL);
	tell(RULE_ADDED, 1, "192.0.2.1", CLASS_ALL, 60);
	tell(RULE_ADDED, 2, "192.0.2.2", CLASS_ALL, 60);
	tell(RULE_ADDED, 3, "2001:db8::/32", CLASS_UDP, 60);
	until(in_set("fwgen4", "192.0.2.2") && in_set("fwgen6net-udp", "2001:db8::/32"));
	shell_words("ipset add fwgen4 192.0.2.77 timeout 500");

	rules[0] = change_of(RULE_ADDED, 2, "192.0.2.2", CLASS_ALL, 300).rule;
	rules[1] = change_of(RULE_ADDED, 4, "192.0.2.4", CLASS_ALL, 300).rule;
	iptables_enforcer_sync(enforcer, rules, 2, moment_now());
	until(in_set("fwgen4", "192.0.2.4") && !in_set("fwgen4", "192.0.2.77"));
	until(!in_set("fwgen6net-udp", "2001:db8::/32"));
	assert_false(in_set("fwgen4", "192.0.2.1"));
	assert_in_range(remaining("fwgen4", "192.0.2.2"), 290, 300);
	until(status_now().rules == 2);
}

static void test_others_rules_are_left_alone(void **state)
{
	char *before4, *before6;

	(void)state;
	shell_words("iptables -t raw -A PREROUTING -s 203.0.113.1 -j ACCEPT");
	shell_words("iptables -t raw -A PREROUTING -m comment --comment to-j-FWGEN -j ACCEPT");
	shell_words("iptables -t raw -N FWGEN2");
	shell_words("iptables -t raw -A PREROUTING -j FWGEN2");
	shell_words("ip6tables -t raw -A OUTPUT -d 2001:db8::9 -j DROP");
	shell_words("ipset create fwgen4-mine hash:ip");
	shell_words("ipset add fwgen4-mine 203.0.113.5");
	before4 = strdup(raw_rules(false));
	before6 = strdup(raw_rules(true));
	start_on("lo", NULL);
	tell(RULE_ADDED, 1, "192.0.2.1", CLASS_SYN, 60);
	until(in_set("fwgen4-syn", "192.0.2.1"));
	assert_true(listed(false, "-A PREROUTING -i lo -j FWGEN\n-A PREROUTING -s 203.0.113.1/32"));
	assert_int_equal(iptables_enforcer_stop(&enforcer, false), 0);
	assert_null(enforcer);
	assert_string_equal(raw_rules(false), before4);
	assert_string_equal(raw_rules(true), before6);
	assert_string_equal(output_of("ipset", "list", "-n", NULL), "fwgen4-mine\n");
	assert_true(in_set("fwgen4-mine", "203.0.113.5"));
	free(before4);
	free(before6);
}

static void test_kept_rules_are_adopted(void **state)
{
	const char *const names[] = { "eth5" };
	const struct iptables_options options = { .interfaces = names, .interface_count = 1 };
	struct rule rule;
	int64_t later_ns;

	(void)state;
	start_on("lo", NULL);
	tell(RULE_ADDED, 1, "192.0.2.1", CLASS_ALL, 50);
	tell(RULE_ADDED, 2, "192.0.2.2", CLASS_SYN, 50);
	/* keep sends what is waiting first */
	assert_int_equal(iptables_enforcer_stop(&enforcer, true), 0);
	assert_true(in_set("fwgen4", "192.0.2.1"));
	assert_true(listed(false, "-A PREROUTING -i lo -j FWGEN\n"));

	start_with(&options);
	later_ns = moment_now().boot_ns + 3 * NS_PER_SECOND;
	until(moment_now().boot_ns > later_ns); /* several looks, and nobody said yet what stays */
	assert_in_range(remaining("fwgen4", "192.0.2.1"), 1, 50);
	assert_true(in_set("fwgen4-syn", "192.0.2.2"));
	assert_true(listed(false, "--match-set fwgen4-syn src -j DROP\n"));
	assert_false(listed(false, "-i lo -j FWGEN\n"));
	assert_true(listed(false, "-i eth5 -j FWGEN\n"));
	rule = change_of(RULE_ADDED, 2, "192.0.2.2", CLASS_SYN, 40).rule;
	iptables_enforcer_sync(enforcer, &rule, 1, moment_now());
	until(!in_set("fwgen4", "192.0.2.1"));
	assert_in_range(remaining("fwgen4-syn", "192.0.2.2"), 30, 40);
}

static void test_leftovers_of_another_kind_are_replaced(void **state)
{
	(void)state;
	shell_words("ipset create fwgen4 hash:net");
	shell_words("ipset create fwgen6-syn hash:ip family inet6 timeout 5");
	shell_words("iptables -t raw -N FWGEN");
	shell_words("iptables -t raw -A FWGEN -m set --match-set fwgen4 src -j DROP");
	shell_words("iptables -t raw -A PREROUTING -j FWGEN");
	start_on("lo", NULL);
	tell(RULE_ADDED, 1, "192.0.2.1", CLASS_ALL, 60);
	tell(RULE_ADDED, 2, "2001:db8::1", CLASS_SYN, 60);
	until(in_set("fwgen4", "192.0.2.1") && in_set("fwgen6-syn", "2001:db8::1"));
	assert_non_null(strstr(output_of("ipset", "list", "-t", "fwgen4", NULL), "hash:ip\n"));
	assert_false(listed(false, "-A PREROUTING -j FWGEN\n"));
}

static void test_remove_all_takes_what_is_left(void **state)
{
	char error[512];

	(void)state;
	assert_int_equal(iptables_remove_all(error), 0);
	start_on("eth7", "lo");
	tell(RULE_ADDED, 1, "192.0.2.1", CLASS_FRAGMENT, 60);
	until(in_set("fwgen4-frag", "192.0.2.1"));
	assert_int_equal(iptables_enforcer_stop(&enforcer, true), 0);
	shell_words("ip6tables -t raw -D PREROUTING -i lo -j FWGEN");
	shell_words("ip6tables -t raw -F FWGEN");
	shell_words("ipset destroy fwgen6");
	/* 2 jumps + chain, 1 jump + chain, 8 - 1 sets */
	assert_int_equal(iptables_remove_all(error), 12);
	assert_string_equal(raw_rules(false), "-P PREROUTING ACCEPT\n-P OUTPUT ACCEPT\n");
	assert_string_equal(raw_rules(true), "-P PREROUTING ACCEPT\n-P OUTPUT ACCEPT\n");
	assert_string_equal(output_of("ipset", "list", "-n", NULL), "");
	assert_int_equal(iptables_remove_all(error), 0);
}

/* ---- what the rules do to packets, on the loopback interface ----------------------------------
 */

static int bound_socket(int type, const char *address, struct sockaddr_in *out)
{
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*out);

	*out = (struct sockaddr_in){ .sin_family = AF_INET };
	assert_int_equal(inet_pton(AF_INET, address, &out->sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)out, sizeof(*out)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)out, &len), 0);
	return fd;
}

static bool datagram_passes(const char *from)
{
	struct sockaddr_in here, there;
	int receiver = bound_socket(SOCK_DGRAM, "127.0.0.1", &there);
	int sender = bound_socket(SOCK_DGRAM, from, &here);
	struct pollfd wait = { .fd = receiver, .events = POLLIN };
	bool passes;

	assert_int_equal(sendto(sender, "x", 1, 0, (struct sockaddr *)&there, sizeof(there)), 1);
	passes = poll(&wait, 1, 200) > 0;
	close(sender);
	close(receiver);
	return passes;
}

static bool connection_passes(const char *from)
{
	struct sockaddr_in here, there;
	int listener = bound_socket(SOCK_STREAM, "127.0.0.1", &there);
	int client = bound_socket(SOCK_STREAM, from, &here);
	struct pollfd wait = { .fd = client, .events = POLLOUT };
	bool passes;

	assert_int_equal(listen(listener, 1), 0);
	connect(client, (struct sockaddr *)&there, sizeof(there));
	passes = poll(&wait, 1, 200) > 0;
	close(client);
	close(listener);
	return passes;
}

static void test_packets_are_dropped_by_class(void **state)
{
	(void)state;
	start_on("lo", NULL);
	assert_true(datagram_passes("127.0.0.2") && connection_passes("127.0.0.2"));
	tell(RULE_ADDED, 1, "127.0.0.2", CLASS_ALL, 60);
	tell(RULE_ADDED, 2, "127.0.0.3", CLASS_SYN, 60);
	tell(RULE_ADDED, 3, "127.0.0.4", CLASS_UDP, 60);
	tell(RULE_ADDED, 4, "127.0.0.5", CLASS_OTHER | CLASS_ICMP | CLASS_FRAGMENT, 60);
	tell(RULE_ADDED, 5, "127.1.0.0/16", CLASS_ALL, 60);
	tell(RULE_ADDED, 6, "127.0.0.6", CLASS_TCP, 60);
	until(in_set("fwgen4-tcp", "127.0.0.6"));
	assert_false(datagram_passes("127.0.0.2") || connection_passes("127.0.0.2"));
	assert_true(datagram_passes("127.0.0.3") && !connection_passes("127.0.0.3"));
	assert_true(!datagram_passes("127.0.0.4") && connection_passes("127.0.0.4"));
	assert_true(datagram_passes("127.0.0.5") && connection_passes("127.0.0.5"));
	assert_false(datagram_passes("127.1.7.7"));
	assert_true(datagram_passes("127.0.0.6") && connection_passes("127.0.0.6"));
	assert_non_null(strstr(output_of("ipset", "save", "fwgen4-udp", NULL), "packets 1 "));
	tell(RULE_REMOVED, 1, "127.0.0.2", CLASS_ALL, 0);
	until(datagram_passes("127.0.0.2"));
}

/* Datagrams sent at once, and how many of them come out of the socket. */
static int datagrams_arriving(int family, const char *address, uint16_t port, int count)
{
	struct sockaddr_storage to = { .ss_family = family };
	socklen_t len =
		family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	int receiver = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int sender = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), arrived = 0;
	struct pollfd wait = { .fd = receiver, .events = POLLIN };
	const int room = 4 << 20;
	char byte;

	if (family == AF_INET) {
		((struct sockaddr_in *)&to)->sin_port = htons(port);
		inet_pton(family, address, &((struct sockaddr_in *)&to)->sin_addr);
	} else {
		((struct sockaddr_in6 *)&to)->sin6_port = htons(port);
		inet_pton(family, address, &((struct sockaddr_in6 *)&to)->sin6_addr);
	}
	setsockopt(receiver, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	assert_int_equal(bind(receiver, (struct sockaddr *)&to, len), 0);
	for (int i = 0; i < count; i++)
		sendto(sender, "x", 1, 0, (struct sockaddr *)&to, len);
	while (poll(&wait, 1, 100) > 0 && recv(receiver, &byte, 1, 0) == 1)
		arrived++;
	close(receiver);
	close(sender);
	return arrived;
}

/* Connections that come about at once, of so many tried from different addresses. */
static int connections_arriving(const char *address, int count)
{
	struct sockaddr_in here, there;
	int listener = bound_socket(SOCK_STREAM, address, &there), clients[256], arrived = 0;
	char from[16];

	assert_true(count <= 256);
	assert_int_equal(listen(listener, count), 0);
	for (int i = 0; i < count; i++) {
		snprintf(from, sizeof(from), "127.7.0.%d", i);
		clients[i] = bound_socket(SOCK_STREAM, i ? from : "127.7.1.0", &here);
		connect(clients[i], (struct sockaddr *)&there, sizeof(there));
	}
	usleep(100000); /* nothing is on its way any longer; the next SYN is sent after a second */
	while (accept(listener, NULL, NULL) >= 0)
		arrived++;
	for (int i = 0; i < count; i++)
		close(clients[i]);
	close(listener);
	return arrived;
}

static void limit_destination(uint32_t id, const char *address, uint32_t classes, uint16_t port,
			      uint8_t protocol)
{
	struct rule_change change = change_of(RULE_ADDED, id, address, classes, 60);

	change.rule.to_destination = true;
	change.rule.action = ACTION_LIMIT;
	change.rule.limit_pps = 100;
	change.rule.port = port;
	change.rule.protocol = protocol;
	iptables_enforcer_change(enforcer, &change, moment_now());
}

static int pings_arriving(const char *address)
{
	const char *const argv[] = { "ping",  "-q", "-c",  "400",   "-i",
				     "0.001", "-W", "0.2", address, NULL };
	struct subprocess_result result;
	const char *at;
	int arrived;

	assert_int_equal(subprocess_run(argv, NULL, 0, 20000, &result), 0);
	at = strstr(result.output, "transmitted, ");
	assert_non_null(at);
	arrived = atoi(at + strlen("transmitted, "));
	subprocess_result_free(&result);
	return arrived;
}

/*
 * 100 a second, as many at once: what many sources send together to one destination, or to a port
 * of it. All else goes on.
 */
static void limit_and_count(void)
{
	int64_t begin_ns;
	int pings, took_ms;

	limit_destination(1, "127.0.0.9", CLASS_UDP, 5353, 17);
	limit_destination(2, "127.0.0.10", CLASS_SYN, 0, 6);
	limit_destination(3, "127.0.0.11", CLASS_ICMP, 0, 1);
	limit_destination(4, "::1", CLASS_UDP, 0, 17);
	until(status_now().rules == 4 && status_now().state == ENFORCER_ENFORCED);
	assert_in_range(datagrams_arriving(AF_INET, "127.0.0.9", 5353, 2000), 100, 200);
	assert_int_equal(datagrams_arriving(AF_INET, "127.0.0.9", 5354, 2000), 2000);
	assert_int_equal(datagrams_arriving(AF_INET, "127.0.0.8", 5353, 2000), 2000);
	assert_in_range(datagrams_arriving(AF_INET6, "::1", 5353, 2000), 100, 200);
	assert_in_range(connections_arriving("127.0.0.10", 250), 100, 180);
	assert_int_equal(connections_arriving("127.0.0.9", 250), 250);
	begin_ns = moment_now().boot_ns;
	pings = pings_arriving("127.0.0.11");
	took_ms = (int)((moment_now().boot_ns - begin_ns) / NS_PER_MS);
	assert_in_range(pings, 100, 100 + took_ms / 10 + 10);
	assert_int_equal(pings_arriving("127.0.0.10"), 400);
}

static void test_destinations_are_limited(void **state)
{
	(void)state;
	start_on("lo", NULL);
	limit_and_count();
	assert_true(listed(false, "-A FWGEN -p udp -m set --match-set fwgen4-toudpport-l100 dst,dst"
				  " -m hashlimit --hashlimit-above 100/sec --hashlimit-burst 100"
				  " --hashlimit-mode dstip,dstport"));
	assert_true(listed(true, "--match-set fwgen6-toudp-l100 dst -m hashlimit"));
}

static void hide_ipset(void)
{
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("/dev/null", "/usr/sbin/ipset", NULL, MS_BIND, NULL), 0);
}

/*
 * The same without ipset: each is a rule. And such a rule ends by itself, with nobody alive to take
 * it away.
 */
static void test_packets_without_ipset(void **state)
{
	pid_t helper;

	(void)state;
	hide_ipset();
	start_on("lo", NULL);
	limit_and_count();
	tell(RULE_ADDED, 11, "127.0.0.2", CLASS_ALL, 60);
	tell(RULE_ADDED, 12, "127.0.0.3", CLASS_SYN, 60);
	tell(RULE_ADDED, 13, "127.0.0.4", CLASS_OTHER | CLASS_UDP, 60);
	tell(RULE_ADDED, 14, "127.0.0.5", CLASS_ALL, 3);
	until(listed(false, "--comment 14 ") && listed(false, "--comment 11 "));
	assert_false(datagram_passes("127.0.0.2") || connection_passes("127.0.0.2"));
	assert_true(datagram_passes("127.0.0.3") && !connection_passes("127.0.0.3"));
	assert_true(!datagram_passes("127.0.0.4") && connection_passes("127.0.0.4"));
	assert_false(datagram_passes("127.0.0.5"));
	helper = helper_pid();
	kill(helper, SIGKILL);
	until_within(datagram_passes("127.0.0.5"), 6000);
	assert_true(listed(false, "--comment 14 "));
	assert_false(datagram_passes("127.0.0.2"));
}

#define in_namespace(test) cmocka_unit_test_setup_teardown(test, new_namespace, end_namespace)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_namespace(test_start_sets_all_up),
		in_namespace(test_rules_come_and_go),
		in_namespace(test_limits_have_their_own_sets),
		in_namespace(test_kinds_come_and_go),
		in_namespace(test_other_changes_are_ignored),
		in_namespace(test_sync_removes_the_rest),
		in_namespace(test_others_rules_are_left_alone),
		in_namespace(test_kept_rules_are_adopted),
		in_namespace(test_leftovers_of_another_kind_are_replaced),
		in_namespace(test_remove_all_takes_what_is_left),
		in_namespace(test_packets_are_dropped_by_class),
		in_namespace(test_destinations_are_limited),
		in_namespace(test_packets_without_ipset), /* last: there is no ipset from here on */
	};

	if (geteuid() != 0) {
		printf("skipped: network namespaces and iptables need root\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
