/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the control socket shows: plain values that the daemon fills in, so that serve/ needs no
 * other step. view_ops is how serve/ asks; calls come from the tick thread and must not block.
 */
#ifndef FWGEN_MODEL_STATUS_H
#define FWGEN_MODEL_STATUS_H

#include <net/if.h>
#include "abi.h"
#include "model/config.h"
#include "model/event.h"
#include "model/rule.h"
#include "model/sample.h"

enum enforcer_state {
	ENFORCER_ENFORCED,
	ENFORCER_STANDBY,
	ENFORCER_UNENFORCED,
	ENFORCER_STATE_COUNT
};
const char *enforcer_state_name(enum enforcer_state state);

#define ENFORCERS_MAX 2

struct enforcer_status {
	char name[16]; /* "xdp", "iptables" */
	enum enforcer_state state;
	char reason[160]; /* unenforced: why; else what is not as it should be, or "" */
	uint64_t repairs;
	uint64_t rules; /* in the kernel */
};

struct interface_status {
	char name[IF_NAMESIZE];
	char sensor[32];	     /* "xdp", "xdp-generic" */
	char direction_unknown[160]; /* why what leaves is not seen, "": it is */
	/* since start */
	uint64_t packets, bytes, dropped, attributed, unattributed;
	/* of the last interval */
	uint64_t sources_estimate;
	double blind_below_pps;
	double packets_per_second, bytes_per_second;
	uint64_t wakes, wakes_lost, overflow;
};

/* Who is remembered, and what was forgotten because there was no more room. */
struct tracker_status {
	uint64_t sources;
	uint64_t evicted; /* sources, the least interesting first */
	uint64_t refused; /* windows that a source went without */
};

struct status {
	enum mode mode;
	double uptime_s;
	char version[32];
	char evidence[32]; /* "conntrack"; "none": connections are not tracked here */
	struct interface_status interfaces[CONFIG_INTERFACES_MAX];
	unsigned int interface_count;
	struct enforcer_status enforcers[ENFORCERS_MAX];
	unsigned int enforcer_count;
	struct tracker_status tracker;
	uint64_t memory_bytes;
	uint64_t active_rules;
	struct {
		uint64_t queued, written, lost;
		char failing[160]; /* "": fine */
	} record;
	char config_path[PATH_MAX];
	char database[PATH_MAX];
	double tick_ms_last, tick_ms_max;
	/* boot_ns 0: not so */
	struct moment paused_until;
	struct moment confirm_end; /* of a configuration that waits for `confirm` */
	bool disarmed;		   /* blocks are lifted while it is paused */
};

enum source_state {
	SOURCE_PASSING,
	SOURCE_LIMITED,
	SOURCE_BLOCKED,
	SOURCE_PROTECTED,
	SOURCE_STATE_COUNT
};
const char *source_state_name(enum source_state state);

struct source_status {
	struct prefix source;
	uint64_t packets, bytes, dropped; /* since it was first seen, while tracked */
	double packets_per_second;	  /* over the last interval that had it */
	enum source_state state;
	uint32_t detectors; /* bit per detector that has fired for it */
};

struct rule_status {
	struct rule rule;
	uint64_t packets_dropped;
	bool in_xdp, in_iptables;
	bool removed; /* no longer in force */
	enum removed_why removed_why;
	struct moment removed_at;
};

struct explanation;
struct protected_prefix;

struct view_ops {
	/* Fills *out. */
	void (*status)(void *context, struct status *out);
	/* The busiest sources first, at most max. Returns how many. */
	size_t (*sources)(void *context, struct source_status *out, size_t max);
	/* The rules in force, newest first, at most max. Returns how many. */
	size_t (*rules)(void *context, struct rule_status *out, size_t max);
	/* The newest first, at most max. Returns how many. */
	size_t (*events)(void *context, struct event *out, size_t max);
	/* The protected set; the caller frees *out. Returns 0 or -ENOMEM. */
	int (*protected)(void *context, struct protected_prefix **out, size_t *count);
	/* Fills *out, which is cleared. */
	void (*explain)(void *context, const struct prefix *prefix, struct explanation *out);
};

#endif
