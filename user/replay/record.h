/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --db: rules, events and traffic into a database, as the daemon writes them. A process of its own
 * does it: it keeps the right to write that folder, while the one that reads captures gives up all
 * it has.
 */
#ifndef FWGEN_REPLAY_RECORD_H
#define FWGEN_REPLAY_RECORD_H

#include "detect/detect.h"
#include "model/rule.h"
#include "model/sample.h"

#define RECORD_ERROR 512

struct record;

/* Before privileges are given up. Returns 0, or -errno with a text (as recorder_open). */
int record_open(const char *database, struct record **out, char error[RECORD_ERROR]);
/* Waits until all is written. Returns 0, or -EIO with a text: some of it is not. */
int record_close(struct record **record, char error[RECORD_ERROR]);

/* What follows is of another time: bounds on events begin anew. Ids of rules go on. */
void record_begin(struct record *record);
void record_change(struct record *record, const struct rule_change *change, struct moment at);
void record_traffic(struct record *record, const struct traffic *traffic);
/* What sources came to, once that period is over; 0: what there is now. */
void record_peaks(struct record *record, struct detect *detect, int64_t period_ns);
/* The first id that a new policy may give. */
uint32_t record_next_rule_id(const struct record *record);

#endif
