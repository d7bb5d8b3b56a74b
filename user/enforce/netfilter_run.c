/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running iptables and ipset: argument vectors, time limits, exit statuses into errors with a text.
 * Says nothing about what should be in the kernel.
 */
#include "enforce/netfilter_run.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/subprocess.h"

#define TIMEOUT_MS	   5000
#define RESTORE_TIMEOUT_MS 20000 /* a full set is loaded in about a second */
#define ARGUMENTS_MAX	   8
#define BUSY_STATUS	   4 /* iptables: somebody else changed the table meanwhile, or refused */
#define BUSY_NS		   (1500 * NS_PER_MS) /* tried again until then */
#define BUSY_PAUSE_MS	   20
#define LOCK_SECONDS	   "1" /* legacy: that sets are served meanwhile matters more */
#define DESTROY_TRIES	   100
#define DESTROY_PAUSE_MS   20

void text_free(struct text *text)
{
	free(text->bytes);
	*text = (struct text){ 0 };
}

FILE *text_open(struct text *text)
{
	*text = (struct text){ 0 };
	return open_memstream(&text->bytes, &text->len);
}

int text_close(FILE *file, struct text *text, char error[RUN_ERROR])
{
	bool failed = !file || ferror(file);

	if (file && fclose(file))
		failed = true;
	if (!failed)
		return 0;
	text_free(text);
	snprintf(error, RUN_ERROR, "failed to build rules: %s", strerror(ENOMEM));
	return -ENOMEM;
}

static bool in_path(const char *program)
{
	static const char *const folders[] = { "/usr/sbin", "/sbin", "/usr/bin", "/bin" };
	char path[64];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], program);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

int run_installed(char error[RUN_ERROR])
{
	static const char *const programs[] = { "iptables", "ip6tables", "iptables-restore",
						"ip6tables-restore" };

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (in_path(programs[i]))
			continue;
		snprintf(error, RUN_ERROR,
			 "failed to find %s: install it (Debian: apt-get install iptables)",
			 programs[i]);
		return -ENOENT;
	}
	return 0;
}

unsigned int run_families(void)
{
	return access("/proc/sys/net/ipv6", F_OK) == 0 ? 2 : 1;
}

static void pause_ms(int ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS };

	nanosleep(&time, NULL);
}

static int explain(const char *program, int err, const struct subprocess_result *result,
		   char error[RUN_ERROR])
{
	if (err == -ENOENT)
		snprintf(error, RUN_ERROR, "failed to run %s: it is not installed (package %s)",
			 program, strncmp(program, "ipset", 5) == 0 ? "ipset" : "iptables");
	else if (err)
		snprintf(error, RUN_ERROR, "failed to run %s: %s", program, strerror(-err));
	else if (result->errors[0])
		snprintf(error, RUN_ERROR, "failed to run %s: %.200s", program, result->errors);
	else
		snprintf(error, RUN_ERROR, "failed to run %s: exit status %d", program,
			 result->status);
	return err ? err : -EIO;
}

/* Runs the program; status 0 is success. *out may be NULL. */
static int run(const char *const argv[], const struct text *input, int timeout_ms, struct text *out,
	       char error[RUN_ERROR])
{
	int64_t give_up_ns = moment_now().boot_ns + BUSY_NS;
	struct subprocess_result result;

	for (int try = 1;; try++) {
		int err = subprocess_run(argv, input ? input->bytes : NULL, input ? input->len : 0,
					 timeout_ms, &result);
		if (err)
			return explain(argv[0], err, NULL, error);
		if (result.status == 0)
			break;
		if (result.status != BUSY_STATUS || moment_now().boot_ns >= give_up_ns) {
			explain(argv[0], 0, &result, error);
			err = result.status == BUSY_STATUS ? -EBUSY : -EIO;
			subprocess_result_free(&result);
			return err;
		}
		subprocess_result_free(&result);
		pause_ms(BUSY_PAUSE_MS << try);
	}
	if (out) {
		*out = (struct text){ result.output, strlen(result.output) };
		result.output = NULL;
	}
	subprocess_result_free(&result);
	return 0;
}

int run_flavour(struct run_flavour *out, char error[RUN_ERROR])
{
	static const char *const argv[] = { "iptables", "-V", NULL };
	struct text version = { 0 };
	int err = run(argv, NULL, TIMEOUT_MS, &version, error);

	if (err)
		return err;
	*out = (struct run_flavour){ .legacy = !strstr(version.bytes, "nf_tables"), .suffix = "" };
	text_free(&version);
	return 0;
}

/* Asking iptables-legacy would make the table. */
static bool has_legacy_raw(void)
{
	char name[64];
	FILE *file = fopen("/proc/net/ip_tables_names", "re");
	bool has = false;

	while (file && fgets(name, sizeof(name), file))
		has |= strcmp(name, "raw\n") == 0;
	if (file)
		fclose(file);
	return has;
}

/* The legacy tables have a lock, which -w waits for; the nf_tables ones have transactions. */
static int run_tables(const char *const arguments[], bool ipv6, const struct run_flavour *flavour,
		      const char *verb, const struct text *input, struct text *out,
		      char error[RUN_ERROR])
{
	const char *argv[ARGUMENTS_MAX];
	char program[32];
	int n = 0;

	snprintf(program, sizeof(program), "%s%s%s", ipv6 ? "ip6tables" : "iptables",
		 flavour->suffix, verb);
	argv[n++] = program;
	while (*arguments)
		argv[n++] = *arguments++;
	if (flavour->legacy) {
		argv[n++] = "-w";
		argv[n++] = LOCK_SECONDS;
	}
	argv[n] = NULL;
	return run(argv, input, TIMEOUT_MS, out, error);
}

int run_list_rules(bool ipv6, const struct run_flavour *flavour, struct text *out,
		   char error[RUN_ERROR])
{
	static const char *const arguments[] = { "-t", "raw", "-S", NULL };

	return run_tables(arguments, ipv6, flavour, "", NULL, out, error);
}

bool run_other_flavour(const struct run_flavour *flavour, struct run_flavour *out)
{
	char error[RUN_ERROR];
	struct text listing;

	*out = (struct run_flavour){ .legacy = !flavour->legacy,
				     .suffix = flavour->legacy ? "-nft" : "-legacy" };
	if (out->legacy ? !in_path("iptables-legacy") || !has_legacy_raw()
			: !in_path("iptables-nft"))
		return false;
	if (run_list_rules(false, out, &listing, error)) /* not with this kernel */
		return false;
	text_free(&listing);
	return true;
}

int run_restore_rules(bool ipv6, const struct run_flavour *flavour, const struct text *table,
		      char error[RUN_ERROR])
{
	static const char *const arguments[] = { "--noflush", NULL };

	return run_tables(arguments, ipv6, flavour, "-restore", table, NULL, error);
}

int run_list_sets(struct text *out, char error[RUN_ERROR])
{
	static const char *const argv[] = { "ipset", "list", "-t", NULL };
	int err;

	if (!in_path(argv[0])) {
		snprintf(error, RUN_ERROR, "ipset is not installed");
		return -ENOENT;
	}
	err = run(argv, NULL, TIMEOUT_MS, out, error);
	return err == -EIO && strstr(error, "Cannot open session to kernel") ? -EOPNOTSUPP : err;
}

int run_save_set(const char *name, struct text *out, char error[RUN_ERROR])
{
	const char *const argv[] = { "ipset", "save", name, NULL };

	return run(argv, NULL, RESTORE_TIMEOUT_MS, out, error);
}

int run_restore_sets(const char *lines, size_t len, char error[RUN_ERROR])
{
	static const char *const argv[] = { "ipset", "restore", "-exist", NULL };
	struct subprocess_result result;
	const char *at;
	int line, err = subprocess_run(argv, lines, len, RESTORE_TIMEOUT_MS, &result);

	if (err)
		return explain(argv[0], err, NULL, error);
	if (result.status == 0) {
		subprocess_result_free(&result);
		return 0;
	}
	explain(argv[0], 0, &result, error);
	at = strstr(result.errors, "Error in line ");
	line = at ? atoi(at + strlen("Error in line ")) : 0;
	subprocess_result_free(&result);
	return line > 0 ? line : -EIO;
}

int run_destroy_set(const char *name, char error[RUN_ERROR])
{
	const char *const argv[] = { "ipset", "destroy", name, NULL };
	int err;

	/* nf_tables lets go of a deleted rule's set after a grace period, not at once. */
	for (int try = 1;; try++) {
		err = run(argv, NULL, TIMEOUT_MS, NULL, error);
		if (!err || try == DESTROY_TRIES || !strstr(error, "in use by a kernel component"))
			return err;
		pause_ms(DESTROY_PAUSE_MS);
	}
}
