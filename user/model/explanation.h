/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that is known about why an address is blocked, or why not: plain values, gathered from
 * policy, detection, drop map and record. serve/ makes sentences of it.
 */
#ifndef FWGEN_MODEL_EXPLANATION_H
#define FWGEN_MODEL_EXPLANATION_H

#include "model/config.h"
#include "model/flood.h"
#include "model/protected.h"
#include "model/status.h"

/* A running count as it stands against its limit. */
struct running_count {
	enum detector_id detector;
	struct limit limit;
	uint64_t count;
};

#define RUNNING_MAX 64

/* What detection knows of a source. */
struct source_seen {
	struct source_status status;
	int64_t last_ns;	     /* CLOCK_BOOTTIME: the end of the last interval that had it */
	char group[GROUP_NAME_TEXT]; /* whose limits it is held against; "": those for all */
	struct running_count running[RUNNING_MAX]; /* the nearest to its limit first */
	size_t running_count;
};

/* A rule that has ended. */
struct past_block {
	struct rule rule;
	enum removed_why why;
	struct moment ended;
};

#define RULES_SHOWN   4
#define EARLIER_SHOWN 8
#define FLOODS_SHOWN  4

struct explanation {
	struct prefix prefix;
	struct moment now;
	enum mode mode;
	char config_path[PATH_MAX]; /* in force; "": the built-in defaults */
	char config_hash[CONFIG_HASH_TEXT];

	/*
	 * The rules that concern it: first the one that covers it whole, if there is one, then
	 * those for one port, or of what is sent to it.
	 */
	struct rule_status rules[RULES_SHOWN];
	size_t rule_count;
	bool denied; /* the first is access.deny's */
	bool protected;
	struct protected_prefix protection;
	uint32_t offences; /* proven rules not forgiven yet */
	struct moment forgiven;
	/* boot_ns 0: not */
	struct moment held_until, paused_until;
	bool disarmed; /* blocks are lifted while it is paused */
	bool peer;     /* somebody real is there: the box knows flows of his */

	bool seen;
	struct source_seen source;
	struct past_block earlier[EARLIER_SHOWN]; /* the newest first */
	size_t earlier_count;			  /* of all that are remembered */
	struct flood floods[FLOODS_SHOWN];	  /* of this address, now */
	size_t flood_count;
	bool local; /* it is this box's own address */
};

#endif
