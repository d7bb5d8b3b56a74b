/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of direction (contact.h) and its two generations: who forgets, and when. */
#ifndef FWGEN_SENSE_CONTACTS_H
#define FWGEN_SENSE_CONTACTS_H

#include <stdbool.h>
#include "abi.h"
#include "base/clock.h"

struct contacts_memory {
	struct contacts *notes; /* stays the caller's */
	struct moment turned;
};

/* New keys, nothing noted. learning: a missing note means nothing until the first turn. */
void contacts_init(struct contacts_memory *memory, struct contacts *notes, bool learning,
		   struct moment now);
/* Begins a new generation when the running one is a minute old or a quarter full. */
void contacts_turn(struct contacts_memory *memory, struct moment now);

#endif
