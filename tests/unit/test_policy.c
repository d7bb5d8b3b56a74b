/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings to rules: what gets one, for how long, what never does, and what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "decide/reason.h"
#include "policy_box.h"

/* ---- a rule's life --------------------------------------------------------------------------- */

static void test_finding_becomes_rule(void **state)
{
	struct box *box = box_new();
	const struct rule_change *change = decide_source(box, "203.0.113.9");
	const struct rule *rule;

	(void)state;
	assert_non_null(change);
	assert_int_equal(change->kind, RULE_ADDED);
	assert_int_equal(change->port, 80);
	assert_int_equal(change->protocol, 6);
	assert_true(change->has_destination);
	rule = &change->rule;
	assert_int_equal(rule->id, 17);
	assert_int_equal(rule->action, ACTION_DROP);
	assert_int_equal(rule->classes, CLASS_ALL);
	assert_int_equal(rule->origin, ORIGIN_DETECTOR);
	assert_int_equal(rule->evidence, EVIDENCE_UNPROVEN);
	assert_int_equal(rule->observed, 312);
	assert_int_equal(rule->limit.count, 200);
	assert_string_equal(rule->config_hash, "0123456789abcdef");
	assert_string_equal(rule->reason, "312 SYNs without an established connection in 1 s "
					  "(limit 200 in 1 s), last to 198.51.100.7 port 80/tcp");
	assert_int_equal(rule->created.boot_ns, box->now.boot_ns);
	assert_int_equal(rule->expires.boot_ns, box->now.boot_ns + 60 * SECOND);
	assert_int_equal(rule->expires.wall_ns, box->now.wall_ns + 60 * SECOND);
	assert_int_equal(policy_rule_count(box->policy), 1);
	assert_int_equal(policy_next_expiry(box->policy), rule->expires.boot_ns);
	/* ids are never used twice */
	assert_int_equal(decide_source(box, "203.0.113.10")->rule.id, 18);
	box_free(box);
}

static void test_reasons(void **state)
{
	struct box *box = box_new();
	struct finding finding = finding_of(box, "203.0.113.9");
	char text[160];

	(void)state;
	finding.detector = DETECTOR_PORT_SCAN;
	finding.count = finding.ports = 25;
	finding.hosts = 1;
	finding.limit = (struct limit){ 20, 10 };
	assert_string_equal(reason_format(&finding, text, sizeof(text)),
			    "25 ports tried on 1 host in 10 s (limit 20 in 10 s), last to "
			    "198.51.100.7 port 80/tcp");
	finding.what = "tries of the same ports again"; /* its other number */
	finding.hosts = 12;
	assert_string_equal(reason_format(&finding, text, sizeof(text)),
			    "25 tries of the same ports again on 12 hosts in 10 s (limit 20 in "
			    "10 s), last to 198.51.100.7 port 80/tcp");
	finding.what = NULL;
	finding.detector = DETECTOR_HOST_SWEEP;
	finding.ports = 2;
	finding.protocol = 0;
	assert_string_equal(reason_format(&finding, text, sizeof(text)),
			    "25 hosts tried on 2 ports in 10 s (limit 20 in 10 s), last to "
			    "198.51.100.7 port 80");
	finding.detector = DETECTOR_ICMP_FLOOD;
	finding.protocol = 58;
	finding.port = 0;
	finding.destination = prefix_text("2001:db8::1").address;
	assert_string_equal(
		reason_format(&finding, text, sizeof(text)),
		"25 ICMP packets in 10 s (limit 20 in 10 s), last to 2001:db8::1, icmpv6");
	finding.has_destination = false;
	assert_string_equal(reason_format(&finding, text, sizeof(text)),
			    "25 ICMP packets in 10 s (limit 20 in 10 s)");
	box_free(box);
}

static void test_renewal_while_it_goes_on(void **state)
{
	struct box *box = box_new();
	const struct rule_change *change;
	int64_t expires_ns = decide_source(box, "203.0.113.9")->rule.expires.boot_ns;

	(void)state;
	pass(box, 30); /* exactly half is left */
	assert_null(decide_source(box, "203.0.113.9"));
	pass(box, 1);
	change = decide_source(box, "203.0.113.9");
	assert_non_null(change);
	assert_int_equal(change->kind, RULE_RENEWED);
	assert_int_equal(change->rule.id, 17);
	assert_int_equal(change->rule.expires.boot_ns, box->now.boot_ns + 60 * SECOND);
	assert_true(change->rule.expires.boot_ns > expires_ns);
	/* the old time does not end it, the new one does */
	pass(box, 59);
	assert_int_equal(expire(box), 0);
	pass(box, 1);
	assert_int_equal(expire(box), 1);
	assert_int_equal(box->changes.items[0].kind, RULE_REMOVED);
	assert_int_equal(box->changes.items[0].removed_why, REMOVED_EXPIRED);
	assert_int_equal(policy_rule_count(box->policy), 0);
	assert_int_equal(policy_next_expiry(box->policy), INT64_MAX);
	/* afterwards it is a new rule */
	assert_int_equal(decide_source(box, "203.0.113.9")->rule.id, 18);
	box_free(box);
}

static uint64_t random_state = 88172645463325252ULL;

static uint64_t random_below(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % bound;
}

static struct prefix numbered(uint32_t n)
{
	struct address address = address_from_ipv4(__builtin_bswap32(0x0a000000u + n));

	return prefix_of(&address);
}

/* 100,000 rules that end at random times: none early, none late, in order. */
static void test_expiry_order(void **state)
{
	enum { RULES = 100000 };
	struct box *box = box_new();
	struct rule *rules = calloc(RULES, sizeof(*rules));
	size_t ended = 0;

	(void)state;
	assert_non_null(rules);
	box->config.response.max_unproven_blocks = RULES;
	policy_reconfigure(box->policy, &box->config);
	for (uint32_t i = 0; i < RULES; i++) {
		rules[i] = (struct rule){ .id = i + 1,
					  .prefix = numbered(i),
					  .action = ACTION_DROP,
					  .classes = CLASS_ALL };
		rules[i].expires = moment_plus(box->now, 1 + (int64_t)random_below(1000 * SECOND));
	}
	assert_int_equal(policy_restore(box->policy, rules, RULES, box->now, &box->changes), 0);
	assert_int_equal(policy_rule_count(box->policy), RULES);
	for (uint32_t i = 0; i < RULES; i += 97)
		assert_int_equal(policy_find(box->policy, &rules[i].prefix)->id, i + 1);
	while (policy_rule_count(box->policy)) {
		int64_t before_ns = box->now.boot_ns;

		pass(box, 10);
		expire(box);
		for (size_t i = 0; i < box->changes.count; i++) {
			int64_t at_ns = box->changes.items[i].rule.expires.boot_ns;

			assert_true(at_ns <= box->now.boot_ns && at_ns > before_ns);
			assert_true(!i || at_ns >= box->changes.items[i - 1].rule.expires.boot_ns);
		}
		ended += box->changes.count;
		assert_true(policy_next_expiry(box->policy) > box->now.boot_ns);
	}
	assert_int_equal(ended, RULES);
	free(rules);
	box_free(box);
}

/* Against a plain list: additions, renewals and removals in any order. */
static void test_table_against_a_list(void **state)
{
	enum { SOURCES = 300 };
	struct box *box = box_new();
	int64_t expires_ns[SOURCES] = { 0 };

	(void)state;
	for (int step = 0; step < 20000; step++) {
		uint32_t n = (uint32_t)random_below(SOURCES);
		struct finding finding = finding_of(box, "203.0.113.9");
		const struct rule_change *change;
		size_t alive = 0;
		int64_t first_ns = INT64_MAX;

		finding.source = numbered(n);
		change = decide(box, &finding);
		assert_int_equal(change != NULL, expires_ns[n] - box->now.boot_ns < 30 * SECOND);
		if (change) {
			assert_int_equal(change->kind, expires_ns[n] ? RULE_RENEWED : RULE_ADDED);
			expires_ns[n] = change->rule.expires.boot_ns;
		}
		box->now = moment_plus(box->now, (int64_t)random_below(SECOND));
		expire(box);
		for (uint32_t i = 0; i < SOURCES; i++) {
			struct prefix prefix = numbered(i);

			if (expires_ns[i] <= box->now.boot_ns)
				expires_ns[i] = 0;
			alive += expires_ns[i] != 0;
			if (expires_ns[i] && expires_ns[i] < first_ns)
				first_ns = expires_ns[i];
			if (i % 16 == (uint32_t)step % 16)
				assert_int_equal(policy_find(box->policy, &prefix) != NULL,
						 expires_ns[i] != 0);
		}
		assert_int_equal(policy_rule_count(box->policy), alive);
		assert_int_equal(policy_next_expiry(box->policy), first_ns);
	}
	box_free(box);
}

static void test_newest_first(void **state)
{
	struct box *box = box_new();
	struct rule rules[3];

	(void)state;
	decide_source(box, "203.0.113.1");
	decide_source(box, "203.0.113.2");
	decide_source(box, "203.0.113.3");
	decide_source(box, "203.0.113.4");
	assert_int_equal(policy_rules(box->policy, rules, 3), 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(rules[i].id, 20 - i);
	box_free(box);
}

static void test_find_by_containing_prefix(void **state)
{
	struct box *box = box_new();
	static const char *const texts[] = { "2001:db8::/32", "2001:db8:1::/48", "203.0.113.0/24",
					     "::/0", "203.0.113.9" };
	struct rule rules[5];
	struct prefix prefix;

	(void)state;
	for (uint32_t i = 0; i < 5; i++)
		rules[i] = (struct rule){ .id = i + 1,
					  .prefix = prefix_text(texts[i]),
					  .action = ACTION_DROP,
					  .classes = CLASS_ALL,
					  .expires = moment_plus(box->now, SECOND) };
	policy_restore(box->policy, rules, 5, box->now, &box->changes);
	prefix = prefix_text("2001:db8:1::7");
	assert_int_equal(policy_find(box->policy, &prefix)->id, 2);
	prefix = prefix_text("2001:db8:2::7");
	assert_int_equal(policy_find(box->policy, &prefix)->id, 1);
	prefix = prefix_text("2001:db9::1");
	assert_int_equal(policy_find(box->policy, &prefix)->id, 4);
	prefix = prefix_text("203.0.113.9");
	assert_int_equal(policy_find(box->policy, &prefix)->id, 5);
	prefix = prefix_text("203.0.113.8");
	assert_int_equal(policy_find(box->policy, &prefix)->id, 3);
	prefix = prefix_text("198.51.100.1");
	assert_null(policy_find(box->policy, &prefix)); /* ::/0 is IPv6's */
	/* a source inside a dropped prefix needs no rule of its own */
	assert_null(decide_source(box, "203.0.113.200"));
	box_free(box);
}

/* ---- what may not be blocked ----------------------------------------------------------------- */

static void test_protected_is_refused_once(void **state)
{
	struct box *box = box_new();
	const struct rule_change *change;
	struct prefix prefix = prefix_text("192.0.2.1");

	(void)state;
	assert_int_equal(protect(box, "192.0.2.1", "default gateway of eth0"), 0);
	change = decide_source(box, "192.0.2.1");
	assert_non_null(change);
	assert_int_equal(change->kind, RULE_REFUSED);
	assert_int_equal(change->refused_why, REFUSED_PROTECTED);
	assert_string_equal(change->protected_as, "default gateway of eth0");
	assert_int_equal(change->rule.id, 0);
	assert_string_equal(policy_protected(box->policy, &prefix)->reason,
			    "default gateway of eth0");
	assert_int_equal(policy_rule_count(box->policy), 0);
	pass(box, 599);
	assert_null(decide_source(box, "192.0.2.1"));
	pass(box, 1);
	assert_non_null(decide_source(box, "192.0.2.1"));
	/* its neighbour is not protected, a prefix around it is */
	assert_int_equal(decide_source(box, "192.0.2.2")->kind, RULE_ADDED);
	assert_int_equal(decide_source(box, "192.0.2.0/24")->kind, RULE_REFUSED);
	box_free(box);
}

static void test_protection_ends_rules(void **state)
{
	struct box *box = box_new();

	(void)state;
	decide_source(box, "192.0.2.1");
	decide_source(box, "198.51.100.1");
	assert_int_equal(protect(box, "192.0.2.0/24", "access.allow"), 1);
	assert_int_equal(box->changes.items[0].kind, RULE_REMOVED);
	assert_int_equal(box->changes.items[0].removed_why, REMOVED_PROTECTED);
	assert_string_equal(box->changes.items[0].protected_as, "access.allow");
	assert_int_equal(policy_rule_count(box->policy), 1);
	/* the list is replaced, not added to */
	assert_int_equal(protect(box, NULL, NULL), 0);
	assert_int_equal(decide_source(box, "192.0.2.1")->kind, RULE_ADDED);
	box_free(box);
}

/* From a small world, so that prefixes meet often: 10.x, and the same under 2001:db8::. */
static struct prefix random_prefix(void)
{
	static const uint32_t lengths[] = { 128, 128, 128, 126, 124, 120, 112, 104 };
	uint32_t low = 0x0a000000u | (uint32_t)random_below(1u << (random_below(3) ? 8 : 24));
	struct address address = address_from_ipv4(__builtin_bswap32(low));
	struct prefix prefix;

	if (random_below(2)) {
		address.words[0] = __builtin_bswap32(0x20010db8);
		address.words[2] = 0;
	}
	prefix = (struct prefix){ .len = lengths[random_below(8)] };
	prefix.address = address_masked(&address, prefix.len);
	return prefix;
}

static void check_protected(const struct box *box, const struct protected_list *list,
			    struct rule *rules, size_t max)
{
	size_t n = policy_rules(box->policy, rules, max);

	assert_int_equal(n, policy_rule_count(box->policy));
	for (size_t i = 0; i < n; i++)
		assert_null(protected_list_find(list, &rules[i].prefix));
}

/* Whatever comes in whatever order, no rule in force or announced overlaps the protected set. */
static void test_protected_is_never_covered(void **state)
{
	enum { RULES = 2000 };
	static struct rule rules[RULES];
	struct box *box = box_new();
	struct protected_list list = { 0 };
	unsigned int added = 0, refused = 0, removed = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct finding finding = finding_of(box, "203.0.113.9");

		if (random_below(1000) == 0) {
			struct prefix prefix;

			protected_list_free(&list);
			for (uint64_t k = random_below(8); k > 0; k--) {
				prefix = random_prefix();
				assert_int_equal(protected_list_add(&list, &prefix, "test"), 0);
			}
			box->changes.count = 0;
			assert_int_equal(
				policy_protect(box->policy, &list, box->now, &box->changes), 0);
			removed += (unsigned int)box->changes.count;
			check_protected(box, &list, rules, RULES);
		}
		finding.source = random_prefix();
		finding.detector = (enum detector_id)random_below(DETECTOR_COUNT);
		finding.evidence = (enum evidence)random_below(2);
		box->changes.count = 0;
		assert_int_equal(policy_decide(box->policy, &finding, 1, &box->changes), 0);
		for (size_t k = 0; k < box->changes.count; k++) {
			const struct rule_change *change = &box->changes.items[k];

			if (change->kind == RULE_ADDED || change->kind == RULE_RENEWED) {
				assert_null(protected_list_find(&list, &change->rule.prefix));
				added++;
			}
			refused += change->kind == RULE_REFUSED;
		}
		box->now = moment_plus(box->now, (int64_t)random_below(SECOND / 2));
		expire(box);
		if (policy_rule_count(box->policy) > RULES - 2)
			pass(box, 10000);
	}
	check_protected(box, &list, rules, RULES);
	assert_true(added > 1000 && refused > 1000 && removed > 100);
	protected_list_free(&list);
	box_free(box);
}

static void test_budget_for_unproven(void **state)
{
	struct box *box = box_new();
	const struct rule_change *change;
	struct finding finding;

	(void)state;
	box->config.response.max_unproven_blocks = 2;
	assert_int_equal(policy_reconfigure(box->policy, &box->config), 0);
	decide_source(box, "203.0.113.1");
	decide_source(box, "203.0.113.2");
	finding = finding_of(box, "203.0.113.3");
	assert_int_equal(policy_decide(box->policy, &finding, 1, &box->changes), 0);
	assert_int_equal(box->changes.items[1].kind, RULE_CROWDED);
	change = &box->changes.items[2];
	assert_int_equal(change->kind, RULE_REFUSED);
	assert_int_equal(change->refused_why, REFUSED_FULL);
	assert_null(decide_source(box, "203.0.113.3"));
	/* proven evidence is not stopped by it, nor is renewal */
	finding = finding_of(box, "203.0.113.4");
	finding.evidence = EVIDENCE_PROVEN;
	assert_int_equal(decide(box, &finding)->kind, RULE_ADDED);
	pass(box, 40);
	assert_int_equal(decide_source(box, "203.0.113.1")->kind, RULE_RENEWED);
	/* once there is room, having been told does not stand in the way */
	pass(box, 20);
	assert_int_equal(expire(box), 1);
	assert_int_equal(decide_source(box, "203.0.113.3")->kind, RULE_ADDED);
	box_free(box);
}

static void test_prefix_is_limited_not_dropped(void **state)
{
	struct box *box = box_new();
	const struct rule_change *change = decide_source(box, "2001:db8:1:2::/64");
	struct finding finding = finding_of(box, "2001:db8:1:2::/64");

	(void)state;
	assert_int_equal(change->kind, RULE_ADDED);
	assert_int_equal(change->rule.action, ACTION_LIMIT);
	assert_int_equal(change->rule.limit_pps, 100);
	/* one address of it is another matter */
	assert_int_equal(decide_source(box, "2001:db8:1:2::7")->rule.action, ACTION_DROP);
	/* and so is proof */
	finding.evidence = EVIDENCE_PROVEN;
	box->changes.count = 0;
	assert_int_equal(policy_decide(box->policy, &finding, 1, &box->changes), 0);
	assert_int_equal(box->changes.count, 2);
	assert_int_equal(box->changes.items[0].kind, RULE_REMOVED);
	assert_int_equal(box->changes.items[0].removed_why, REMOVED_REPLACED);
	assert_int_equal(box->changes.items[1].kind, RULE_ADDED);
	assert_int_equal(box->changes.items[1].rule.action, ACTION_DROP);
	assert_int_equal(box->changes.items[1].rule.id, 19);
	box_free(box);
}

static void test_actions(void **state)
{
	struct box *box = box_new();
	const struct rule_change *change;
	struct finding finding;

	(void)state;
	box->config.detectors[DETECTOR_SYN_FLOOD].action = ACTION_ALARM;
	box->config.detectors[DETECTOR_UDP_FLOOD].action = ACTION_LIMIT;
	policy_reconfigure(box->policy, &box->config);
	change = decide_source(box, "203.0.113.1");
	assert_int_equal(change->kind, RULE_ALARMED);
	assert_int_equal(change->rule.action, ACTION_ALARM);
	assert_int_equal(policy_rule_count(box->policy), 0);
	assert_null(decide_source(box, "203.0.113.1"));
	/* a prefix changes nothing about that */
	assert_int_equal(decide_source(box, "2001:db8::/64")->kind, RULE_ALARMED);

	finding = finding_of(box, "203.0.113.1");
	finding.detector = DETECTOR_UDP_FLOOD;
	assert_int_equal(decide(box, &finding)->rule.action, ACTION_LIMIT);
	/* another detector wants it dropped: the stronger rule takes its place */
	finding.detector = DETECTOR_PACKET_FLOOD;
	box->changes.count = 0;
	assert_int_equal(policy_decide(box->policy, &finding, 1, &box->changes), 0);
	assert_int_equal(box->changes.count, 2);
	assert_int_equal(box->changes.items[0].removed_why, REMOVED_REPLACED);
	assert_int_equal(box->changes.items[1].rule.action, ACTION_DROP);
	/* and the weaker one does not take it back */
	finding.detector = DETECTOR_UDP_FLOOD;
	assert_int_equal(decide(box, &finding)->kind, RULE_ALSO_FOUND);
	assert_int_equal(policy_find(box->policy, &finding.source)->action, ACTION_DROP);
	box_free(box);
}

/* Forged packets must not turn a long, proven limit into a short, unproven block. */
static void test_proven_rule_stays(void **state)
{
	struct box *box = box_new();
	struct finding finding = finding_of(box, "203.0.113.1");

	(void)state;
	box->config.detectors[DETECTOR_UDP_FLOOD].action = ACTION_LIMIT;
	policy_reconfigure(box->policy, &box->config);
	finding.detector = DETECTOR_UDP_FLOOD;
	finding.evidence = EVIDENCE_PROVEN;
	assert_int_equal(decide(box, &finding)->rule.action, ACTION_LIMIT);
	assert_int_equal(decide_source(box, "203.0.113.1")->kind, RULE_ALSO_FOUND);
	assert_int_equal(policy_find(box->policy, &finding.source)->evidence, EVIDENCE_PROVEN);
	/* nor does proof of something that is only limited weaken a drop */
	assert_int_equal(decide_source(box, "203.0.113.2")->rule.action, ACTION_DROP);
	finding.source = prefix_text("203.0.113.2");
	assert_int_equal(decide(box, &finding)->kind, RULE_ALSO_FOUND);
	assert_int_equal(policy_find(box->policy, &finding.source)->action, ACTION_DROP);
	box_free(box);
}

/* More sources than are remembered: the oldest is told about again, the newest is not. */
static void test_memory_of_the_told_is_bounded(void **state)
{
	enum { SOURCES = 150000 };
	struct box *box = box_new();
	struct finding finding = finding_of(box, "203.0.113.1");
	unsigned int told = 0;

	(void)state;
	protect(box, "10.0.0.0/8", "access.allow");
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < SOURCES; i++) {
			finding.source = numbered(i);
			told += decide(box, &finding) != NULL;
		}
	}
	assert_int_equal(told, 2 * SOURCES);
	for (uint32_t i = SOURCES - 60000; i < SOURCES; i++) {
		finding.source = numbered(i);
		assert_null(decide(box, &finding));
	}
	box_free(box);
}

static void test_proven_escalates(void **state)
{
	static const int64_t seconds[] = { 600, 2400, 9600, 38400, 86400, 86400 };
	struct box *box = box_new();

	(void)state;
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		struct finding finding = finding_of(box, "203.0.113.1");
		const struct rule_change *change;

		finding.evidence = EVIDENCE_PROVEN;
		change = decide(box, &finding);
		assert_int_equal(change->kind, RULE_ADDED);
		assert_int_equal(change->rule.expires.boot_ns,
				 box->now.boot_ns + seconds[i] * SECOND);
		pass(box, seconds[i]);
		assert_int_equal(expire(box), 1);
	}
	/* forgiven after a day's peace; unproven never escalates */
	pass(box, 86400);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(decide_source(box, "203.0.113.1")->rule.expires.boot_ns,
				 box->now.boot_ns + 60 * SECOND);
		pass(box, 60);
		expire(box);
	}
	box_free(box);
}

/* ---- modes, configuration, other runs -------------------------------------------------------- */

static void test_observe(void **state)
{
	struct box *box = box_new();
	struct finding finding;

	(void)state;
	box->config.mode = MODE_OBSERVE;
	policy_reconfigure(box->policy, &box->config);
	assert_int_equal(decide_source(box, "203.0.113.1")->kind, RULE_OBSERVED);
	assert_int_equal(box->changes.items[0].rule.id, 0);
	assert_int_equal(box->changes.items[0].rule.action, ACTION_DROP);
	assert_true(box->changes.items[0].rule.reason[0]);
	assert_int_equal(policy_rule_count(box->policy), 0);
	pass(box, 599);
	assert_null(decide_source(box, "203.0.113.1"));
	/* another detector, another source */
	finding = finding_of(box, "203.0.113.1");
	finding.detector = DETECTOR_PORT_SCAN;
	assert_int_equal(decide(box, &finding)->kind, RULE_OBSERVED);
	assert_int_equal(decide_source(box, "203.0.113.2")->kind, RULE_OBSERVED);
	pass(box, 1);
	assert_int_equal(decide_source(box, "203.0.113.1")->kind, RULE_OBSERVED);
	/* what was only observed is blocked at once when it is enforced */
	box->config.mode = MODE_ENFORCE;
	policy_reconfigure(box->policy, &box->config);
	assert_int_equal(decide_source(box, "203.0.113.1")->kind, RULE_ADDED);
	/* and back: rules run out, they are not renewed */
	box->config.mode = MODE_OBSERVE;
	policy_reconfigure(box->policy, &box->config);
	pass(box, 50);
	assert_null(decide_source(box, "203.0.113.1"));
	pass(box, 10);
	assert_int_equal(expire(box), 1);
	box_free(box);
}

static void test_reconfigure(void **state)
{
	struct box *box = box_new();
	int64_t expires_ns = decide_source(box, "203.0.113.1")->rule.expires.boot_ns;

	(void)state;
	box->config.response.unproven_block_seconds = 120;
	box->config.response.max_block_seconds = 100;
	strcpy(box->config.hash, "fedcba9876543210");
	policy_reconfigure(box->policy, &box->config);
	assert_int_equal(policy_next_expiry(box->policy), expires_ns);
	assert_int_equal(decide_source(box, "203.0.113.2")->rule.expires.boot_ns,
			 box->now.boot_ns + 100 * SECOND);
	assert_string_equal(box->changes.items[0].rule.config_hash, "fedcba9876543210");
	box_free(box);
}

static void test_restore(void **state)
{
	struct box *box = box_new();
	struct rule rules[5];
	struct finding finding;
	struct prefix prefix;

	(void)state;
	for (uint32_t i = 0; i < 5; i++)
		rules[i] = (struct rule){ .id = 100 + i,
					  .prefix = numbered(i),
					  .action = ACTION_DROP,
					  .classes = CLASS_ALL,
					  .detector = DETECTOR_SYN_FLOOD,
					  .reason = "before",
					  .observed = 312,
					  .limit = { .count = 200, .seconds = 1 },
					  .expires = moment_plus(box->now, 30 * SECOND) };
	rules[1].expires = box->now;
	rules[2].prefix = prefix_text("192.0.2.0/24");
	rules[3].prefix = rules[0].prefix;
	protect(box, "192.0.2.77", "own address on eth0");
	box->changes.count = 0;
	assert_int_equal(policy_restore(box->policy, rules, 5, box->now, &box->changes), 0);
	assert_int_equal(box->changes.count, 5);
	assert_int_equal(box->changes.items[0].kind, RULE_ADDED);
	assert_int_equal(box->changes.items[0].rule.id, 100);
	assert_int_equal(box->changes.items[1].kind, RULE_REMOVED);
	assert_int_equal(box->changes.items[1].removed_why, REMOVED_EXPIRED);
	assert_int_equal(box->changes.items[2].removed_why, REMOVED_PROTECTED);
	assert_string_equal(box->changes.items[2].protected_as, "own address on eth0");
	assert_int_equal(box->changes.items[3].removed_why, REMOVED_REPLACED);
	assert_int_equal(box->changes.items[4].kind, RULE_ADDED);
	assert_int_equal(policy_rule_count(box->policy), 2);
	prefix = numbered(0);
	assert_string_equal(policy_find(box->policy, &prefix)->reason, "before");
	assert_int_equal(policy_next_expiry(box->policy), box->now.boot_ns + 30 * SECOND);
	/* ids go on above them */
	assert_int_equal(decide_source(box, "203.0.113.1")->rule.id, 105);
	/* restored rules count against the budget */
	box->config.response.max_unproven_blocks = 3;
	policy_reconfigure(box->policy, &box->config);
	finding = finding_of(box, "203.0.113.2");
	box->changes.count = 0;
	assert_int_equal(policy_decide(box->policy, &finding, 1, &box->changes), 0);
	assert_int_equal(box->changes.items[0].kind, RULE_CROWDED);
	assert_int_equal(box->changes.items[1].refused_why, REFUSED_FULL);
	box_free(box);
}

static void test_clear(void **state)
{
	struct box *box = box_new();
	struct prefix prefix = prefix_text("203.0.113.1");

	(void)state;
	decide_source(box, "203.0.113.1");
	decide_source(box, "203.0.113.2");
	box->changes.count = 0;
	assert_int_equal(policy_clear(box->policy, REMOVED_SHUTDOWN, box->now, &box->changes), 0);
	assert_int_equal(box->changes.count, 2);
	assert_int_equal(box->changes.items[0].kind, RULE_REMOVED);
	assert_int_equal(box->changes.items[1].removed_why, REMOVED_SHUTDOWN);
	assert_int_equal(policy_rule_count(box->policy), 0);
	assert_null(policy_find(box->policy, &prefix));
	assert_int_equal(decide_source(box, "203.0.113.1")->kind, RULE_ADDED);
	box_free(box);
}

/* ---- many of both ---------------------------------------------------------------------------- */

#define MANY_RULES     20000
#define MANY_PROTECTED 10000

static int64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * NS_PER_SECOND + ts.tv_nsec;
}

/* 2001:db8:X::/LEN for each of 28 lengths in turn, and IPv4 networks. None overlaps the rules. */
static void protect_many(struct protected_list *list)
{
	for (uint32_t i = 0; i < MANY_PROTECTED; i++) {
		struct prefix prefix = { .len = i & 1 ? 65 + i % 28 : 120 };

		if (i & 1) {
			prefix.address = prefix_text("2001:db8::").address;
			prefix.address.bytes[4] = (uint8_t)(i >> 8);
			prefix.address.bytes[5] = (uint8_t)i;
		} else {
			prefix.address = address_from_ipv4(__builtin_bswap32(0x0a000000 + i * 256));
		}
		assert_int_equal(protected_list_add(list, &prefix, "access.allow"), 0);
	}
	assert_int_equal(list->count, MANY_PROTECTED);
}

/* All of it happens under the decision lock, which the wake thread waits for. */
static void test_many_rules_and_protected_prefixes(void **state)
{
	struct box *box = box_new();
	struct protected_list list = { 0 };
	int64_t best_ns = INT64_MAX, most_ns = 50 * NS_PER_MS;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	most_ns *= 6;
#endif
	for (uint32_t i = 0; i < MANY_RULES; i++) {
		struct finding finding = finding_of(box, "2001:db9::");

		finding.source.len = PREFIX_LEN_FULL;
		finding.source.address.bytes[14] = (uint8_t)(i >> 8);
		finding.source.address.bytes[15] = (uint8_t)i;
		if (i & 1)
			finding.source.address =
				address_from_ipv4(__builtin_bswap32(0xc0000000 + i));
		assert_non_null(decide(box, &finding));
	}
	protect_many(&list);
	for (int i = 0; i < 3; i++) {
		int64_t start_ns = cpu_ns(), took_ns;

		box->changes.count = 0;
		assert_int_equal(policy_protect(box->policy, &list, box->now, &box->changes), 0);
		took_ns = cpu_ns() - start_ns;
		best_ns = took_ns < best_ns ? took_ns : best_ns;
		assert_int_equal(box->changes.count, 0);
	}
	print_message("%d rules against %d protected prefixes: %lld us\n", MANY_RULES,
		      MANY_PROTECTED, (long long)best_ns / 1000);
	assert_in_range(best_ns, 1, most_ns);
	assert_int_equal(policy_rule_count(box->policy), MANY_RULES);
	protected_list_free(&list);
	box_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finding_becomes_rule),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_renewal_while_it_goes_on),
		cmocka_unit_test(test_expiry_order),
		cmocka_unit_test(test_table_against_a_list),
		cmocka_unit_test(test_newest_first),
		cmocka_unit_test(test_find_by_containing_prefix),
		cmocka_unit_test(test_protected_is_refused_once),
		cmocka_unit_test(test_protection_ends_rules),
		cmocka_unit_test(test_protected_is_never_covered),
		cmocka_unit_test(test_budget_for_unproven),
		cmocka_unit_test(test_prefix_is_limited_not_dropped),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_proven_rule_stays),
		cmocka_unit_test(test_memory_of_the_told_is_bounded),
		cmocka_unit_test(test_proven_escalates),
		cmocka_unit_test(test_observe),
		cmocka_unit_test(test_reconfigure),
		cmocka_unit_test(test_restore),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_many_rules_and_protected_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
