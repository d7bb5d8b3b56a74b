/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record: SQLite database and JSON-lines event log, written by one thread of their own from a
 * bounded queue. Callers never wait: when the queue is full or the disk is, records are lost,
 * counted, and said so; blocking goes on.
 */
#ifndef FWGEN_RECORDER_H
#define FWGEN_RECORDER_H

#include "model/event.h"
#include "model/explanation.h"
#include "model/peaks.h"
#include "model/rule.h"
#include "model/sample.h"

struct recorder;

struct recorder_options {
	const char *database;  /* path */
	const char *event_log; /* path, or NULL or "" for none */
	unsigned int retention_days;
};

/*
 * Opens and if need be creates or migrates the database (WAL, synchronous=NORMAL, user_version),
 * checks it, opens the event log, starts the thread. A corrupt file is moved aside to
 * PATH.corrupt-N (three at most are kept) and a new one begun, with a log_warning. Returns 0, or
 * with a text that says which file, why, and what to do: -EACCES, -ENOSPC, -EROFS, -EBUSY (another
 * fwgen writes it), -EPROTO (written by a newer fwgen: nothing touched), -EIO.
 */
int recorder_open(const struct recorder_options *options, struct recorder **out, char error[512]);

/* Writes what is queued, ends the thread, closes. Waits at most 5 s for a stuck disk. */
void recorder_close(struct recorder **recorder);

/*
 * The rules in force when the last run ended, with boot_ns of expires worked out for this boot:
 * the same boot_id: expires_boottime_ms decides; another: the wall clock, never more than the
 * original duration. Rules whose time passed meanwhile are among them; those that were removed by
 * REMOVED_SHUTDOWN too, while they have time left. The caller frees *rules. Call before the first
 * change. Returns 0 or -errno.
 */
int recorder_load_rules(struct recorder *recorder, struct moment now, struct rule **rules,
			size_t *count);
/*
 * Detectors' rules on proven evidence, also those in force, and those that were unblocked by hand:
 * the newest 65,536, the oldest first. What of it is too long ago is for decide/ to say. The caller
 * frees *rules. Returns 0 or -errno.
 */
int recorder_load_past(struct recorder *recorder, struct moment now, struct past_rule **rules,
		       size_t *count);
/* What recorder_allow has added, the oldest first, with "allowed by NAME"; the caller frees it.
 * Returns 0 or -errno. */
int recorder_load_allowed(struct recorder *recorder, struct protected_prefix **allowed,
			  size_t *count);
/* Rules that have ended, the newest max of them by id, the newest first; the caller frees them.
 * Returns 0 or -errno. */
int recorder_load_ended(struct recorder *recorder, struct moment now, size_t max,
			struct past_block **blocks, size_t *count);
/* One more than the largest rule id ever stored. */
uint32_t recorder_next_rule_id(struct recorder *recorder);

/* ADDED: insert; RENEWED: new expiry; REMOVED: removed_at and removed_why. Others: nothing. */
void recorder_rule_change(struct recorder *recorder, const struct rule_change *change,
			  struct moment at);
/* Sets event->id. */
void recorder_event(struct recorder *recorder, struct event *event);
/* Adds up to one row per interface and 10 s in the table `traffic`. */
void recorder_traffic(struct recorder *recorder, const struct traffic *traffic);
/*
 * What sources came to in a period; the same period again takes the old one's place. Not taken
 * while thousands of records wait already: it can wait for the next time, and counts as lost.
 */
void recorder_peaks(struct recorder *recorder, const struct peak_row *rows, size_t count);
void recorder_audit(struct recorder *recorder, struct moment at, int uid, int pid, const char *who,
		    const char *verb, const char *before, const char *after);
/* Keeps a prefix that somebody allowed, or (not add) forgets it. who may be NULL. */
void recorder_allow(struct recorder *recorder, const struct prefix *prefix, struct moment at,
		    const char *who, bool add);
/* Closes and opens the event log (after rotation). */
void recorder_reopen_event_log(struct recorder *recorder);

struct recorder_stats {
	uint64_t queued;   /* records that wait now */
	uint64_t written;  /* calls whose row is in the database */
	uint64_t lost;	   /* calls without a row, and lines missing in the event log */
	char failing[160]; /* "": the last write worked */
};
void recorder_stats(struct recorder *recorder, struct recorder_stats *out);

#endif
