/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What other programs' files say of NTP, DHCP, VRRP and login sessions, on text as they write it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/address.h"
#include "host/address_set.h"
#include "host/lease.h"
#include "host/logind.h"
#include "host/ntp.h"
#include "host/text.h"
#include "host/vrrp.h"

static void feed(const char *text, text_line_fn take, void *context)
{
	char copy[4096], *rest = copy, *line;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((line = strsep(&rest, "\n")))
		take(context, line);
}

/* The addresses, in their order, with blanks between. */
static void assert_set(const struct address_set *set, const char *expected)
{
	char text[1024] = "", one[ADDRESS_TEXT];

	for (size_t i = 0; i < set->count; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
			 address_format(&set->addresses[i], one));
	}
	assert_string_equal(text, expected);
}

static void test_chrony_and_ntpd(void **state)
{
	struct address_set set = { 0 };

	(void)state;
	feed("# server 192.0.2.9\n"
	     "pool 2.debian.pool.ntp.org iburst\n"
	     "server 192.0.2.1 iburst\n"
	     "\tpeer 2001:db8::7 key 5\n"
	     "SERVER 192.0.2.2\n"
	     "server -4 192.0.2.3 prefer\n"
	     "server ntp.example.org\n"
	     "server 127.127.1.0\n"
	     "server\n"
	     "server -6\n"
	     "servers 192.0.2.4\n"
	     "allow 192.0.2.5\n"
	     "server fe80::1%eth0\n"
	     "server 0.0.0.0\n"
	     "\n"
	     "server 192.0.2.1",
	     ntp_line, &set);
	assert_set(&set, "192.0.2.1 2001:db8::7 192.0.2.2 192.0.2.3 fe80::1");
}

static void test_timesyncd(void **state)
{
	struct address_set set = { 0 };

	(void)state;
	feed("[Time]\n"
	     "#NTP=192.0.2.9\n"
	     "NTP=192.0.2.1 ntp.example.org  2001:db8::1\n"
	     "FallbackNTP=192.0.2.2\n"
	     "NTP=\n"
	     "RootDistanceMaxSec=5\n",
	     ntp_timesyncd_line, &set);
	assert_set(&set, "192.0.2.1 2001:db8::1 192.0.2.2");
}

static void test_leases(void **state)
{
	struct address_set set = { 0 };

	(void)state;
	feed("lease {\n"
	     "  interface \"eth0\";\n"
	     "  fixed-address 192.0.2.77;\n"
	     "  option routers 192.0.2.254;\n"
	     "  option dhcp-server-identifier 192.0.2.67;\n"
	     "  option dhcp-server-identifier-not 192.0.2.68;\n"
	     "  expire 4 2026/01/01 12:00:00;\n"
	     "}\n",
	     lease_dhclient_line, &set);
	feed("# This is private data. Do not parse.\n"
	     "ADDRESS=198.51.100.7\n"
	     "SERVER_ADDRESS=198.51.100.67\n"
	     "NEXT_SERVER=198.51.100.68\n"
	     "SERVER_ADDRESS=\n",
	     lease_networkd_line, &set);
	assert_set(&set, "192.0.2.67 198.51.100.67");
}

static void test_keepalived(void **state)
{
	struct vrrp_file file = { 0 };

	(void)state;
	feed("vrrp_instance VI_1 {\n"
	     "    unicast_src_ip 192.0.2.1\n"
	     "    unicast_peer {\n"
	     "        192.0.2.2   # the other one\n"
	     "        ! 192.0.2.9\n"
	     "        2001:db8::2 min_ttl 255 max_ttl 255\n"
	     "    }\n"
	     "    virtual_ipaddress {\n"
	     "        192.0.2.100\n"
	     "    }\n"
	     "}\n"
	     "vrrp_instance VI_2 { unicast_peer { 192.0.2.3 } virtual_ipaddress { 192.0.2.101 } }\n"
	     "unicast_peer\n{\n192.0.2.4}\n192.0.2.102\n"
	     "unicast_peers { 192.0.2.103 }\n",
	     vrrp_line, &file);
	assert_set(&file.peers, "192.0.2.2 2001:db8::2 192.0.2.3 192.0.2.4");
}

/* As systemd-logind 252 writes it. */
#define SESSION                                                                                \
	"# This is private data. Do not parse.\n"                                              \
	"UID=0\nUSER=root\nACTIVE=1\nIS_DISPLAY=1\nSTATE=%s\nREMOTE=1\nTYPE=tty\nCLASS=user\n" \
	"SCOPE=session-4.scope\nREMOTE_HOST=%s\nSERVICE=%s\nLEADER=811\nAUDIT=4\n"

static bool remote(const char *state, const char *host, const char *service, char *reason)
{
	struct logind_session session = { 0 };
	struct address address;
	char text[1024];

	snprintf(text, sizeof(text), SESSION, state, host, service);
	feed(text, logind_line, &session);
	return logind_remote(&session, &address, reason);
}

static void test_logind(void **state)
{
	char reason[64];

	(void)state;
	assert_true(remote("active", "192.0.2.7", "sshd", reason));
	assert_string_equal(reason, "SSH session of root");
	assert_true(remote("online", "2001:db8::7", "cockpit", reason));
	assert_string_equal(reason, "login session of root (cockpit)");
	assert_true(remote("active", "fe80::7%eth0", "sshd", reason));
	assert_false(remote("closing", "192.0.2.7", "sshd", reason));
	assert_false(remote("active", "client.example.org", "sshd", reason));
	assert_false(remote("active", "", "sshd", reason));
}

static void test_set_is_bounded(void **state)
{
	struct address_set set = { 0 };
	char text[32];

	(void)state;
	for (int i = 0; i < 2 * ADDRESS_SET_MAX; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", i / 250, 1 + i % 250);
		address_set_add_text(&set, text);
	}
	assert_int_equal(set.count, ADDRESS_SET_MAX);
	address_set_add_text(&set, "127.0.0.1");
	assert_false(address_is_loopback(&set.addresses[0]));
}

static void note(void *context, const char *path)
{
	strcat(context, strrchr(path, '/'));
}

static void count(void *context, char *line)
{
	(void)line;
	++*(int *)context;
}

/* A FIFO holds nobody up; a file without end is left; other names are other programs'. */
static void test_files(void **state)
{
	char folder[] = "/tmp/fwg-files-XXXXXX", path[64], found[256] = "";
	int lines = 0;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/dhclient.eth0.leases", folder);
	file = fopen(path, "w");
	for (int i = 0; i < 300000; i++)
		fputs("1234567\n", file);
	fclose(file);
	text_read(path, count, &lines);
	assert_in_range(lines, 100000, 200000);
	snprintf(path, sizeof(path), "%s/dhcpd.leases", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	text_read(path, count, &lines);
	text_read("/nowhere", count, &lines);
	text_each_file(folder, "dhclient", ".leases", note, found);
	text_each_file("/nowhere", "", "", note, found);
	assert_string_equal(found, "/dhclient.eth0.leases");
	unlink(path);
	snprintf(path, sizeof(path), "%s/dhclient.eth0.leases", folder);
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chrony_and_ntpd), cmocka_unit_test(test_timesyncd),
		cmocka_unit_test(test_leases),		cmocka_unit_test(test_keepalived),
		cmocka_unit_test(test_logind),		cmocka_unit_test(test_set_is_bounded),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests_name("host files", tests, NULL, NULL);
}
