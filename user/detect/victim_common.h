/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sampled packets of the last seconds, and what those to one destination say together: from how
 * many sources they are, and what they have in common.
 */
#ifndef FWGEN_DETECT_VICTIM_COMMON_H
#define FWGEN_DETECT_VICTIM_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include "detect/victim_kind.h"
#include "model/sample.h"
#include "model/trait.h"

/* Of one destination and kind. */
struct crowd {
	uint32_t packets;     /* sampled ones, like all here */
	uint32_t sources;     /* distinct */
	uint32_t once, twice; /* sources with one packet, with two */
	uint32_t loud;	      /* packets of sources that have more than an eighth of all */
	uint32_t answered;    /* packets that the destination has answered by now */
	uint16_t port;	      /* destination port of more than half of them, or 0 */
	struct trait traits[TRAIT_FIELDS];
};

struct kept_packet;

struct victim_packets {
	struct kept_packet *items; /* a ring */
	uint32_t next, count;
	struct kept_packet **order; /* sorted by destination, kind, source */
	size_t ordered;
};

/* Returns 0 or -ENOMEM. */
int victim_packets_init(struct victim_packets *packets);
void victim_packets_done(struct victim_packets *packets);
/* Takes an interval's samples in, as far as nobody asked for them. */
void victim_packets_take(struct victim_packets *packets, const struct interval *interval);
/* Prepares victim_packets_crowd for those taken since then. */
void victim_packets_sort(struct victim_packets *packets, int64_t since_ns);
/* All zero when there is no sample of it. */
void victim_packets_crowd(const struct victim_packets *packets, const struct address *destination,
			  enum victim_kind kind, struct crowd *out);
/* How many sources so many packets have come from, of which the crowd is a sample. */
double crowd_sources(const struct crowd *crowd, double packets);

uint64_t victim_packets_bytes(void);

#endif
