/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sockets say of their far ends: a stranger's choice of ports, and connections that a session
 * forwards, protect nobody. At the end the same from real sockets in a namespace, which needs root.
 */
#include <arpa/inet.h>
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
#include <sys/socket.h>
#include <unistd.h>
#include "base/address.h"
#include "host/socket_peers.h"

struct world {
	struct ssh_sockets sessions;
	struct socket_view view;
	struct roster roster;
};

static int make(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -1;
	world->view.sessions = &world->sessions;
	roster_begin(&world->roster, 1);
	*state = world;
	return 0;
}

static int end(void **state)
{
	struct world *world = *state;

	free(world->view.items);
	free(world);
	return 0;
}

static void holds(struct world *world, int pid, int fd, uint32_t inode)
{
	world->sessions.items[world->sessions.count++] =
		(struct ssh_socket){ .pid = pid, .fd = fd, .inode = inode, .user = "root" };
}

static void tcp(struct world *world, uint32_t inode, uint16_t local_port, const char *peer,
		uint16_t peer_port)
{
	struct socket_fact socket = { .protocol = IPPROTO_TCP,
				      .state = peer ? SOCKET_ESTABLISHED : SOCKET_LISTEN,
				      .local_port = local_port,
				      .peer_port = peer_port,
				      .inode = inode };

	if (peer)
		assert_int_equal(address_parse(peer, &socket.peer), 0);
	socket_view_take(&world->view, &socket);
}

static void udp(struct world *world, uint16_t local_port, const char *peer, uint16_t peer_port)
{
	struct socket_fact socket = { .protocol = IPPROTO_UDP,
				      .state = peer ? SOCKET_ESTABLISHED : SOCKET_UNCONNECTED,
				      .local_port = local_port,
				      .peer_port = peer_port,
				      .inode = 7 };

	if (peer)
		assert_int_equal(address_parse(peer, &socket.peer), 0);
	socket_view_take(&world->view, &socket);
}

/* Who is protected, and why, in the order in which they were found. */
static void assert_roster(struct world *world, const char *expected)
{
	char text[1024] = "", address[ADDRESS_TEXT];

	socket_view_judge(&world->view, &world->roster);
	for (size_t i = 0; i < world->roster.count; i++) {
		const struct roster_entry *entry = &world->roster.items[i];
		size_t len = strlen(text);

		if (entry->counts)
			snprintf(text + len, sizeof(text) - len, "%s%s %s", len ? ", " : "",
				 address_format(&entry->address, address), entry->reason);
	}
	assert_string_equal(text, expected);
}

static void test_session(void **state)
{
	struct world *world = *state;

	holds(world, 300, 4, 10);
	holds(world, 301, 4, 10); /* monitor and session have the same one */
	holds(world, 301, 6, 99);
	tcp(world, 1, 22, NULL, 0); /* the listener's */
	tcp(world, 10, 22, "192.0.2.7", 50000);
	tcp(world, 11, 22, "192.0.2.66", 50001); /* at the prompt: no process of a session has it */
	assert_roster(world, "192.0.2.7 SSH session of root");
}

/* ssh -R 8080: a stranger's connection to the forwarded port belongs to the session's process. */
static void test_forwarded_ports(void **state)
{
	struct world *world = *state;

	holds(world, 300, 3, 20); /* a low descriptor that was free again */
	holds(world, 300, 4, 10);
	holds(world, 300, 8, 12);
	holds(world, 300, 9, 13);
	holds(world, 300, 10, 14);
	tcp(world, 1, 22, NULL, 0);
	tcp(world, 12, 8080, NULL, 0);
	tcp(world, 13, 8080, "203.0.113.66", 50000); /* came to the forwarded port */
	tcp(world, 14, 40000, "203.0.113.67", 443);  /* -L, -D: the session opened it */
	tcp(world, 20, 8080, "203.0.113.68", 50001);
	tcp(world, 10, 22, "192.0.2.7", 50000);
	assert_roster(world, "192.0.2.7 SSH session of root");
}

/* sshd was stopped, its sessions go on. */
static void test_without_a_listener(void **state)
{
	struct world *world = *state;

	holds(world, 300, 4, 10);
	holds(world, 300, 9, 14);
	tcp(world, 10, 22, "192.0.2.7", 50000);
	tcp(world, 14, 40000, "203.0.113.67", 443);
	assert_roster(world, "192.0.2.7 SSH session of root");
}

static void test_bgp(void **state)
{
	struct world *world = *state;

	tcp(world, 1, 179, NULL, 0);
	tcp(world, 2, 80, NULL, 0);
	tcp(world, 3, 41000, "192.0.2.1", 179);	   /* our side opened it */
	tcp(world, 4, 80, "203.0.113.66", 179);	   /* a visitor of the web server from port 179 */
	tcp(world, 0, 179, "203.0.113.67", 50000); /* nobody has accepted it */
	tcp(world, 5, 179, "192.0.2.2", 50000);	   /* accepted: once is not enough */
	assert_roster(world, "192.0.2.1 BGP neighbour");
	roster_end(&world->roster);
	roster_begin(&world->roster, 2);
	assert_roster(world, "192.0.2.1 BGP neighbour, 192.0.2.2 BGP neighbour");
}

static void test_udp(void **state)
{
	struct world *world = *state;

	udp(world, 443, "203.0.113.66", 123); /* a QUIC server connects to who comes to it */
	udp(world, 443, NULL, 0);
	udp(world, 40001, "192.0.2.123", 123);
	udp(world, 49152, "2001:db8::3", 3784);
	udp(world, 49153, "192.0.2.4", 4784);
	udp(world, 40002, "192.0.2.53", 53);
	assert_roster(world, "192.0.2.123 NTP server, 2001:db8::3 BFD neighbour, "
			     "192.0.2.4 BFD neighbour");
}

/* ---- real sockets ---------------------------------------------------------------------------- */

static struct sockaddr_in on(const char *address, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = inet_addr(address) };
}

static int open_socket(int type, const char *address, uint16_t port)
{
	struct sockaddr_in local = on(address, port);
	int fd = socket(AF_INET, type, 0), yes = 1;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&local, sizeof(local)), 0);
	return fd;
}

static void connect_to(int fd, const char *address, uint16_t port)
{
	struct sockaddr_in peer = on(address, port);

	assert_int_equal(connect(fd, (struct sockaddr *)&peer, sizeof(peer)), 0);
}

static void test_kernel(void **state)
{
	struct world *world = *state;
	int listener, client, served, ntp, quic[2];

	if (geteuid() || unshare(CLONE_NEWNET)) {
		skip();
		return;
	}
	assert_int_equal(system("ip link set lo up && ip address add 192.0.2.1/32 dev lo && "
				"ip address add 192.0.2.2/32 dev lo && "
				"ip address add 192.0.2.3/32 dev lo && "
				"ip address add 192.0.2.4/32 dev lo"),
			 0);
	listener = open_socket(SOCK_STREAM, "192.0.2.2", 179);
	assert_int_equal(listen(listener, 5), 0);
	client = open_socket(SOCK_STREAM, "192.0.2.1", 0);
	connect_to(client, "192.0.2.2", 179);
	ntp = open_socket(SOCK_DGRAM, "192.0.2.1", 0);
	connect_to(ntp, "192.0.2.3", 123);
	quic[0] = open_socket(SOCK_DGRAM, "192.0.2.1", 443);
	quic[1] = open_socket(SOCK_DGRAM, "192.0.2.1", 443);
	connect_to(quic[1], "192.0.2.4", 123);
	assert_int_equal(socket_peers_read(&world->roster), 0);
	assert_roster(world, "192.0.2.2 BGP neighbour, 192.0.2.3 NTP server");
	roster_end(&world->roster);
	served = accept(listener, NULL, NULL);
	for (int i = 2; i < 4; i++) {
		roster_begin(&world->roster, i);
		assert_int_equal(socket_peers_read(&world->roster), 0);
		assert_int_equal(roster_end(&world->roster), i == 3);
	}
	assert_roster(world, "192.0.2.2 BGP neighbour, 192.0.2.3 NTP server, "
			     "192.0.2.1 BGP neighbour");
	close(listener);
	close(client);
	close(served);
	close(ntp);
	close(quic[0]);
	close(quic[1]);
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, make, end)
	const struct CMUnitTest tests[] = {
		IN_WORLD(test_session),
		IN_WORLD(test_forwarded_ports),
		IN_WORLD(test_without_a_listener),
		IN_WORLD(test_bgp),
		IN_WORLD(test_udp),
		IN_WORLD(test_kernel),
	};

	return cmocka_run_group_tests_name("socket peers", tests, NULL, NULL);
}
