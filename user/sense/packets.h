/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packets that each CPU left a sample of, as they are mapped, and a copy of an interval's.
 * Private to sense/. */
#ifndef FWGEN_SENSE_PACKETS_H
#define FWGEN_SENSE_PACKETS_H

#include <stddef.h>
#include "sense/tables.h"

struct packets {
	const struct packet_sample *rings; /* [slots * 2 * PACKET_SAMPLES] */
	size_t bytes;			   /* of the mapping */
	struct packet_sample *copy;	   /* [slots * PACKET_SAMPLES] */
	size_t count;
};

/* Maps them and makes room for the copy. Returns 0 or -errno. */
int packets_map(struct packets *packets, int fd, uint32_t slots);
void packets_unmap(struct packets *packets);
/* Copies the samples of an epoch that is over; the destination table's totals say how many. */
void packets_collect(struct packets *packets, const struct tables *destinations, uint32_t epoch);

#endif
