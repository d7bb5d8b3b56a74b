/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What fwgen puts into netfilter, as text: names of sets, lines for `ipset restore`, tables for
 * `iptables-restore --noflush`, and the reading of what both list. Pure: nothing is executed, and
 * text is made from checked values only.
 */
#ifndef FWGEN_ENFORCE_RULESET_H
#define FWGEN_ENFORCE_RULESET_H

#include <net/if.h>
#include <stdio.h>
#include "abi.h"
#include "base/address.h"
#include "model/rule.h"

#define RULESET_CHAIN	    "FWGEN"
#define RULESET_NAME	    32 /* a set's name: IPSET_MAXNAMELEN */
#define RULESET_KIND_TEXT   20
#define RULESET_MAXELEM	    262144
#define RULESET_TIMEOUT_MAX 2147483 /* seconds; ipset refuses more */
#define RULESET_LIMIT_MAX   1000000 /* packets a second; hashlimit knows no more */

/*
 * What a group of sets stops: all packets or one class, above a rate or altogether. Each kind in
 * use has four sets: addresses and prefixes, IPv4 and IPv6; of destinations two, addresses only.
 */
struct ruleset_kind {
	uint32_t classes;   /* CLASS_ALL, a single class, RULESET_PORT; or with RULESET_TO */
	uint32_t limit_pps; /* 0: drop */
};

/* In the place of a class: what goes to the port that each member names. */
#define RULESET_PORT (1u << 31)
/*
 * Members are destinations, whose packets of a class (CLASS_SYN, CLASS_UDP, CLASS_ICMP) are
 * limited; with RULESET_PORT besides, those to the port that each member names.
 */
#define RULESET_TO (1u << 30)

#define RULESET_KINDS_PER_RULE 6
#define RULESET_SETS_PER_KIND  4

struct ruleset_set {
	struct ruleset_kind kind;
	bool ipv6;
	bool net; /* prefixes; otherwise single addresses */
};

/* An element of a set: which one follows from the prefix. No padding: compared as bytes. */
struct ruleset_member {
	struct prefix prefix;
	struct ruleset_kind kind;
	uint16_t port; /* RULESET_PORT; else 0, the protocol too */
	uint8_t protocol;
	uint8_t reserved[5]; /* zero */
};
_Static_assert(sizeof(struct ruleset_member) == 40, "no padding");

/* "192.0.2.1", "2001:db8::/32,tcp:22": as ipset writes it. Returns buf. */
#define RULESET_MEMBER_TEXT (PREFIX_TEXT + 16)
const char *ruleset_member_format(const struct ruleset_member *member,
				  char buf[RULESET_MEMBER_TEXT]);
/* The reverse; the kind is left as it is. 0 or -EINVAL. */
int ruleset_member_parse(const char *text, struct ruleset_member *out);

/*
 * The kinds whose sets carry the rule; 0 when there are none (no class, an alarm only, or a
 * destination that is no single address or has no limit of one class).
 */
unsigned int ruleset_kinds(const struct rule *rule,
			   struct ruleset_kind out[RULESET_KINDS_PER_RULE]);
bool ruleset_kind_equal(const struct ruleset_kind *a, const struct ruleset_kind *b);
/* "all", "syn", "l100", "syn-l100", "tosynport-l5". Returns buf. */
const char *ruleset_kind_format(const struct ruleset_kind *kind, char buf[RULESET_KIND_TEXT]);
/* The reverse; 0, or -EINVAL for what ruleset_kind_format would not write. */
int ruleset_kind_parse(const char *text, struct ruleset_kind *out);

/* "fwgen4", "fwgen6net-syn-l100". Returns buf. */
const char *ruleset_set_name(const struct ruleset_set *set, char buf[RULESET_NAME]);
/* The reverse; 0, or -EINVAL when it is not one of fwgen's. */
int ruleset_set_parse(const char *name, struct ruleset_set *out);
/* How many sets a kind has: RULESET_SETS_PER_KIND at most. */
unsigned int ruleset_kind_sets(const struct ruleset_kind *kind);
/* The sets of a kind, i from 0; those of addresses come first. */
struct ruleset_set ruleset_set_at(const struct ruleset_kind *kind, unsigned int i);
unsigned int ruleset_set_index(const struct ruleset_set *set);
struct ruleset_set ruleset_set_of(const struct ruleset_member *member);

/* Whether a set can hold it: ipset refuses /0 and the unspecified address. */
bool ruleset_prefix_valid(const struct prefix *prefix);
/* Whether the name can stand in an iptables line and means one interface there. */
bool ruleset_interface_valid(const char *name);
/* Seconds until the deadline, rounded up, within what ipset takes. */
uint32_t ruleset_timeout(int64_t deadline_ns, int64_t now_ns);

void ruleset_write_create(FILE *out, const struct ruleset_set *set);
void ruleset_write_add(FILE *out, const struct ruleset_member *member, uint32_t rule_id,
		       uint32_t timeout_s);
void ruleset_write_del(FILE *out, const struct ruleset_member *member);

/* A member as a rule of its own, where there are no sets. */
struct ruleset_single {
	struct ruleset_member member;
	uint32_t rule_id;
	int64_t stop_s; /* until then, seconds since 1970; 0: the rule does not end by itself */
};

struct ruleset_chain {
	bool ipv6;
	bool track_connections; /* one more rule, which has the kernel track connections */
	const struct ruleset_kind *kinds;
	unsigned int kind_count;
	/* in the place of kinds, of both families; NULL: there are sets */
	const struct ruleset_single *singles;
	size_t single_count;
	const char (*interfaces)[IF_NAMESIZE];
	unsigned int interface_count;
};

/* The chain's rules, one "-A FWGEN" line each. Returns how many. */
unsigned int ruleset_write_rules(FILE *out, const struct ruleset_chain *chain);
/*
 * One transaction that makes chain and jumps anew, the jumps first in PREROUTING; listing is what
 * `iptables -t raw -S` shows now (jumps found there are replaced).
 */
void ruleset_write_install(FILE *out, const char *listing, const struct ruleset_chain *chain);
/* One transaction that leaves nothing of fwgen's. Returns how many jumps and chains it removes. */
unsigned int ruleset_write_remove(FILE *out, const char *listing);

/* Reading `iptables -t raw -S`: whether the jumps, and no others, are the first in PREROUTING. */
bool ruleset_jumps_in_place(const char *listing, const struct ruleset_chain *chain);
/* Copies the chain's rules as listed to out. Returns how many. */
unsigned int ruleset_copy_rules(FILE *out, const char *listing);
/* Writes a "-D" line for every jump to our chain, wherever it stands. Returns how many. */
unsigned int ruleset_write_jump_deletes(FILE *out, const char *listing);
/* The same for the jumps of one interface. */
unsigned int ruleset_write_interface_deletes(FILE *out, const char *listing, const char *interface);

/* One set of `ipset list -t`. */
struct ruleset_listed {
	char name[RULESET_NAME];
	bool ours;	 /* the name is one of fwgen's: set says which */
	bool compatible; /* type and options are as ruleset_write_create makes them */
	struct ruleset_set set;
	uint64_t members;
};

/* Reads the next set at *cursor and moves it. False at the end. */
bool ruleset_read_set(const char **cursor, struct ruleset_listed *out);
/* What `ipset save` says of a member. */
struct ruleset_standing {
	struct ruleset_member member;
	uint32_t rule_id;   /* its comment; 0: another comment, or none */
	uint32_t timeout_s; /* left */
};

/*
 * Reads the next "add" line of `ipset save` at *cursor and moves it; the member's kind is left as
 * it is. False at the end.
 */
bool ruleset_read_member(const char **cursor, struct ruleset_standing *out);

#endif
