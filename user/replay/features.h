/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --features: what each source did in each window of 10 s, as CSV (RFC 4180), for models of one's
 * own. A row for each source and window that it sent in:
 *
 *   file         the capture that the window began in
 *   time         the window's start, seconds since 1970: a multiple of 10. Intervals belong to the
 *                window that they begin in
 *   source       address, or prefix that was counted as one
 *   intervals    of the sensor, in which it was seen
 *   packets ... dropped   sums of the counters of struct table_entry (abi.h); those of the second
 *                line stop at 65535 an interval
 *   hosts, ports (tcp, other), targets, protocols   distinct ones that were tried: estimates
 *   DETECTOR_SECONDS      for each limit, the largest running count within the window
 *   found        the detectors that found it, joined by +, or empty
 *
 * What is found by destination (victim_flood) is no source's and not in it. A window of more than
 * FEATURES_SOURCES sources is written in parts: a source may then have several rows of it.
 */
#ifndef FWGEN_REPLAY_FEATURES_H
#define FWGEN_REPLAY_FEATURES_H

#include "detect/detect.h"

#define FEATURES_SECONDS 10
#define FEATURES_SOURCES 262144
#define FEATURES_ERROR	 512

struct features;

/* Makes the file anew, with its header. 0, or -errno with a text. config names the limits. */
int features_open(const char *path, const struct config *config, struct features **out,
		  char error[FEATURES_ERROR]);
/* Writes what there is and closes. 0, or -errno with a text: not all of it is there. */
int features_close(struct features **features, char error[FEATURES_ERROR]);

/* For detect_observe: all that is judged goes in. Valid until features_close. */
const struct detect_observer *features_observer(struct features *features);
/* What follows is of that capture; the running window may go on. */
void features_begin(struct features *features, const char *file);
/* Writes what there is: what follows is of another time. */
void features_end(struct features *features);

#endif
