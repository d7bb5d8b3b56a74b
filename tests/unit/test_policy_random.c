/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever is asked for, found, unblocked, rolled up and restored in whatever order: no rule in
 * force covers or lies inside anything protected, but limits of what is sent there; what was told
 * adds up to what is in force.
 */
#include <errno.h>
#include <stdio.h>
#include "policy_box.h"

#define STEPS	  1000000
#define RULES_MAX 600 /* of the box: small, so that room is short */

static uint64_t random_state = 88172645463325252ULL;

static uint64_t random_below(uint64_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % bound;
}

/* From a small world, so that prefixes meet often, and nest: 10.x, and the same under 2001:db8::.
 */
static struct prefix random_prefix(void)
{
	static const uint32_t lengths[] = {
		128, 128, 128, 128, 128, 126, 124, 120, 112, 104, 64, 56
	};
	uint32_t low = 0x0a000000u | (uint32_t)random_below(1u << (random_below(3) ? 8 : 24));
	struct address address = address_from_ipv4(__builtin_bswap32(low));
	uint32_t len = lengths[random_below(12)];
	struct prefix prefix = { 0 };

	if (len < 96 || random_below(2)) {
		address.words[0] = __builtin_bswap32(0x20010db8);
		address.words[1] = __builtin_bswap32((uint32_t)random_below(8));
		address.words[2] = 0;
	}
	prefix.len = len;
	prefix.address = address_masked(&address, len);
	return prefix;
}

struct game {
	struct box *box;
	struct protected_list protected;
	uint32_t in_force; /* by what was told */
	unsigned int counts[RULE_CHANGE_KINDS], rolled_up, destinations;
	struct rule rules[2 * RULES_MAX];
};

static void check_rule(const struct game *game, const struct rule *rule)
{
	if (!rule->to_destination)
		assert_null(protected_list_find(&game->protected, &rule->prefix));
	else
		assert_true(rule_limits_destination(rule));
}

/* What was told of this step, and now and then all that is in force. */
static void check(struct game *game, bool whole)
{
	struct box *box = game->box;
	size_t n;

	for (size_t i = 0; i < box->changes.count; i++) {
		const struct rule_change *change = &box->changes.items[i];

		game->counts[change->kind]++;
		game->rolled_up +=
			change->kind == RULE_REMOVED && change->removed_why == REMOVED_ROLLED_UP;
		if (change->kind == RULE_ADDED || change->kind == RULE_RENEWED) {
			check_rule(game, &change->rule);
			game->destinations += change->rule.to_destination;
		}
		game->in_force += change->kind == RULE_ADDED;
		game->in_force -= change->kind == RULE_REMOVED;
	}
	box->changes.count = 0;
	assert_int_equal(game->in_force, policy_rule_count(box->policy));
	assert_in_range(game->in_force, 0, RULES_MAX);
	if (!whole)
		return;
	n = policy_rules(box->policy, game->rules, 2 * RULES_MAX);
	assert_int_equal(n, game->in_force);
	for (size_t i = 0; i < n; i++)
		check_rule(game, &game->rules[i]);
}

/* ---- the moves ------------------------------------------------------------------------------- */

static void find_something(struct game *game)
{
	static const uint32_t classes[] = { CLASS_SYN, CLASS_UDP, CLASS_ICMP, CLASS_TCP,
					    CLASS_ALL };
	struct box *box = game->box;
	struct finding finding = finding_of(box, "203.0.113.9");

	finding.source = random_prefix();
	finding.destination = random_prefix().address;
	finding.detector = (enum detector_id)random_below(DETECTOR_COUNT);
	finding.evidence = (enum evidence)random_below(2);
	finding.classes = classes[random_below(5)];
	finding.count = 201 + random_below(1000);
	finding.established = random_below(4) == 0;
	finding.port_only = random_below(8) == 0;
	finding.once = random_below(4) == 0;
	finding.lasted_ns = random_below(50) == 0;
	assert_int_equal(policy_decide(box->policy, &finding, 1, &box->changes), 0);
}

/* As somebody who tries address after address of one network. */
static void find_a_family(struct game *game)
{
	struct box *box = game->box;
	struct prefix prefix = random_prefix();

	for (int i = 0; i < 70; i++) {
		struct finding finding = finding_of(box, "203.0.113.9");

		finding.source = prefix_of(&prefix.address);
		finding.source.address.bytes[15] = (uint8_t)i;
		finding.evidence = EVIDENCE_PROVEN;
		assert_int_equal(policy_decide(box->policy, &finding, 1, &box->changes), 0);
		check(game, false);
	}
}

static void block_something(struct game *game)
{
	struct block_request request = {
		.prefix = random_prefix(),
		.to_destination = random_below(3) == 0,
		.classes = (uint32_t)random_below(CLASS_ALL + 1),
		.port = random_below(4) ? 0 : 80,
		.protocol = random_below(2) ? 6 : 17,
		.limit_pps = random_below(2) ? 0 : 10,
		.duration_ns = (int64_t)random_below(1000) * SECOND,
		.origin = (enum origin)(ORIGIN_MANUAL + random_below(3)),
	};
	char error[POLICY_ERROR] = "";
	int r;

	if (request.to_destination && random_below(2)) {
		request.classes = CLASS_SYN << random_below(2) * 2;
		request.limit_pps = 10;
	}
	r = policy_block(game->box->policy, &request, game->box->now, &game->box->changes, error);
	assert_true(!r || r == -EPERM || r == -EINVAL || r == -ENOSPC);
	assert_int_equal(r != 0, error[0] != '\0');
}

static void unblock_something(struct game *game)
{
	struct box *box = game->box;
	struct prefix prefix = random_prefix();

	if (random_below(200) == 0)
		policy_unblock_all(box->policy, SIZE_MAX, box->now, &box->changes);
	else if (random_below(2))
		policy_unblock_prefix(box->policy, &prefix, box->now, &box->changes);
	else
		policy_unblock_rule(box->policy, (uint32_t)random_below(100000), box->now,
				    &box->changes);
}

static void hear_of_a_peer(struct game *game)
{
	struct peer_answer answer = { .address = random_prefix().address,
				      .assured = random_below(2),
				      .opened = random_below(2),
				      .logins = (uint32_t)random_below(20) };

	assert_int_equal(
		policy_peer(game->box->policy, &answer, game->box->now, &game->box->changes), 0);
}

static void protect_something(struct game *game)
{
	struct box *box = game->box;

	protected_list_free(&game->protected);
	for (uint64_t k = random_below(8); k > 0; k--) {
		struct prefix prefix = random_prefix();

		assert_int_equal(protected_list_add(&game->protected, &prefix, "test"), 0);
	}
	assert_int_equal(policy_protect(box->policy, &game->protected, box->now, &box->changes), 0);
}

/* Another daemon takes over what this one has, as the record or the maps would give it. */
static void restart(struct game *game)
{
	struct box *box = game->box;
	size_t n = policy_rules(box->policy, game->rules, 2 * RULES_MAX);

	policy_free(&box->policy);
	assert_int_equal(policy_new(&box->config, 100, &box->policy), 0);
	policy_room(box->policy, RULES_MAX);
	for (size_t i = 0; i < n && i < 20; i++) /* and what somebody wrote there */
		game->rules[i].prefix = random_below(10) || game->rules[i].to_destination
						? game->rules[i].prefix
						: random_prefix();
	assert_int_equal(policy_protect(box->policy, &game->protected, box->now, &box->changes), 0);
	assert_int_equal(policy_restore(box->policy, game->rules, n, box->now, &box->changes), 0);
	game->in_force = (uint32_t)policy_rule_count(box->policy);
	for (size_t i = 0; i < box->changes.count; i++) {
		if (box->changes.items[i].kind == RULE_ADDED)
			check_rule(game, &box->changes.items[i].rule);
	}
	box->changes.count = 0;
}

static void step(struct game *game)
{
	switch (random_below(40)) {
	case 0:
	case 1:
	case 2:
	case 3:
		block_something(game);
		break;
	case 4:
	case 5:
		unblock_something(game);
		break;
	case 6:
	case 7:
	case 8:
		hear_of_a_peer(game);
		break;
	case 9:
		if (random_below(20) == 0)
			protect_something(game);
		break;
	case 10:
		if (random_below(100) == 0)
			restart(game);
		break;
	case 11:
		if (random_below(10) == 0)
			find_a_family(game);
		break;
	case 12:
		policy_pause(game->box->policy,
			     random_below(4) ? 0 : game->box->now.boot_ns + SECOND);
		policy_population(game->box->policy, random_below(1000));
		break;
	default:
		find_something(game);
		break;
	}
}

static void test_nothing_protected_is_ever_covered(void **state)
{
	static struct game game;

	(void)state;
	game.box = box_new();
	game.box->config.detectors[DETECTOR_VICTIM_FLOOD].action = ACTION_LIMIT;
	game.box->config.response.max_unproven_blocks = RULES_MAX / 2;
	policy_reconfigure(game.box->policy, &game.box->config);
	policy_room(game.box->policy, RULES_MAX);
	for (long i = 0; i < STEPS; i++) {
		step(&game);
		check(&game, i % 64 == 0);
		game.box->now =
			moment_plus(game.box->now, (int64_t)random_below((uint64_t)SECOND / 4));
		assert_int_equal(policy_expire(game.box->policy, game.box->now, &game.box->changes),
				 0);
		check(&game, false);
	}
	check(&game, true);
	/* all of it has happened */
	for (int kind = 0; kind < RULE_CHANGE_KINDS; kind++)
		assert_true(game.counts[kind] > 20 || kind == RULE_OBSERVED ||
			    kind == RULE_CROWDED);
	assert_true(game.counts[RULE_CROWDED] > 0);
	assert_true(game.rolled_up > 100);
	assert_true(game.destinations > 100);
	print_message("%d steps: %u added, %u renewed, %u removed, %u refused, %u rolled up\n",
		      STEPS, game.counts[RULE_ADDED], game.counts[RULE_RENEWED],
		      game.counts[RULE_REMOVED], game.counts[RULE_REFUSED], game.rolled_up);
	protected_list_free(&game.protected);
	box_free(game.box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_protected_is_ever_covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
