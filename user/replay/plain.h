/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sensor on plain memory: what bpf/fwgen.bpf.c does with a packet and sense/sensor.c with an
 * interval, for one CPU, by the same functions. Every packet is counted by destination. Keys come
 * from a fixed seed: the same packets give the same answers.
 */
#ifndef FWGEN_REPLAY_PLAIN_H
#define FWGEN_REPLAY_PLAIN_H

#include <stdbool.h>
#include "model/config.h"
#include "model/sample.h"
#include "packet.h"
#include "replay/link.h"

#define PLAIN_INTERFACE "replay" /* what traffic is said to have come in on */

struct plain;

/* Returns 0 or -ENOMEM. Keeps no pointer to config. */
int plain_open(const struct config *config, const struct wake_marks *marks, struct moment now,
	       struct plain **out);
void plain_close(struct plain **plain);

/*
 * Counts a packet, by source and by destination, and, unless it is dropped, notes that its sender
 * sent it. Returns the source's entry when it crossed a mark that wakes; valid until the next call.
 */
const struct table_entry *plain_packet(struct plain *plain, const struct packet *packet,
				       const struct captured *frame, bool dropped);
/* Counts a frame that has no source. */
void plain_other(struct plain *plain, const struct captured *frame, enum packet_status status);

/*
 * Ends the running interval and begins the next. *out is valid until the next call. Returns 0, or
 * -ENOMEM: some sources are missing.
 */
int plain_collect(struct plain *plain, struct moment start, struct moment end,
		  struct interval *out);
/* Time passes without a packet: what was noted becomes old. */
void plain_idle(struct plain *plain, struct moment now);

#endif
