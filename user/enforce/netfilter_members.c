/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The members of the sets: batches of `ipset restore` lines in, and the comparison with what is
 * wanted. The sets themselves and the chain that names them are netfilter.c's.
 */
#include "enforce/netfilter.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "enforce/netfilter_run.h"

#define STOPS_MAX 8 /* of one batch, each costs a run of ipset */

/* The beginning of line number n (from 1), or the end of the text. */
static const char *line_at(const char *lines, int n)
{
	while (--n > 0 && *lines) {
		lines += strcspn(lines, "\n");
		lines += *lines == '\n';
	}
	return lines;
}

static int count_lines(const char *lines)
{
	int n = 0;

	for (; (lines = strchr(lines, '\n')); lines++)
		n++;
	return n;
}

static int compare_members(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ruleset_member));
}

struct member_array {
	struct ruleset_member *items; /* owned, sorted; of no kind */
	size_t count;
};

static int load_set(const char *name, struct member_array *out, char error[NETFILTER_ERROR])
{
	struct ruleset_standing standing = { .rule_id = 0 };
	struct text saved;
	const char *cursor;
	size_t room;
	int err = run_save_set(name, &saved, error);

	if (err)
		return err;
	room = count_lines(saved.bytes);
	*out = (struct member_array){ .items = calloc(room + 1, sizeof(*out->items)) };
	cursor = saved.bytes;
	while (out->items && out->count < room && ruleset_read_member(&cursor, &standing))
		out->items[out->count++] = standing.member;
	text_free(&saved);
	if (!out->items) {
		snprintf(error, NETFILTER_ERROR, "failed to load set %s: out of memory", name);
		return -ENOMEM;
	}
	qsort(out->items, out->count, sizeof(*out->items), compare_members);
	return 0;
}

/*
 * A full set still takes new deadlines for what it holds. Copies the lines without those that would
 * add to it. Returns how many were left out, or -errno.
 */
static int leave_out_new(const char *lines, const char *name, struct text *out,
			 char error[NETFILTER_ERROR])
{
	struct member_array held;
	char start[RULESET_NAME + 8];
	FILE *file;
	int left_out = 0, err = load_set(name, &held, error);

	if (err)
		return err;
	snprintf(start, sizeof(start), "add %s ", name);
	file = text_open(out);
	for (const char *next; file && *lines; lines = next) {
		const char *cursor = lines;
		struct ruleset_standing line = { .rule_id = 0 };

		next = line_at(lines, 2);
		if (strncmp(lines, start, strlen(start)) == 0 &&
		    ruleset_read_member(&cursor, &line) &&
		    !bsearch(&line.member, held.items, held.count, sizeof(line.member),
			     compare_members))
			left_out++;
		else
			fwrite(lines, 1, next - lines, file);
	}
	free(held.items);
	err = text_close(file, out, error);
	return err ? err : left_out;
}

/* The name in an "add" line of one of fwgen's sets. */
static bool read_name(const char *line, char name[RULESET_NAME])
{
	struct ruleset_set set;

	return sscanf(line, "add %31s", name) == 1 && ruleset_set_parse(name, &set) == 0;
}

/* Gets past the line where a restore stopped. Returns how many lines that leaves out, or -errno. */
static int step_over(struct netfilter *netfilter, const char **lines, struct text *copy, char *why)
{
	char name[RULESET_NAME];
	struct text fresh;
	int left_out;

	if (!strstr(why, "Hash is full") || !read_name(*lines, name)) {
		*lines = line_at(*lines, 2);
		return 1;
	}
	snprintf(why, NETFILTER_ERROR, "set %s is full", name);
	netfilter->full = true;
	left_out = leave_out_new(*lines, name, &fresh, why);
	if (left_out <= 0) { /* what was in the way has just expired */
		if (left_out == 0)
			text_free(&fresh);
		return left_out;
	}
	text_free(copy);
	*copy = fresh;
	*lines = copy->bytes;
	return left_out;
}

int netfilter_apply(struct netfilter *netfilter, const char *lines, char error[NETFILTER_ERROR])
{
	struct text copy = { 0 };
	int refused = 0, stops = 0;

	netfilter->full = false;
	while (*lines) {
		char why[NETFILTER_ERROR];
		int n = run_restore_sets(lines, strlen(lines), why);

		if (n == 0)
			break;
		if (n > 0) {
			lines = line_at(lines, n);
			n = step_over(netfilter, &lines, &copy, why);
		}
		if (stops++ == 0)
			snprintf(error, NETFILTER_ERROR, "%s", why);
		refused = n < 0 ? n : refused + n;
		if (n < 0)
			break;
		if (stops == STOPS_MAX) {
			refused += count_lines(lines);
			break;
		}
	}
	text_free(&copy);
	return refused;
}

struct comparison {
	struct netfilter *netfilter;
	FILE *lines;
	int64_t now_ns;
	struct netfilter_difference found;
};

/* The kernel counts whole seconds, and was told some that were rounded up. */
static bool is_altered(const struct wanted_member *wanted, const struct ruleset_standing *standing,
		       int64_t now_ns)
{
	uint32_t left_s = ruleset_timeout(wanted->deadline_ns, now_ns);

	return wanted->rule_id != standing->rule_id || standing->timeout_s + 1 < left_s ||
	       standing->timeout_s > left_s + 1;
}

static void write_wanted(FILE *out, const struct wanted_member *wanted, int64_t now_ns)
{
	ruleset_write_add(out, &wanted->member, wanted->rule_id,
			  ruleset_timeout(wanted->deadline_ns, now_ns));
}

/* What stands in a set: lines for what should not, or not so. */
static int compare_set(struct comparison *comparison, struct wanted *wanted,
		       const struct ruleset_set *set, char error[NETFILTER_ERROR])
{
	struct ruleset_standing standing = { .member.kind = set->kind };
	char name[RULESET_NAME];
	struct text saved;
	const char *cursor;
	int err = run_save_set(ruleset_set_name(set, name), &saved, error);

	if (err)
		return err;
	cursor = saved.bytes;
	while (ruleset_read_member(&cursor, &standing)) {
		struct wanted_member *member = wanted_find(wanted, &standing.member);

		if (!member) {
			ruleset_write_del(comparison->lines, &standing.member);
			comparison->found.strange++;
			continue;
		}
		member->mark = comparison->netfilter->mark;
		if (!is_altered(member, &standing, comparison->now_ns))
			continue;
		write_wanted(comparison->lines, member, comparison->now_ns);
		comparison->found.altered++;
	}
	text_free(&saved);
	return 0;
}

/* What does not stand. A member in its last second may be gone by right. */
static bool add_missing(void *context, struct wanted_member *member)
{
	struct comparison *comparison = context;

	if (member->mark == comparison->netfilter->mark ||
	    member->deadline_ns <= comparison->now_ns + NS_PER_SECOND ||
	    netfilter_find_kind(comparison->netfilter, &member->member.kind) < 0)
		return true;
	write_wanted(comparison->lines, member, comparison->now_ns);
	comparison->found.missing++;
	return true;
}

static int compare_all(struct comparison *comparison, struct wanted *wanted,
		       char error[NETFILTER_ERROR])
{
	const struct netfilter *netfilter = comparison->netfilter;
	int err = 0;

	for (unsigned int k = 0; k < netfilter->kind_count && !err; k++) {
		const struct ruleset_kind *kind = &netfilter->kinds[k];

		for (unsigned int i = 0; i < ruleset_kind_sets(kind) && !err; i++) {
			struct ruleset_set set = ruleset_set_at(kind, i);

			err = compare_set(comparison, wanted, &set, error);
		}
	}
	if (!err)
		wanted_keep(wanted, add_missing, comparison);
	return err;
}

int netfilter_compare(struct netfilter *netfilter, struct wanted *wanted,
		      struct netfilter_difference *out, char error[NETFILTER_ERROR])
{
	struct comparison comparison = { .netfilter = netfilter, .now_ns = moment_now().boot_ns };
	char second[NETFILTER_ERROR] = "";
	struct text lines;
	int err = 0;

	netfilter->mark++;
	comparison.lines = text_open(&lines);
	if (comparison.lines)
		err = compare_all(&comparison, wanted, error);
	if (text_close(comparison.lines, &lines, err ? second : error))
		return -ENOMEM;
	if (!err && lines.len)
		err = netfilter_apply(netfilter, lines.bytes, error);
	text_free(&lines);
	*out = comparison.found;
	return err;
}
