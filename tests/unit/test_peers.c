/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions about addresses and what comes back: sockets and flows of a namespace of the test's,
 * which needs root.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/address.h"
#include "host/peers.h"

#define WAIT_MS 5000
#define HERE	"192.0.2.1"
#define THERE	"192.0.2.2"
#define NOBODY	"192.0.2.3"

static int enter_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET))
		return -1;
	return system("ip link set lo up && ip address add " HERE
		      "/32 dev lo && ip address add " THERE "/32 dev lo");
}

static void track(void)
{
	assert_int_equal(system("iptables -A INPUT -m conntrack --ctstate INVALID -j ACCEPT"), 0);
}

static struct peers *start(void)
{
	struct peers *peers = NULL;
	char error[256] = "";

	if (peers_start(&peers, error))
		fail_msg("%s", error);
	return peers;
}

static void ask(struct peers *peers, const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	peers_ask(peers, &address, 8000);
}

/* Waits until answers are there, takes one of them. Returns false when none come. */
static bool answer(struct peers *peers, struct peer_answer *out, int wait_ms)
{
	struct pollfd pollfd = { .fd = peers_fd(peers), .events = POLLIN };

	return poll(&pollfd, 1, wait_ms) > 0 && peers_answers(peers, out, 1) == 1;
}

static void assert_about(const struct peer_answer *found, const char *text)
{
	char address[ADDRESS_TEXT];

	assert_string_equal(address_format(&found->address, address), text);
}

static int open_socket(int type, const char *address, uint16_t port)
{
	struct sockaddr_in local = { .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = inet_addr(address) };
	int fd = socket(AF_INET, type, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&local, sizeof(local)), 0);
	return fd;
}

static void connect_to(int fd, const char *address, uint16_t port)
{
	struct sockaddr_in peer = { .sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = inet_addr(address) };

	assert_int_equal(connect(fd, (struct sockaddr *)&peer, sizeof(peer)), 0);
}

/* TCP from HERE to THERE; fds: listener, client. */
static void open_connection(int fds[2])
{
	fds[0] = open_socket(SOCK_STREAM, THERE, 8000);
	assert_int_equal(listen(fds[0], 5), 0);
	fds[1] = open_socket(SOCK_STREAM, HERE, 0);
	connect_to(fds[1], THERE, 8000);
}

static void close_both(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static void test_own_sockets(void **state)
{
	struct peers *peers = start();
	struct peer_answer found;
	int fds[2];

	(void)state;
	assert_false(peers_tracking(peers));
	open_connection(fds);
	ask(peers, NOBODY);
	ask(peers, HERE);
	ask(peers, HERE);
	assert_true(answer(peers, &found, WAIT_MS));
	assert_about(&found, HERE);
	assert_true(found.assured && !found.opened && !found.logins);
	ask(peers, NOBODY);
	assert_false(answer(peers, &found, 300));
	close_both(fds);
	ask(peers, HERE);
	assert_false(answer(peers, &found, 300));
	assert_int_equal(peers_lost(peers), 0);
	peers_stop(&peers);
	assert_null(peers);
	peers_stop(&peers); /* twice does nothing */
}

static void test_tracked_connection(void **state)
{
	struct peer_answer found;
	struct address here;
	struct peers *peers;
	int fds[2];

	(void)state;
	track();
	peers = start();
	assert_true(peers_tracking(peers));
	open_connection(fds);
	assert_int_equal(address_parse(HERE, &here), 0);
	peers_ask(peers, &here, 8001); /* not of that port */
	assert_true(answer(peers, &found, WAIT_MS));
	assert_true(found.assured && !found.logins);
	ask(peers, HERE); /* began it */
	assert_true(answer(peers, &found, WAIT_MS));
	assert_about(&found, HERE);
	assert_true(found.assured && found.logins == 1 && !found.opened);
	ask(peers, THERE); /* was asked for */
	assert_true(answer(peers, &found, WAIT_MS));
	assert_about(&found, THERE);
	assert_true(found.assured && !found.logins && found.opened);
	assert_int_equal(system("echo 1 > /proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal"), 0);
	ask(peers, HERE);
	assert_true(answer(peers, &found, WAIT_MS));
	assert_true(found.assured && !found.logins);
	close_both(fds);
	peers_stop(&peers);
}

/* IPv6, which the kernel is asked about in another way, and both in one batch. */
static void test_tracked_ipv6(void **state)
{
	struct peer_answer found[2];
	struct peers *peers;
	size_t n = 0;

	(void)state;
	assert_int_equal(system("ip address add 2001:db8::1/128 dev lo nodad && ip6tables -A INPUT "
				"-m conntrack --ctstate INVALID -j ACCEPT && "
				"ping -6 -c 1 -w 2 2001:db8::1 >/dev/null"),
			 0);
	track();
	assert_int_equal(system("ping -c 1 -w 2 " THERE " >/dev/null"), 0);
	peers = start();
	ask(peers, "2001:db8::1");
	ask(peers, "2001:db8::2");
	ask(peers, THERE);
	while (n < 2) {
		assert_true(answer(peers, &found[n], WAIT_MS));
		assert_true(found[n++].opened);
	}
	assert_false(address_equal(&found[0].address, &found[1].address));
	assert_false(answer(peers, &found[0], 300));
	peers_stop(&peers);
}

/* A datagram counts for who was asked and has answered, never for who sends unasked. */
static void test_tracked_datagrams(void **state)
{
	int server = open_socket(SOCK_DGRAM, THERE, 53),
	    client = open_socket(SOCK_DGRAM, HERE, 5353);
	struct peer_answer found;
	struct peers *peers;
	char byte;

	(void)state;
	track();
	peers = start();
	connect_to(client, THERE, 53);
	assert_int_equal(send(client, "?", 1, 0), 1);
	ask(peers, THERE);
	ask(peers, HERE);
	assert_false(answer(peers, &found, 300));
	connect_to(server, HERE, 5353);
	assert_int_equal(send(server, "!", 1, 0), 1);
	assert_int_equal(recv(client, &byte, 1, 0), 1);
	ask(peers, THERE);
	ask(peers, HERE);
	assert_true(answer(peers, &found, WAIT_MS));
	assert_about(&found, THERE);
	assert_true(found.opened && !found.assured && !found.logins);
	assert_false(answer(peers, &found, 300));
	close(server);
	close(client);
	peers_stop(&peers);
}

/* Tracking that begins later is noticed with the next question. */
static void test_tracking_begins(void **state)
{
	struct peers *peers = start();
	struct peer_answer found;
	int fds[2];

	(void)state;
	open_connection(fds);
	track();
	assert_false(peers_tracking(peers));
	assert_int_equal(send(fds[1], "x", 1, 0), 1); /* seen in the middle, picked up */
	ask(peers, HERE);
	assert_true(answer(peers, &found, WAIT_MS));
	assert_true(peers_tracking(peers));
	assert_true(found.assured && !found.logins);
	close_both(fds);
	peers_stop(&peers);
}

/* Takes the effective capabilities away, or gives them back; of this thread and those it makes. */
static void allow(bool everything)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	for (int i = 0; i < 2; i++)
		data[i].effective = everything ? data[i].permitted : 0;
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

/* Where the kernel refuses to show its table, own sockets go on telling. */
static void test_table_is_refused(void **state)
{
	struct peers *peers;
	struct peer_answer found;
	int fds[2];

	(void)state;
	track();
	open_connection(fds);
	allow(false);
	peers = start();
	allow(true);
	assert_true(peers_tracking(peers));
	for (int i = 0; i < 2; i++) {
		ask(peers, HERE);
		assert_true(answer(peers, &found, WAIT_MS));
		assert_true(found.assured && !found.logins);
	}
	close_both(fds);
	peers_stop(&peers);
}

/* As many forged sources as are blocked at once do not keep a peer from being asked about. */
static void test_a_crowd_before_a_peer(void **state)
{
	struct peers *peers;
	struct peer_answer found;
	char text[32];
	int fds[2];

	(void)state;
	track();
	peers = start();
	open_connection(fds);
	for (int i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "10.1.%d.%d", i / 256, i % 256);
		ask(peers, text);
	}
	ask(peers, HERE);
	assert_int_equal(peers_lost(peers), 0);
	assert_true(answer(peers, &found, WAIT_MS));
	assert_about(&found, HERE);
	close_both(fds);
	peers_stop(&peers);
}

/* More questions than there is room for, in one go: none waits, what is too much is counted. */
static void test_queue_is_bounded(void **state)
{
	struct peers *peers;
	struct peer_answer found;
	char text[32];
	int fds[2];

	(void)state;
	track();
	peers = start();
	open_connection(fds);
	ask(peers, HERE);
	for (int i = 0; i < 200000; i++) {
		snprintf(text, sizeof(text), "10.%d.%d.%d", i / 65536, i / 256 % 256, i % 256);
		ask(peers, text);
	}
	assert_true(peers_lost(peers) > 0 && peers_lost(peers) < 200000);
	assert_true(answer(peers, &found, WAIT_MS));
	assert_about(&found, HERE);
	for (int tries = 0; !answer(peers, &found, 100) && tries < 50; tries++)
		ask(peers, THERE); /* the queue is taken again */
	assert_about(&found, THERE);
	close_both(fds);
	peers_stop(&peers);
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
	struct peers *peers = start();
	struct peer_answer found;

	(void)state;
	track();
	ask(peers, NOBODY);
	assert_false(answer(peers, &found, 100));
	peers_stop(&peers);
	assert_int_equal(open_descriptors(), before);
}

int main(void)
{
#define IN_NAMESPACE(test) cmocka_unit_test_setup(test, enter_namespace)
	const struct CMUnitTest tests[] = {
		IN_NAMESPACE(test_own_sockets),
		IN_NAMESPACE(test_tracked_connection),
		IN_NAMESPACE(test_tracked_ipv6),
		IN_NAMESPACE(test_tracked_datagrams),
		IN_NAMESPACE(test_tracking_begins),
		IN_NAMESPACE(test_table_is_refused),
		IN_NAMESPACE(test_a_crowd_before_a_peer),
		IN_NAMESPACE(test_queue_is_bounded),
		IN_NAMESPACE(test_descriptors_are_closed),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "SKIPPED: peers need root for network namespaces\n");
		return 0;
	}
	return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
