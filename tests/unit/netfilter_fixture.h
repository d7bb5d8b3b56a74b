/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of the iptables enforcer: a network namespace per test, the real iptables and ipset in
 * it, and waiting for conditions while the enforcer's descriptor is served as the daemon would.
 */
#ifndef FWGEN_TESTS_NETFILTER_FIXTURE_H
#define FWGEN_TESTS_NETFILTER_FIXTURE_H

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/address.h"
#include "base/subprocess.h"
#include "enforce/iptables.h"

#define WAIT_MS 10000

static struct iptables_enforcer *enforcer;

/* Runs a program with up to six arguments and returns its output, valid until the next call. */
static inline const char *output_of(const char *program, ...)
{
	static struct subprocess_result result;
	const char *argv[8] = { program };
	va_list arguments;

	va_start(arguments, program);
	for (int i = 1; i < 7 && (argv[i] = va_arg(arguments, const char *)); i++)
		;
	va_end(arguments);
	subprocess_result_free(&result);
	assert_int_equal(subprocess_run(argv, NULL, 0, 20000, &result), 0);
	return result.status == 0 ? result.output : "";
}

/* The same for a command that stands in one string, words apart by blanks. */
static inline const char *shell_words(const char *command)
{
	static struct subprocess_result result;
	const char *argv[24];
	char words[256], *save = NULL;
	int n = 0;

	snprintf(words, sizeof(words), "%s", command);
	for (char *word = strtok_r(words, " ", &save); word && n < 23;
	     word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	argv[n] = NULL;
	subprocess_result_free(&result);
	assert_int_equal(subprocess_run(argv, NULL, 0, 20000, &result), 0);
	if (result.status != 0)
		fail_msg("%s: %s", command, result.errors);
	return result.output;
}

static inline int new_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET))
		return -1;
	shell_words("ip link set lo up");
	return 0;
}

static inline int end_namespace(void **state)
{
	(void)state;
	return enforcer ? iptables_enforcer_stop(&enforcer, false) : 0;
}

static inline void start_with(const struct iptables_options *options)
{
	char error[512] = "";

	if (iptables_enforcer_start(options, &enforcer, error))
		fail_msg("%s", error);
}

static inline void start_on(const char *first, const char *second)
{
	const char *const names[] = { first, second };
	const struct iptables_options options = { .interfaces = names,
						  .interface_count = second ? 2 : 1 };

	start_with(&options);
	iptables_enforcer_sync(enforcer, NULL, 0, moment_now());
}

static inline struct rule_change change_of(enum rule_change_kind kind, uint32_t id,
					   const char *prefix, uint32_t classes, int seconds)
{
	struct rule_change change = { .kind = kind };

	change.rule.id = id;
	change.rule.classes = classes;
	change.rule.created = moment_now();
	change.rule.expires = moment_plus(change.rule.created, seconds * NS_PER_SECOND);
	assert_int_equal(prefix_parse(prefix, &change.rule.prefix), 0);
	return change;
}

static inline void tell(enum rule_change_kind kind, uint32_t id, const char *prefix,
			uint32_t classes, int seconds)
{
	struct rule_change change = change_of(kind, id, prefix, classes, seconds);

	iptables_enforcer_change(enforcer, &change, moment_now());
}

/* Number i as an address of 198.18.0.0/15 and beyond, without 0 and 255 mattering. */
static inline void set_number(struct rule *rule, unsigned int i)
{
	assert_int_equal(prefix_parse("198.0.0.1", &rule->prefix), 0);
	rule->prefix.address.bytes[13] = 18 + (i >> 16);
	rule->prefix.address.bytes[14] = i >> 8;
	rule->prefix.address.bytes[15] = i;
	rule->id = i + 1;
}

/* As the daemon's loop does. */
static inline int serve(int timeout_ms)
{
	struct pollfd wait = { .fd = iptables_enforcer_fd(enforcer), .events = POLLIN };

	if (poll(&wait, 1, timeout_ms) > 0)
		return iptables_enforcer_receive(enforcer);
	return 0;
}

static inline struct enforcer_status status_now(void)
{
	struct enforcer_status status;

	iptables_enforcer_status(enforcer, &status);
	return status;
}

/* Serves until the condition holds; returns the milliseconds that took. */
#define until(condition) until_within(condition, WAIT_MS)
#define until_within(condition, limit_ms)                                                      \
	({                                                                                     \
		int64_t until_begin_ns_ = moment_now().boot_ns, until_took_ms_;                \
		while (!(condition)) {                                                         \
			serve(1);                                                              \
			until_took_ms_ = (moment_now().boot_ns - until_begin_ns_) / NS_PER_MS; \
			if (until_took_ms_ > (limit_ms))                                       \
				fail_msg("not within %d ms: %s", (limit_ms), #condition);      \
		}                                                                              \
		until_took_ms_ = (moment_now().boot_ns - until_begin_ns_) / NS_PER_MS;         \
		until_took_ms_;                                                                \
	})

static inline bool in_set(const char *set, const char *member)
{
	const char *const argv[] = { "ipset", "test", set, member, NULL };
	struct subprocess_result result;
	bool in;

	assert_int_equal(subprocess_run(argv, NULL, 0, 20000, &result), 0);
	in = result.status == 0;
	subprocess_result_free(&result);
	return in;
}

/* Seconds that the kernel still keeps the member, or -1. */
static inline int remaining(const char *set, const char *member)
{
	const char *listing = output_of("ipset", "save", set, NULL);
	char start[96];
	int seconds = -1;

	snprintf(start, sizeof(start), "add %s %s timeout ", set, member);
	listing = strstr(listing, start);
	if (listing)
		seconds = atoi(listing + strlen(start));
	return seconds;
}

static inline const char *raw_rules(bool ipv6)
{
	return output_of(ipv6 ? "ip6tables" : "iptables", "-t", "raw", "-S", NULL);
}

static inline bool listed(bool ipv6, const char *line)
{
	return strstr(raw_rules(ipv6), line) != NULL;
}

/* The helper is this process's only child between calls. */
static inline pid_t helper_pid(void)
{
	char path[64];
	FILE *file;
	int pid = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	return pid;
}

#endif
