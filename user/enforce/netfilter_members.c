/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The members of the sets: batches of `ipset restore` lines in, members that nobody wants out. The
 * sets themselves and the chain that names them are netfilter.c's.
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
	struct text saved;
	const char *cursor;
	size_t room;
	int err = run_save_set(name, &saved, error);

	if (err)
		return err;
	room = count_lines(saved.bytes);
	*out = (struct member_array){ .items = calloc(room + 1, sizeof(*out->items)) };
	cursor = saved.bytes;
	while (out->items && out->count < room &&
	       ruleset_read_member(&cursor, &out->items[out->count]))
		out->count++;
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
		struct ruleset_member member = { 0 };

		next = line_at(lines, 2);
		if (strncmp(lines, start, strlen(start)) == 0 &&
		    ruleset_read_member(&cursor, &member) &&
		    !bsearch(&member, held.items, held.count, sizeof(member), compare_members))
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

/* Writes "del" lines for the set's members that are not wanted. Returns how many. */
static int write_unwanted(FILE *out, const char *saved, const struct ruleset_kind *kind,
			  bool (*wanted)(void *context, const struct ruleset_member *member),
			  void *context)
{
	struct ruleset_member member = { .kind = *kind };
	int unwanted = 0;

	while (ruleset_read_member(&saved, &member)) {
		if (wanted(context, &member))
			continue;
		ruleset_write_del(out, &member);
		unwanted++;
	}
	return unwanted;
}

static int prune_set(struct netfilter *netfilter, const struct ruleset_set *set,
		     bool (*wanted)(void *context, const struct ruleset_member *member),
		     void *context, char error[NETFILTER_ERROR])
{
	char name[RULESET_NAME];
	struct text saved, lines;
	int unwanted, err;
	FILE *file;

	err = run_save_set(ruleset_set_name(set, name), &saved, error);
	if (err)
		return err;
	file = text_open(&lines);
	unwanted = file ? write_unwanted(file, saved.bytes, &set->kind, wanted, context) : 0;
	text_free(&saved);
	err = text_close(file, &lines, error);
	if (err)
		return err;
	if (unwanted)
		err = netfilter_apply(netfilter, lines.bytes, error);
	text_free(&lines);
	return err < 0 ? err : err > 0 ? -EIO : unwanted;
}

int netfilter_prune(struct netfilter *netfilter,
		    bool (*wanted)(void *context, const struct ruleset_member *member),
		    void *context, char error[NETFILTER_ERROR])
{
	int removed = 0;

	for (unsigned int k = 0; k < netfilter->kind_count; k++) {
		for (unsigned int i = 0; i < RULESET_SETS_PER_KIND; i++) {
			struct ruleset_set set = ruleset_set_at(&netfilter->kinds[k], i);
			int n = prune_set(netfilter, &set, wanted, context, error);

			if (n < 0)
				return n;
			removed += n;
		}
	}
	return removed;
}
