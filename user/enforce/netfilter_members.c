/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The members of the sets: batches of `ipset restore` lines in, members that nobody wants out. The
 * sets themselves and the chain that names them are netfilter.c's.
 */
#include "enforce/netfilter.h"
#include <errno.h>
#include <string.h>
#include "enforce/netfilter_run.h"

#define REFUSED_MAX 8 /* lines of a batch that are left out one by one */

bool netfilter_is_full(const struct netfilter *netfilter, const struct ruleset_member *member)
{
	struct ruleset_set set = ruleset_set_of(member);
	int kind = netfilter_find_kind(netfilter, &member->kind);

	return kind >= 0 && netfilter->full[kind][ruleset_set_index(&set)];
}

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

/* Remembers that the set which the "add" line names takes no more. */
static void mark_full(struct netfilter *netfilter, const char *line)
{
	char name[RULESET_NAME];
	struct ruleset_set set;
	int kind;

	if (sscanf(line, "add %31s", name) != 1 || ruleset_set_parse(name, &set))
		return;
	kind = netfilter_find_kind(netfilter, &set.kind);
	if (kind >= 0)
		netfilter->full[kind][ruleset_set_index(&set)] = true;
}

int netfilter_apply(struct netfilter *netfilter, const char *lines, size_t len,
		    char error[NETFILTER_ERROR])
{
	const char *end = lines + len;
	char why[NETFILTER_ERROR];
	int refused = 0;

	while (lines < end) {
		int line = run_restore_sets(lines, end - lines, why);

		if (line == 0)
			break;
		if (refused == 0)
			snprintf(error, NETFILTER_ERROR, "%s", why);
		if (line < 0)
			return line;
		lines = line_at(lines, line);
		if (strstr(why, "Hash is full"))
			mark_full(netfilter, lines);
		lines = line_at(lines, 2);
		if (++refused == REFUSED_MAX)
			return refused + count_lines(lines);
	}
	return refused;
}

/* Writes "del" lines for the set's members that are not wanted. Returns how many. */
static int write_unwanted(FILE *out, const char *saved, const struct ruleset_kind *kind,
			  bool (*wanted)(void *context, const struct ruleset_member *member),
			  void *context)
{
	struct ruleset_member member = {.kind = *kind};
	int unwanted = 0;

	while (ruleset_read_member(&saved, &member.prefix)) {
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
		err = netfilter_apply(netfilter, lines.bytes, lines.len, error);
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
