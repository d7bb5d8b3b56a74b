/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts for ipset and iptables, their reading: pure. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "enforce/ruleset.h"

static const struct ruleset_kind drop_all = { CLASS_ALL, 0 };

static struct ruleset_member member_of(const char *prefix, const char *kind)
{
	struct ruleset_member member = { .kind = { 0 } };

	assert_int_equal(ruleset_member_parse(prefix, &member), 0);
	assert_int_equal(ruleset_kind_parse(kind, &member.kind), 0);
	return member;
}

static struct rule rule_of(uint32_t id, const char *prefix, uint32_t classes, int64_t expires_s)
{
	struct rule rule = { .id = id, .action = ACTION_DROP, .classes = classes };

	assert_int_equal(prefix_parse(prefix, &rule.prefix), 0);
	rule.expires.boot_ns = expires_s * NS_PER_SECOND;
	return rule;
}

/* ---- names ----------------------------------------------------------------------------------- */

static void test_set_names_round_trip(void **state)
{
	static const char *const names[] = { "fwgen4",
					     "fwgen6",
					     "fwgen4net",
					     "fwgen6net",
					     "fwgen4-syn",
					     "fwgen6net-icmp",
					     "fwgen4-frag",
					     "fwgen6-other",
					     "fwgen4-tcp",
					     "fwgen4net-l100",
					     "fwgen6net-syn-l1000000",
					     "fwgen4-udp-l1",
					     "fwgen4-port",
					     "fwgen6net-port-l1000000",
					     "fwgen4-tosyn-l1000",
					     "fwgen6-toudp-l5",
					     "fwgen4-toicmp-l1",
					     "fwgen4-toudpport-l50",
					     "fwgen6-tosynport-l1000000" };
	char buf[RULESET_NAME];
	struct ruleset_set set;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(ruleset_set_parse(names[i], &set), 0);
		assert_string_equal(ruleset_set_name(&set, buf), names[i]);
		assert_true(strlen(names[i]) <= 31);
	}
}

static void test_names_of_others_are_not_ours(void **state)
{
	static const char *const names[] = { "",
					     "fwgen",
					     "fwgen5",
					     "fwgen4x",
					     "fwgen4-",
					     "fwgen4-all",
					     "fwgen4-synx",
					     "fwgen4-l0",
					     "fwgen4-l01",
					     "fwgen4-l1x",
					     "fwgen4-l-1",
					     "fwgen4-syn-",
					     "fwgen4-tmp",
					     "fwgen4-l1000001",
					     "myfwgen4",
					     "fwgen4net-all-l5",
					     "fwgen4net-tosyn-l5",
					     "fwgen4-tosyn",
					     "fwgen4-toicmpport-l5",
					     "fwgen4-totcp-l5",
					     "fwgen4-syn-l99999999999999999999" };
	struct ruleset_set set;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(ruleset_set_parse(names[i], &set), -EINVAL);
}

static void test_kinds_of_a_rule(void **state)
{
	struct rule rule = rule_of(1, "192.0.2.1", CLASS_ALL, 10);
	struct ruleset_kind kinds[RULESET_KINDS_PER_RULE];

	(void)state;
	assert_int_equal(ruleset_kinds(&rule, kinds), 1);
	assert_true(ruleset_kind_equal(&kinds[0], &drop_all));
	rule.classes = CLASS_SYN | CLASS_FRAGMENT;
	assert_int_equal(ruleset_kinds(&rule, kinds), 2);
	assert_int_equal(kinds[0].classes, CLASS_SYN);
	assert_int_equal(kinds[1].classes, CLASS_FRAGMENT);
	rule.action = ACTION_LIMIT;
	rule.limit_pps = 3000000;
	assert_int_equal(ruleset_kinds(&rule, kinds), 2);
	assert_int_equal(kinds[1].limit_pps, RULESET_LIMIT_MAX);
	rule.classes = 0;
	assert_int_equal(ruleset_kinds(&rule, kinds), 0);
	rule.classes = CLASS_ALL;
	rule.action = ACTION_ALARM;
	assert_int_equal(ruleset_kinds(&rule, kinds), 0);
}

static void test_kinds_of_a_destination(void **state)
{
	struct rule rule = rule_of(1, "192.0.2.1", CLASS_SYN, 10);
	struct ruleset_kind kinds[RULESET_KINDS_PER_RULE];
	char text[RULESET_KIND_TEXT];

	(void)state;
	rule.to_destination = true;
	rule.protocol = 6;
	assert_int_equal(ruleset_kinds(&rule, kinds), 0); /* nothing is dropped altogether */
	rule.action = ACTION_LIMIT;
	assert_int_equal(ruleset_kinds(&rule, kinds), 0);
	rule.limit_pps = 1000;
	assert_int_equal(ruleset_kinds(&rule, kinds), 1);
	assert_string_equal(ruleset_kind_format(&kinds[0], text), "tosyn-l1000");
	rule.port = 80;
	assert_int_equal(ruleset_kinds(&rule, kinds), 1);
	assert_string_equal(ruleset_kind_format(&kinds[0], text), "tosynport-l1000");
	rule.classes = CLASS_ICMP;
	assert_int_equal(ruleset_kinds(&rule, kinds), 0); /* has no ports */
	rule.port = 0;
	assert_int_equal(ruleset_kinds(&rule, kinds), 1);
	rule.classes = CLASS_SYN | CLASS_UDP;
	assert_int_equal(ruleset_kinds(&rule, kinds), 0);
	rule = rule_of(1, "192.0.2.0/24", CLASS_SYN, 10);
	rule.to_destination = true;
	rule.action = ACTION_LIMIT;
	rule.limit_pps = 1000;
	assert_int_equal(ruleset_kinds(&rule, kinds), 0);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void test_member_lines(void **state)
{
	static const char *const cases[][3] = {
		{ "192.0.2.7", "all", "add fwgen4 192.0.2.7 timeout 60 comment \"42\"\n" },
		{ "198.51.100.0/24", "all",
		  "add fwgen4net 198.51.100.0/24 timeout 60 comment \"42\"\n" },
		{ "2001:db8::1", "syn", "add fwgen6-syn 2001:db8::1 timeout 60 comment \"42\"\n" },
		{ "2001:db8::/32", "udp-l50",
		  "add fwgen6net-udp-l50 2001:db8::/32 timeout 60 comment \"42\"\n" },
		{ "192.0.2.7,tcp:22", "port",
		  "add fwgen4-port 192.0.2.7,tcp:22 timeout 60 comment \"42\"\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ruleset_member member = member_of(cases[i][0], cases[i][1]);
		char *text = NULL;
		size_t len;
		FILE *out = open_memstream(&text, &len);

		ruleset_write_add(out, &member, 42, 60);
		fclose(out);
		assert_string_equal(text, cases[i][2]);
		free(text);
	}
}

static void test_del_and_create_lines(void **state)
{
	struct ruleset_member member = member_of("192.0.2.7", "icmp");
	struct ruleset_set set = ruleset_set_of(&member);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	ruleset_write_create(out, &set);
	ruleset_write_del(out, &member);
	fclose(out);
	assert_string_equal(text,
			    "create fwgen4-icmp hash:ip family inet hashsize 4096 maxelem 262144"
			    " timeout 600 counters comment\ndel fwgen4-icmp 192.0.2.7\n");
	free(text);
}

static void test_timeouts(void **state)
{
	const int64_t now = 1000 * NS_PER_SECOND;

	(void)state;
	assert_int_equal(ruleset_timeout(now + 1, now), 1);
	assert_int_equal(ruleset_timeout(now + NS_PER_SECOND, now), 1);
	assert_int_equal(ruleset_timeout(now + NS_PER_SECOND + 1, now), 2);
	assert_int_equal(ruleset_timeout(now - 5, now), 1);
	assert_int_equal(ruleset_timeout(INT64_MAX, now), RULESET_TIMEOUT_MAX);
}

static void test_what_sets_cannot_hold(void **state)
{
	static const char *const refused[] = { "0.0.0.0/0", "::/0", "0.0.0.0", "::" };
	static const char *const held[] = { "0.0.0.0/8", "192.0.2.1", "::/8", "::1",
					    "128.0.0.0/1" };
	struct prefix prefix;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(prefix_parse(refused[i], &prefix), 0);
		assert_false(ruleset_prefix_valid(&prefix));
	}
	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		assert_int_equal(prefix_parse(held[i], &prefix), 0);
		assert_true(ruleset_prefix_valid(&prefix));
	}
}

static void test_interface_names(void **state)
{
	static const char *const refused[] = { "",
					       "eth+",
					       "-i",
					       "!eth0",
					       "a b",
					       "a\nb",
					       "a\"b",
					       "a'b",
					       "a\\b",
					       "a/b",
					       "eth0\t",
					       "sixteen-letters"
					       "x" };
	static const char *const good[] = { "eth0", "eth0.100", "br-lan",	  "wg0",
					    "a+b",  "ens3:1",	"fifteen-letters" };

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(ruleset_interface_valid(refused[i]));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(ruleset_interface_valid(good[i]));
}

/* ---- chain and jumps ------------------------------------------------------------------------- */

static const char interfaces[2][IF_NAMESIZE] = { "eth0", "eth1" };

static struct ruleset_chain chain_of(bool ipv6, const struct ruleset_kind *kinds, unsigned int n)
{
	return (struct ruleset_chain){ .ipv6 = ipv6,
				       .kinds = kinds,
				       .kind_count = n,
				       .interfaces = interfaces,
				       .interface_count = 2 };
}

static char *install_text(const char *listing, const struct ruleset_chain *chain)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ruleset_write_install(out, listing, chain);
	fclose(out);
	return text;
}

static void test_install_on_an_empty_table(void **state)
{
	struct ruleset_chain chain = chain_of(false, &drop_all, 1);
	char *text = install_text("-P PREROUTING ACCEPT\n-P OUTPUT ACCEPT\n", &chain);

	(void)state;
	assert_string_equal(text, "*raw\n:FWGEN - [0:0]\n"
				  "-A FWGEN -m set --match-set fwgen4 src -j DROP\n"
				  "-A FWGEN -m set --match-set fwgen4net src -j DROP\n"
				  "-I PREROUTING -i eth1 -j FWGEN\n"
				  "-I PREROUTING -i eth0 -j FWGEN\nCOMMIT\n");
	free(text);
}

static void test_install_replaces_old_jumps_only(void **state)
{
	struct ruleset_chain chain = chain_of(false, &drop_all, 1);
	char *text = install_text("-N FWGEN\n"
				  "-A PREROUTING -m comment --comment \"not -j FWGEN\" -j ACCEPT\n"
				  "-A PREROUTING -i old0 -j FWGEN\n"
				  "-A OUTPUT -g FWGEN\n"
				  "-A FWGEN -s 192.0.2.1/32 -j DROP\n",
				  &chain);

	(void)state;
	assert_non_null(strstr(text, "\n-D PREROUTING -i old0 -j FWGEN\n-D OUTPUT -g FWGEN\n-I "));
	assert_null(strstr(text, "comment"));
	assert_null(strstr(text, "192.0.2.1"));
	free(text);
}

static void test_classes_in_the_chain(void **state)
{
	static const struct ruleset_kind kinds[] = { { CLASS_OTHER, 0 },
						     { CLASS_SYN, 0 },
						     { CLASS_ICMP, 20 },
						     { CLASS_FRAGMENT, 0 },
						     { CLASS_TCP, 0 } };
	struct ruleset_chain chain = chain_of(true, kinds, 5);
	char *text = install_text("", &chain);
	const char *last = strstr(text, "-p ipv6-icmp -j RETURN\n-A FWGEN -m set --match-set "
					"fwgen6-other src -j DROP\n");

	(void)state;
	assert_non_null(last);
	assert_non_null(strstr(text, "-A FWGEN -p tcp -m tcp --tcp-flags SYN,ACK SYN -m set "
				     "--match-set fwgen6-syn src -j DROP\n"));
	assert_non_null(
		strstr(text, "! --tcp-flags SYN,ACK SYN -m set --match-set fwgen6net-tcp src"));
	assert_non_null(strstr(text, "-m frag -m set --match-set fwgen6-frag src -j DROP\n"));
	assert_non_null(strstr(text,
			       "-p ipv6-icmp -m set --match-set fwgen6-icmp-l20 src -m hashlimit"
			       " --hashlimit-above 20/sec --hashlimit-burst 20 "));
	/* what returns comes after all that must see every packet */
	assert_null(strstr(last, "fwgen6-syn"));
	assert_null(strstr(last, "fwgen6-frag"));
	free(text);
}

static void test_destinations_in_the_chain(void **state)
{
	static const struct ruleset_kind kinds[] = {
		{ RULESET_TO | RULESET_PORT | CLASS_SYN, 1000 },
		{ RULESET_TO | CLASS_ICMP, 20 },
		{ CLASS_OTHER, 0 },
		{ CLASS_ALL, 0 },
	};
	struct ruleset_chain chain = chain_of(true, kinds, 4);
	char *text = install_text("", &chain);

	(void)state;
	assert_non_null(strstr(
		text,
		"fwgen6net src -j DROP\n"
		"-A FWGEN -p tcp -m tcp --tcp-flags SYN,ACK SYN -m set --match-set"
		" fwgen6-tosynport-l1000 dst,dst -m hashlimit --hashlimit-above 1000/sec"
		" --hashlimit-burst 1000 --hashlimit-mode dstip,dstport --hashlimit-htable-max"
		" 262144 --hashlimit-name fwgen6-tosynport-l1000 -j DROP\n"
		"-A FWGEN -p ipv6-icmp -m set --match-set fwgen6-toicmp-l20 dst -m hashlimit"
		" --hashlimit-above 20/sec --hashlimit-burst 20 --hashlimit-mode dstip"
		" --hashlimit-htable-max 262144 --hashlimit-name fwgen6-toicmp-l20 -j DROP\n"
		"-A FWGEN -p tcp -j RETURN\n"));
	free(text);
}

static void test_tracking_is_a_last_rule(void **state)
{
	static const struct ruleset_kind kinds[] = { { CLASS_OTHER, 0 } };
	struct ruleset_chain chain = chain_of(false, kinds, 1);
	char *text;

	(void)state;
	chain.track_connections = true;
	text = install_text("", &chain);
	assert_non_null(strstr(text, "-m set --match-set fwgen4net-other src -j DROP\n-A FWGEN -m"
				     " conntrack --ctstate UNTRACKED -j RETURN\n-I "));
	free(text);
}

static void test_rules_without_sets(void **state)
{
	const struct ruleset_single singles[] = {
		{ member_of("192.0.2.1", "all"), 11, 1800000000 },
		{ member_of("2001:db8::1", "all"), 12, 1800000000 },
		{ member_of("198.51.100.0/24", "udp-l50"), 13, 0 },
		{ member_of("192.0.2.2,tcp:22", "port"), 14, 0 },
		{ member_of("192.0.2.3,tcp:80", "tosynport-l9"), 15, 0 },
		{ member_of("192.0.2.3,udp:53", "toudpport-l9"), 16, INT64_MAX },
	};
	struct ruleset_chain chain = chain_of(false, &drop_all, 1);
	char *text;

	(void)state;
	chain.singles = singles;
	chain.single_count = sizeof(singles) / sizeof(singles[0]);
	text = install_text("", &chain);
	assert_string_equal(
		text,
		"*raw\n:FWGEN - [0:0]\n"
		"-A FWGEN -s 192.0.2.1 -m comment --comment 11 -m time --datestop"
		" 2027-01-15T08:00:00 -j DROP\n"
		"-A FWGEN -s 192.0.2.2 -p tcp -m tcp --dport 22 -m comment --comment 14 -j DROP\n"
		"-A FWGEN -s 198.51.100.0/24 -p udp -m comment --comment 13 -m hashlimit"
		" --hashlimit-above 50/sec --hashlimit-burst 50 --hashlimit-mode srcip"
		" --hashlimit-htable-max 262144 --hashlimit-name fwgen4net-udp-l50 -j DROP\n"
		"-A FWGEN -d 192.0.2.3 -p tcp -m tcp --tcp-flags SYN,ACK SYN --dport 80 -m comment"
		" --comment 15 -m hashlimit --hashlimit-above 9/sec --hashlimit-burst 9"
		" --hashlimit-mode dstip,dstport --hashlimit-htable-max 262144 --hashlimit-name"
		" fwgen4-tosynport-l9 -j DROP\n"
		"-A FWGEN -d 192.0.2.3 -p udp -m udp --dport 53 -m comment --comment 16 -m time"
		" --datestop 2038-01-19T03:14:07 -m hashlimit --hashlimit-above 9/sec"
		" --hashlimit-burst 9 --hashlimit-mode dstip,dstport --hashlimit-htable-max 262144"
		" --hashlimit-name fwgen4-toudpport-l9 -j DROP\n"
		"-I PREROUTING -i eth1 -j FWGEN\n-I PREROUTING -i eth0 -j FWGEN\nCOMMIT\n");
	free(text);
	chain.single_count = 0; /* nor does it fall back to sets */
	text = install_text("", &chain);
	assert_null(strstr(text, "-A FWGEN"));
	free(text);
}

static void test_jumps_in_place(void **state)
{
	static const struct {
		const char *listing;
		bool ok;
	} cases[] = {
		{ "-N FWGEN\n-A PREROUTING -i eth0 -j FWGEN\n-A PREROUTING -i eth1 -j FWGEN\n",
		  true },
		{ "-A PREROUTING -i eth1 -j FWGEN\n-A PREROUTING -i eth0 -j FWGEN\n-A PREROUTING "
		  "-j X\n",
		  true },
		{ "-A PREROUTING -j X\n-A PREROUTING -i eth0 -j FWGEN\n-A PREROUTING -i eth1 -j "
		  "FWGEN\n",
		  false },
		{ "-A PREROUTING -i eth0 -j FWGEN\n", false },
		{ "-A PREROUTING -i eth0 -j FWGEN\n-A PREROUTING -i eth0 -j FWGEN\n", false },
		{ "-A PREROUTING -i eth0 -j FWGEN\n-A PREROUTING -i eth1 -j FWGEN\n"
		  "-A PREROUTING -i eth2 -j FWGEN\n",
		  false },
		{ "-A PREROUTING -i eth0 -s 192.0.2.1/32 -j FWGEN\n-A PREROUTING -i eth1 -j "
		  "FWGEN\n",
		  false },
		{ "", false },
	};
	struct ruleset_chain chain = chain_of(false, &drop_all, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(ruleset_jumps_in_place(cases[i].listing, &chain), cases[i].ok);
}

static void test_remove_text(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_int_equal(ruleset_write_remove(out, "-N FWGEN\n-N FWGENX\n-A PREROUTING -j FWGENX\n"
						   "-A PREROUTING -i a -j FWGEN\n"
						   "-A PREROUTING -i a -j FWGEN\n"),
			 3);
	fclose(out);
	assert_string_equal(text, "*raw\n-D PREROUTING -i a -j FWGEN\n-D PREROUTING -i a -j FWGEN\n"
				  "-F FWGEN\n-X FWGEN\nCOMMIT\n");
	free(text);
}

/* ---- reading --------------------------------------------------------------------------------- */

#define OPTIONS "maxelem 262144 timeout 600 counters comment bucketsize 12 initval 0x1\n"

/* One interface's jumps in whatever form; not those of a longer name, nor rules of others. */
static void test_deletes_of_one_interface(void **state)
{
	static const char listing[] = "-P PREROUTING ACCEPT\n-N FWGEN\n"
				      "-A PREROUTING -i eth1 -j FWGEN\n"
				      "-A PREROUTING -i eth10 -j FWGEN\n"
				      "-A PREROUTING -i eth1 -j ACCEPT\n"
				      "-A PREROUTING -i eth1 -p tcp -j FWGEN\n"
				      "-A PREROUTING ! -i eth0 -j FWGEN\n"
				      "-A PREROUTING -i eth0 -j FWGEN\n";
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	(void)state;
	assert_int_equal(ruleset_write_interface_deletes(file, listing, "eth1"), 2);
	fclose(file);
	assert_string_equal(text, "-D PREROUTING -i eth1 -j FWGEN\n"
				  "-D PREROUTING -i eth1 -p tcp -j FWGEN\n");
	free(text);
}

static void test_read_sets(void **state)
{
	const char *cursor =
		"Name: theirs\nType: hash:ip\nRevision: 6\nHeader: family inet " OPTIONS
		"Number of entries: 9\n\n"
		"Name: fwgen4\nType: hash:ip\nRevision: 6\nHeader: family inet hashsize "
		"4096 " OPTIONS "Size in memory: 347\nReferences: 1\nNumber of entries: 17\n\n"
		"Name: fwgen6\nType: hash:ip\nHeader: family inet " OPTIONS
		"Number of entries: 0\n\n"
		"Name: fwgen6net\nType: hash:ip\nHeader: family inet6 " OPTIONS
		"Number of entries: 0\n\n"
		"Name: fwgen4net\nType: hash:net\nHeader: family inet maxelem 262144 timeout 600 "
		"comment\n"
		"Number of entries: 0\n";
	static const struct {
		const char *name;
		bool ours, compatible;
		unsigned int members;
	} expected[] = { { "theirs", false, false, 9 },
			 { "fwgen4", true, true, 17 },
			 { "fwgen6", true, false, 0 },
			 { "fwgen6net", true, false, 0 },
			 { "fwgen4net", true, false, 0 } };
	struct ruleset_listed set;

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_true(ruleset_read_set(&cursor, &set));
		assert_string_equal(set.name, expected[i].name);
		assert_int_equal(set.ours, expected[i].ours);
		assert_int_equal(set.compatible, expected[i].compatible);
		assert_int_equal(set.members, expected[i].members);
	}
	assert_false(ruleset_read_set(&cursor, &set));
}

static void test_read_members(void **state)
{
	const char *cursor = "create fwgen4 hash:ip family inet\n"
			     "add fwgen4 192.0.2.1 timeout 5 packets 0 bytes 0 comment \"1\"\n"
			     "add fwgen4 nonsense\nadd\n"
			     "add fwgen6net-port 2001:db8::/32,udp:161 timeout 9 comment \"2\"\n"
			     "add fwgen4-port 192.0.2.1,icmp:3\n"
			     "add fwgen4 2001:db8::/32";
	struct ruleset_standing line = { .rule_id = 7 };
	char text[RULESET_MEMBER_TEXT];

	(void)state;
	assert_true(ruleset_read_member(&cursor, &line));
	assert_string_equal(ruleset_member_format(&line.member, text), "192.0.2.1");
	assert_int_equal(line.rule_id, 1);
	assert_int_equal(line.timeout_s, 5);
	assert_true(ruleset_read_member(&cursor, &line));
	assert_string_equal(ruleset_member_format(&line.member, text), "2001:db8::/32,udp:161");
	assert_true(ruleset_read_member(&cursor, &line));
	assert_string_equal(ruleset_member_format(&line.member, text), "2001:db8::/32");
	assert_int_equal(line.rule_id, 0);
	assert_int_equal(line.timeout_s, 0);
	assert_int_equal(line.member.port, 0);
	assert_int_equal(line.member.protocol, 0);
	assert_false(ruleset_read_member(&cursor, &line));
}

static void test_members_of_one_port(void **state)
{
	static const char *const good[] = { "192.0.2.1,tcp:22", "2001:db8::/64,udp:65535" };
	static const char *const bad[] = { "192.0.2.1,",
					   "192.0.2.1,tcp",
					   "192.0.2.1,tcp:",
					   "192.0.2.1,tcp:0",
					   "192.0.2.1,tcp:65536",
					   "192.0.2.1,tcp:22x",
					   "192.0.2.1,icmp:8",
					   "192.0.2.1,22",
					   ",tcp:22",
					   "192.0.2.1,tcp:22,udp:1",
					   "192.0.2.1,t:22" };
	struct rule rule = rule_of(1, "192.0.2.1", CLASS_SYN | CLASS_TCP, 10);
	struct ruleset_kind kinds[RULESET_KINDS_PER_RULE];
	struct ruleset_member member = { 0 };
	char text[RULESET_MEMBER_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(ruleset_member_parse(good[i], &member), 0);
		assert_string_equal(ruleset_member_format(&member, text), good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (ruleset_member_parse(bad[i], &member) != -EINVAL)
			fail_msg("%s is taken", bad[i]);
	rule.port = 22;
	rule.protocol = 6;
	assert_int_equal(ruleset_kinds(&rule, kinds), 1); /* however many classes that is */
	assert_int_equal(kinds[0].classes, RULESET_PORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_names_round_trip),
		cmocka_unit_test(test_names_of_others_are_not_ours),
		cmocka_unit_test(test_kinds_of_a_rule),
		cmocka_unit_test(test_kinds_of_a_destination),
		cmocka_unit_test(test_member_lines),
		cmocka_unit_test(test_del_and_create_lines),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_what_sets_cannot_hold),
		cmocka_unit_test(test_interface_names),
		cmocka_unit_test(test_install_on_an_empty_table),
		cmocka_unit_test(test_install_replaces_old_jumps_only),
		cmocka_unit_test(test_classes_in_the_chain),
		cmocka_unit_test(test_destinations_in_the_chain),
		cmocka_unit_test(test_tracking_is_a_last_rule),
		cmocka_unit_test(test_rules_without_sets),
		cmocka_unit_test(test_jumps_in_place),
		cmocka_unit_test(test_remove_text),
		cmocka_unit_test(test_deletes_of_one_interface),
		cmocka_unit_test(test_read_sets),
		cmocka_unit_test(test_read_members),
		cmocka_unit_test(test_members_of_one_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
