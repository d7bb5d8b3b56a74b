/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking everything of fwgen's out of netfilter, whichever run put it there and however much of it
 * is left. Needs to know nothing but the names, so it works without a daemon.
 */
#include "enforce/netfilter.h"
#include <errno.h>
#include "enforce/netfilter_run.h"

/* Deletes jumps and chain of one family. Adds to *removed. */
static int remove_rules(bool ipv6, const struct run_flavour *flavour, unsigned int *removed,
			char error[NETFILTER_ERROR])
{
	struct text listing, table;
	unsigned int count;
	FILE *file;
	int err = run_list_rules(ipv6, flavour, &listing, error);

	if (err)
		return err;
	file = text_open(&table);
	count = file ? ruleset_write_remove(file, listing.bytes) : 0;
	text_free(&listing);
	err = text_close(file, &table, error);
	if (err)
		return err;
	if (count > 0)
		err = run_restore_rules(ipv6, flavour, &table, error);
	text_free(&table);
	if (!err)
		*removed += count;
	return err;
}

static int family_jumps(bool ipv6, const struct run_flavour *flavour, const char *const *interfaces,
			unsigned int count, bool remove, char error[NETFILTER_ERROR])
{
	struct text listing, table;
	unsigned int found = 0;
	FILE *file;
	int err = run_list_rules(ipv6, flavour, &listing, error);

	if (err)
		return err;
	file = text_open(&table);
	if (file) {
		fputs("*raw\n", file);
		for (unsigned int i = 0; i < count; i++)
			found +=
				ruleset_write_interface_deletes(file, listing.bytes, interfaces[i]);
		fputs("COMMIT\n", file);
	}
	text_free(&listing);
	err = text_close(file, &table, error);
	if (err)
		return err;
	if (found && remove)
		err = run_restore_rules(ipv6, flavour, &table, error);
	text_free(&table);
	return err ? err : (int)found;
}

/* Fills in the iptables that are to be asked. Returns how many, or -errno with a text. */
static int find_flavours(struct run_flavour out[2], char error[NETFILTER_ERROR])
{
	int err = run_flavour(&out[0], error);

	return err ? err : 1 + run_other_flavour(&out[0], &out[1]);
}

int netfilter_jumps(const char *const *interfaces, unsigned int count, bool remove,
		    char error[NETFILTER_ERROR])
{
	struct run_flavour flavours[2];
	int found = 0, n = find_flavours(flavours, error);

	for (int f = 0; f < n; f++) {
		for (unsigned int family = 0; family < run_families(); family++) {
			int here = family_jumps(family, &flavours[f], interfaces, count, remove,
						error);

			if (here < 0)
				return here;
			found += here;
		}
	}
	return n < 0 ? n : found;
}

static int destroy_kind(const struct ruleset_kind *kind, char error[NETFILTER_ERROR])
{
	int err = 0;

	for (unsigned int i = 0; i < ruleset_kind_sets(kind) && !err; i++) {
		const struct ruleset_set set = ruleset_set_at(kind, i);
		char name[RULESET_NAME];

		err = run_destroy_set(ruleset_set_name(&set, name), error);
	}
	return err;
}

int netfilter_retire_kinds(struct netfilter *netfilter, const bool used[NETFILTER_KINDS_MAX],
			   char error[NETFILTER_ERROR])
{
	struct ruleset_kind retired[NETFILTER_KINDS_MAX];
	unsigned int count = 0;
	int err;

	for (unsigned int k = netfilter->kind_count; k-- > 1;) {
		if (used[k])
			continue;
		retired[count++] = netfilter->kinds[k];
		netfilter->kinds[k] = netfilter->kinds[--netfilter->kind_count];
	}
	if (!count)
		return 0;
	err = netfilter_write_chain(netfilter, error);
	for (unsigned int i = 0; i < count && !err; i++)
		err = destroy_kind(&retired[i], error);
	return err ? err : (int)count;
}

static int remove_sets(unsigned int *removed, char error[NETFILTER_ERROR])
{
	struct ruleset_listed set;
	struct text listing;
	const char *cursor;
	int first = 0, err = run_list_sets(&listing, error);

	if (err == -ENOENT || err == -EOPNOTSUPP) /* no sets either */
		return 0;
	if (err)
		return err;
	cursor = listing.bytes;
	while (ruleset_read_set(&cursor, &set)) {
		char why[NETFILTER_ERROR];

		if (!set.ours)
			continue;
		err = run_destroy_set(set.name, why);
		*removed += !err;
		if (err && !first) {
			first = err;
			snprintf(error, NETFILTER_ERROR, "%.200s (set %s)", why, set.name);
		}
	}
	text_free(&listing);
	return first;
}

static int remove_flavour(const struct run_flavour *flavour, unsigned int *removed,
			  char error[NETFILTER_ERROR])
{
	int err = 0;

	for (unsigned int family = 0; family < run_families() && !err; family++)
		err = remove_rules(family, flavour, removed, error);
	return err;
}

int netfilter_remove_others(const struct netfilter *netfilter, char error[NETFILTER_ERROR])
{
	struct run_flavour other;
	unsigned int removed = 0;
	int err = 0;

	if (run_other_flavour(&netfilter->flavour, &other))
		err = remove_flavour(&other, &removed, error);
	return err ? err : (int)removed;
}

int netfilter_remove(char error[NETFILTER_ERROR])
{
	struct run_flavour flavours[2];
	char second[NETFILTER_ERROR];
	unsigned int removed = 0;
	int n = find_flavours(flavours, error), first = n < 0 ? n : 0, err;

	/* Whatever failed, the rest may still go; what is told is the first failure. */
	for (int f = 0; f < n; f++) {
		err = remove_flavour(&flavours[f], &removed, first ? second : error);
		first = first ? first : err;
	}
	err = remove_sets(&removed, first ? second : error);
	if (first || err)
		return first ? first : err;
	return removed;
}
