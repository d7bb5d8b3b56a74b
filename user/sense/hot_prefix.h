/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6 prefixes that are counted as one source: an attacker who walks through his /64 would be a
 * new source with each packet. Chosen from what each interval shows, given up when they go quiet.
 */
#ifndef FWGEN_SENSE_HOT_PREFIX_H
#define FWGEN_SENSE_HOT_PREFIX_H

#include <stdbool.h>
#include "model/sample.h"

#define HOT_PREFIX_ADDRESSES                                                \
	256 /* distinct addresses of a /64 in one interval that make it hot \
	     */

struct hot_prefixes {
	int map_fd; /* stays the sensor's; negative: there is no program to tell */
	struct sensor_control *control;
	struct {
		struct prefix prefix;
		unsigned int quiet; /* intervals without a packet */
	} items[HOT_PREFIXES_MAX];
	unsigned int count;
};

/* After a drain: gives up what is quiet, takes in /64s that showed many addresses. */
void hot_prefixes_update(struct hot_prefixes *hot, const struct sample *samples, size_t count);
bool hot_prefixes_has(const struct hot_prefixes *hot, const struct prefix *prefix);

#endif
