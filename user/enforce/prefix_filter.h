/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filter in front of a set of prefixes, as the XDP program reads it (bpf/verdict.bpf.h): two
 * bits in one cache line for each prefix, and the prefix lengths in use. Bits are added in place;
 * they go away by building the idle version anew and turning to it.
 */
#ifndef FWGEN_ENFORCE_PREFIX_FILTER_H
#define FWGEN_ENFORCE_PREFIX_FILTER_H

#include <stddef.h>
#include <stdint.h>
#include "abi.h"

#define FILTER_PREFIX_BITS 16 /* for each prefix, at least, when it is built */

struct prefix_filter {
	struct filter_line *lines; /* of the whole map */
	const struct hash_key *key;
	struct prefix_set *set; /* what the program reads */
};

/*
 * Empties the set and gives it `lines` lines (a power of two) from `base` on, and from `area_base`
 * on those for areas.
 */
void prefix_filter_begin(const struct prefix_filter *filter, uint32_t base, uint32_t lines,
			 uint32_t area_base);
/* Adds a prefix, visible at once. Returns 0, or -E2BIG when SET_LENGTHS lengths are in use. */
int prefix_filter_add(const struct prefix_filter *filter, const struct prefix *prefix);
/* Lines for so many prefixes: a power of two, at most `most`. */
uint32_t prefix_filter_lines(size_t prefixes, uint32_t most);
/* Longest lengths first; for a set that the program does not read yet. */
void prefix_filter_sort(struct prefix_set *set);

#endif
