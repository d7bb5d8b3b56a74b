/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that a running daemon holds. Private to daemon/: each of its files does one thing with
 * it. Who may touch what: the tick thread owns all of it; what the wake thread uses as well is
 * either thread-safe by itself (recorder, drop map, iptables enforcer, events, peers) or stands
 * under the decision lock.
 */
#ifndef FWGEN_DAEMON_STATE_H
#define FWGEN_DAEMON_STATE_H

#include <pthread.h>
#include "base/bpffs.h"
#include "base/loop.h"
#include "daemon/events.h"
#include "daemon/options.h"
#include "daemon/recent.h"
#include "decide/policy.h"
#include "detect/detect.h"
#include "enforce/dropmap.h"
#include "enforce/iptables.h"
#include "host/host.h"
#include "host/peers.h"
#include "record/recorder.h"
#include "sense/captured.h"
#include "sense/contacts.h"
#include "sense/grace.h"
#include "sense/sensor.h"
#include "serve/control.h"

/* The kernel adopts maps of the same size only, so this is no setting. */
#define DAEMON_BLOCKS_MAX 131072

/*
 * The lock around detection and decision. Two mutexes, because one is not fair: the tick thread
 * takes it slice after slice, and would take it again before a waiting wake thread has got up.
 */
struct decision_lock {
	pthread_mutex_t next; /* held by who gets `held` next */
	pthread_mutex_t held;
};

/* An interface that is watched. */
struct watch {
	struct sensor *sensor;
	struct interface_status status;
	char failing[160]; /* why it is not watched, "": it is */
	bool released;	   /* fwgen off took it out: left alone from then on */
};

/* Findings and the changes they lead to; kept between uses for their memory. One for each thread.
 */
struct judgement {
	struct finding_list findings;
	struct rule_change_list changes;
};

/* access.deny as rules: with ids from the top of the id space, never stored. */
struct deny {
	struct rule *rules; /* owned */
	size_t count;
	size_t wanted; /* count and those that are protected */
};

/* What people have allowed on the control socket, beside access.allow. */
struct allowed {
	struct protected_prefix *items; /* owned */
	size_t count, capacity;
};

/* No new decisions for a while. */
struct pause {
	struct moment until;	   /* boot_ns 0: not paused */
	struct loop_source *timer; /* NULL: not paused */
	bool disarmed;		   /* blocks are lifted meanwhile; changed under the lock */
};

/* Samples of what is dropped, for one client. */
struct capture {
	struct captured *captured; /* NULL: nobody has asked yet */
	uint64_t client;	   /* whose it is, 0: nobody's */
	struct loop_source *timer; /* while samples are taken */
};

/* A configuration that is in force on trial, until somebody confirms it. */
struct trial {
	struct config *back; /* in force again without that; owned; NULL: no trial */
	struct rule *rules;  /* that observe mode on trial has ended; owned */
	size_t rule_count;
	struct moment end; /* boot_ns 0: no trial */
	struct loop_source *timer;
};

/* Of an enforcer: at the last look, and in the last event. */
struct told_state {
	bool begun;
	enum enforcer_state seen, told;
};

struct daemon {
	const struct options *options;
	struct config *config; /* changed by the tick thread, under the decision lock */
	struct moment started;
	bool running, keep; /* keep: what is in the kernel stays at the end */
	bool waiting_for_grace;

	int lock_fd;		/* -1: not taken */
	char pin_dir[PATH_MAX]; /* "": there are no pins */
	bool adopted;		/* an earlier run left something in the kernel */

	struct loop *loop;
	struct loop_source *signals, *interval_timer, *upkeep_timer, *helper_timer;
	struct loop_source *grace_source, *host_source, *helper_source, *peers_source;
	struct loop_source *links_source;
	int links_fd;	   /* -1, or notices of interfaces; owned */
	int64_t looked_ns; /* when the interfaces were looked at last */
	struct recorder *recorder;
	struct host *host;
	struct peers *peers; /* asked about what was blocked */
	struct dropmap *dropmap;
	struct iptables_enforcer *iptables; /* NULL: not in use */
	struct grace *grace;
	struct contacts_memory contacts; /* what has left, for all sensors */
	struct control *control;
	struct control_ops control_ops;
	struct loading *loading; /* while sensors are being opened */
	struct watch watches[CONFIG_INTERFACES_MAX];
	unsigned int watch_count;
	uint64_t reattached; /* how often a program was put back on its interface */
	struct events *events;
	struct allowed allowed;
	struct pause pause;
	struct trial trial;
	struct capture capture;

	struct decision_lock lock;
	/* under the lock */
	struct detect *detect;
	struct policy *policy;
	struct deny deny;
	struct recent *recent;
	int put_error; /* of the last rule that was to go into the drop map */

	struct judgement judgement; /* the tick thread's */
	struct wake *wake;
	struct told_state told[ENFORCERS_MAX];
	uint64_t told_repairs;
	int64_t helper_failed_ns; /* when the helper died last, 0: never */
	int64_t helper_wait_s;	  /* how long its restart waited then */
	double tick_ms_last, tick_ms_max;
	int64_t peaks_next_ns; /* when they are recorded again; 0: not begun */
};

/* The calling thread goes before other processes: what decides must not starve in a flood. */
void daemon_go_first(void);
void daemon_lock(struct daemon *daemon);
void daemon_unlock(struct daemon *daemon);

#endif
