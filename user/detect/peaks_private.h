/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to peaks.c (who is watched) and peaks_rows.c (what came of it). */
#ifndef FWGEN_DETECT_PEAKS_PRIVATE_H
#define FWGEN_DETECT_PEAKS_PRIVATE_H

#include "detect/peaks.h"

#define PEAKS_HEADS	 16384 /* a power of two */
#define PEAKS_WEIGHT_MAX 384   /* 2^24: the weight of a source at its limit, and of one found */
#define PEAKS_LOT_MAX	 1024  /* the logarithm of 2^64, in 1/16 */
#define PEAKS_PRIORITIES (PEAKS_WEIGHT_MAX + PEAKS_LOT_MAX + 1)
#define PEAKS_LOW_SHIFT	 20 /* a millionth of a limit weighs as little as a single packet */

struct peaks_limit {
	enum detector_id id;
	struct limit limit;
	bool derived;	    /* not one of the configuration's own */
	uint32_t low;	    /* logarithm in 1/16 of what weighs nothing */
	uint32_t steepness; /* weight for each 1/16 above it, in 1/65536 */
};

struct watched {
	struct address address;
	uint8_t prefix_len; /* 0: free */
	bool found;
	uint16_t weight, lot; /* logarithms in 1/16 */
	uint16_t next;	      /* in its chain, or of the free ones */
};

struct peaks {
	struct peaks_limit limits[PLAN_LIMITS_MAX]; /* by plan_limit.number */
	unsigned int limit_count;
	struct watched *watched; /* owned; from 1 */
	float *values;		 /* owned; what each came to, limit by limit */
	uint16_t heads[PEAKS_HEADS];
	uint32_t max, made, used;
	uint16_t free;
	uint32_t threshold; /* priorities that are not above it are not watched; 0: all are */
	struct moment start, end;
	bool began;
	char config_hash[CONFIG_HASH_TEXT];
};

static inline float *peaks_values(const struct peaks *peaks, uint32_t number)
{
	return peaks->values + (size_t)number * peaks->limit_count;
}

/* 1 to PEAKS_WEIGHT_MAX, for a count above 0. */
uint32_t peaks_weight(const struct peaks_limit *limit, uint64_t count);

#endif
