/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: each goes to the log, to the record and to the ring that the verb `events` shows.
 * Thread-safe; never waits. For daemon/, and for replay/ with a recorder of its own.
 */
#ifndef FWGEN_DAEMON_EVENTS_H
#define FWGEN_DAEMON_EVENTS_H

#include "model/event.h"
#include "model/rule.h"

struct events;
struct recorder;

/* A kind of rule event past so many in a second is counted only. */
#define EVENTS_PER_SECOND 200

/* recorder may be NULL; it stays the caller's and must live until events_free. 0 or -ENOMEM. */
int events_new(struct recorder *recorder, struct events **out);
void events_free(struct events **events);

/* Anything but a rule: what happened to fwgen itself. */
void events_say(struct events *events, enum event_type type, enum severity severity,
		const char *format, ...) __attribute__((format(printf, 4, 5)));
/* What happened to a rule, in words. Bounded: says later how many were left out. */
void events_rule(struct events *events, const struct rule_change *change, struct moment at);
/* Writes to the log what is new; may wait for its disk or terminal, so not for the wake thread. */
void events_log(struct events *events);
/* Tells of what was left out before this second. */
void events_flush(struct events *events, struct moment now);

/* The newest first, at most max. Returns how many. */
size_t events_last(struct events *events, struct event *out, size_t max);

#endif
