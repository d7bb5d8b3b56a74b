/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The iptables enforcer when things go wrong (rules flushed by others, helper stopped or killed,
 * programs missing, sets full) and under load. Network namespaces of its own. Root.
 */
#include "netfilter_fixture.h"
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define BURST 20000
#define MANY  100000

static bool enforced(void)
{
	return status_now().state == ENFORCER_ENFORCED;
}

static int64_t now_ms(void)
{
	return moment_now().boot_ns / NS_PER_MS;
}

static void add_numbers(unsigned int from, unsigned int to, int seconds)
{
	struct rule_change change = change_of(RULE_ADDED, 1, "192.0.2.1", CLASS_ALL, seconds);

	for (unsigned int i = from; i < to; i++) {
		set_number(&change.rule, i);
		iptables_enforcer_change(enforcer, &change, moment_now());
	}
}

/* ---- somebody else's hands --------------------------------------------------------------------
 */

static void test_flushed_rules_come_back(void **state)
{
	(void)state;
	start_on("lo", NULL);
	shell_words("iptables -t raw -F");
	until(listed(false, "-A PREROUTING -i lo -j FWGEN\n"));
	assert_true(listed(false, "-A FWGEN -m set --match-set fwgen4 src -j DROP\n"));
	until(status_now().repairs == 1);
	shell_words("ip6tables -t raw -I PREROUTING -s 2001:db8::1 -j ACCEPT");
	until(listed(true, "-A PREROUTING -i lo -j FWGEN\n-A PREROUTING -s 2001:db8::1/128"));
	shell_words("iptables -t raw -D FWGEN 1");
	until(listed(false, "-A FWGEN -m set --match-set fwgen4 src -j DROP\n"));
	until(status_now().repairs == 3);
	assert_true(enforced());
}

static void test_destroyed_set_is_filled_again(void **state)
{
	(void)state;
	start_on("lo", NULL);
	tell(RULE_ADDED, 1, "192.0.2.1", CLASS_ALL, 100);
	tell(RULE_ADDED, 2, "192.0.2.2", CLASS_UDP, 100);
	until(in_set("fwgen4", "192.0.2.1") && in_set("fwgen4-udp", "192.0.2.2"));
	shell_words("iptables -t raw -F");
	until(*output_of("ipset", "destroy", "fwgen4", NULL) == '\0' &&
	      !strstr(output_of("ipset", "list", "-n", NULL), "fwgen4\n"));
	until(in_set("fwgen4", "192.0.2.1"));
	assert_true(in_set("fwgen4-udp", "192.0.2.2"));
	until(enforced() && status_now().repairs > 0);
}

static void test_emptied_set_is_filled_again(void **state)
{
	(void)state;
	start_on("lo", NULL);
	tell(RULE_ADDED, 1, "192.0.2.1", CLASS_ALL, 100);
	until(in_set("fwgen4", "192.0.2.1"));
	shell_words("ipset flush fwgen4");
	until(in_set("fwgen4", "192.0.2.1"));
	until(status_now().repairs == 1);
}

/* ---- the helper -------------------------------------------------------------------------------
 */

static void test_stopped_helper_blocks_nobody(void **state)
{
	int64_t begin_ms, took_ms;
	pid_t helper;

	(void)state;
	start_on("lo", NULL);
	helper = helper_pid();
	kill(helper, SIGSTOP);
	begin_ms = now_ms();
	add_numbers(0, BURST, 100);
	tell(RULE_REMOVED, 5, "198.18.0.4", CLASS_ALL, 0);
	assert_int_equal(iptables_enforcer_flush(enforcer), 0);
	took_ms = now_ms() - begin_ms;
	print_message("%d changes to a stopped helper: %d ms\n", BURST, (int)took_ms);
	assert_true(took_ms < 2000);
	assert_true(iptables_enforcer_pending(enforcer));
	assert_false(in_set("fwgen4", "198.18.0.1"));
	kill(helper, SIGCONT);
	until(status_now().rules == BURST - 1);
	assert_false(iptables_enforcer_pending(enforcer));
	assert_true(in_set("fwgen4", "198.18.78.31")); /* the last */
	assert_false(in_set("fwgen4", "198.18.0.4"));
}

static void test_killed_helper_is_reported_and_replaced(void **state)
{
	(void)state;
	start_on("lo", NULL);
	tell(RULE_ADDED, 1, "192.0.2.1", CLASS_ALL, 100);
	until(in_set("fwgen4", "192.0.2.1"));
	assert_int_equal(iptables_enforcer_restart(enforcer), -EBUSY);
	kill(helper_pid(), SIGKILL);
	until(strcmp(status_now().reason, "the helper process was ended by signal 9") == 0);
	assert_int_equal(status_now().state, ENFORCER_UNENFORCED);
	assert_int_equal(iptables_enforcer_flush(enforcer), -EPIPE);
	assert_int_equal(iptables_enforcer_receive(enforcer), -EPIPE);
	tell(RULE_ADDED, 2, "192.0.2.2", CLASS_ALL, 100);
	tell(RULE_REMOVED, 1, "192.0.2.1", CLASS_ALL, 0);
	assert_false(iptables_enforcer_pending(enforcer));
	assert_true(in_set("fwgen4", "192.0.2.1"));

	assert_int_equal(iptables_enforcer_restart(enforcer), 0);
	until(in_set("fwgen4", "192.0.2.2") && !in_set("fwgen4", "192.0.2.1"));
	until(enforced() && status_now().rules == 1);
}

/* A helper that stands still is not waited for: another one does what is asked for now. */
static void test_other_interfaces_past_a_hanging_helper(void **state)
{
	const char *const names[] = { "lo", "wan0" };
	const struct iptables_options options = { .interfaces = names, .interface_count = 2 };
	char error[512];
	int64_t begin_ms;

	(void)state;
	start_on("lo", NULL);
	tell(RULE_ADDED, 1, "192.0.2.1", CLASS_ALL, 100);
	until(in_set("fwgen4", "192.0.2.1"));
	kill(helper_pid(), SIGSTOP);
	tell(RULE_ADDED, 2, "192.0.2.2", CLASS_ALL, 100);
	begin_ms = now_ms();
	assert_int_equal(iptables_enforcer_reconfigure(enforcer, &options, error), 0);
	assert_true(now_ms() - begin_ms < 500);
	assert_int_equal(status_now().state, ENFORCER_UNENFORCED);
	assert_true(in_set("fwgen4", "192.0.2.1"));
	until(strstr(output_of("iptables", "-t", "raw", "-S", "PREROUTING", NULL),
		     "-i wan0 -j FWGEN"));
	until(in_set("fwgen4", "192.0.2.2") && enforced());
	assert_int_equal(status_now().repairs, 0);
}

/* Signals that a terminal or a service manager sends to the whole group are the daemon's. */
static void test_helper_outlives_signals_to_all(void **state)
{
	pid_t helper;

	(void)state;
	start_on("lo", NULL);
	helper = helper_pid();
	kill(helper, SIGTERM);
	kill(helper, SIGINT);
	tell(RULE_ADDED, 1, "192.0.2.1", CLASS_ALL, 100);
	until(in_set("fwgen4", "192.0.2.1"));
	assert_int_equal(helper_pid(), helper);
}

static void test_rules_are_removed_without_a_helper(void **state)
{
	(void)state;
	start_on("lo", NULL);
	kill(helper_pid(), SIGKILL);
	assert_int_equal(iptables_enforcer_stop(&enforcer, false), 0);
	assert_false(listed(false, "FWGEN"));
	assert_string_equal(output_of("ipset", "list", "-n", NULL), "");
}

static void test_rules_are_removed_past_a_hanging_helper(void **state)
{
	int64_t begin_ms;

	(void)state;
	start_on("lo", NULL);
	kill(helper_pid(), SIGSTOP);
	begin_ms = now_ms();
	assert_int_equal(iptables_enforcer_stop(&enforcer, false), 0);
	assert_in_range(now_ms() - begin_ms, 9000, 13000);
	assert_false(listed(false, "FWGEN"));
	assert_string_equal(output_of("ipset", "list", "-n", NULL), "");
}

/* The daemon dies without a word: what it had said is carried out, the rules stay. */
static void test_rules_outlive_the_daemon(void **state)
{
	int status;
	pid_t daemon = fork();

	(void)state;
	if (daemon == 0) {
		start_on("lo", NULL);
		tell(RULE_ADDED, 1, "192.0.2.1", CLASS_ALL, 100);
		_exit(0);
	}
	assert_int_equal(waitpid(daemon, &status, 0), daemon);
	for (int i = 0; i < 500 && !in_set("fwgen4", "192.0.2.1"); i++)
		usleep(10000);
	assert_true(in_set("fwgen4", "192.0.2.1"));
	assert_true(listed(false, "-A PREROUTING -i lo -j FWGEN\n"));
}

/* ---- programs ----------------------------------------------------------------------------------
 */

/* Runs the function in a child with its own mounts, where one file stands in another's place. */
static void with_file_over(const char *source, const char *target, void (*fn)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount(source, target, NULL, MS_BIND, NULL))
			_exit(9);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void expect_missing_iptables(void)
{
	const char *const names[] = { "lo" };
	const struct iptables_options options = { .interfaces = names, .interface_count = 1 };
	char error[512] = "";

	if (iptables_enforcer_start(&options, &enforcer, error) != -ENOENT || enforcer)
		_exit(1);
	if (!strstr(error, "failed to find iptables: ") ||
	    !strstr(error, "apt-get install iptables"))
		_exit(2);
}

static void test_missing_program_is_named(void **state)
{
	(void)state;
	with_file_over("/dev/null", "/usr/sbin/iptables", expect_missing_iptables);
}

static void expect(bool condition, const char *what)
{
	if (condition)
		return;
	print_error("%s\n", what);
	_exit(1);
}

static void tell_weighed(uint32_t id, const char *prefix, enum evidence evidence, int seconds)
{
	struct rule_change change = change_of(RULE_ADDED, id, prefix, CLASS_ALL, seconds);

	change.rule.evidence = evidence;
	iptables_enforcer_change(enforcer, &change, moment_now());
}

static void do_without(const char *reason)
{
	start_on("lo", NULL);
	until(enforced());
	expect(strstr(status_now().reason, reason), status_now().reason);
	tell(RULE_ADDED, 17, "192.0.2.1", CLASS_ALL, 100);
	tell(RULE_ADDED, 18, "2001:db8::/64", CLASS_UDP, 100);
	until(listed(false,
		     "-A FWGEN -s 192.0.2.1/32 -m comment --comment 17 -m time --datestop 2") &&
	      listed(true, "-A FWGEN -s 2001:db8::/64 -p udp -m comment --comment 18 -m time"));
	until(status_now().rules == 2);
	tell(RULE_REMOVED, 17, "192.0.2.1", CLASS_ALL, 0);
	until(!listed(false, "192.0.2.1"));
	until(status_now().rules == 1);
	shell_words("ip6tables -t raw -F");
	until(listed(true, "-A FWGEN -s 2001:db8::/64 -p udp"));
	until(status_now().repairs == 1);
	expect(iptables_enforcer_stop(&enforcer, false) == 0, "stop");
	expect(!listed(false, "FWGEN") && !listed(true, "FWGEN"), "nothing is left");
}

static void do_without_ipset(void)
{
	do_without("without ipset (it is not installed)");
}

static void do_without_ipset_in_kernel(void)
{
	do_without("without ipset (the kernel has none)");
}

static void test_without_ipset(void **state)
{
	(void)state;
	with_file_over("/dev/null", "/usr/sbin/ipset", do_without_ipset);
}

/* Nor can a rule end by itself: said, and done without. */
static void do_without_time(void)
{
	expect(mount("/dev/null", "/usr/sbin/ipset", NULL, MS_BIND, NULL) == 0, "no ipset");
	start_on("lo", NULL);
	tell(RULE_ADDED, 17, "192.0.2.1", CLASS_ALL, 3);
	until(listed(false, "-A FWGEN -s 192.0.2.1/32 -m comment --comment 17 -j DROP\n"));
	until(enforced() && strstr(status_now().reason, "no xt_time"));
	tell(RULE_REMOVED, 17, "192.0.2.1", CLASS_ALL, 0);
	until(!listed(false, "192.0.2.1"));
	expect(iptables_enforcer_stop(&enforcer, false) == 0, "stop");
}

static void test_without_ipset_and_time(void **state)
{
	const char *library = shell_words("find /usr/lib /lib -name libxt_time.so");
	char path[256];

	(void)state;
	snprintf(path, sizeof(path), "%.*s", (int)strcspn(library, "\n"), library);
	assert_true(path[0] == '/');
	with_file_over("/dev/null", path, do_without_time);
}

static void fill_without_ipset(void)
{
	start_on("lo", NULL);
	add_numbers(0, 1500, 100);
	until(status_now().rules == 1000 && !enforced());
	expect(strstr(status_now().reason, "1000 of 1500 blocks have room"), status_now().reason);
	expect(listed(false, "--comment 1000 ") && !listed(false, "--comment 1001 "),
	       "who came first");
	tell_weighed(5000, "192.0.2.5", EVIDENCE_PROVEN, 100);
	until(listed(false, "-s 192.0.2.5/32") && !listed(false, "--comment 1000 "));
	for (unsigned int i = 0; i < 600; i++) {
		struct rule_change change = change_of(RULE_REMOVED, 1, "192.0.2.1", CLASS_ALL, 0);

		set_number(&change.rule, i);
		iptables_enforcer_change(enforcer, &change, moment_now());
	}
	until(enforced() && status_now().rules == 901);
	expect(listed(false, "--comment 1500 "), "who had no room has come in");
}

static void test_without_ipset_room_is_for_the_important(void **state)
{
	(void)state;
	with_file_over("/dev/null", "/usr/sbin/ipset", fill_without_ipset);
}

/* A kernel without ipset, as the program tells of it. */
static void test_kernel_without_ipset(void **state)
{
	char path[] = "/tmp/fwg-ipset-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0 && fchmod(fd, 0755) == 0);
	dprintf(fd, "#!/bin/sh\necho 'ipset v7.17: Cannot open session to kernel.' >&2\nexit 1\n");
	close(fd);
	with_file_over(path, "/usr/sbin/ipset", do_without_ipset_in_kernel);
	unlink(path);
}

/* The administrator has changed from one iptables to the other: what the first left goes. */
static void use_legacy(void)
{
	expect(strstr(output_of("iptables", "-V", NULL), "legacy"), "legacy is the default here");
	expect(strstr(output_of("iptables-nft", "-t", "raw", "-S", NULL), "-j FWGEN\n"), "before");
	start_on("lo", NULL);
	expect(!strstr(output_of("iptables-nft", "-t", "raw", "-S", NULL), "FWGEN"), "taken over");
	tell(RULE_ADDED, 1, "192.0.2.1", CLASS_SYN, 100);
	until(in_set("fwgen4-syn", "192.0.2.1"));
	expect(listed(false, "-A PREROUTING -i lo -j FWGEN\n") && listed(true, "fwgen6-syn src"),
	       "legacy rules");
	shell_words("iptables -t raw -F");
	until(listed(false, "-A PREROUTING -i lo -j FWGEN\n"));
	expect(!iptables_enforcer_stop(&enforcer, false) && !listed(false, "FWGEN") &&
		       !*output_of("ipset", "list", "-n", NULL),
	       "nothing is left");
}

static void with_legacy_iptables(void (*fn)(void))
{
	static const char *const names[] = { "iptables",	 "ip6tables",
					     "iptables-restore", "ip6tables-restore",
					     "iptables-save",	 "ip6tables-save" };
	char folder[] = "/tmp/fwg-alternatives-XXXXXX", link[96], program[96];

	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *verb = strchr(names[i], '-');
		int stem = verb ? (int)(verb - names[i]) : (int)strlen(names[i]);

		snprintf(link, sizeof(link), "%s/%s", folder, names[i]);
		snprintf(program, sizeof(program), "/usr/sbin/%.*s-legacy%s", stem, names[i],
			 verb ? verb : "");
		assert_int_equal(symlink(program, link), 0);
	}
	with_file_over(folder, "/etc/alternatives", fn);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(link, sizeof(link), "%s/%s", folder, names[i]);
		unlink(link);
	}
	rmdir(folder);
}

static void test_legacy_iptables(void **state)
{
	const char *const probe[] = { "iptables-legacy", "-t", "raw", "-S", NULL };
	struct subprocess_result result = { .status = 1 };

	(void)state;
	if (access("/etc/alternatives/iptables", F_OK) ||
	    subprocess_run(probe, NULL, 0, 5000, &result) || result.status != 0) {
		print_message("skipped: no legacy iptables here (%s)\n", result.errors);
		subprocess_result_free(&result);
		return;
	}
	subprocess_result_free(&result);
	start_on("lo", NULL);
	assert_int_equal(iptables_enforcer_stop(&enforcer, true), 0);
	with_legacy_iptables(use_legacy);
}

/* Rules that go by legacy tables do not keep the other iptables from its work. */
static void test_legacy_tables_beside(void **state)
{
	const char *const probe[] = { "iptables-legacy", "-t", "raw",	 "-A", "PREROUTING", "-s",
				      "203.0.113.1",	 "-j", "ACCEPT", NULL };
	struct subprocess_result result = { .status = 1 };
	bool legacy = subprocess_run(probe, NULL, 0, 5000, &result) == 0 && result.status == 0;

	(void)state;
	subprocess_result_free(&result);
	if (!legacy) {
		print_message("skipped: no legacy iptables here\n");
		return;
	}
	start_on("lo", NULL);
	until(enforced());
	assert_true(listed(false, "-A PREROUTING -i lo -j FWGEN\n"));
	assert_null(strstr(output_of("iptables-legacy", "-t", "raw", "-S", NULL), "FWGEN"));
	assert_int_equal(iptables_enforcer_stop(&enforcer, false), 0);
	assert_non_null(
		strstr(output_of("iptables-legacy", "-t", "raw", "-S", NULL), "203.0.113.1"));
}

static void test_bad_interface_is_refused(void **state)
{
	const char *const names[] = { "eth+" };
	const struct iptables_options options = { .interfaces = names, .interface_count = 1 };
	char error[512] = "";

	(void)state;
	assert_int_equal(iptables_enforcer_start(&options, &enforcer, error), -EINVAL);
	assert_non_null(strstr(error, "eth+"));
	assert_null(enforcer);
}

/* ---- load --------------------------------------------------------------------------------------
 */

static void test_burst(void **state)
{
	int64_t begin_ms, took_ms;

	(void)state;
	start_on("lo", NULL);
	begin_ms = now_ms();
	add_numbers(0, BURST, 600);
	took_ms = now_ms() - begin_ms;
	until(in_set("fwgen4", "198.18.78.31"));
	print_message("%d rules in one burst: handed over in %d ms, in the kernel after %d ms\n",
		      BURST, (int)took_ms, (int)(now_ms() - begin_ms));
	until(status_now().rules == BURST);
	assert_true(enforced());
}

/* Half of the members go, half are new, and those that stay are there at every moment. */
static void test_large_sync(void **state)
{
	struct rule *rules = calloc(MANY, sizeof(*rules));
	int64_t begin_ms = now_ms();

	(void)state;
	assert_non_null(rules);
	start_on("lo", NULL);
	rules[0] = change_of(RULE_ADDED, 1, "192.0.2.1", CLASS_ALL, 600).rule;
	for (unsigned int i = 0; i < MANY; i++) {
		rules[i] = rules[0];
		set_number(&rules[i], i);
	}
	begin_ms = now_ms();
	iptables_enforcer_sync(enforcer, rules, MANY, moment_now());
	until(status_now().rules == MANY);
	print_message("sync of %d members into empty sets: %d ms\n", MANY,
		      (int)(now_ms() - begin_ms));

	for (unsigned int i = 0; i < MANY; i++)
		set_number(&rules[i], i + MANY / 2);
	begin_ms = now_ms();
	iptables_enforcer_sync(enforcer, rules, MANY, moment_now());
	free(rules);
	do
		assert_true(in_set("fwgen4", "198.19.0.0")); /* number 65536 */
	while (serve(1) == 0 && in_set("fwgen4", "198.18.0.1"));
	until(status_now().rules == MANY);
	print_message("sync that changes half of them: %d ms\n", (int)(now_ms() - begin_ms));
	until(enforced());
}

static void test_full_set_is_told(void **state)
{
	const unsigned int room = 262144;

	(void)state;
	start_on("lo", NULL);
	add_numbers(0, room + 100, 600);
	tell(RULE_ADDED, 999999, "192.0.2.1", CLASS_SYN, 600);
	/* so many at once are behind for a while, which is another reason not to be enforced */
	until_within(strstr(status_now().reason, "full") != NULL, 180000);
	assert_false(enforced());
	until_within(status_now().rules > room, 180000);
	until(in_set("fwgen4-syn", "192.0.2.1")); /* other sets go on */

	/* and what the full set holds still gets new deadlines */
	tell(RULE_ADDED, 300000, "192.0.2.2", CLASS_ALL, 600);
	add_numbers(7, 8, 5000);
	until_within(remaining("fwgen4", "198.18.0.7") > 4000, 180000);
	assert_int_equal(status_now().state, ENFORCER_UNENFORCED);
}

#define in_namespace(test) cmocka_unit_test_setup_teardown(test, new_namespace, end_namespace)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_namespace(test_flushed_rules_come_back),
		in_namespace(test_destroyed_set_is_filled_again),
		in_namespace(test_emptied_set_is_filled_again),
		in_namespace(test_stopped_helper_blocks_nobody),
		in_namespace(test_killed_helper_is_reported_and_replaced),
		in_namespace(test_other_interfaces_past_a_hanging_helper),
		in_namespace(test_helper_outlives_signals_to_all),
		in_namespace(test_rules_are_removed_without_a_helper),
		in_namespace(test_rules_are_removed_past_a_hanging_helper),
		in_namespace(test_rules_outlive_the_daemon),
		in_namespace(test_missing_program_is_named),
		in_namespace(test_without_ipset),
		in_namespace(test_without_ipset_and_time),
		in_namespace(test_without_ipset_room_is_for_the_important),
		in_namespace(test_kernel_without_ipset),
		in_namespace(test_legacy_iptables),
		in_namespace(test_legacy_tables_beside),
		in_namespace(test_bad_interface_is_refused),
		in_namespace(test_burst),
		in_namespace(test_large_sync),
		in_namespace(test_full_set_is_told),
	};

	if (geteuid() != 0) {
		printf("skipped: network namespaces and iptables need root\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
