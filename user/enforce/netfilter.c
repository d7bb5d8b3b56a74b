/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes and keeps fwgen's chain, jumps and sets in netfilter as they should be: compares, then
 * repairs. What the texts look like is ruleset.c, members of sets are netfilter_members.c, and when
 * any of this happens is for the helper to say.
 */
#include "enforce/netfilter.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "enforce/netfilter_run.h"

_Static_assert(NETFILTER_ERROR == RUN_ERROR, "errors are passed on");

static const struct ruleset_kind base_kind = { CLASS_ALL, 0 };

int netfilter_open(struct netfilter *netfilter, const struct netfilter_options *options,
		   char error[NETFILTER_ERROR])
{
	struct text sets;
	int err;

	*netfilter = (struct netfilter){ .kind_count = 1, .kinds = { base_kind } };
	netfilter->options = *options;
	netfilter->families = run_families();
	err = run_installed(error);
	if (!err)
		err = run_flavour(&netfilter->flavour, error);
	if (err)
		return err;
	err = run_list_sets(&sets, error);
	if (err && err != -ENOENT && err != -EOPNOTSUPP)
		return err;
	if (err)
		netfilter_do_without_sets(netfilter, err == -ENOENT ? "it is not installed"
								    : "the kernel has none");
	else
		text_free(&sets);
	return 0;
}

void netfilter_close(struct netfilter *netfilter)
{
	for (unsigned int i = 0; i < 2; i++) {
		free(netfilter->chain[i]);
		netfilter->chain[i] = NULL;
	}
}

void netfilter_do_without_sets(struct netfilter *netfilter, const char *why)
{
	netfilter_close(netfilter);
	netfilter->members = 0;
	snprintf(netfilter->without_sets, sizeof(netfilter->without_sets), "%.*s",
		 (int)sizeof(netfilter->without_sets) - 1, why);
}

int netfilter_find_kind(const struct netfilter *netfilter, const struct ruleset_kind *kind)
{
	for (unsigned int k = 0; k < netfilter->kind_count; k++) {
		if (ruleset_kind_equal(&netfilter->kinds[k], kind))
			return k;
	}
	return -ENOENT;
}

/* Forgetting how the chain is listed has it made anew, with the kind's rules. */
static int learn_kind(struct netfilter *netfilter, const struct ruleset_kind *kind)
{
	if (netfilter->kind_count == NETFILTER_KINDS_MAX)
		return -ENOSPC;
	netfilter_close(netfilter);
	netfilter->kinds[netfilter->kind_count] = *kind;
	return netfilter->kind_count++;
}

static void chain_of(const struct netfilter *netfilter, bool ipv6, struct ruleset_chain *out)
{
	*out = (struct ruleset_chain){
		.ipv6 = ipv6,
		.track_connections = netfilter->options.track_connections,
		.kinds = netfilter->kinds,
		.kind_count = netfilter->kind_count,
		.singles = netfilter->without_sets[0] ? netfilter->singles : NULL,
		.single_count = netfilter->single_count,
		.interfaces = netfilter->options.interfaces,
		.interface_count = netfilter->options.interface_count,
	};
}

static int copy_chain(const char *listing, struct text *out, unsigned int *rules,
		      char error[NETFILTER_ERROR])
{
	FILE *file = text_open(out);

	*rules = file ? ruleset_copy_rules(file, listing) : 0;
	return text_close(file, out, error);
}

/* Puts chain and jumps in place in one transaction, and keeps how iptables lists the chain. */
static int install_once(struct netfilter *netfilter, bool ipv6, const char *listing,
			char error[NETFILTER_ERROR])
{
	struct text table, rules, after = { 0 };
	struct ruleset_chain chain;
	unsigned int wanted, found = 0;
	FILE *file = text_open(&table);
	int err;

	chain_of(netfilter, ipv6, &chain);
	if (file)
		ruleset_write_install(file, listing, &chain);
	err = text_close(file, &table, error);
	if (err)
		return err;
	err = run_restore_rules(ipv6, &netfilter->flavour, &table, error);
	if (!err)
		err = run_list_rules(ipv6, &netfilter->flavour, &after, error);
	if (!err)
		err = copy_chain(after.bytes, &rules, &found, error);
	wanted = 0;
	for (const char *at = table.bytes; (at = strstr(at, "-A " RULESET_CHAIN " ")); at++)
		wanted++;
	text_free(&table);
	text_free(&after);
	if (err)
		return err;
	free(netfilter->chain[ipv6]);
	netfilter->chain[ipv6] = rules.bytes;
	if (found == wanted)
		return 0;
	snprintf(error, NETFILTER_ERROR, "failed to install chain %s: %u of %u rules are there",
		 RULESET_CHAIN, found, wanted);
	return -EIO;
}

/* A rule whose kernel has no xt_time stays until it is taken away. */
static int install(struct netfilter *netfilter, bool ipv6, const char *listing,
		   char error[NETFILTER_ERROR])
{
	char second[NETFILTER_ERROR];
	int err = install_once(netfilter, ipv6, listing, error);

	if (!err || err == -EBUSY || !netfilter->without_sets[0] || !netfilter->single_count ||
	    netfilter->no_time)
		return err;
	for (size_t i = 0; i < netfilter->single_count; i++)
		netfilter->singles[i].stop_s = 0;
	netfilter->no_time = install_once(netfilter, ipv6, listing, second) == 0;
	return netfilter->no_time ? 0 : err;
}

/* Whether chain and jumps stand as they were put. */
static int check_rules(const struct netfilter *netfilter, bool ipv6, const char *listing, bool *ok,
		       char error[NETFILTER_ERROR])
{
	struct ruleset_chain chain;
	struct text rules;
	unsigned int count;
	int err = copy_chain(listing, &rules, &count, error);

	if (err)
		return err;
	chain_of(netfilter, ipv6, &chain);
	*ok = netfilter->chain[ipv6] && strcmp(rules.bytes, netfilter->chain[ipv6]) == 0 &&
	      ruleset_jumps_in_place(listing, &chain);
	text_free(&rules);
	return 0;
}

static int converge_rules(struct netfilter *netfilter, bool ipv6, bool *changed,
			  char error[NETFILTER_ERROR])
{
	struct text listing;
	bool ok = false;
	int err = run_list_rules(ipv6, &netfilter->flavour, &listing, error);

	if (err)
		return err;
	err = check_rules(netfilter, ipv6, listing.bytes, &ok, error);
	if (!err && !ok) {
		*changed = netfilter->chain[ipv6]; /* else it is made for the first time, or ours */
		err = install(netfilter, ipv6, listing.bytes, error);
	}
	text_free(&listing);
	return err;
}

struct census {
	bool present[NETFILTER_KINDS_MAX][RULESET_SETS_PER_KIND];
	struct ruleset_set incompatible[NETFILTER_KINDS_MAX];
	unsigned int incompatible_count;
};

/* Looks at all sets; those of an earlier run whose kind is unknown yet become known. */
static int take_census(struct netfilter *netfilter, struct census *out, char error[NETFILTER_ERROR])
{
	struct ruleset_listed set;
	struct text listing;
	const char *cursor;
	int err = run_list_sets(&listing, error);

	if (err)
		return err;
	cursor = listing.bytes;
	netfilter->members = 0;
	while (ruleset_read_set(&cursor, &set)) {
		int kind = set.ours ? netfilter_find_kind(netfilter, &set.set.kind) : -ENOENT;

		if (!set.ours)
			continue;
		if (!set.compatible) {
			if (out->incompatible_count < NETFILTER_KINDS_MAX)
				out->incompatible[out->incompatible_count++] = set.set;
			continue;
		}
		if (kind < 0)
			kind = learn_kind(netfilter, &set.set.kind);
		if (kind >= 0)
			out->present[kind][ruleset_set_index(&set.set)] = true;
		netfilter->members += set.members;
	}
	text_free(&listing);
	return 0;
}

/* A set that is not as ours are cannot stay under its name; the chain must let go of it first. */
static int replace_incompatible(struct netfilter *netfilter, const struct census *census,
				char error[NETFILTER_ERROR])
{
	static const char empty[] = "*raw\n:" RULESET_CHAIN " - [0:0]\nCOMMIT\n";
	struct text table = { .bytes = (char *)empty, .len = sizeof(empty) - 1 };
	char name[RULESET_NAME];
	int err = 0;

	for (unsigned int family = 0; family < netfilter->families && !err; family++)
		err = run_restore_rules(family, &netfilter->flavour, &table, error);
	for (unsigned int i = 0; i < census->incompatible_count && !err; i++)
		err = run_destroy_set(ruleset_set_name(&census->incompatible[i], name), error);
	return err;
}

static int create_missing(const struct netfilter *netfilter, const struct census *census,
			  unsigned int *created, char error[NETFILTER_ERROR])
{
	struct text lines;
	FILE *file = text_open(&lines);
	int err;

	*created = 0;
	for (unsigned int k = 0; file && k < netfilter->kind_count; k++) {
		for (unsigned int i = 0; i < ruleset_kind_sets(&netfilter->kinds[k]); i++) {
			struct ruleset_set set = ruleset_set_at(&netfilter->kinds[k], i);

			if (census->present[k][i])
				continue;
			ruleset_write_create(file, &set);
			++*created;
		}
	}
	err = text_close(file, &lines, error);
	if (err)
		return err;
	if (*created)
		err = run_restore_sets(lines.bytes, lines.len, error);
	text_free(&lines);
	return err > 0 ? -EIO : err;
}

static int converge_families(struct netfilter *netfilter, unsigned int *changed,
			     char error[NETFILTER_ERROR])
{
	int err = 0;

	for (unsigned int family = 0; family < netfilter->families && !err; family++) {
		bool differed = false;

		err = converge_rules(netfilter, family, &differed, error);
		*changed += differed;
	}
	return err;
}

static int converge_sets(struct netfilter *netfilter, unsigned int *created,
			 char error[NETFILTER_ERROR])
{
	struct census census = { .incompatible_count = 0 };
	int err = take_census(netfilter, &census, error);

	if (!err && census.incompatible_count)
		err = replace_incompatible(netfilter, &census, error);
	return err ? err : create_missing(netfilter, &census, created, error);
}

int netfilter_converge(struct netfilter *netfilter, struct netfilter_changes *out,
		       char error[NETFILTER_ERROR])
{
	struct netfilter_changes changes = { 0 };
	int err = netfilter->without_sets[0] ? 0 : converge_sets(netfilter, &changes.sets, error);

	if (!err)
		err = converge_families(netfilter, &changes.chains, error);
	if (!err)
		*out = changes;
	return err;
}

int netfilter_count(struct netfilter *netfilter, char error[NETFILTER_ERROR])
{
	struct census census = { .incompatible_count = 0 };

	return netfilter->without_sets[0] ? 0 : take_census(netfilter, &census, error);
}

int netfilter_write_chain(struct netfilter *netfilter, char error[NETFILTER_ERROR])
{
	unsigned int changed = 0;

	netfilter_close(netfilter);
	return converge_families(netfilter, &changed, error);
}

int netfilter_put_singles(struct netfilter *netfilter, size_t count, char error[NETFILTER_ERROR])
{
	int err;

	netfilter->single_count = count;
	for (size_t i = 0; i < count && netfilter->no_time; i++)
		netfilter->singles[i].stop_s = 0;
	err = netfilter_write_chain(netfilter, error);
	if (!err)
		netfilter->members = count;
	return err;
}

int netfilter_add_kind(struct netfilter *netfilter, const struct ruleset_kind *kind,
		       char error[NETFILTER_ERROR])
{
	struct census census = { .incompatible_count = 0 };
	unsigned int created;
	int index, err;

	if (netfilter->without_sets[0] || netfilter_find_kind(netfilter, kind) >= 0)
		return 0;
	index = learn_kind(netfilter, kind);
	if (index < 0) {
		snprintf(error, NETFILTER_ERROR,
			 "failed to add sets: %d different classes and limits are in use",
			 NETFILTER_KINDS_MAX);
		return index;
	}
	memset(census.present, true, sizeof(census.present));
	memset(census.present[index], false, sizeof(census.present[index]));
	err = create_missing(netfilter, &census, &created, error);
	return err ? err : netfilter_write_chain(netfilter, error);
}
