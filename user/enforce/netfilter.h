/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chain, jumps and sets in this network namespace: makes them, compares them with what they should
 * be, carries out batches, takes them away. Each call runs programs and waits for them, so only the
 * helper process and `fwgen off` use it. Logs nothing: errors are texts.
 */
#ifndef FWGEN_ENFORCE_NETFILTER_H
#define FWGEN_ENFORCE_NETFILTER_H

#include "enforce/netfilter_run.h"
#include "enforce/ruleset.h"
#include "enforce/wanted.h"

#define NETFILTER_INTERFACES_MAX 16
#define NETFILTER_KINDS_MAX	 64
#define NETFILTER_SINGLES_MAX	 1000 /* rules in the place of sets: each costs every packet */
#define NETFILTER_ERROR		 256

struct netfilter_options {
	char interfaces[NETFILTER_INTERFACES_MAX][IF_NAMESIZE];
	unsigned int interface_count;
	bool track_connections; /* have the kernel do so in this network namespace */
};

struct netfilter {
	struct netfilter_options options;
	struct run_flavour flavour;
	unsigned int families; /* 2, or 1 where the kernel has no IPv6 */
	struct ruleset_kind kinds[NETFILTER_KINDS_MAX];
	unsigned int kind_count;
	char *chain[2];	  /* the chain's rules as iptables lists them; owned */
	bool full;	  /* the last batch found a set full */
	uint64_t members; /* of all sets, at the last look; or how many singles stand */
	uint32_t mark;	  /* of the members that the last comparison found */

	char without_sets[96]; /* why singles take their place; "": there are sets */
	struct ruleset_single singles[NETFILTER_SINGLES_MAX];
	size_t single_count;
	int64_t clock_ns; /* wall clock - CLOCK_BOOTTIME, as it was when they were written */
	bool no_time;	  /* the kernel lets no rule end by itself */
};

/* What netfilter_converge had to do. */
struct netfilter_changes {
	unsigned int chains; /* chain or jumps made anew */
	unsigned int sets;   /* sets made anew: their members are gone */
};

/*
 * Without ipset there are no sets, and each member is a rule. Returns 0, or -errno with a text:
 * -ENOENT names the package that is missing.
 */
int netfilter_open(struct netfilter *netfilter, const struct netfilter_options *options,
		   char error[NETFILTER_ERROR]);
void netfilter_close(struct netfilter *netfilter);
/* Gives up sets, for this reason. */
void netfilter_do_without_sets(struct netfilter *netfilter, const char *why);

/*
 * Makes the kernel agree: sets found under fwgen's names are adopted with their members (those of
 * another type or with other options are replaced), missing ones created, chain and jumps put
 * right. Returns 0, or -errno with a text; -EBUSY: others are changing the rules.
 */
int netfilter_converge(struct netfilter *netfilter, struct netfilter_changes *out,
		       char error[NETFILTER_ERROR]);
/* The kind's place in kinds[], or -ENOENT. */
int netfilter_find_kind(const struct netfilter *netfilter, const struct ruleset_kind *kind);
/* Counts the members of all sets. Returns 0, or -errno with a text. */
int netfilter_count(struct netfilter *netfilter, char error[NETFILTER_ERROR]);
/* Makes sets and rules for a kind that has none yet. 0, -ENOSPC: too many kinds, or -errno. */
int netfilter_add_kind(struct netfilter *netfilter, const struct ruleset_kind *kind,
		       char error[NETFILTER_ERROR]);
/*
 * Takes away sets and rules of the kinds that are not in use (used: as kinds[]), other than those
 * that are always there. Returns how many kinds, or -errno with a text.
 */
int netfilter_retire_kinds(struct netfilter *netfilter, const bool used[NETFILTER_KINDS_MAX],
			   char error[NETFILTER_ERROR]);
/* Writes the chain anew, as it is to be now. Returns 0, or -errno with a text. */
int netfilter_write_chain(struct netfilter *netfilter, char error[NETFILTER_ERROR]);
/* Has the chain made of these many of singles[]. Returns 0, or -errno with a text. */
int netfilter_put_singles(struct netfilter *netfilter, size_t count, char error[NETFILTER_ERROR]);
/*
 * Carries out lines of `ipset restore`. A line that is refused is left out and the rest goes on, up
 * to a bound; full sets still take new deadlines for what they hold. Returns how many lines were
 * refused or left out (0: all is in the kernel), or -errno; with a text about the first.
 */
int netfilter_apply(struct netfilter *netfilter, const char *lines, char error[NETFILTER_ERROR]);

/* How the sets differed from what is wanted. */
struct netfilter_difference {
	uint64_t missing, strange, altered;
};

/*
 * Compares every member in the kernel with what is wanted, and puts right what differs. Returns as
 * netfilter_apply.
 */
int netfilter_compare(struct netfilter *netfilter, struct wanted *wanted,
		      struct netfilter_difference *out, char error[NETFILTER_ERROR]);

/* Removes jumps, chains and sets, of whichever run. Returns how many, or -errno with a text. */
int netfilter_remove(char error[NETFILTER_ERROR]);
/*
 * Removes jumps and chains from the tables of the iptables that is not in use (an earlier run's,
 * when it was). Returns how many, or -errno with a text.
 */
int netfilter_remove_others(const struct netfilter *netfilter, char error[NETFILTER_ERROR]);
/* Counts these interfaces' jumps, and removes them if told to. Returns how many, or -errno. */
int netfilter_jumps(const char *const *interfaces, unsigned int count, bool remove,
		    char error[NETFILTER_ERROR]);

/*
 * A socket that is readable once somebody changed the raw table (nf_tables only: the legacy tables
 * and ipset send no notice). Returns it, or -errno.
 */
int netfilter_notice_open(void);
/* Takes the notices. Whether one was about the raw table, or some were lost. */
bool netfilter_notice_read(int fd);

#endif
