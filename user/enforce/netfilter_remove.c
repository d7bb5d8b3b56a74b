/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking everything of fwgen's out of netfilter, whichever run put it there and however much of it
 * is left. Needs to know nothing but the names, so it works without a daemon.
 */
#include "enforce/netfilter.h"
#include "enforce/netfilter_run.h"

/* Deletes jumps and chain of one family. Adds to *removed. */
static int remove_rules(bool ipv6, bool legacy, unsigned int *removed, char error[NETFILTER_ERROR])
{
	struct text listing, table;
	unsigned int count;
	FILE *file;
	int err = run_list_rules(ipv6, legacy, &listing, error);

	if (err)
		return err;
	file = text_open(&table);
	count = file ? ruleset_write_remove(file, listing.bytes) : 0;
	text_free(&listing);
	err = text_close(file, &table, error);
	if (err)
		return err;
	if (count > 0)
		err = run_restore_rules(ipv6, legacy, &table, error);
	text_free(&table);
	if (!err)
		*removed += count;
	return err;
}

static int family_jumps(bool ipv6, bool legacy, const char *const *interfaces, unsigned int count,
			bool remove, char error[NETFILTER_ERROR])
{
	struct text listing, table;
	unsigned int found = 0;
	FILE *file;
	int err = run_list_rules(ipv6, legacy, &listing, error);

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
		err = run_restore_rules(ipv6, legacy, &table, error);
	text_free(&table);
	return err ? err : (int)found;
}

int netfilter_jumps(const char *const *interfaces, unsigned int count, bool remove,
		    char error[NETFILTER_ERROR])
{
	bool legacy = false;
	int found = 0, err = run_flavour(&legacy, error);

	for (unsigned int family = 0; family < run_families() && !err; family++) {
		int here = family_jumps(family, legacy, interfaces, count, remove, error);

		err = here < 0 ? here : 0;
		found += here < 0 ? 0 : here;
	}
	return err ? err : found;
}

static int remove_sets(unsigned int *removed, char error[NETFILTER_ERROR])
{
	struct ruleset_listed set;
	struct text listing;
	const char *cursor;
	int first = 0, err = run_list_sets(&listing, error);

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

int netfilter_remove(char error[NETFILTER_ERROR])
{
	char second[NETFILTER_ERROR];
	unsigned int removed = 0;
	bool legacy = false;
	int err, first = run_flavour(&legacy, error);

	for (unsigned int family = 0; family < run_families() && !first; family++)
		first = remove_rules(family, legacy, &removed, error);
	/* Whatever failed, the sets may still go; what is told is the first failure. */
	err = remove_sets(&removed, first ? second : error);
	if (first || err)
		return first ? first : err;
	return removed;
}
