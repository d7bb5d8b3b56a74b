/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FWGEN_MODEL_LIMIT_H
#define FWGEN_MODEL_LIMIT_H

#include <stdint.h>

/* "more than count within seconds": fires as soon as the running count passes count. */
struct limit {
	uint64_t count;
	uint32_t seconds;
};

/* The packets per second that it lets pass, at least one. */
static inline uint32_t limit_rate(const struct limit *limit)
{
	uint64_t rate = limit->count / (limit->seconds ? limit->seconds : 1);

	return rate > UINT32_MAX ? UINT32_MAX : rate ? (uint32_t)rate : 1;
}

#endif
