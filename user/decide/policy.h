/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings + protected set + active rules -> the desired ruleset, as a list of changes to it. No
 * I/O, no clock of its own. Not thread-safe; the daemon holds one lock around detection and
 * decision.
 */
#ifndef FWGEN_POLICY_H
#define FWGEN_POLICY_H

#include "model/config.h"
#include "model/finding.h"
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
 * RULE_ALSO_FOUND says that another detector than the rule's has found its source. That,
 * RULE_OBSERVED, RULE_REFUSED and RULE_ALARMED are given once per source (of a flooded host: once
 * per host and packet classes) and detector until block_seconds passed, or RULE_ALARM_OVER came.
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

size_t policy_rule_count(const struct policy *policy);
/* Copies rules in force, newest first, at most max. Returns how many. */
size_t policy_rules(const struct policy *policy, struct rule *out, size_t max);
/* The rule in force that covers the address, or NULL; valid until the next call that changes. */
const struct rule *policy_find(const struct policy *policy, const struct prefix *prefix);
const struct protected_prefix *policy_protected(const struct policy *policy,
						const struct prefix *prefix);
/* The earliest expires.boot_ns in force, or INT64_MAX. */
int64_t policy_next_expiry(const struct policy *policy);

#endif
