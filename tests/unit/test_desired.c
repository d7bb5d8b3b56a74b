/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon has yet to tell its iptables helper, and the lines it says it in. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "enforce/desired.h"
#include "enforce/message.h"

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

/* ---- the lines between daemon and helper ------------------------------------------------------
 */

static void test_messages_round_trip(void **state)
{
	struct message messages[] = {
		{ .type = MESSAGE_SET,
		  .member = member_of("2001:db8::/32", "syn-l7"),
		  .rule_id = UINT32_MAX,
		  .deadline_ns = INT64_MAX,
		  .weight = 2 },
		{ .type = MESSAGE_UNSET, .member = member_of("192.0.2.1", "all") },
		{ .type = MESSAGE_SET,
		  .member = member_of("2001:db8:1111:2222:3333:4444:5555:6666,tcp:65535",
				      "port-l1000000"),
		  .rule_id = 1 },
		{ .type = MESSAGE_SYNC },
		{ .type = MESSAGE_SYNCED },
		{ .type = MESSAGE_STOP, .keep = true },
		{ .type = MESSAGE_STOP },
		{ .type = MESSAGE_READY },
		{ .type = MESSAGE_FAILED, .error = -ENOENT, .text = "failed to find ipset" },
		{ .type = MESSAGE_STATE,
		  .enforced = true,
		  .members = 5,
		  .repairs = 6,
		  .packets = 7 },
		{ .type = MESSAGE_STATE, .members = UINT64_MAX, .text = "4 lines refused: full" },
		{ .type = MESSAGE_NOTE, .text = "something odd" },
		{ .type = MESSAGE_STOPPED, .error = -EIO },
	};
	const size_t n = sizeof(messages) / sizeof(messages[0]);
	char all[n * MESSAGE_LINE_BYTES];
	const char *cursor = all;
	struct message got;
	size_t len = 0;

	(void)state;
	for (size_t i = 0; i < n; i++)
		len += message_format(&messages[i], all + len);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(message_next(&cursor, &got), 1);
		assert_int_equal(got.type, messages[i].type);
		assert_memory_equal(&got.member, &messages[i].member, sizeof(got.member));
		assert_int_equal(got.rule_id, messages[i].rule_id);
		assert_int_equal(got.deadline_ns, messages[i].deadline_ns);
		assert_int_equal(got.weight, messages[i].weight);
		assert_int_equal(got.keep, messages[i].keep);
		assert_int_equal(got.error, messages[i].error);
		assert_int_equal(got.enforced, messages[i].enforced);
		assert_int_equal(got.members, messages[i].members);
		assert_int_equal(got.packets, messages[i].packets);
		assert_string_equal(got.text, messages[i].text);
	}
	assert_int_equal(message_next(&cursor, &got), 0);
}

static void test_bad_messages_are_refused(void **state)
{
	static const char *const bad[] = { "\n",
					   "sett 1 192.0.2.1 all 5\n",
					   "set 1 192.0.2.1 all\n",
					   "set 1 192.0.2.1 everything 5 0\n",
					   "set 1 192.0.2.999 all 5 0\n",
					   "unset 192.0.2.1\n",
					   "stop perhaps\n",
					   "state enforced 1 2\n",
					   "sync" };
	struct message message;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *cursor = bad[i];

		assert_int_equal(message_next(&cursor, &message), -EBADMSG);
	}
}

static void test_text_cannot_start_a_line(void **state)
{
	struct message message = { .type = MESSAGE_NOTE, .text = "one\nstop remove" };
	char line[MESSAGE_LINE_BYTES];
	size_t len = message_format(&message, line);

	(void)state;
	assert_ptr_equal(strchr(line, '\n'), line + len - 1);
}

/* ---- the desired ruleset -----------------------------------------------------------------------
 */

static char encoded[8 * MESSAGE_PACKET_BYTES];

static const char *drain(struct desired *desired)
{
	size_t len = desired_encode(desired, encoded, sizeof(encoded) - 1);

	encoded[len] = '\0';
	desired_sent(desired);
	return encoded;
}

static void test_changes_are_told_once(void **state)
{
	struct rule rule = rule_of(7, "192.0.2.1", CLASS_ALL, 100);
	struct desired *desired = NULL;

	(void)state;
	assert_int_equal(desired_new(&desired), 0);
	assert_false(desired_pending(desired));
	for (int i = 0; i < 50; i++) {
		rule.expires.boot_ns += NS_PER_SECOND;
		assert_int_equal(desired_set(desired, &rule), 0);
	}
	assert_true(desired_pending(desired));
	assert_string_equal(drain(desired), "set 7 192.0.2.1 all 150000000000 0\n");
	assert_false(desired_pending(desired));
	desired_unset(desired, &rule);
	assert_string_equal(drain(desired), "unset 192.0.2.1 all\n");
	assert_false(desired_pending(desired));
	desired_free(&desired);
	assert_null(desired);
}

static void test_what_was_not_sent_is_kept(void **state)
{
	struct rule rule = rule_of(7, "192.0.2.1", CLASS_ALL, 100);
	struct desired *desired = NULL;

	(void)state;
	assert_int_equal(desired_new(&desired), 0);
	assert_int_equal(desired_set(desired, &rule), 0);
	assert_true(desired_encode(desired, encoded, sizeof(encoded)) > 0);
	/* not sent: the socket was full */
	assert_true(desired_pending(desired));
	assert_string_equal(drain(desired), "set 7 192.0.2.1 all 100000000000 0\n");
	desired_free(&desired);
}

static void test_two_rules_want_one_member(void **state)
{
	struct rule manual = rule_of(1, "192.0.2.1", CLASS_ALL, 900);
	struct rule found = rule_of(2, "192.0.2.1", CLASS_ALL, 60);
	struct desired *desired = NULL;

	(void)state;
	assert_int_equal(desired_new(&desired), 0);
	assert_int_equal(desired_set(desired, &manual), 0);
	drain(desired);
	assert_int_equal(desired_set(desired, &found), 0);
	assert_string_equal(drain(desired), "set 1 192.0.2.1 all 900000000000 0\n");
	desired_unset(desired, &manual);
	assert_string_equal(drain(desired), "set 2 192.0.2.1 all 60000000000 0\n");
	/* a late removal of a rule that is not there any more changes nothing */
	desired_unset(desired, &manual);
	assert_false(desired_pending(desired));
	desired_unset(desired, &found);
	assert_string_equal(drain(desired), "unset 192.0.2.1 all\n");
	desired_free(&desired);
}

/* The same source, three rules: everything, and two ports of its own. */
static void test_ports_are_members_of_their_own(void **state)
{
	struct rule all = rule_of(1, "192.0.2.1", CLASS_ALL, 900);
	struct rule ssh = rule_of(2, "192.0.2.1", CLASS_SYN | CLASS_TCP, 60);
	struct rule snmp = rule_of(3, "192.0.2.1", CLASS_UDP, 60);
	struct desired *desired = NULL;

	(void)state;
	ssh.port = 22;
	ssh.protocol = 6;
	snmp.port = 22;
	snmp.protocol = 17;
	assert_int_equal(desired_new(&desired), 0);
	assert_int_equal(desired_set(desired, &all), 0);
	assert_int_equal(desired_set(desired, &ssh), 0);
	assert_int_equal(desired_set(desired, &snmp), 0);
	assert_string_equal(drain(desired), "set 1 192.0.2.1 all 900000000000 0\n"
					    "set 2 192.0.2.1,tcp:22 port 60000000000 0\n"
					    "set 3 192.0.2.1,udp:22 port 60000000000 0\n");
	desired_unset(desired, &ssh);
	assert_string_equal(drain(desired), "unset 192.0.2.1,tcp:22 port\n");
	desired_free(&desired);
}

/* A destination that is limited, and the same host as a source. */
static void test_destinations_are_members_of_their_own(void **state)
{
	struct rule source = rule_of(1, "192.0.2.1", CLASS_UDP, 60);
	struct rule port = rule_of(2, "192.0.2.1", CLASS_SYN, 60);
	struct rule all = rule_of(3, "192.0.2.1", CLASS_UDP, 60);
	struct desired *desired = NULL;

	(void)state;
	port.to_destination = all.to_destination = true;
	port.action = all.action = ACTION_LIMIT;
	port.limit_pps = all.limit_pps = 1000;
	port.port = 80;
	port.protocol = 6;
	all.protocol = 17; /* the class's: no port, so no part of the member */
	assert_int_equal(desired_new(&desired), 0);
	assert_int_equal(desired_set(desired, &source), 0);
	assert_int_equal(desired_set(desired, &port), 0);
	assert_int_equal(desired_set(desired, &all), 0);
	assert_string_equal(drain(desired), "set 1 192.0.2.1 udp 60000000000 0\n"
					    "set 2 192.0.2.1,tcp:80 tosynport-l1000 60000000000 0\n"
					    "set 3 192.0.2.1 toudp-l1000 60000000000 0\n");
	desired_unset(desired, &all);
	assert_string_equal(drain(desired), "unset 192.0.2.1 toudp-l1000\n");
	all.action = ACTION_DROP;
	assert_int_equal(desired_set(desired, &all), -EINVAL);
	desired_free(&desired);
}

/* What people asked for goes before what is proven, that before the rest. */
static void test_weights(void **state)
{
	struct rule manual = rule_of(1, "192.0.2.1", CLASS_ALL, 60);
	struct rule proven = rule_of(2, "192.0.2.2", CLASS_ALL, 60);
	struct rule unproven = rule_of(3, "192.0.2.3", CLASS_ALL, 60);
	struct desired *desired = NULL;

	(void)state;
	manual.origin = ORIGIN_MANUAL;
	proven.evidence = EVIDENCE_PROVEN;
	assert_int_equal(desired_new(&desired), 0);
	assert_int_equal(desired_set(desired, &manual), 0);
	assert_int_equal(desired_set(desired, &proven), 0);
	assert_int_equal(desired_set(desired, &unproven), 0);
	assert_string_equal(drain(desired), "set 1 192.0.2.1 all 60000000000 2\n"
					    "set 2 192.0.2.2 all 60000000000 1\n"
					    "set 3 192.0.2.3 all 60000000000 0\n");
	unproven.evidence = EVIDENCE_PROVEN; /* conntrack said so meanwhile */
	assert_int_equal(desired_set(desired, &unproven), 0);
	assert_string_equal(drain(desired), "set 3 192.0.2.3 all 60000000000 1\n");
	desired_free(&desired);
}

static void test_a_rule_changes_its_classes(void **state)
{
	struct rule rule = rule_of(3, "192.0.2.1", CLASS_SYN | CLASS_UDP, 60);
	struct desired *desired = NULL;

	(void)state;
	assert_int_equal(desired_new(&desired), 0);
	assert_int_equal(desired_set(desired, &rule), 0);
	drain(desired);
	rule.classes = CLASS_SYN;
	assert_int_equal(desired_set(desired, &rule), 0);
	assert_string_equal(drain(desired),
			    "set 3 192.0.2.1 syn 60000000000 0\nunset 192.0.2.1 udp\n"
			    "set 3 192.0.2.1 syn 60000000000 0\n");
	desired_free(&desired);
}

static void test_resync_brackets_everything(void **state)
{
	struct rule a = rule_of(1, "192.0.2.1", CLASS_ALL, 60);
	struct rule b = rule_of(2, "192.0.2.2", CLASS_ALL, 60);
	struct desired *desired = NULL;

	(void)state;
	assert_int_equal(desired_new(&desired), 0);
	assert_int_equal(desired_set(desired, &a), 0);
	assert_int_equal(desired_set(desired, &b), 0);
	drain(desired);
	desired_unset(desired, &b);
	desired_resync(desired);
	assert_string_equal(drain(desired), "sync\nset 1 192.0.2.1 all 60000000000 0\nsynced\n");
	assert_false(desired_pending(desired));
	desired_free(&desired);
}

static void test_packets_hold_whole_lines(void **state)
{
	const unsigned int rules = 5000;
	struct desired *desired = NULL;
	unsigned int sets = 0, ends = 0;
	struct message message;

	(void)state;
	assert_int_equal(desired_new(&desired), 0);
	for (unsigned int i = 0; i < rules; i++) {
		struct rule rule = rule_of(i + 1, "198.18.0.0", CLASS_ALL, 60);

		rule.prefix.address.bytes[14] = i >> 8;
		rule.prefix.address.bytes[15] = i;
		assert_int_equal(desired_set(desired, &rule), 0);
	}
	desired_resync(desired);
	while (desired_pending(desired)) {
		size_t len = desired_encode(desired, encoded, MESSAGE_PACKET_BYTES);
		const char *cursor = encoded;

		assert_true(len < MESSAGE_PACKET_BYTES);
		encoded[len] = '\0';
		desired_sent(desired);
		while (message_next(&cursor, &message) == 1) {
			sets += message.type == MESSAGE_SET;
			ends += message.type == MESSAGE_SYNCED;
		}
		assert_ptr_equal(cursor, encoded + len);
	}
	assert_int_equal(sets, rules);
	assert_int_equal(ends, 1);
	desired_free(&desired);
}

/* A helper that takes nothing for long: removals do not pile up without end. */
static void test_waiting_removals_are_bounded(void **state)
{
	struct rule stays = rule_of(1, "192.0.2.1", CLASS_ALL, 60);
	struct desired *desired = NULL;
	size_t len;

	(void)state;
	assert_int_equal(desired_new(&desired), 0);
	assert_int_equal(desired_set(desired, &stays), 0);
	for (unsigned int i = 0; i < 70000; i++) {
		struct rule rule = rule_of(i + 2, "10.0.0.0", CLASS_ALL, 60);

		rule.prefix.address.bytes[13] = i >> 16;
		rule.prefix.address.bytes[14] = i >> 8;
		rule.prefix.address.bytes[15] = i | 1;
		assert_int_equal(desired_set(desired, &rule), 0);
		desired_unset(desired, &rule);
	}
	len = desired_encode(desired, encoded, sizeof(encoded) - 1);
	encoded[len] = '\0';
	assert_int_equal(strncmp(encoded, "sync\nset 1 192.0.2.1 all 60000000000 0\n", 39), 0);
	desired_free(&desired);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_round_trip),
		cmocka_unit_test(test_bad_messages_are_refused),
		cmocka_unit_test(test_text_cannot_start_a_line),
		cmocka_unit_test(test_changes_are_told_once),
		cmocka_unit_test(test_what_was_not_sent_is_kept),
		cmocka_unit_test(test_two_rules_want_one_member),
		cmocka_unit_test(test_ports_are_members_of_their_own),
		cmocka_unit_test(test_destinations_are_members_of_their_own),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_a_rule_changes_its_classes),
		cmocka_unit_test(test_resync_brackets_everything),
		cmocka_unit_test(test_packets_hold_whole_lines),
		cmocka_unit_test(test_waiting_removals_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
