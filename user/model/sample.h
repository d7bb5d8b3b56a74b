/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the sensors hand to detection: an interval, and in it one sample per source. A sample is the
 * table entry of abi.h, summed over CPUs (bitmaps or-ed, distinct_* recounted and capped at 255).
 */
#ifndef FWGEN_MODEL_SAMPLE_H
#define FWGEN_MODEL_SAMPLE_H

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include "abi.h"
#include "base/clock.h"

struct sample {
	struct table_entry entry;
	uint32_t ifindex; /* where most of it came in */
};

/* Sums over all packets of one interface and interval; attributed + unattributed = packets. */
struct traffic {
	char interface[IF_NAMESIZE];
	uint32_t ifindex;
	struct moment start, end; /* true duration: a late drain makes it longer */
	uint64_t packets, bytes, tcp, udp, icmp, other;
	uint64_t dropped, dropped_bytes, malformed, not_ip;
	uint64_t attributed, unattributed;
	uint64_t overflow; /* of unattributed: packets of CPUs that have no table */
	uint64_t sources_estimate;
	uint64_t wakes, wakes_lost;
	double blind_below_pps; /* sources under this rate may be missing; 0: none is */
};

/* A drained interval of one interface: samples is the sensor's memory, valid until its next drain.
 */
struct interval {
	struct traffic traffic;
	const struct sample *sources;
	size_t source_count;
	const struct sample *destinations; /* counted one packet in destination_every */
	size_t destination_count;
	uint32_t destination_every;
	/* some of the packets that were counted by destination, in no order */
	const struct packet_sample *packets;
	size_t packet_count;
	struct contacts *contacts; /* what has left up to now; NULL: not known */
};

#endif
