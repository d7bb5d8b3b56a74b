/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosts that many unasked packets go to, one record for each kind of traffic: bounded, and made for
 * those only that stand out, so that ordinary destinations cost nothing. When it is full the
 * least of those that have not been loud for the longest makes room, never one that is flooded.
 */
#ifndef FWGEN_DETECT_VICTIM_TABLE_H
#define FWGEN_DETECT_VICTIM_TABLE_H

#include <stdbool.h>
#include "abi.h"
#include "detect/pool.h"
#include "detect/victim_kind.h"
#include "detect/window.h"
#include "model/config.h"

#define VICTIMS_MAX 65536u

struct victim {
	struct address address;
	uint32_t next;		   /* in its hash chain */
	uint32_t newer, older;	   /* by when it was loud */
	float mean;		   /* packets a second, of the last minutes: what is usual here */
	float rate;		   /* now, or when it was seen last */
	float settled, settled_ns; /* handshakes of the last seconds, and those seconds */
	int64_t last_ns;	   /* up to when the mean and the windows are */
	int64_t loud_ns;
	/* the flood that is told of, or was */
	int64_t began_ns;
	int64_t over_ns;     /* when it was over the limit last */
	uint64_t packets;    /* of it so far */
	uint64_t sources;    /* the highest estimate */
	uint32_t next_flood; /* in the list of floods */
	uint16_t port;
	uint8_t protocol;
	uint8_t kind; /* enum victim_kind */
	bool flooded;
	struct window windows[CONFIG_LIMITS_MAX];
};

struct victim_table {
	struct pool pool;
	uint32_t *heads;
	uint32_t mask;
	uint32_t newest, oldest;
	uint64_t evicted;
};

/* Returns 0 or -ENOMEM. max: of records. */
int victim_table_init(struct victim_table *table, uint32_t max);
void victim_table_done(struct victim_table *table);

static inline struct victim *victim_at(const struct victim_table *table, uint32_t number)
{
	return number ? pool_at(&table->pool, number) : NULL;
}

struct victim *victim_find(const struct victim_table *table, const struct address *address,
			   enum victim_kind kind);
/* Makes the record; it must not be there. *number is what lists know it by. 0 or -ENOMEM. */
int victim_make(struct victim_table *table, const struct address *address, enum victim_kind kind,
		int64_t now_ns, struct victim **out);
uint32_t victim_number(const struct victim_table *table, const struct victim *victim);
/* It is loud now: the last one to make room. */
void victim_touch(struct victim_table *table, struct victim *victim, int64_t now_ns);
/* Forgets some of those that were not loud since then. */
void victim_table_sweep(struct victim_table *table, int64_t before_ns);

uint64_t victim_table_bytes(const struct victim_table *table);

#endif
