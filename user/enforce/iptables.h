/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The iptables enforcer as the daemon sees it: a helper process at the other end of a socketpair,
 * the only one that ever executes iptables and ipset. Calls here never wait for it: what does not
 * fit the socket stays queued (bounded; past that the whole desired ruleset is sent anew).
 */
#ifndef FWGEN_ENFORCE_IPTABLES_H
#define FWGEN_ENFORCE_IPTABLES_H

#include "model/rule.h"
#include "model/status.h"

#define IPTABLES_HELPER_NAME "fwgen-iptables" /* the helper process, as ps shows it */

struct iptables_enforcer;

struct iptables_options {
	const char *const *interfaces;
	unsigned int interface_count;
	bool track_connections; /* a rule that has the kernel track connections */
};

/*
 * Forks the helper (call before threads are made) which sets up chain, jumps and sets, keeping what
 * an earlier run left there. Without ipset it goes on with a rule for each block, and what others
 * hold up just now is tried again; status says so. Returns 0, or -errno with a text: -ENOENT no
 * iptables.
 */
int iptables_enforcer_start(const struct iptables_options *options, struct iptables_enforcer **out,
			    char error[512]);

/*
 * Readable: call iptables_enforcer_receive, which also sends what waits once there is room (the
 * descriptor is an epoll instance, so watching it for reading is enough). It stays the same over
 * iptables_enforcer_restart.
 */
int iptables_enforcer_fd(const struct iptables_enforcer *enforcer);
bool iptables_enforcer_pending(const struct iptables_enforcer *enforcer);
/* Sends what is queued. Returns 0 or -errno (-EPIPE: the helper is gone). */
int iptables_enforcer_flush(struct iptables_enforcer *enforcer);
/* Takes the helper's reports: state, errors (logged). Returns 0 or -errno (-EPIPE). */
int iptables_enforcer_receive(struct iptables_enforcer *enforcer);
/*
 * After -EPIPE: forks a new helper, which adopts what is there and gets the whole desired ruleset.
 * Does not wait for it: the state is unenforced until it reports. Call at most every few seconds.
 * Returns 0 or -errno.
 */
int iptables_enforcer_restart(struct iptables_enforcer *enforcer);

/*
 * The same with other options, also where a helper is at work: it is ended as it is, its rules
 * stay. Returns 0, or -errno with a text.
 */
int iptables_enforcer_reconfigure(struct iptables_enforcer *enforcer,
				  const struct iptables_options *options, char error[512]);

/* ADDED, RENEWED, REMOVED are carried out, batched by the helper; others are ignored. Thread-safe.
 */
void iptables_enforcer_change(struct iptables_enforcer *enforcer, const struct rule_change *change,
			      struct moment now);
/* The whole desired ruleset: what else is in the sets goes. Thread-safe. */
void iptables_enforcer_sync(struct iptables_enforcer *enforcer, const struct rule *rules, size_t n,
			    struct moment now);

void iptables_enforcer_status(struct iptables_enforcer *enforcer, struct enforcer_status *out);

/*
 * Ends the helper; keep: the rules stay, otherwise chain, jumps and sets are removed first. Waits
 * for it up to 10 s. Clears the pointer. Returns 0, or -errno with what could not be removed
 * logged.
 */
int iptables_enforcer_stop(struct iptables_enforcer **enforcer, bool keep);

/* `fwgen off`: removes chain, jumps and sets in this process, daemon or not. Returns how many
 * objects were removed, or -errno with a text. */
int iptables_remove_all(char error[512]);

/*
 * The same for single interfaces: the jumps of just these. Returns how many there are, removed if
 * `remove` says so, or -errno with a text.
 */
int iptables_jumps(const char *const *interfaces, unsigned int count, bool remove, char error[512]);

#endif
