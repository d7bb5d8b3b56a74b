/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory behind contact.h: a map that all interfaces' programs share, or plain memory of a
 * capture's. Its notes are given up a generation at a time, so that each is known for at least one
 * whole generation after the last packet that it is of.
 */
#ifndef FWGEN_SENSE_CONTACTS_H
#define FWGEN_SENSE_CONTACTS_H

#include <stdbool.h>
#include "abi.h"
#include "base/clock.h"

#define CONTACTS_GENERATION_NS (60 * NS_PER_SECOND)
#define CONTACTS_LEARNING_NS   (10 * NS_PER_SECOND)

struct contacts_memory {
	struct contacts *notes;
	struct moment turned;	   /* when the running generation began */
	int64_t learning_until_ns; /* CLOCK_BOOTTIME */
	int fd;			   /* of the map; -1: notes is the caller's */
};

/* Makes the map and maps it: empty, with keys of its own, learning. Returns 0 or -errno. */
int contacts_open(struct contacts_memory *out);
/*
 * Empties plain memory of the caller's and gives it new keys, from getrandom(2): whoever wants the
 * same notes in each run sets his own afterwards (ports_key, kind_key and finish are odd).
 */
void contacts_init(struct contacts_memory *memory, struct contacts *notes, bool learning,
		   struct moment now);
/*
 * What leaves was not seen for a while: for so long from now on a missing note says nothing, as at
 * the beginning. Never shortens a learning that goes on.
 */
void contacts_relearn(struct contacts_memory *memory, struct moment now, int64_t for_ns);
/* Once an interval: ends the learning, turns the generation when it is old or fills up. */
void contacts_turn(struct contacts_memory *memory, struct moment now);
void contacts_close(struct contacts_memory *memory);

#endif
