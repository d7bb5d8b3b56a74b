/* SPDX-License-Identifier: GPL-2.0-or-later */
/* model/: every table of names both ways, the lists, the ring, the commands for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "model/detector.h"
#include "model/event.h"
#include "model/finding.h"
#include "model/protected.h"
#include "model/rule.h"
#include "model/status.h"

/* ---- names ---------------------------------------------------------------------------------- */

/* name and parse agree for all values, what lies outside has no name, what is no name is refused.
 */
#define ROUND_TRIP(prefix, type, count)                                                          \
	do {                                                                                     \
		for (int i = 0; i < (count); i++) {                                              \
			enum type back = (enum type)((i + 1) % (count));                         \
			assert_int_equal(prefix##_parse(prefix##_name((enum type)i), &back), 0); \
			assert_int_equal(back, i);                                               \
		}                                                                                \
		enum type kept = (enum type)1;                                                   \
		assert_int_equal(prefix##_parse("", &kept), -EINVAL);                            \
		assert_int_equal(prefix##_parse("?", &kept), -EINVAL);                           \
		assert_int_equal(prefix##_parse(" drop", &kept), -EINVAL);                       \
		assert_int_equal(kept, 1);                                                       \
		assert_string_equal(prefix##_name((enum type)99), "?");                          \
	} while (0)

static void names_round_trip(void **state)
{
	(void)state;
	ROUND_TRIP(detector, detector_id, DETECTOR_COUNT);
	ROUND_TRIP(action, action, ACTION_COUNT);
	ROUND_TRIP(evidence, evidence, EVIDENCE_COUNT);
	ROUND_TRIP(origin, origin, ORIGIN_COUNT);
	ROUND_TRIP(removed_why, removed_why, REMOVED_COUNT);
	assert_string_equal(detector_name(DETECTOR_NONE), "");
}

/* They stand in databases and in other people's scripts. */
static void names_are_a_contract(void **state)
{
	(void)state;
	assert_string_equal(detector_name(DETECTOR_SYN_FLOOD), "syn_flood");
	assert_string_equal(detector_name(DETECTOR_HOST_SWEEP), "host_sweep");
	assert_string_equal(action_name(ACTION_LIMIT), "limit");
	assert_string_equal(evidence_name(EVIDENCE_PROVEN), "proven");
	assert_string_equal(origin_name(ORIGIN_FLEET), "fleet");
	assert_string_equal(removed_why_name(REMOVED_ROLLED_UP), "rolled_up");
	assert_string_equal(event_type_name(EVENT_SYSTEM), "system");
	assert_string_equal(severity_name(SEVERITY_CRITICAL), "critical");
	assert_string_equal(enforcer_state_name(ENFORCER_STANDBY), "standby");
	assert_string_equal(source_state_name(SOURCE_PROTECTED), "protected");
}

static void one_way_names_differ(void **state)
{
	(void)state;
	for (int i = 0; i < EVENT_TYPE_COUNT; i++)
		assert_string_not_equal(event_type_name((enum event_type)i), "?");
	for (int i = 0; i < SEVERITY_COUNT; i++)
		assert_string_not_equal(severity_name((enum severity)i), "?");
	for (int i = 0; i < ENFORCER_STATE_COUNT; i++)
		assert_string_not_equal(enforcer_state_name((enum enforcer_state)i), "?");
	for (int i = 0; i < SOURCE_STATE_COUNT; i++)
		assert_string_not_equal(source_state_name((enum source_state)i), "?");
	assert_string_equal(event_type_name(EVENT_TYPE_COUNT), "?");
	assert_string_equal(severity_name(SEVERITY_COUNT), "?");
	assert_string_equal(enforcer_state_name(ENFORCER_STATE_COUNT), "?");
	assert_string_equal(source_state_name(SOURCE_STATE_COUNT), "?");
}

static void classes_round_trip(void **state)
{
	char buf[CLASSES_TEXT];
	uint32_t back;

	(void)state;
	for (uint32_t classes = 1; classes <= CLASS_ALL; classes++) {
		back = 0;
		assert_int_equal(classes_parse(classes_format(classes, buf), &back), 0);
		assert_int_equal(back, classes);
	}
	assert_string_equal(classes_format(CLASS_ALL, buf), "all");
	assert_string_equal(classes_format(CLASS_UDP | CLASS_SYN, buf), "syn,udp");
	assert_string_equal(classes_format(CLASS_ALL & ~CLASS_UDP, buf),
			    "syn,tcp,icmp,fragment,other");
	assert_string_equal(classes_format(0, buf), "");
	assert_int_equal(classes_parse("udp,udp,syn", &back), 0);
	assert_int_equal(back, CLASS_UDP | CLASS_SYN);
	assert_int_equal(classes_parse("syn,tcp,udp,icmp,fragment,other", &back), 0);
	assert_int_equal(back, CLASS_ALL);
}

static void classes_refuse(void **state)
{
	static const char *const cases[] = { "",    ",",       "syn,",	  ",syn", "syn,,udp",
					     "SYN", "syn udp", "all,syn", "sy",	  "synx" };
	uint32_t kept = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(classes_parse(cases[i], &kept), -EINVAL);
		assert_int_equal(kept, 42);
	}
}

static void protocols_have_names(void **state)
{
	char buf[8];

	(void)state;
	assert_string_equal(protocol_format(6, buf), "tcp");
	assert_string_equal(protocol_format(17, buf), "udp");
	assert_string_equal(protocol_format(1, buf), "icmp");
	assert_string_equal(protocol_format(58, buf), "icmpv6");
	assert_string_equal(protocol_format(255, buf), "255");
	assert_string_equal(protocol_format(0, buf), "");
}

/* ---- lists ---------------------------------------------------------------------------------- */

static struct prefix prefix_from(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

static void lists_keep_what_they_are_given(void **state)
{
	struct rule_change_list changes = { 0 };
	struct finding_list findings = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		struct rule_change change = { .kind = RULE_ADDED, .rule.id = i + 1 };
		struct finding finding = { .count = i * 3 };

		assert_int_equal(rule_change_list_add(&changes, &change), 0);
		assert_int_equal(finding_list_add(&findings, &finding), 0);
	}
	assert_int_equal(changes.count, 1000);
	assert_int_equal(findings.count, 1000);
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(changes.items[i].rule.id, i + 1);
		assert_int_equal(findings.items[i].count, i * 3);
	}
	rule_change_list_free(&changes);
	finding_list_free(&findings);
	assert_true(!changes.items && !changes.count && !changes.capacity);
	assert_true(!findings.items && !findings.count && !findings.capacity);
	rule_change_list_free(&changes); /* of nothing: nothing */
}

static void protected_list_finds_both_ways(void **state)
{
	struct prefix own = prefix_from("192.0.2.1"), net = prefix_from("2001:db8::/64");
	struct prefix inside = prefix_from("2001:db8::5"), around = prefix_from("192.0.2.0/24");
	struct prefix elsewhere = prefix_from("192.0.2.2"), all = prefix_from("::/0");
	struct protected_list list = { 0 };
	char long_reason[200];

	(void)state;
	assert_null(protected_list_find(&list, &own));
	assert_int_equal(protected_list_add(&list, &own, "own address on eth0"), 0);
	assert_int_equal(protected_list_add(&list, &net, "access.allow"), 0);
	assert_int_equal(protected_list_add(&list, &own, "resolver"), 0);
	assert_int_equal(list.count, 2); /* the first reason stays */
	assert_string_equal(protected_list_find(&list, &own)->reason, "own address on eth0");
	assert_string_equal(protected_list_find(&list, &around)->reason, "own address on eth0");
	assert_string_equal(protected_list_find(&list, &inside)->reason, "access.allow");
	assert_string_equal(protected_list_find(&list, &all)->reason, "access.allow");
	assert_null(protected_list_find(&list, &elsewhere));
	memset(long_reason, 'r', sizeof(long_reason) - 1);
	long_reason[sizeof(long_reason) - 1] = '\0';
	assert_int_equal(protected_list_add(&list, &elsewhere, long_reason), 0);
	assert_int_equal(strlen(protected_list_find(&list, &elsewhere)->reason), 63);
	protected_list_free(&list);
	assert_true(!list.items && !list.count);
}

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(random_state >> 33) % limit;
}

/* Few different bits, so that many contain one another; both families, wide IPv6 ones around IPv4.
 */
static struct prefix random_prefix(void)
{
	static const uint32_t lens[] = { 0, 1, 8, 64, 90, 96, 97, 100, 104, 112, 120, 127, 128 };
	struct prefix prefix = { .len = lens[random_below(sizeof(lens) / sizeof(*lens))] };

	if (random_below(4))
		prefix.address = address_from_ipv4(0);
	prefix.address.bytes[random_below(16)] ^= (uint8_t)(1 << random_below(8));
	prefix.address.bytes[12 + random_below(4)] ^= (uint8_t)(1 << random_below(8));
	prefix.address = address_masked(&prefix.address, prefix.len);
	return prefix;
}

static const struct protected_prefix *find_slowly(const struct protected_list *list,
						  const struct prefix *prefix)
{
	for (size_t i = 0; i < list->count; i++) {
		if (prefix_overlaps(&list->items[i].prefix, prefix))
			return &list->items[i];
	}
	return NULL;
}

/* The same answer as looking at each of them, for whatever prefixes. */
static void protected_list_finds_the_first(void **state)
{
	unsigned int found = 0, not_found = 0;

	(void)state;
	for (int round = 0; round < 500; round++) {
		struct protected_list list = { 0 }, copy = { 0 };
		uint32_t wanted = random_below(40);

		for (uint32_t i = 0; i < wanted; i++) {
			struct prefix prefix = random_prefix();
			size_t before = list.count;
			bool had = protected_list_has(&list, &prefix);

			assert_int_equal(protected_list_add(&list, &prefix, "x"), 0);
			assert_int_equal(list.count, before + !had);
			assert_true(protected_list_has(&list, &prefix));
		}
		assert_int_equal(protected_list_copy(&copy, &list), 0);
		for (int i = 0; i < 100; i++) {
			struct prefix prefix = random_prefix();
			const struct protected_prefix *first = find_slowly(&list, &prefix);

			assert_ptr_equal(protected_list_find(&list, &prefix), first);
			assert_ptr_equal(protected_list_find(&copy, &prefix),
					 first ? &copy.items[first - list.items] : NULL);
			found += first != NULL;
			not_found += !first;
		}
		protected_list_free(&list);
		assert_int_equal(protected_list_add(&copy, &(struct prefix){ .len = 77 }, "y"), 0);
		protected_list_free(&copy);
	}
	assert_true(found > 1000 && not_found > 1000);
}

static void protected_list_grows(void **state)
{
	struct protected_list list = { 0 };
	char text[32];

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct prefix prefix;

		snprintf(text, sizeof(text), "198.51.100.%d", i);
		prefix = prefix_from(text);
		assert_int_equal(protected_list_add(&list, &prefix, text), 0);
	}
	for (int i = 0; i < 100; i++) {
		struct prefix prefix;

		snprintf(text, sizeof(text), "198.51.100.%d", i);
		prefix = prefix_from(text);
		assert_string_equal(protected_list_find(&list, &prefix)->reason, text);
	}
	protected_list_free(&list);
}

static void event_ring_keeps_the_last(void **state)
{
	struct event_ring *ring = calloc(1, sizeof(*ring));

	(void)state;
	assert_non_null(ring);
	for (uint64_t i = 1; i <= EVENT_RING_SIZE + 10; i++) {
		struct event event = { .id = i };

		event_ring_add(ring, &event);
		assert_int_equal(ring->added, i);
		assert_int_equal(ring->items[(i - 1) % EVENT_RING_SIZE].id, i);
	}
	assert_int_equal(ring->items[10].id, 11); /* the oldest that is left */
	free(ring);
}

/* ---- commands ------------------------------------------------------------------------------- */

static void assert_command(const char *source, enum action action, uint32_t classes,
			   const char *wanted)
{
	struct rule rule = { .id = 12,
			     .prefix = prefix_from(source),
			     .action = action,
			     .classes = classes,
			     .limit_pps = 100 };
	char buf[RULE_COMMAND_TEXT];

	assert_ptr_equal(rule_command(&rule, buf), buf);
	assert_string_equal(buf, wanted);
}

#define HEAD4 "iptables -t raw -I PREROUTING -s "
#define HEAD6 "ip6tables -t raw -I PREROUTING -s "
#define LIMIT " -m hashlimit --hashlimit-above 100/sec --hashlimit-name fwgen12"

static void command_for_one_class(void **state)
{
	static const struct {
		uint32_t classes;
		const char *four, *six;
	} cases[] = {
		{ CLASS_ALL, "", "" },
		{ CLASS_SYN, " -p tcp --tcp-flags SYN,ACK SYN", " -p tcp --tcp-flags SYN,ACK SYN" },
		{ CLASS_TCP, " -p tcp ! --tcp-flags SYN,ACK SYN",
		  " -p tcp ! --tcp-flags SYN,ACK SYN" },
		{ CLASS_SYN | CLASS_TCP, " -p tcp", " -p tcp" },
		{ CLASS_UDP, " -p udp", " -p udp" },
		{ CLASS_ICMP, " -p icmp", " -p icmpv6" },
		{ CLASS_FRAGMENT, " -f", " -m frag" },
		{ CLASS_OTHER, " -m u32 --u32 '6&0xff=0,2:5,7:16,18:255'",
		  " -m u32 --u32 '3&0xff=1:5,7:16,18:42,45:50,52:57,59,61:255'" },
	};
	char wanted[RULE_COMMAND_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(wanted, sizeof(wanted), HEAD4 "192.0.2.1%s -j DROP", cases[i].four);
		assert_command("192.0.2.1", ACTION_DROP, cases[i].classes, wanted);
		snprintf(wanted, sizeof(wanted), HEAD6 "2001:db8::/64%s" LIMIT " -j DROP",
			 cases[i].six);
		assert_command("2001:db8::/64", ACTION_LIMIT, cases[i].classes, wanted);
	}
}

static void command_names_the_family(void **state)
{
	(void)state;
	assert_command("192.0.2.0/24", ACTION_LIMIT, CLASS_ALL,
		       HEAD4 "192.0.2.0/24" LIMIT " -j DROP");
	assert_command("0.0.0.0/0", ACTION_DROP, CLASS_UDP, HEAD4 "0.0.0.0/0 -p udp -j DROP");
	assert_command("::/0", ACTION_DROP, CLASS_UDP, HEAD6 "::/0 -p udp -j DROP");
}

/* Several commands share one limit, as the rule does. */
static void command_for_several_classes(void **state)
{
	(void)state;
	assert_command("192.0.2.1", ACTION_DROP, CLASS_UDP | CLASS_ICMP,
		       HEAD4 "192.0.2.1 -p udp -j DROP; " HEAD4 "192.0.2.1 -p icmp -j DROP");
	assert_command("192.0.2.1", ACTION_LIMIT, CLASS_SYN | CLASS_UDP,
		       HEAD4 "192.0.2.1 -p tcp --tcp-flags SYN,ACK SYN" LIMIT " -j DROP; " HEAD4
			     "192.0.2.1 -p udp" LIMIT " -j DROP");
}

static void command_for_a_destination(void **state)
{
	static const struct {
		const char *destination;
		uint32_t classes;
		uint16_t port;
		const char *wanted;
	} cases[] = {
		{ "192.0.2.1", CLASS_SYN, 80,
		  "iptables -t raw -I PREROUTING -d 192.0.2.1 -p tcp --tcp-flags SYN,ACK SYN"
		  " --dport 80 -m hashlimit --hashlimit-above 1000/sec --hashlimit-mode"
		  " dstip,dstport --hashlimit-name fwgen12 -j DROP" },
		{ "192.0.2.1", CLASS_UDP, 0,
		  "iptables -t raw -I PREROUTING -d 192.0.2.1 -p udp -m hashlimit"
		  " --hashlimit-above 1000/sec --hashlimit-mode dstip --hashlimit-name fwgen12"
		  " -j DROP" },
		{ "2001:db8::1", CLASS_ICMP, 0,
		  "ip6tables -t raw -I PREROUTING -d 2001:db8::1 -p icmpv6 -m hashlimit"
		  " --hashlimit-above 1000/sec --hashlimit-mode dstip --hashlimit-name fwgen12"
		  " -j DROP" },
	};
	char buf[RULE_COMMAND_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule rule = { .id = 12,
				     .prefix = prefix_from(cases[i].destination),
				     .to_destination = true,
				     .action = ACTION_LIMIT,
				     .classes = cases[i].classes,
				     .port = cases[i].port,
				     .limit_pps = 1000 };

		assert_string_equal(rule_command(&rule, buf), cases[i].wanted);
	}
}

/* The longest there is: five parts, the longest prefix, the largest numbers. */
static void command_always_fits(void **state)
{
	struct rule rule = { .id = UINT32_MAX, .action = ACTION_LIMIT, .limit_pps = UINT32_MAX };
	char buf[RULE_COMMAND_TEXT];

	(void)state;
	rule.prefix = prefix_from("2001:db8:1111:2222:3333:4444:5555:6666/127");
	for (rule.classes = 1; rule.classes <= CLASS_ALL; rule.classes++) {
		size_t len = strlen(rule_command(&rule, buf));

		assert_in_range(len, 50, RULE_COMMAND_TEXT - 2);
		assert_string_equal(buf + len - 8, " -j DROP");
	}
	rule.classes = 0;
	assert_string_equal(rule_command(&rule, buf), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_round_trip),
		cmocka_unit_test(names_are_a_contract),
		cmocka_unit_test(one_way_names_differ),
		cmocka_unit_test(classes_round_trip),
		cmocka_unit_test(classes_refuse),
		cmocka_unit_test(protocols_have_names),
		cmocka_unit_test(lists_keep_what_they_are_given),
		cmocka_unit_test(protected_list_finds_both_ways),
		cmocka_unit_test(protected_list_finds_the_first),
		cmocka_unit_test(protected_list_grows),
		cmocka_unit_test(event_ring_keeps_the_last),
		cmocka_unit_test(command_for_one_class),
		cmocka_unit_test(command_names_the_family),
		cmocka_unit_test(command_for_several_classes),
		cmocka_unit_test(command_for_a_destination),
		cmocka_unit_test(command_always_fits),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
