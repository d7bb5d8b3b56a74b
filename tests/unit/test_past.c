/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of earlier runs comes back beside the rules in force: offences, hold-offs, what is allowed,
 * limits of destinations. */
#include "record_files.h"
#include <errno.h>
#include "record/database.h"
#include "record/recorder.h"

static const struct moment NOON = { .boot_ns = 5000 * NS_PER_SECOND,
				    .wall_ns = 1769860800 * NS_PER_SECOND }; /* 2026-01-31T12:00Z */

static struct database *open_it(void)
{
	struct database *db = NULL;
	char error[DATABASE_ERROR] = "";

	if (database_open(file, BOOT_A, &db, error))
		fail_msg("%s", error);
	return db;
}

static struct rule_change proven(uint32_t id, const char *prefix)
{
	struct rule_change change = sample_change(RULE_ADDED, id, prefix, NOON);

	change.rule.evidence = EVIDENCE_PROVEN;
	return change;
}

static void put(struct database *db, const struct rule_change *change, int64_t seconds)
{
	assert_int_equal(database_put_rule(db, change, moment_plus(NOON, seconds * NS_PER_SECOND)),
			 0);
}

static void end(struct database *db, struct rule_change *change, enum removed_why why,
		int64_t seconds)
{
	change->kind = RULE_REMOVED;
	change->removed_why = why;
	put(db, change, seconds);
}

static void offences_and_hold_offs_come_back(void **state)
{
	struct rule_change changes[] = { proven(1, "192.0.2.1"),
					 proven(2, "2001:db8::2"),
					 proven(3, "192.0.2.3"),
					 sample_change(RULE_ADDED, 4, "192.0.2.4", NOON),
					 sample_change(RULE_ADDED, 5, "192.0.2.5", NOON),
					 proven(6, "192.0.2.6") };
	struct moment later = moment_plus(NOON, 3600 * NS_PER_SECOND);
	struct database *db = open_it();
	struct past_rule *past = NULL;
	size_t n = 99;

	(void)state;
	changes[5].rule.origin = ORIGIN_MANUAL; /* in force: no offence */
	for (size_t i = 0; i < 6; i++)
		put(db, &changes[i], 0);
	end(db, &changes[1], REMOVED_EXPIRED, 600);
	end(db, &changes[2], REMOVED_MANUAL, 60);
	end(db, &changes[3], REMOVED_MANUAL, 61);
	end(db, &changes[4], REMOVED_EXPIRED, 60); /* unproven: nothing to remember */
	later.boot_ns = 100 * NS_PER_SECOND;	   /* another boot: below 0 is before it */
	assert_int_equal(database_load_past(db, later, &past, &n), 0);
	assert_int_equal(n, 4);
	/* the oldest first; in force: when it is to end */
	assert_true(prefix_equal(&past[0].prefix, &changes[0].rule.prefix));
	assert_int_equal(past[0].evidence, EVIDENCE_PROVEN);
	assert_int_equal(past[0].removed_why, REMOVED_EXPIRED);
	assert_int_equal(past[0].expired_ns, (100 - 3600 + 600) * NS_PER_SECOND);
	assert_true(prefix_equal(&past[1].prefix, &changes[1].rule.prefix));
	assert_int_equal(past[1].expired_ns, (100 - 3600 + 600) * NS_PER_SECOND);
	assert_int_equal(past[2].removed_why, REMOVED_MANUAL);
	assert_int_equal(past[2].expired_ns, (100 - 3600 + 60) * NS_PER_SECOND);
	assert_int_equal(past[3].evidence, EVIDENCE_UNPROVEN);
	assert_int_equal(past[3].removed_why, REMOVED_MANUAL);
	free(past);
	database_close(&db);
}

/* fwgen off is no word for any of them: offences stay, and who goes on is blocked again. */
static void taking_all_off_unblocks_nobody_in_particular(void **state)
{
	struct rule_change a = proven(1, "192.0.2.1"), b = proven(2, "192.0.2.2");
	struct audit_row off = { .at = moment_plus(NOON, 60 * NS_PER_SECOND), .verb = "off" };
	struct database *db = open_it();
	struct past_rule *past = NULL;
	size_t n = 99;

	(void)state;
	put(db, &a, 0);
	put(db, &b, 0);
	end(db, &a, REMOVED_MANUAL, 59);
	end(db, &b, REMOVED_MANUAL, 60);
	assert_int_equal(database_put_audit(db, &off), 0);
	assert_int_equal(database_load_past(db, NOON, &past, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(past[0].removed_why, REMOVED_MANUAL);
	assert_int_equal(past[1].removed_why, REMOVED_SHUTDOWN);
	free(past);
	database_close(&db);
}

static void a_damaged_past_costs_its_row_only(void **state)
{
	struct rule_change a = proven(1, "192.0.2.1"), b = proven(2, "192.0.2.2");
	struct database *db = open_it();
	struct past_rule *past = NULL;
	size_t n = 99;

	(void)state;
	put(db, &a, 0);
	put(db, &b, 0);
	database_close(&db);
	sql_run("UPDATE rules SET expires_at = 'soon' WHERE id = 1");
	db = open_it();
	assert_int_equal(database_load_past(db, NOON, &past, &n), 0);
	assert_int_equal(n, 1);
	assert_true(prefix_equal(&past[0].prefix, &b.rule.prefix));
	free(past);
	database_close(&db);
}

/* More than anybody wants to read: the newest. */
static void the_past_is_bounded(void **state)
{
	struct database *db = open_it();
	struct past_rule *past = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(database_begin(db), 0);
	for (uint32_t i = 0; i < PAST_RULES_MAX + 10; i++) {
		struct rule_change change = proven(i + 1, "192.0.2.1");

		change.rule.prefix.address.bytes[12] = (uint8_t)(i >> 16);
		change.rule.prefix.address.bytes[13] = (uint8_t)(i >> 8);
		change.rule.prefix.address.bytes[14] = (uint8_t)i;
		put(db, &change, 0);
	}
	assert_int_equal(database_commit(db), 0);
	assert_int_equal(database_load_past(db, NOON, &past, &n), 0);
	assert_int_equal(n, PAST_RULES_MAX);
	assert_int_equal(past[0].prefix.address.bytes[14], 10);
	free(past);
	database_close(&db);
}

static struct rule_change destination_limit(void)
{
	struct rule_change change = sample_change(RULE_ADDED, 1, "192.0.2.1", NOON);

	change.rule.action = ACTION_LIMIT;
	change.rule.limit_pps = 1000;
	change.rule.classes = CLASS_SYN;
	change.rule.protocol = 6;
	change.rule.port = 80;
	change.rule.to_destination = true;
	return change;
}

static size_t load_one(struct rule *out)
{
	struct database *db = open_it();
	struct rule *rules = NULL;
	size_t n = 99;

	assert_int_equal(database_load_rules(db, NOON, &rules, &n), 0);
	if (n)
		*out = rules[0];
	free(rules);
	database_close(&db);
	return n;
}

static void a_limit_of_a_destination_comes_back_as_one(void **state)
{
	struct rule_change change = destination_limit();
	struct database *db = open_it();
	struct block_key before, after;
	struct rule rule;

	(void)state;
	put(db, &change, 0);
	database_close(&db);
	assert_string_equal(sql_text("SELECT direction FROM rules"), "destination");
	assert_int_equal(load_one(&rule), 1);
	before = rule_key(&change.rule);
	after = rule_key(&rule);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(rule.limit_pps, 1000);
	assert_int_equal(rule.classes, CLASS_SYN);
	/* what would stop more than it was made for */
	sql_run("UPDATE rules SET class = 'all'");
	assert_int_equal(load_one(&rule), 0);
	sql_run("UPDATE rules SET class = 'udp', port = 0");
	assert_int_equal(load_one(&rule), 1);
	assert_int_equal(rule.protocol, 17);
	sql_run("UPDATE rules SET direction = 'both'");
	assert_int_equal(load_one(&rule), 0);
	sql_run("UPDATE rules SET direction = 'destination', action = 'drop'");
	assert_int_equal(load_one(&rule), 0);
	sql_run("UPDATE rules SET action = 'limit', prefix_len = 24");
	assert_int_equal(load_one(&rule), 0);
}

/* Version 3 knew no direction, no past and nothing that was allowed. */
static void version_3_is_migrated_with_its_rows(void **state)
{
	struct rule_change change = proven(1, "192.0.2.1");
	struct database *db = open_it();
	struct past_rule *past = NULL;
	struct protected_prefix *allowed = NULL;
	struct rule rule;
	size_t n = 99;

	(void)state;
	put(db, &change, 0);
	database_close(&db);
	sql_run("DROP INDEX rules_past; DROP TABLE allowed;"
		" ALTER TABLE rules DROP COLUMN direction; PRAGMA user_version = 3");
	assert_int_equal(load_one(&rule), 1);
	assert_false(rule.to_destination);
	assert_int_equal(sql_int("PRAGMA user_version"), 4);
	assert_string_equal(sql_text("SELECT direction FROM rules"), "source");
	db = open_it();
	assert_int_equal(database_load_past(db, NOON, &past, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(database_load_allowed(db, &allowed, &n), 0);
	assert_int_equal(n, 0);
	free(past);
	free(allowed);
	database_close(&db);
}

static struct recorder *open_recorder(void)
{
	struct recorder_options options = { .database = file, .retention_days = 0 };
	struct recorder *r = NULL;
	char error[512] = "";

	if (recorder_open(&options, &r, error))
		fail_msg("%s", error);
	return r;
}

static size_t load_allowed(struct protected_prefix out[4])
{
	struct recorder *r = open_recorder();
	struct protected_prefix *prefixes = NULL;
	size_t n = 99;

	assert_int_equal(recorder_load_allowed(r, &prefixes, &n), 0);
	assert_in_range(n, 0, 4);
	for (size_t i = 0; i < n; i++)
		out[i] = prefixes[i];
	free(prefixes);
	recorder_close(&r);
	return n;
}

static void what_is_allowed_stays_allowed(void **state)
{
	struct protected_prefix found[4];
	struct prefix a, b;
	struct recorder *r;

	(void)state;
	assert_int_equal(prefix_parse("198.51.100.0/24", &a), 0);
	assert_int_equal(prefix_parse("2001:db8::/32", &b), 0);
	r = open_recorder();
	recorder_allow(r, &a, NOON, "root", true);
	recorder_allow(r, &b, moment_plus(NOON, NS_PER_SECOND), NULL, true);
	recorder_allow(r, &a, moment_plus(NOON, NS_PER_SECOND), "root", true); /* again */
	recorder_close(&r);
	assert_int_equal(load_allowed(found), 2);
	assert_true(prefix_equal(&found[0].prefix, &b) || prefix_equal(&found[1].prefix, &b));
	assert_string_equal(sql_text("SELECT who FROM allowed WHERE prefix = '198.51.100.0/24'"),
			    "root");
	r = open_recorder();
	recorder_allow(r, &a, NOON, "root", false);
	recorder_close(&r);
	assert_int_equal(load_allowed(found), 1);
	assert_true(prefix_equal(&found[0].prefix, &b));
	assert_string_equal(found[0].reason, "allowed by hand");
	sql_run("INSERT INTO allowed VALUES ('everybody', '', '')");
	assert_int_equal(load_allowed(found), 1);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

static void rules_that_ended_are_told_of(void **state)
{
	struct past_block *blocks = NULL;
	struct recorder *r = open_recorder();
	size_t n = 99;

	(void)state;
	for (uint32_t id = 1; id <= 5; id++) {
		struct rule_change change = proven(id, "198.51.100.7");

		recorder_rule_change(r, &change, NOON);
		if (id == 4) /* in force */
			continue;
		change.kind = RULE_REMOVED;
		change.removed_why = id == 5 ? REMOVED_SHUTDOWN : REMOVED_MANUAL;
		recorder_rule_change(r, &change, moment_plus(NOON, id * NS_PER_SECOND));
	}
	recorder_close(&r);
	r = open_recorder();
	assert_int_equal(
		recorder_load_ended(r, moment_plus(NOON, 10 * NS_PER_SECOND), 2, &blocks, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(blocks[0].rule.id, 3);
	assert_int_equal(blocks[0].why, REMOVED_MANUAL);
	assert_int_equal(blocks[0].ended.wall_ns, NOON.wall_ns + 3 * NS_PER_SECOND);
	assert_int_equal(blocks[0].ended.boot_ns, NOON.boot_ns + 3 * NS_PER_SECOND);
	assert_int_equal(blocks[1].rule.id, 2);
	free(blocks);
	recorder_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(offences_and_hold_offs_come_back),
		in_folder(taking_all_off_unblocks_nobody_in_particular),
		in_folder(a_damaged_past_costs_its_row_only),
		in_folder(the_past_is_bounded),
		in_folder(a_limit_of_a_destination_comes_back_as_one),
		in_folder(version_3_is_migrated_with_its_rows),
		in_folder(what_is_allowed_stays_allowed),
		in_folder(rules_that_ended_are_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
