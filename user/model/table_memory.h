/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory interval tables take: config.json is held to it, the sensor makes them so. */
#ifndef FWGEN_MODEL_TABLE_MEMORY_H
#define FWGEN_MODEL_TABLE_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include "abi.h"

#define TABLE_MEMORY_MB (1024 * 1024)

/* Buckets of the destination table beside a source table of so many. */
static inline uint32_t table_memory_destinations(uint32_t buckets)
{
	uint32_t count = buckets / 8;

	return count < TABLE_BUCKETS_MIN ? TABLE_BUCKETS_MIN : count;
}

/* One CPU's tables on one interface: by source and by destination, two of each, and samples. */
static inline size_t table_memory_slot(uint32_t buckets)
{
	size_t both = (size_t)buckets + table_memory_destinations(buckets);

	return 2 *
	       (both * (sizeof(struct table_header) + sizeof(struct table_entries)) +
		2 * sizeof(struct table_totals) + PACKET_SAMPLES * sizeof(struct packet_sample));
}

/* The least sensor.memory_mb that holds so many CPUs' tables on each of so many interfaces. */
static inline size_t table_memory_needed_mb(uint32_t buckets, unsigned int cpus,
					    unsigned int interfaces)
{
	size_t bytes = cpus * table_memory_slot(buckets);

	return (bytes + TABLE_MEMORY_MB - 1) / TABLE_MEMORY_MB * interfaces;
}

#endif
