/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where an address is in the filter of a prefix set. Userspace sets these bits, the program looks
 * at them. The filter's are by a keyed hash of the prefix's address; both are in one cache line.
 * The area's need no hash: the first 16 bits of an IPv4 address, the first 32 of an IPv6 one
 * folded. A prefix that is shorter than that has the bits of all its areas.
 * Shifts, not the union's bytes: clang would keep an address in pieces for them.
 */
#ifndef FWGEN_FILTER_H
#define FWGEN_FILTER_H

#include "hash.h"

struct filter_bits {
	__u32 line, word;
	__u64 bits; /* of the word */
};

static __always_inline struct filter_bits filter_bits(const struct prefix_set *set, __u64 hash)
{
	return (struct filter_bits){
		.line = set->filter_base + ((__u32)(hash >> 32) & set->filter_mask),
		.word = (hash >> 46) & 7,
		.bits = 1ULL << ((hash >> 58) & 63) | 1ULL << ((hash >> 52) & 63) |
			1ULL << ((hash >> 26) & 63),
	};
}

/* family: 0 for IPv4, 1 for IPv6. */
static __always_inline __u32 filter_area(const struct address *address, __u32 family)
{
	if (family)
		return (address->halves[0] ^ address->halves[0] >> 16) & (AREA_BITS - 1);
	return (address->halves[1] >> 32) & (AREA_BITS - 1);
}

static __always_inline __u32 filter_area_line(const struct prefix_set *set, __u32 family,
					      __u32 area)
{
	return set->area_base + family * AREA_LINES + area / FILTER_LINE_BITS;
}

/* Of 64 bits the one for destinations with this end: most are not under a limit. */
static __always_inline __u32 filter_destination(const struct address *address)
{
	return address->halves[1] >> 56 & 63;
}

#endif
