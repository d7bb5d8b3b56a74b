/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of the database: what goes in, what people see, what comes back after which time. */
#include "record_files.h"
#include <errno.h>
#include "record/database.h"

static const struct moment NOON = { .boot_ns = 5000 * NS_PER_SECOND,
				    .wall_ns = 1769860800 * NS_PER_SECOND }; /* 2026-01-31T12:00Z */

static struct database *open_boot(const char *boot_id)
{
	struct database *db = NULL;
	char error[DATABASE_ERROR] = "";

	if (database_open(file, boot_id, &db, error))
		fail_msg("%s", error);
	return db;
}

static void put(struct database *db, const struct rule_change *change, struct moment at)
{
	assert_int_equal(database_begin(db), 0);
	assert_int_equal(database_put_rule(db, change, at), 0);
	assert_int_equal(database_commit(db), 0);
}

/* The only rule that comes back, or none. */
static bool load_one(const char *boot_id, struct moment now, struct rule *out)
{
	struct database *db = open_boot(boot_id);
	struct rule *rules = NULL;
	size_t n = 99;

	assert_int_equal(database_load_rules(db, now, &rules, &n), 0);
	assert_true(n <= 1);
	if (n)
		*out = rules[0];
	free(rules);
	database_close(&db);
	return n == 1;
}

static void add_one(const struct rule_change *change)
{
	struct database *db = open_boot(BOOT_A);

	put(db, change, change->rule.created);
	database_close(&db);
}

static const char *columns_of(const char *table)
{
	char text[128];

	snprintf(text, sizeof(text), "SELECT group_concat(name) FROM pragma_table_info('%s')",
		 table);
	return sql_text(text);
}

static void has_the_columns_of_the_contract(void **state)
{
	struct database *db = open_boot(BOOT_A);

	(void)state;
	database_close(&db);
	assert_string_equal(columns_of("rules"),
			    "id,address,prefix_len,action,class,detector,evidence,origin,reason,"
			    "observed,limit_count,limit_seconds,limit_pps,command,config_hash,"
			    "created_at,renewed_at,expires_at,boot_id,expires_boottime_ms,"
			    "removed_at,removed_why,port,direction");
	assert_string_equal(columns_of("allowed"), "prefix,at,who");
	assert_string_equal(columns_of("events"),
			    "id,at,type,severity,source,destination,port,protocol,detector,"
			    "message,details");
	assert_string_equal(columns_of("traffic"),
			    "at,seconds,interface,packets,bytes,tcp,udp,icmp,other,dropped,"
			    "unattributed,sources");
	assert_string_equal(columns_of("audit"), "id,at,uid,pid,who,verb,before,after");
	assert_int_equal(sql_int("PRAGMA user_version"), DATABASE_VERSION);
	assert_string_equal(sql_text("PRAGMA journal_mode"), "wal");
}

static void rule_is_shown_as_people_write_it(void **state)
{
	struct rule_change change = sample_change(RULE_ADDED, 7, "192.0.2.0/24", NOON);
	char command[RULE_COMMAND_TEXT];

	(void)state;
	change.rule.action = ACTION_LIMIT;
	change.rule.classes = CLASS_SYN | CLASS_UDP;
	change.rule.limit_pps = 100;
	add_one(&change);
	assert_string_equal(sql_text("SELECT address || '/' || prefix_len FROM rules"),
			    "192.0.2.0/24");
	assert_string_equal(sql_text("SELECT action || ' ' || class || ' ' || detector || ' ' ||"
				     " evidence || ' ' || origin FROM rules"),
			    "limit syn,udp port_scan unproven detector");
	assert_string_equal(sql_text("SELECT created_at || ' ' || expires_at FROM rules"),
			    "2026-01-31T12:00:00.000Z 2026-01-31T12:10:00.000Z");
	assert_int_equal(sql_int("SELECT expires_boottime_ms FROM rules"), 5600000);
	assert_string_equal(sql_text("SELECT boot_id FROM rules"), BOOT_A);
	assert_string_equal(sql_text("SELECT removed_at FROM rules"), "NULL");
	assert_string_equal(sql_text("SELECT command FROM rules"),
			    rule_command(&change.rule, command));
}

static void rule_comes_back_whole(void **state)
{
	static const char *const prefixes[] = { "192.0.2.1", "198.51.100.0/25", "2001:db8:1:2::/64",
						"2001:db8::1" };
	struct database *db = open_boot(BOOT_A);
	struct rule_change in[4];
	struct rule *out = NULL;
	size_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		in[i] = sample_change(RULE_ADDED, i + 1, prefixes[i], NOON);
		in[i].rule.action = i & 1 ? ACTION_LIMIT : ACTION_DROP;
		in[i].rule.limit_pps = i * 50;
		in[i].rule.classes = i == 2 ? CLASS_ICMP | CLASS_FRAGMENT : CLASS_ALL;
		in[i].rule.evidence = i == 3 ? EVIDENCE_PROVEN : EVIDENCE_UNPROVEN;
		in[i].rule.detector = i == 3 ? DETECTOR_NONE : DETECTOR_SYN_FLOOD;
		in[i].rule.origin = i == 3 ? ORIGIN_MANUAL : ORIGIN_DETECTOR;
		if (i == 1) {
			in[i].rule.port = 65535;
			in[i].rule.protocol = 6;
			in[i].rule.classes = CLASS_SYN | CLASS_TCP;
		}
		put(db, &in[i], NOON);
	}
	database_close(&db);
	db = open_boot(BOOT_A);
	assert_int_equal(database_load_rules(db, NOON, &out, &n), 0);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++) {
		const struct rule *a = &in[i].rule, *b = &out[i];

		assert_int_equal(a->id, b->id);
		assert_true(prefix_equal(&a->prefix, &b->prefix));
		assert_int_equal(a->action, b->action);
		assert_int_equal(a->classes, b->classes);
		assert_int_equal(a->port, b->port);
		assert_int_equal(a->protocol, b->protocol);
		assert_int_equal(a->limit_pps, b->limit_pps);
		assert_int_equal(a->detector, b->detector);
		assert_int_equal(a->evidence, b->evidence);
		assert_int_equal(a->origin, b->origin);
		assert_string_equal(a->reason, b->reason);
		assert_int_equal(a->observed, b->observed);
		assert_memory_equal(&a->limit, &b->limit, sizeof(a->limit));
		assert_string_equal(a->config_hash, b->config_hash);
		assert_memory_equal(&a->created, &b->created, sizeof(a->created));
		assert_memory_equal(&a->expires, &b->expires, sizeof(a->expires));
	}
	assert_int_equal(db->last_rule_id, 4);
	free(out);
	database_close(&db);
}

/* A file of the version before: its rules are of all ports, and its rows stay. */
static void an_older_schema_gets_its_column(void **state)
{
	struct rule_change change = sample_change(RULE_ADDED, 1, "192.0.2.1", NOON);
	struct rule rule;

	(void)state;
	add_one(&change);
	sql_run("DROP INDEX rules_past; DROP TABLE allowed;"
		" ALTER TABLE rules DROP COLUMN direction;"
		" ALTER TABLE rules DROP COLUMN port; PRAGMA user_version = 2");
	assert_true(load_one(BOOT_A, NOON, &rule));
	assert_int_equal(rule.id, 1);
	assert_int_equal(rule.port, 0);
	assert_int_equal(sql_int("PRAGMA user_version"), DATABASE_VERSION);
}

/* A rule of one port that has lost its protocol would stop everything of its source. */
static void a_port_without_its_protocol_is_not_restored(void **state)
{
	struct rule_change change = sample_change(RULE_ADDED, 1, "192.0.2.1", NOON);
	struct rule rule;

	(void)state;
	change.rule.port = 161;
	change.rule.protocol = 17;
	change.rule.classes = CLASS_UDP;
	add_one(&change);
	assert_true(load_one(BOOT_A, NOON, &rule));
	assert_int_equal(rule.protocol, 17);
	sql_run("UPDATE rules SET class = 'all'");
	assert_false(load_one(BOOT_A, NOON, &rule));
	sql_run("UPDATE rules SET class = 'udp', port = 65536");
	assert_false(load_one(BOOT_A, NOON, &rule));
}

static void same_boot_goes_by_boot_time(void **state)
{
	struct rule_change change = sample_change(RULE_ADDED, 1, "192.0.2.1", NOON);
	struct moment now = moment_plus(NOON, 100 * NS_PER_SECOND);
	struct rule rule;

	(void)state;
	add_one(&change);
	now.wall_ns += 86400 * NS_PER_SECOND; /* somebody set the clock */
	assert_true(load_one(BOOT_A, now, &rule));
	assert_int_equal(rule.expires.boot_ns, 5600 * NS_PER_SECOND);
	assert_int_equal(rule.expires.wall_ns, now.wall_ns + 500 * NS_PER_SECOND);
	assert_int_equal(rule.created.boot_ns, NOON.boot_ns);
}

static void other_boot_goes_by_the_wall_clock(void **state)
{
	struct rule_change change = sample_change(RULE_ADDED, 1, "192.0.2.1", NOON);
	struct moment now = { .boot_ns = 20 * NS_PER_SECOND,
			      .wall_ns = NOON.wall_ns + 200 * NS_PER_SECOND };
	struct rule rule;

	(void)state;
	add_one(&change);
	assert_true(load_one(BOOT_B, now, &rule));
	assert_int_equal(rule.expires.boot_ns, 420 * NS_PER_SECOND);
	assert_int_equal(rule.expires.wall_ns, NOON.wall_ns + 600 * NS_PER_SECOND);
	/* unknown boots are other boots */
	assert_true(load_one("", now, &rule));
	assert_int_equal(rule.expires.boot_ns, 420 * NS_PER_SECOND);
	/* over while the box was off: its time is past, and that is said */
	now.wall_ns = NOON.wall_ns + 3600 * NS_PER_SECOND;
	assert_true(load_one(BOOT_B, now, &rule));
	assert_true(rule.expires.boot_ns < now.boot_ns);
}

static void wrong_clock_never_lengthens(void **state)
{
	struct rule_change change = sample_change(RULE_ADDED, 1, "192.0.2.1", NOON);
	struct moment now = { .boot_ns = 20 * NS_PER_SECOND, .wall_ns = 30 * NS_PER_SECOND };
	struct moment later = moment_plus(NOON, 7200 * NS_PER_SECOND);
	struct rule rule;
	struct database *db;

	(void)state;
	add_one(&change);
	assert_true(load_one(BOOT_B, now, &rule)); /* 1970: no battery */
	assert_int_equal(rule.expires.boot_ns, 620 * NS_PER_SECOND);
	/* renewed for hours: still not more than one block's time */
	change.kind = RULE_RENEWED;
	change.rule.expires = moment_plus(later, 300 * NS_PER_SECOND);
	db = open_boot(BOOT_A);
	put(db, &change, later);
	database_close(&db);
	assert_true(load_one(BOOT_B, now, &rule));
	assert_int_equal(rule.expires.boot_ns, 320 * NS_PER_SECOND);
}

static void renewal_moves_the_expiry_only(void **state)
{
	struct rule_change change = sample_change(RULE_ADDED, 1, "192.0.2.1", NOON);
	struct moment later = moment_plus(NOON, 400 * NS_PER_SECOND);
	struct rule rule;
	struct database *db;

	(void)state;
	add_one(&change);
	change.kind = RULE_RENEWED;
	change.rule.expires = moment_plus(later, 600 * NS_PER_SECOND);
	strcpy(change.rule.reason, "something newer");
	db = open_boot(BOOT_A);
	put(db, &change, later);
	database_close(&db);
	assert_int_equal(sql_int("SELECT count(*) FROM rules"), 1);
	assert_string_equal(sql_text("SELECT expires_at FROM rules"), "2026-01-31T12:16:40.000Z");
	assert_string_equal(sql_text("SELECT renewed_at FROM rules"), "2026-01-31T12:06:40.000Z");
	assert_string_equal(sql_text("SELECT reason FROM rules"), "tried 42 ports within 10 s");
	assert_true(load_one(BOOT_A, later, &rule));
	assert_int_equal(rule.expires.boot_ns, 6000 * NS_PER_SECOND);
}

static void removed_rules_stay_away(void **state)
{
	struct rule_change change = sample_change(RULE_ADDED, 1, "192.0.2.1", NOON);
	struct moment at = moment_plus(NOON, 60 * NS_PER_SECOND);
	struct database *db;
	struct rule rule;

	(void)state;
	for (int why = 0; why < REMOVED_COUNT; why++) {
		db = open_boot(BOOT_A);
		change.kind = RULE_ADDED;
		put(db, &change, NOON);
		change.kind = RULE_REMOVED;
		change.removed_why = (enum removed_why)why;
		put(db, &change, at);
		database_close(&db);
		assert_string_equal(sql_text("SELECT removed_why FROM rules"),
				    removed_why_name(change.removed_why));
		assert_string_equal(sql_text("SELECT removed_at FROM rules"),
				    "2026-01-31T12:01:00.000Z");
		/* a stop is no reason to forget what was blocked */
		assert_int_equal(load_one(BOOT_A, at, &rule), why == REMOVED_SHUTDOWN);
	}
	change.removed_why = REMOVED_SHUTDOWN;
	db = open_boot(BOOT_A);
	put(db, &change, at);
	database_close(&db);
	assert_false(load_one(BOOT_A, moment_plus(NOON, 700 * NS_PER_SECOND), &rule));
	/* restored: in force again */
	change.kind = RULE_ADDED;
	add_one(&change);
	assert_string_equal(sql_text("SELECT removed_at FROM rules"), "NULL");
}

static void changes_of_a_missing_row_store_it(void **state)
{
	struct rule_change renewed = sample_change(RULE_RENEWED, 1, "192.0.2.1", NOON);
	struct rule_change removed = sample_change(RULE_REMOVED, 2, "192.0.2.2", NOON);
	struct rule rule;

	(void)state;
	add_one(&renewed);
	add_one(&removed);
	assert_int_equal(sql_int("SELECT count(*) FROM rules"), 2);
	assert_string_equal(sql_text("SELECT removed_why FROM rules WHERE id = 2"), "expired");
	assert_true(load_one(BOOT_A, NOON, &rule));
	assert_int_equal(rule.id, 1);
}

static void damaged_row_costs_itself_only(void **state)
{
	static const char *const damages[] = {
		"address = 'nonsense'",	   "prefix_len = 77",	  "action = 'alarm'",
		"class = 'every'",	   "expires_at = 'soon'", "origin = x'00ff'",
		"created_at = 'x'",	   "prefix_len = -1",	  "expires_at = ''",
		"address = '2001:db8::/'",
	};
	struct rule_change change = sample_change(RULE_ADDED, 1, "192.0.2.1", NOON);
	struct rule rule;

	(void)state;
	add_one(&change);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		char text[128];

		change = sample_change(RULE_ADDED, (uint32_t)i + 2, "192.0.2.2", NOON);
		add_one(&change);
		snprintf(text, sizeof(text), "UPDATE rules SET %s WHERE id = %u", damages[i],
			 change.rule.id);
		sql_run(text);
		assert_true(load_one(BOOT_A, NOON, &rule));
		assert_int_equal(rule.id, 1);
	}
	/* numbers that no clock shows do no harm either */
	sql_run("DELETE FROM rules WHERE id > 1");
	sql_run("UPDATE rules SET expires_boottime_ms = 9223372036854775807");
	assert_true(load_one(BOOT_A, NOON, &rule));
	sql_run("UPDATE rules SET expires_boottime_ms = -9223372036854775807");
	assert_true(load_one(BOOT_A, NOON, &rule));
	assert_true(rule.expires.boot_ns <= NOON.boot_ns);
}

static void rule_without_end_can_be_stored(void **state)
{
	struct rule_change change = sample_change(RULE_ADDED, 1, "192.0.2.1", NOON);
	struct rule rule;

	(void)state;
	change.rule.expires = (struct moment){ INT64_MAX, INT64_MAX };
	add_one(&change);
	assert_true(load_one(BOOT_A, NOON, &rule));
	assert_true(rule.expires.boot_ns > NOON.boot_ns + 365 * 86400 * NS_PER_SECOND);
	assert_true(load_one(BOOT_B, NOON, &rule));
	assert_true(rule.expires.boot_ns > NOON.boot_ns + 365 * 86400 * NS_PER_SECOND);
}

static void other_rows_are_stored(void **state)
{
	struct database *db = open_boot(BOOT_A);
	struct event event = { .id = 5,
			       .at = NOON,
			       .type = EVENT_FINDING,
			       .severity = SEVERITY_WARNING,
			       .has_source = true,
			       .has_destination = true,
			       .port = 443,
			       .protocol = 6,
			       .detector = DETECTOR_SYN_FLOOD,
			       .message = "it's \"quoted\"; DROP TABLE rules",
			       .details = "{\"a\":1}" };
	struct event bare = {
		.id = 6, .at = NOON, .type = EVENT_SYSTEM, .detector = DETECTOR_NONE
	};
	struct traffic_row traffic = {
		NOON, 10 * NS_PER_SECOND, "eth0", UINT64_MAX, 2, 3, 4, 5, 6, 7, 8, 9
	};
	struct audit_row audit = { NOON, 1000, 4711, "ann", "block", NULL, "after" };

	(void)state;
	prefix_parse("2001:db8::/64", &event.source);
	address_parse("2001:db8:ffff::1", &event.destination);
	assert_int_equal(database_begin(db), 0);
	assert_int_equal(database_put_event(db, &event), 0);
	assert_int_equal(database_put_event(db, &bare), 0);
	assert_int_equal(database_put_traffic(db, &traffic), 0);
	assert_int_equal(database_put_audit(db, &audit), 0);
	assert_int_equal(database_commit(db), 0);
	database_close(&db);
	assert_string_equal(sql_text("SELECT id || at || type || severity || source || destination"
				     " || port || protocol || detector || message || details"
				     " FROM events WHERE id = 5"),
			    "52026-01-31T12:00:00.000Zfindingwarning2001:db8::/64"
			    "2001:db8:ffff::1443tcpsyn_floodit's \"quoted\"; DROP TABLE rules"
			    "{\"a\":1}");
	assert_int_equal(sql_int("SELECT count(*) FROM events WHERE source IS NULL AND port IS"
				 " NULL AND protocol IS NULL AND detector IS NULL AND details IS"
				 " NULL AND destination IS NULL"),
			 1);
	assert_string_equal(sql_text("SELECT seconds || interface || packets || bytes || tcp ||"
				     " udp || icmp || other || dropped || unattributed || sources"
				     " FROM traffic"),
			    "10.0eth0922337203685477580723456789");
	assert_string_equal(sql_text("SELECT uid || ' ' || pid || ' ' || who || ' ' || verb ||"
				     " coalesce(\"before\", ' NULL ') || \"after\" FROM audit"),
			    "1000 4711 ann block NULL after");
}

static void old_rows_go_and_their_ids_stay_used(void **state)
{
	struct rule_change open_rule = sample_change(RULE_ADDED, 1, "192.0.2.1", NOON);
	struct rule_change removed = sample_change(RULE_REMOVED, 2, "192.0.2.2", NOON);
	struct database *db = open_boot(BOOT_A);
	struct traffic_row traffic = { .at = NOON, .interface = "eth0" };
	struct audit_row audit = { .at = NOON };
	bool more = false;

	(void)state;
	put(db, &open_rule, NOON);
	put(db, &removed, NOON);
	for (uint64_t i = 1; i <= 50; i++) {
		struct event event = { .id = i, .at = NOON, .detector = DETECTOR_NONE };

		event.at = moment_plus(NOON, (int64_t)i * NS_PER_SECOND);
		assert_int_equal(database_put_event(db, &event), 0);
	}
	assert_int_equal(database_put_traffic(db, &traffic), 0);
	assert_int_equal(database_put_audit(db, &audit), 0);
	assert_int_equal(database_prune(db, NOON.wall_ns, 100, &more), 0);
	assert_int_equal(sql_int("SELECT count(*) FROM events"), 50);
	assert_int_equal(database_prune(db, NOON.wall_ns + 41 * NS_PER_SECOND, 20, &more), 0);
	assert_true(more);
	assert_int_equal(sql_int("SELECT count(*) FROM events"), 30);
	assert_int_equal(database_prune(db, NOON.wall_ns + 41 * NS_PER_SECOND, 100, &more), 0);
	assert_false(more);
	assert_int_equal(sql_int("SELECT min(id) FROM events"), 41);
	assert_int_equal(sql_int("SELECT count(*) FROM traffic"), 0);
	assert_int_equal(sql_int("SELECT count(*) FROM audit"), 0);
	/* a rule in force never goes, however old */
	assert_int_equal(sql_int("SELECT group_concat(id) FROM rules"), 1);
	assert_int_equal(database_prune(db, NOON.wall_ns + 3600 * NS_PER_SECOND, 100, &more), 0);
	database_close(&db);
	db = open_boot(BOOT_A);
	assert_int_equal(db->last_rule_id, 2);
	assert_int_equal(db->last_event_id, 50);
	database_close(&db);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(has_the_columns_of_the_contract),
		in_folder(rule_is_shown_as_people_write_it),
		in_folder(rule_comes_back_whole),
		in_folder(an_older_schema_gets_its_column),
		in_folder(a_port_without_its_protocol_is_not_restored),
		in_folder(same_boot_goes_by_boot_time),
		in_folder(other_boot_goes_by_the_wall_clock),
		in_folder(wrong_clock_never_lengthens),
		in_folder(renewal_moves_the_expiry_only),
		in_folder(removed_rules_stay_away),
		in_folder(changes_of_a_missing_row_store_it),
		in_folder(damaged_row_costs_itself_only),
		in_folder(rule_without_end_can_be_stored),
		in_folder(other_rows_are_stored),
		in_folder(old_rows_go_and_their_ids_stay_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
