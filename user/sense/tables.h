/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interval tables as userspace sees them: mapped, one pair for each slot (a CPU that has
 * packets), read only after the grace period. The program resets what it reuses; the only thing
 * written here is the dirty bitmap, which is cleared once read.
 */
#ifndef FWGEN_SENSE_TABLES_H
#define FWGEN_SENSE_TABLES_H

#include <stddef.h>
#include <stdint.h>
#include "abi.h"
#include "sense/merge.h"

/* One of the two tables (by source, by destination), for all slots. */
struct tables {
	const struct table_header *headers;  /* [slots * 2 * bucket_count] */
	const struct table_entries *entries; /* likewise */
	struct table_totals *totals;	     /* [slots * 2] */
	uint32_t bucket_count;
	uint32_t slots;
	size_t headers_bytes, entries_bytes,
		totals_bytes; /* of the mappings; 0: plain memory of the caller's */
};

/* Sums of one epoch over all slots. */
struct tables_sum {
	uint64_t packets, bytes, tcp, udp, icmp, other;
	uint64_t dropped, dropped_bytes, malformed, not_ip;
	uint64_t misses, replaced, wakes, wakes_lost;
	uint64_t attributed;
	double sources_estimate;
	double blind_below_pps; /* of the worst slot */
};

/* The maps that make up a table, as descriptors. */
struct tables_fds {
	int headers, entries, totals;
};

/* Maps them. Returns 0 or -errno. */
int tables_map(struct tables *tables, const struct tables_fds *fds, uint32_t bucket_count,
	       uint32_t slots);
void tables_unmap(struct tables *tables);

/*
 * Reads the tables of an epoch that is over into merge, adds up into *sum, and clears their dirty
 * bits. seconds is the interval's true length. Returns 0 or -ENOMEM (what was read stays in merge).
 */
int tables_drain(struct tables *tables, uint32_t epoch, double seconds, struct merge *merge,
		 struct tables_sum *sum);

#endif
