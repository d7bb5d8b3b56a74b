/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings + protected set + active rules -> the desired ruleset, as a list of changes to it. No
 * I/O, no clock of its own. Not thread-safe; the daemon holds one lock around detection and
 * decision.
 */
#ifndef FWGEN_POLICY_H
#define FWGEN_POLICY_H

#include "model/block_request.h"
#include "model/config.h"
#include "model/finding.h"
#include "model/peer.h"
#include "model/protected.h"
#include "model/rule.h"

struct policy;

/* Keeps no pointer to config. next_rule_id is the first id to give. Returns 0 or -ENOMEM. */
int policy_new(const struct config *config, uint32_t next_rule_id, struct policy **out);
void policy_free(struct policy **policy);
int policy_reconfigure(struct policy *policy, const struct config *config);

/*
 * The protected set from now on (copied). Rules in force that now cover a protected address are
 * removed (REMOVED_PROTECTED) and appended to out. Returns 0 or -ENOMEM.
 */
int policy_protect(struct policy *policy, const struct protected_list *list, struct moment now,
		   struct rule_change_list *out);

/*
 * Judges findings. A source without a rule gets one (RULE_ADDED, or RULE_OBSERVED in observe mode);
 * one whose rule has less than half its time left gets RULE_RENEWED; otherwise nothing changes.
 * Tries of ports and hosts renew an unproven rule until it has been there for block_seconds.
 * RULE_ALSO_FOUND says that another detector than the rule's has found its source, or that somebody
 * has blocked it by hand, and lets some of it pass. That, RULE_OBSERVED, RULE_REFUSED and
 * RULE_ALARMED are given once per source (of a flooded host: once per host and packet classes) and
 * detector until block_seconds passed, or RULE_ALARM_OVER came.
 *
 * There may be max_unproven_blocks rules on unproven evidence, and of sources with exchanges of
 * their own (finding.established) a quarter of policy_population(), at least 100; in all,
 * policy_room(). Past that the quietest unproven rule is REMOVED_REPLACED by a louder one (how many
 * times its limit was passed, or is being passed in this second), or by one that rests on more;
 * RULE_CROWDED says so once in block_seconds for each of the three bounds.
 *
 * Proven rules of many addresses of a prefix become one: its RULE_ADDED, then each of theirs is
 * REMOVED_ROLLED_UP.
 *
 * DETECTOR_VICTIM_FLOOD with action limit: RULE_ALARMED as ever, and a rule with to_destination.
 */
int policy_decide(struct policy *policy, const struct finding *findings, size_t n,
		  struct rule_change_list *out);

/* Rules whose time is over: RULE_REMOVED, REMOVED_EXPIRED. */
int policy_expire(struct policy *policy, struct moment now, struct rule_change_list *out);

/* Takes over rules of an earlier run (ids kept): RULE_ADDED for each still in time and not
 * protected, RULE_REMOVED for the others. */
int policy_restore(struct policy *policy, const struct rule *rules, size_t n, struct moment now,
		   struct rule_change_list *out);

/* Every rule leaves the desired ruleset: RULE_REMOVED with this reason. */
int policy_clear(struct policy *policy, enum removed_why why, struct moment now,
		 struct rule_change_list *out);

/* ---- what people and the box say --------------------------------------------------------------
 */

/*
 * What the box knows of the source of an unproven rule. Somebody real: the rule gives way to one
 * that limits only the offending packet classes, and for 5 minutes further unproven rules of this
 * address begin so. Proof for a rule whose finding counted exchanges: it becomes proven. Returns 0
 * or -ENOMEM.
 */
int policy_peer(struct policy *policy, const struct peer_answer *answer, struct moment now,
		struct rule_change_list *out);

#define POLICY_ERROR 256

/*
 * A rule that somebody asks for, in the place of a detector's, or renewing his own; findings
 * neither renew nor replace it. Lifts a hold-off. What is imported never takes the place of what
 * was asked for by hand: then nothing changes. Returns 0, or with a text -EPERM (protected: names
 * as what), -EINVAL (also in observe mode), -ENOSPC, -ENOMEM.
 */
int policy_block(struct policy *policy, const struct block_request *request, struct moment now,
		 struct rule_change_list *out, char error[POLICY_ERROR]);
/*
 * Ends rules (REMOVED_MANUAL): the one with this id; those of exactly this prefix (of all ports and
 * directions), or that cover it; all, at most max at once. Their sources, of a covering rule only
 * the prefix that was named, are left alone for block_seconds, and their offences forgiven:
 * findings are told (REFUSED_HELD), nothing is blocked. Return how many ended, or -ENOMEM.
 */
int policy_unblock_rule(struct policy *policy, uint32_t id, struct moment now,
			struct rule_change_list *out);
int policy_unblock_prefix(struct policy *policy, const struct prefix *prefix, struct moment now,
			  struct rule_change_list *out);
int policy_unblock_all(struct policy *policy, size_t max, struct moment now,
		       struct rule_change_list *out);

/*
 * Until then (CLOCK_BOOTTIME) findings make no rules (REFUSED_PAUSED) and none stronger; rules in
 * force end and renew as ever. 0: go on.
 */
void policy_pause(struct policy *policy, int64_t until_ns);
/* 0: not paused. */
int64_t policy_paused_until(const struct policy *policy, int64_t now_ns);

/* Counts proven ones as offences and holds off what was unblocked by hand, as if never restarted.
 */
void policy_remember(struct policy *policy, const struct past_rule *rules, size_t n,
		     struct moment now);

/* What decides about an address now, for `explain`. */
struct policy_view {
	bool protected;
	struct protected_prefix protection;
	bool has_rule; /* the one that covers it */
	struct rule rule;
	uint32_t offences;     /* proven rules that are not forgiven yet */
	int64_t forgiven_ns;   /* when they are, 0: none */
	int64_t held_until_ns; /* unblocked by hand, 0: not */
	int64_t paused_until_ns;
	bool peer; /* the box said somebody real is there */
};
void policy_explain(const struct policy *policy, const struct prefix *prefix, struct moment now,
		    struct policy_view *out);

/* How many rules there may be in all: what enforcers hold. One place is kept for a roll-up. */
void policy_room(struct policy *policy, size_t max_rules);
/* How many sources with exchanges of their own are tracked: the breaker's second measure. */
void policy_population(struct policy *policy, uint64_t established_sources);

/* ---- questions --------------------------------------------------------------------------------
 */

size_t policy_rule_count(const struct policy *policy);
/* Copies rules in force, newest first, at most max. Returns how many. */
size_t policy_rules(const struct policy *policy, struct rule *out, size_t max);
/* The rule in force that covers the address, or NULL; valid until the next call that changes. */
const struct rule *policy_find(const struct policy *policy, const struct prefix *prefix);
/* Copies the rules that concern the prefix: the one that covers it, then those of just this prefix
 * for one port, or of what is sent to it. Returns how many, at most max. */
size_t policy_rules_of(const struct policy *policy, const struct prefix *prefix, struct rule *out,
		       size_t max);
/* Whether a rule in force has this very key. */
bool policy_has(const struct policy *policy, const struct block_key *key);
const struct protected_prefix *policy_protected(const struct policy *policy,
						const struct prefix *prefix);
/* The earliest expires.boot_ns in force, or INT64_MAX. */
int64_t policy_next_expiry(const struct policy *policy);

#endif
