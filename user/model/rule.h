/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule: what is to be stopped, why, since when, until when. The desired ruleset is a set of
 * these; enforcers make the kernel agree with it, record/ keeps them, serve/ shows them.
 */
#ifndef FWGEN_MODEL_RULE_H
#define FWGEN_MODEL_RULE_H

#include <stdbool.h>
#include "abi.h"
#include "base/clock.h"
#include "model/detector.h"
#include "model/limit.h"
#include "model/trait.h"

#define BOOT_ID_TEXT	 37
#define CONFIG_HASH_TEXT 17 /* 64 bits in hexadecimal */

struct rule {
	uint32_t id; /* above 0, never used twice in one database */
	struct prefix prefix;
	enum action action; /* ACTION_DROP or ACTION_LIMIT */
	uint32_t classes;   /* enum packet_class */
	uint16_t port;	    /* only what goes to this one; 0: everything */
	uint8_t protocol;   /* with a port: IPPROTO_TCP or IPPROTO_UDP, else 0 */
	/*
	 * A limit of what is sent to prefix, one address, by everybody together: classes is one of
	 * CLASS_SYN, CLASS_UDP, CLASS_ICMP; port may be 0, protocol is the class's.
	 */
	bool to_destination;
	uint32_t limit_pps; /* ACTION_LIMIT */
	enum detector_id detector;
	enum evidence evidence;
	enum origin origin;
	char reason[192]; /* one sentence for people */
	uint64_t observed;
	struct limit limit;
	char config_hash[CONFIG_HASH_TEXT];
	struct moment created;
	struct moment expires; /* boot_ns decides while the boot_id is the same */
};

/* A rule of the past: an offence, or unblocked by hand. */
struct past_rule {
	struct prefix prefix;
	bool to_destination;
	enum evidence evidence;
	enum removed_why removed_why; /* REMOVED_EXPIRED also of one that is in force */
	int64_t expired_ns; /* CLOCK_BOOTTIME when it ended or was to end; may be below 0 */
};

/* What it stops: no two rules in force have the same. */
struct block_key rule_key(const struct rule *rule);

/* The classes of packets that have ports of this protocol, and the way back (0: not one's). */
uint32_t protocol_classes(uint8_t protocol);
uint8_t classes_protocol(uint32_t classes);
/* Whether a rule with to_destination is what such a rule may be. */
bool rule_limits_destination(const struct rule *rule);
/* The protocol of a limit of what is sent there: of CLASS_SYN, CLASS_UDP or CLASS_ICMP. */
uint8_t rule_destination_protocol(const struct prefix *destination, uint32_t classes);

/* The iptables command that does the same, for people to read and paste. Returns buf. */
#define RULE_COMMAND_TEXT 1024 /* several commands when one cannot name all classes */
const char *rule_command(const struct rule *rule, char buf[RULE_COMMAND_TEXT]);

enum rule_change_kind {
	RULE_ADDED,
	RULE_RENEWED,  /* expires moved later */
	RULE_REMOVED,  /* removed_why says why */
	RULE_OBSERVED, /* observe mode: it would have been added; nothing is enforced or stored */
	RULE_REFUSED,  /* a finding that may not become a rule; refused_why says why */
	RULE_ALARMED, /* the detector's action is "alarm": to be told, nothing is enforced or stored
		       */
	RULE_ALARM_OVER, /* what was alarmed about has ended */
	RULE_ALSO_FOUND, /* another detector has found who is blocked already: to be told */
	RULE_CROWDED, /* a budget of rules is spent, rule.reason says which; told at the rule that
			 comes next */
	RULE_CHANGE_KINDS
};

enum refused_why {
	REFUSED_PROTECTED,
	REFUSED_FULL,
	REFUSED_HELD,	/* unblocked by hand a short time ago */
	REFUSED_PAUSED, /* no new decisions now */
	REFUSED_COUNT
};

struct rule_change {
	enum rule_change_kind kind;
	struct rule rule;
	enum removed_why removed_why;
	enum refused_why refused_why;
	char protected_as[64]; /* REFUSED_PROTECTED, REMOVED_PROTECTED: "default gateway of eth0" */
	/* from the finding, for the event log; zero where there was none */
	uint16_t port;
	uint8_t protocol;
	bool has_destination;
	struct address destination;
	uint64_t sources; /* of a flood of that destination; 0: it is about rule.prefix */
	struct trait traits[TRAIT_FIELDS];
};

struct rule_change_list {
	struct rule_change *items; /* owned; grown as needed */
	size_t count, capacity;
};

int rule_change_list_add(struct rule_change_list *list, const struct rule_change *change);
void rule_change_list_free(struct rule_change_list *list);

#endif
