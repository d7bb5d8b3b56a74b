/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon makes of a list of changes: real policy, record and events; the two enforcers are
 * stood in for by the functions below, which note what they were told.
 */
#include "record_files.h"
#include <errno.h>
#include "daemon/changes.h"
#include "daemon/deny.h"
#include "daemon/recent.h"

/* ---- the enforcers --------------------------------------------------------------------------- */

static struct {
	unsigned int puts, removes, syncs, synced_rules;
	unsigned int helper_changes, helper_syncs;
	struct rule last_put;
	int put_error;
} told;

int dropmap_put(struct dropmap *dropmap, const struct rule *rule, struct moment now)
{
	(void)dropmap;
	(void)now;
	told.puts++;
	told.last_put = *rule;
	return told.put_error;
}

int dropmap_remove(struct dropmap *dropmap, const struct rule *rule)
{
	(void)dropmap;
	(void)rule;
	told.removes++;
	return 0;
}

int dropmap_sync(struct dropmap *dropmap, const struct rule *rules, size_t n, struct moment now)
{
	(void)dropmap;
	(void)rules;
	(void)now;
	told.syncs++;
	told.synced_rules = (unsigned int)n;
	return 0;
}

void iptables_enforcer_change(struct iptables_enforcer *enforcer, const struct rule_change *change,
			      struct moment now)
{
	(void)enforcer;
	(void)change;
	(void)now;
	told.helper_changes++;
}

void iptables_enforcer_sync(struct iptables_enforcer *enforcer, const struct rule *rules, size_t n,
			    struct moment now)
{
	(void)enforcer;
	(void)rules;
	(void)n;
	(void)now;
	told.helper_syncs++;
}

/* ---- a daemon -------------------------------------------------------------------------------- */

static struct daemon daemon_state;
static struct daemon *const d = &daemon_state;
static int stand_in; /* its address stands for an enforcer */

static int set_up_with(void **state, const char *text)
{
	struct recorder_options options = { .database = file, .retention_days = 30 };
	char error[512];

	if (make_folder(state))
		return -1;
	options.database = file;
	memset(&told, 0, sizeof(told));
	memset(d, 0, sizeof(*d));
	if (config_parse(text, strlen(text), folder, &d->config, error) ||
	    recorder_open(&options, &d->recorder, error) || events_new(d->recorder, &d->events) ||
	    policy_new(d->config, 1, &d->policy) || recent_new(&d->recent)) {
		print_error("%s\n", error);
		return -1;
	}
	d->dropmap = (struct dropmap *)&stand_in;
	d->iptables = (struct iptables_enforcer *)&stand_in;
	return 0;
}

static int set_up(void **state)
{
	return set_up_with(state, "{}");
}

static int tear_down(void **state)
{
	recorder_close(&d->recorder);
	events_free(&d->events);
	policy_free(&d->policy);
	recent_free(&d->recent);
	deny_free(&d->deny);
	finding_list_free(&d->judgement.findings);
	rule_change_list_free(&d->judgement.changes);
	config_free(&d->config);
	return remove_folder(state);
}

static void find_source(const char *text)
{
	struct finding finding = {
		.at = moment_now(),
		.detector = DETECTOR_UDP_FLOOD,
		.count = 3000,
		.limit = { 500, 2 },
		.classes = CLASS_UDP,
		.protocol = 17,
		.port = 4444,
		.has_destination = true,
	};

	assert_int_equal(prefix_parse(text, &finding.source), 0);
	assert_int_equal(address_parse("198.51.100.1", &finding.destination), 0);
	assert_int_equal(finding_list_add(&d->judgement.findings, &finding), 0);
}

static void judge_source(const char *text)
{
	find_source(text);
	daemon_judge(d, &d->judgement, moment_now());
}

static struct event newest(void)
{
	struct event event = { 0 };

	assert_int_equal(events_last(d->events, &event, 1), 1);
	return event;
}

static void protect_source(const char *text)
{
	struct protected_list list = { 0 };
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	assert_int_equal(protected_list_add(&list, &prefix, "default gateway of eth0"), 0);
	assert_int_equal(policy_protect(d->policy, &list, moment_now(), &d->judgement.changes), 0);
	daemon_carry_out(d, &d->judgement.changes, moment_now());
	protected_list_free(&list);
}

/* ---- rules ----------------------------------------------------------------------------------- */

static void a_new_rule_goes_everywhere(void **state)
{
	struct event event;

	(void)state;
	judge_source("192.0.2.7");
	assert_int_equal(told.puts, 1);
	assert_int_equal(told.helper_changes, 1);
	event = newest();
	assert_int_equal(event.type, EVENT_RULE);
	assert_int_equal(event.severity, SEVERITY_WARNING);
	assert_int_equal(event.detector, DETECTOR_UDP_FLOOD);
	assert_int_equal(event.port, 4444);
	assert_int_equal(event.protocol, 17);
	assert_true(event.has_source && event.has_destination && event.id > 0);
	assert_ptr_equal(strstr(event.message, "blocked 192.0.2.7 for 60 s: 3000 "), event.message);
	wait_for(sql_int("select count(*) from rules where removed_at is null") == 1);
	wait_for(sql_int("select count(*) from events where source = '192.0.2.7'") == 1);
	assert_int_equal(sql_int("select json_extract(details, '$.limit_count') from events"), 500);
	/* the lists are empty for the next time */
	assert_int_equal(d->judgement.findings.count + d->judgement.changes.count, 0);
}

static void the_end_of_a_rule_goes_everywhere(void **state)
{
	(void)state;
	judge_source("192.0.2.7");
	policy_expire(d->policy, moment_plus(moment_now(), 61 * NS_PER_SECOND),
		      &d->judgement.changes);
	daemon_carry_out(d, &d->judgement.changes, moment_now());
	assert_int_equal(told.removes, 1);
	assert_int_equal(told.helper_changes, 2);
	assert_string_equal(newest().message, "unblocked 192.0.2.7: expired");
	assert_int_equal(newest().severity, SEVERITY_NOTICE);
	wait_for(sql_int("select count(*) from rules where removed_why = 'expired'") == 1);
}

static void a_protected_source_is_an_alarm(void **state)
{
	(void)state;
	protect_source("192.0.2.1");
	judge_source("192.0.2.1");
	assert_int_equal(told.puts, 0);
	assert_int_equal(newest().type, EVENT_ALARM);
	assert_non_null(strstr(newest().message,
			       "192.0.2.1 not blocked: protected as default gateway of eth0: "));
}

static void a_rule_that_becomes_protected_ends(void **state)
{
	(void)state;
	judge_source("192.0.2.1");
	protect_source("192.0.2.1");
	assert_int_equal(told.removes, 1);
	assert_string_equal(newest().message,
			    "unblocked 192.0.2.1: protected as default gateway of eth0");
}

static int set_up_observe(void **state)
{
	return set_up_with(state, "{\"mode\": \"observe\", \"access\": {\"deny\": "
				  "[\"203.0.113.0/24\"]}}");
}

static void observe_mode_only_tells(void **state)
{
	(void)state;
	deny_update(d, moment_now());
	judge_source("192.0.2.7");
	judge_source("203.0.113.9");
	assert_int_equal(told.puts + told.syncs + told.removes, 0);
	assert_int_equal(newest().type, EVENT_FINDING);
	assert_non_null(strstr(newest().message, "would block 203.0.113.9 for 60 s: "));
	recorder_close(&d->recorder);
	assert_int_equal(sql_int("select count(*) from rules"), 0);
	assert_int_equal(sql_int("select count(*) from events"), 2);
}

static int set_up_iptables_only(void **state)
{
	return set_up_with(state, "{\"response\": {\"enforcers\": [\"iptables\"]}}");
}

static void the_drop_map_is_left_out_when_configured_so(void **state)
{
	(void)state;
	judge_source("192.0.2.7");
	daemon_sync(d, moment_now());
	assert_int_equal(told.puts, 0);
	assert_int_equal(told.syncs, 1); /* what an earlier run left there goes */
	assert_int_equal(told.synced_rules, 0);
	assert_int_equal(told.helper_changes, 1);
	assert_int_equal(told.helper_syncs, 1);
}

static void a_full_drop_map_is_told_once(void **state)
{
	struct event events[8];
	unsigned int alarms = 0;
	size_t n;

	(void)state;
	told.put_error = -ENOSPC;
	judge_source("192.0.2.7");
	judge_source("192.0.2.8");
	n = events_last(d->events, events, 8);
	for (size_t i = 0; i < n; i++)
		alarms += events[i].type == EVENT_ALARM;
	assert_int_equal(n, 3);
	assert_int_equal(alarms, 1);
	/* iptables still got both */
	assert_int_equal(told.helper_changes, 2);
}

/* ---- the bound ------------------------------------------------------------------------------- */

static void events_are_bounded_and_rules_are_not(void **state)
{
	const unsigned int sources = EVENTS_PER_SECOND + 100;
	struct moment now = moment_now();
	char text[32];

	(void)state;
	for (unsigned int i = 0; i < sources; i++) {
		snprintf(text, sizeof(text), "198.18.%u.%u", i / 250, i % 250 + 1);
		find_source(text);
	}
	daemon_judge(d, &d->judgement, now);
	events_flush(d->events, moment_plus(now, NS_PER_SECOND));
	assert_int_equal(told.puts, sources);
	assert_non_null(strstr(newest().message, "100 more sources blocked"));
	recorder_close(&d->recorder);
	assert_int_equal(sql_int("select count(*) from rules"), sources);
	assert_int_equal(sql_int("select count(*) from events"), EVENTS_PER_SECOND + 1);
}

/* The wake thread makes events too, and may not wait for a log. */
static void events_are_logged_when_asked_for(void **state)
{
	char path[sizeof(folder) + 8], *text;
	size_t len;

	(void)state;
	snprintf(path, sizeof(path), "%s/log", folder);
	assert_int_equal(log_open(LOG_LEVEL_INFO, path), 0);
	judge_source("192.0.2.7");
	text = read_whole(path, &len);
	assert_int_equal(len, 0);
	free(text);
	for (int i = 0; i < 2; i++) { /* the second time there is nothing new */
		events_log(d->events);
		text = read_whole(path, &len);
		assert_non_null(strstr(text, "warning: blocked 192.0.2.7"));
		assert_null(strchr(strchr(text, '\n') + 1, '\n'));
		free(text);
	}
	log_open(LOG_LEVEL_ERROR, "/dev/null");
}

/* ---- access.deny ----------------------------------------------------------------------------- */

static int set_up_deny(void **state)
{
	return set_up_with(state, "{\"access\": {\"deny\": [\"203.0.113.0/24\", \"192.0.2.9\", "
				  "\"198.51.100.0/24\"]}}");
}

static void denied_prefixes_are_in_force_and_not_stored(void **state)
{
	struct rule *rules = NULL;
	size_t n = 0;

	(void)state;
	deny_update(d, moment_now());
	assert_int_equal(told.syncs, 1);
	assert_int_equal(told.synced_rules, 3);
	assert_int_equal(told.helper_syncs, 1);
	assert_int_equal(daemon_ruleset(d, &rules, &n), 0);
	assert_int_equal(n, 3);
	assert_string_equal(rules[0].reason, "access.deny");
	assert_int_equal(rules[0].origin, ORIGIN_MANUAL);
	assert_int_equal(rules[0].detector, DETECTOR_UNAUTHORIZED);
	free(rules);
	judge_source("203.0.113.77"); /* needs no rule of its own */
	assert_int_equal(told.puts, 0);
	deny_update(d, moment_now()); /* nothing new */
	assert_int_equal(told.syncs, 1);
	recorder_close(&d->recorder);
	assert_int_equal(sql_int("select count(*) from rules"), 0);
}

static void a_protected_prefix_is_not_denied(void **state)
{
	(void)state;
	protect_source("203.0.113.1");
	deny_update(d, moment_now());
	assert_int_equal(told.synced_rules, 2);
	judge_source("203.0.113.77");
	assert_int_equal(told.puts, 1);
	protect_source("192.0.2.250"); /* the other one is not protected any more */
	deny_update(d, moment_now());
	assert_int_equal(told.synced_rules, 4); /* and the rule of before */
}

/* A rule of before and a denied prefix share one place in the drop map. */
static void the_end_of_a_rule_does_not_end_the_denial(void **state)
{
	(void)state;
	judge_source("192.0.2.9");
	deny_update(d, moment_now());
	policy_expire(d->policy, moment_plus(moment_now(), 61 * NS_PER_SECOND),
		      &d->judgement.changes);
	daemon_carry_out(d, &d->judgement.changes, moment_now());
	assert_int_equal(told.removes, 0);
	assert_string_equal(told.last_put.reason, "access.deny");
}

static void denials_are_renewed_in_time(void **state)
{
	struct moment now = moment_now();

	(void)state;
	deny_update(d, now);
	deny_update(d, moment_plus(now, 10 * 86400 * NS_PER_SECOND));
	assert_int_equal(told.syncs, 1);
	deny_update(d, moment_plus(now, 14 * 86400 * NS_PER_SECOND));
	assert_int_equal(told.syncs, 2);
	assert_true(d->deny.rules[0].expires.boot_ns > now.boot_ns + 30 * 86400 * NS_PER_SECOND);
	assert_int_equal(d->deny.rules[0].created.boot_ns, now.boot_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name, set_up_fn) cmocka_unit_test_setup_teardown(name, set_up_fn, tear_down)
		TEST(a_new_rule_goes_everywhere, set_up),
		TEST(the_end_of_a_rule_goes_everywhere, set_up),
		TEST(a_protected_source_is_an_alarm, set_up),
		TEST(a_rule_that_becomes_protected_ends, set_up),
		TEST(observe_mode_only_tells, set_up_observe),
		TEST(the_drop_map_is_left_out_when_configured_so, set_up_iptables_only),
		TEST(a_full_drop_map_is_told_once, set_up),
		TEST(events_are_bounded_and_rules_are_not, set_up),
		TEST(events_are_logged_when_asked_for, set_up),
		TEST(denied_prefixes_are_in_force_and_not_stored, set_up_deny),
		TEST(a_protected_prefix_is_not_denied, set_up_deny),
		TEST(the_end_of_a_rule_does_not_end_the_denial, set_up_deny),
		TEST(denials_are_renewed_in_time, set_up_deny),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
