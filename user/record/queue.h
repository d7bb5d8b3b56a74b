/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to record/: what waits to be written. A plain structure under its owner's lock. Records
 * go from fresh (to be written to the event log) to waiting (for the database); rule changes, audit
 * rows and what people allowed are precious: when the queue is full they push out events and
 * traffic.
 */
#ifndef FWGEN_RECORD_QUEUE_H
#define FWGEN_RECORD_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "record/database.h"

#define QUEUE_HASH 16384 /* a power of two */

enum record_kind {
	RECORD_RULE,
	RECORD_AUDIT,
	RECORD_EVENT,
	RECORD_TRAFFIC,
	RECORD_PEAKS,
	RECORD_ALLOWED
};

struct record {
	struct record *next;
	struct record *chain; /* RECORD_RULE: the next of the same hash */
	enum record_kind kind;
	uint32_t weight; /* calls that this record stands for */
	bool refused;	 /* the database will never take it: lost, once the others are written */
};

struct rule_record {
	struct record head;
	struct moment at;
	struct rule_change change;
};

struct event_record {
	struct record head;
	struct event event;
};

struct traffic_record {
	struct record head;
	struct traffic_row row;
};

struct audit_record {
	struct record head;
	struct audit_row row;
	char text[]; /* what row points to */
};

struct allowed_record {
	struct record head;
	struct allowed_row row;
	char text[]; /* row.who */
};

struct peaks_record {
	struct record head;
	struct peak_line line;
	char text[]; /* what line points to */
};

struct record_list {
	struct record *first, *last;
	size_t count;
};

struct queue {
	struct record_list precious, waiting, fresh;
	struct record *rules[QUEUE_HASH]; /* those in precious, by rule id */
	size_t count;			  /* all, also those that the writer has in hand */
	size_t bound;
	uint64_t written, lost;
};

void record_list_append(struct record_list *list, struct record *record);
/* Frees the records and returns the calls they stood for. */
uint64_t record_list_free(struct record_list *list);

/*
 * Takes ownership. A later change of a rule that waits replaces it. Returns whether the record has
 * its place; if not it is freed and counted as lost.
 */
bool queue_push(struct queue *queue, struct record *record);
/* For the event log, at most max; the caller gives them back by queue_logged. */
struct record_list queue_take_fresh(struct queue *queue, size_t max);
void queue_logged(struct queue *queue, struct record_list *list);
/* For the database, at most max, precious ones first; then one of the two below. */
struct record_list queue_take(struct queue *queue, size_t max);
/* Written: no longer in the queue. The caller frees the list, without the lock. */
void queue_done(struct queue *queue, const struct record_list *list);
/* Not written: as before, in their old order. Frees those that a later change has replaced. */
void queue_put_back(struct queue *queue, struct record_list *list);
/* What is there for the database. */
bool queue_has_work(const struct queue *queue);
/* Frees all. Returns the calls lost with it. */
uint64_t queue_clear(struct queue *queue);

#endif
