/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain: what people are told about an address for what is known of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/json.h"
#include "model/explanation.h"
#include "serve/sentences.h"

static struct explanation e;

static struct moment seconds(int64_t n)
{
	return (struct moment){ .boot_ns = (1000 + n) * NS_PER_SECOND,
				.wall_ns = (1769860800 + n) * NS_PER_SECOND };
}

/* Enforcing, at second 0, about 198.51.100.7, of which nothing is known. */
static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	e = (struct explanation){ .now = seconds(0), .mode = MODE_ENFORCE };
	strcpy(e.config_path, "/etc/fwgen/config.json");
	strcpy(e.config_hash, "0123456789abcdef");
	return prefix_parse("198.51.100.7", &e.prefix);
}

static struct rule_status block(const char *prefix)
{
	struct rule_status status = { .packets_dropped = 77, .in_xdp = true, .in_iptables = true };
	struct rule *rule = &status.rule;

	rule->id = 12;
	assert_int_equal(prefix_parse(prefix, &rule->prefix), 0);
	rule->action = ACTION_DROP;
	rule->classes = CLASS_ALL;
	rule->detector = DETECTOR_SYN_FLOOD;
	rule->origin = ORIGIN_DETECTOR;
	strcpy(rule->reason, "201 SYNs in 2 s (limit 200 in 2 s)");
	strcpy(rule->config_hash, e.config_hash);
	rule->created = seconds(-10);
	rule->expires = seconds(50);
	return status;
}

static void expect(const char *state, const char *text)
{
	struct json *list = sentences_of(&e);
	char all[8192] = "";

	assert_non_null(list);
	json_for_each (item, list) {
		strcat(all, json_to_string(item));
		strcat(all, "\n");
	}
	json_free(&list);
	assert_string_equal(all, text);
	assert_string_equal(sentences_state(&e), state);
}

static void who_is_blocked(void **state)
{
	(void)state;
	e.rules[0] = block("198.51.100.7");
	e.rule_count = 1;
	expect("blocked",
	       "198.51.100.7 is blocked since 11:59:50, until 12:00:50 (50 s left), by rule 12.\n"
	       "Why: 201 SYNs in 2 s (limit 200 in 2 s) (syn_flood).\n"
	       "It has dropped 77 packets; it is in the drop map and iptables.\n"
	       "The evidence is unproven, since such an address may be forged: the rule is short,"
	       " and renewed while it goes on.\n"
	       "Decided by the configuration in force: /etc/fwgen/config.json"
	       " (0123456789abcdef).\n");

	/* by a wider rule, proven, of an earlier configuration, and nothing enforces it */
	e.rules[0] = block("198.51.100.0/24");
	e.rules[0].rule.evidence = EVIDENCE_PROVEN;
	e.rules[0].rule.config_hash[0] = 'f';
	e.rules[0].in_xdp = e.rules[0].in_iptables = false;
	e.offences = 3;
	e.forgiven = seconds(86400);
	e.peer = true; /* which changes nothing of what is proven */
	expect("blocked",
	       "198.51.100.7 is blocked since 11:59:50, until 12:00:50 (50 s left), by rule 12,"
	       " which is for all of 198.51.100.0/24.\n"
	       "Why: 201 SYNs in 2 s (limit 200 in 2 s) (syn_flood).\n"
	       "NOTHING enforces it now: fwgen status says why.\n"
	       "The evidence is proven: handshakes were completed, so the address is not forged.\n"
	       "It was blocked on proven evidence 3 times, which makes each block longer; that is"
	       " forgiven at 2026-02-01 12:00:00.\n"
	       "Decided by an earlier configuration (f123456789abcdef); in force is now"
	       " /etc/fwgen/config.json (0123456789abcdef).\n");
}

static void who_is_limited_by_hand(void **state)
{
	struct rule *rule = &e.rules[0].rule;

	(void)state;
	e.rules[0] = block("198.51.100.7");
	e.rule_count = 1;
	rule->origin = ORIGIN_MANUAL;
	rule->action = ACTION_LIMIT;
	rule->limit_pps = 100;
	rule->classes = CLASS_UDP;
	strcpy(rule->reason, "too loud");
	rule->config_hash[0] = '\0';
	e.rules[0].in_iptables = false;
	expect("limited", "198.51.100.7 is limited to 100 packets/s since 11:59:50, until 12:00:50"
			  " (50 s left), by rule 12.\n"
			  "Why: too loud.\n"
			  "Only packets of class udp are covered; all others pass.\n"
			  "It has dropped 77 packets; it is in the drop map.\n");
	e.disarmed = true;
	e.paused_until = seconds(120);
	expect("limited", "198.51.100.7 is limited to 100 packets/s since 11:59:50, until 12:00:50"
			  " (50 s left), by rule 12.\n"
			  "Why: too loud.\n"
			  "Only packets of class udp are covered; all others pass.\n"
			  "Its packets pass now: blocks are lifted until 12:02:00"
			  " (pause --disarm).\n");
}

static void see(uint64_t count)
{
	e.seen = true;
	e.source.status.source = e.prefix;
	e.source.last_ns = seconds(-3).boot_ns;
	e.source.status.packets = 1234;
	e.source.status.dropped = 5;
	e.source.running_count = count ? 1 : 0;
	e.source.running[0] = (struct running_count){ .detector = DETECTOR_SYN_FLOOD,
						      .limit = { 200, 2 },
						      .count = count };
}

static void who_is_denied(void **state)
{
	(void)state;
	see(0);
	e.rules[0] = block("198.51.100.0/24");
	e.rule_count = 1;
	e.denied = true;
	expect("denied", "198.51.100.7 is blocked for good: access.deny in /etc/fwgen/config.json"
			 " names 198.51.100.0/24.\n"
			 "It has dropped 77 packets; it is in the drop map and iptables.\n"
			 "Seen last 3 s ago: 1234 packets, of which 5 were dropped.\n");
}

static void what_is_closed_for_one_port_only(void **state)
{
	(void)state;
	e.rules[0] = block("198.51.100.7");
	e.rules[0].rule.port = 22;
	e.rules[0].rule.protocol = 6;
	e.rules[0].rule.config_hash[0] = '\0';
	e.rules[0].rule.origin = ORIGIN_MANUAL;
	e.rule_count = 1;
	expect("unseen", "198.51.100.7 is not blocked as a whole; for what is, see below.\n"
			 "Nothing from it was seen lately.\n"
			 "198.51.100.7 is blocked since 11:59:50, until 12:00:50 (50 s left), by"
			 " rule 12.\n"
			 "Why: 201 SYNs in 2 s (limit 200 in 2 s).\n"
			 "Only what goes to port 22/tcp is covered; everything else passes.\n"
			 "It has dropped 77 packets; it is in the drop map and iptables.\n");
}

static void who_is_not_blocked(void **state)
{
	(void)state;
	expect("unseen", "198.51.100.7 is not blocked.\nNothing from it was seen lately.\n");
	see(0);
	expect("passing", "198.51.100.7 is not blocked.\n"
			  "Seen last 3 s ago: 1234 packets, of which 5 were dropped.\n"
			  "It is far below every limit.\n");
	see(0);
	prefix_parse("198.51.100.0/24", &e.source.status.source);
	expect("passing", "198.51.100.7 is not blocked.\n"
			  "Seen last 3 s ago: 1234 packets, of which 5 were dropped.\n"
			  "That is with all of 198.51.100.0/24, which is counted as one.\n"
			  "It is far below every limit.\n");
	see(120);
	strcpy(e.source.group, "office");
	expect("passing", "198.51.100.7 is not blocked.\n"
			  "Seen last 3 s ago: 1234 packets, of which 5 were dropped.\n"
			  "Its limits are those of group office.\n"
			  "It is below its limits; the nearest is syn_flood with 120 of 200 in 2"
			  " s.\n");
}

static void who_is_over_a_limit_all_the_same(void **state)
{
	(void)state;
	see(250);
	e.source.status.detectors = 1u << DETECTOR_SYN_FLOOD | 1u << DETECTOR_PORT_SCAN;
	e.mode = MODE_OBSERVE;
	expect("observed", "198.51.100.7 is not blocked.\n"
			   "fwgen observes: it says what it would block, and blocks nothing.\n"
			   "Seen last 3 s ago: 1234 packets, of which 5 were dropped.\n"
			   "It is over a limit: syn_flood with 250, allowed are 200 in 2 s.\n"
			   "It has been over the limits of: syn_flood, port_scan.\n");
	e.mode = MODE_ENFORCE;
	e.seen = false;
	e.paused_until = seconds(300);
	expect("paused", "198.51.100.7 is not blocked.\n"
			 "fwgen is paused: it blocks nobody new until 12:05:00.\n"
			 "Nothing from it was seen lately.\n");
	e.held_until = seconds(600);
	e.paused_until.boot_ns = 0;
	expect("held", "198.51.100.7 is not blocked.\n"
		       "It was unblocked by hand and is left alone until 12:10:00.\n"
		       "Nothing from it was seen lately.\n");
	e.held_until.boot_ns = 0;
	e.protected = true;
	prefix_parse("198.51.100.0/24", &e.protection.prefix);
	strcpy(e.protection.reason, "access.allow");
	expect("protected", "198.51.100.7 is never blocked: 198.51.100.0/24 is protected as"
			    " access.allow.\n"
			    "Nothing from it was seen lately.\n");
}

static void what_was_before(void **state)
{
	struct json *list;

	(void)state;
	for (int i = 0; i < EARLIER_SHOWN; i++)
		e.earlier[i] = (struct past_block){ .rule = block("198.51.100.7").rule,
						    .why = REMOVED_EXPIRED,
						    .ended = seconds(-5) };
	e.earlier_count = 1;
	expect("unseen", "198.51.100.7 is not blocked.\nNothing from it was seen lately.\n"
			 "Earlier rules: 1:\n"
			 "  rule 12, 11:59:50 to 11:59:55, expired: 201 SYNs in 2 s (limit 200 in 2"
			 " s)\n");
	e.earlier_count = 4000; /* more than are shown */
	list = sentences_of(&e);
	assert_int_equal(json_size(list), 3 + EARLIER_SHOWN);
	json_free(&list);
}

static void what_to_do_about_a_flood(void **state)
{
	struct flood *flood = &e.floods[0];

	(void)state;
	e.flood_count = 1;
	e.local = true;
	*flood = (struct flood){ .destination = e.prefix.address,
				 .classes = CLASS_SYN,
				 .port = 80,
				 .protocol = 6,
				 .sources = 6300,
				 .limit = { 1000, 1 },
				 .since = seconds(-60),
				 .reason = "many SYNs" };
	expect("unseen",
	       "198.51.100.7 is not blocked.\nNothing from it was seen lately.\n"
	       "198.51.100.7 is flooded from about 6300 sources since 11:59:00: many SYNs.\n"
	       "To limit what reaches it: fwgen block 198.51.100.7 --to --class syn --port 80"
	       " --limit 1000 --for 10m\n"
	       "To have this box answer its SYNs with cookies, so that only real ones get"
	       " through:\n"
	       "  sysctl -w net.ipv4.tcp_syncookies=1 net.ipv4.tcp_timestamps=1"
	       " net.netfilter.nf_conntrack_tcp_loose=0\n"
	       "  iptables -t raw -A PREROUTING -d 198.51.100.7 -p tcp --dport 80 --syn -j CT"
	       " --notrack\n"
	       "  iptables -I INPUT 1 -d 198.51.100.7 -p tcp --dport 80 -m conntrack --ctstate"
	       " INVALID,UNTRACKED -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460\n"
	       "  iptables -I INPUT 2 -d 198.51.100.7 -p tcp --dport 80 -m conntrack --ctstate"
	       " INVALID -j DROP\n");
	/* what no class names cannot be limited; ICMP has no ports */
	flood->classes = CLASS_TCP;
	expect("unseen",
	       "198.51.100.7 is not blocked.\nNothing from it was seen lately.\n"
	       "198.51.100.7 is flooded from about 6300 sources since 11:59:00: many SYNs.\n");
	flood->classes = CLASS_ICMP;
	expect("unseen",
	       "198.51.100.7 is not blocked.\nNothing from it was seen lately.\n"
	       "198.51.100.7 is flooded from about 6300 sources since 11:59:00: many SYNs.\n"
	       "To limit what reaches it: fwgen block 198.51.100.7 --to --class icmp --limit 1000"
	       " --for 10m\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(who_is_blocked, set_up),
		cmocka_unit_test_setup(who_is_limited_by_hand, set_up),
		cmocka_unit_test_setup(who_is_denied, set_up),
		cmocka_unit_test_setup(what_is_closed_for_one_port_only, set_up),
		cmocka_unit_test_setup(who_is_not_blocked, set_up),
		cmocka_unit_test_setup(who_is_over_a_limit_all_the_same, set_up),
		cmocka_unit_test_setup(what_was_before, set_up),
		cmocka_unit_test_setup(what_to_do_about_a_flood, set_up),
	};

	return cmocka_run_group_tests_name("sentences", tests, NULL, NULL);
}
