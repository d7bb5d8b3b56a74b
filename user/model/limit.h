/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FWGEN_MODEL_LIMIT_H
#define FWGEN_MODEL_LIMIT_H

#include <stdint.h>

/* "more than count within seconds": fires as soon as the running count passes count. */
struct limit {
	uint64_t count;
	uint32_t seconds;
};

#endif
