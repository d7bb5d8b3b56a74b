// SPDX-License-Identifier: GPL-2.0-or-later
/* Fills the filter lines and length lists that the XDP program looks at before any hash lookup. */
#include "enforce/prefix_filter.h"
#include <errno.h>
#include <string.h>
#include "base/address.h"
#include "filter.h"

void prefix_filter_begin(const struct prefix_filter *filter, uint32_t base, uint32_t lines,
			 uint32_t area_base)
{
	memset(filter->set, 0, sizeof(*filter->set));
	memset(&filter->lines[base], 0, lines * sizeof(*filter->lines));
	memset(&filter->lines[area_base], 0, 2 * AREA_LINES * sizeof(*filter->lines));
	filter->set->filter_base = base;
	filter->set->filter_mask = lines - 1;
	filter->set->area_base = area_base;
}

static struct address mask_of(uint32_t len)
{
	struct address ones;

	memset(&ones, 0xff, sizeof(ones));
	return address_masked(&ones, len);
}

/* A length is in its place before the program is told to look there. */
static int add_length(struct prefix_set *set, uint32_t family, uint32_t len)
{
	uint32_t count = set->count[family];

	for (uint32_t i = 0; i < count; i++)
		if (set->lengths[family][i] == len)
			return 0;
	if (count == SET_LENGTHS)
		return -E2BIG;
	set->masks[family][count] = mask_of(len);
	set->lengths[family][count] = len;
	__atomic_store_n(&set->count[family], count + 1, __ATOMIC_RELEASE);
	return 0;
}

static void set_bit(struct filter_line *line, uint32_t bit)
{
	bit %= FILTER_LINE_BITS;
	__atomic_fetch_or(&line->words[bit / 64], 1ULL << (bit % 64), __ATOMIC_RELAXED);
}

/* The bits of all areas that the prefix touches: those of so many addresses after its first. */
static void add_areas(const struct prefix_filter *filter, const struct prefix *prefix,
		      uint32_t family)
{
	/* what tells areas apart is in this word of an address, so many bits of it */
	uint32_t word = family ? 0 : 3, bits = family ? 32 : 16;
	uint32_t fixed = prefix->len - (family ? 0 : PREFIX_LEN_MAPPED);
	uint64_t areas = fixed < bits ? 1ULL << (bits - fixed) : 1;
	uint32_t first = __builtin_bswap32(prefix->address.words[word]);

	/* folding has made them all by then */
	if (areas > AREA_BITS)
		areas = AREA_BITS;
	for (uint32_t i = 0; i < areas; i++) {
		struct address address = prefix->address;
		uint32_t area;

		address.words[word] = __builtin_bswap32(first + (i << (32 - bits)));
		area = filter_area(&address, family);
		set_bit(&filter->lines[filter_area_line(filter->set, family, area)], area);
	}
}

int prefix_filter_add(const struct prefix_filter *filter, const struct prefix *prefix)
{
	uint32_t family = address_is_ipv4(&prefix->address) ? 0 : 1;
	struct prefix_set *set = filter->set;
	struct filter_bits at = filter_bits(set, hash_address(filter->key, &prefix->address));

	__atomic_fetch_or(&filter->lines[at.line].words[at.word], at.bits, __ATOMIC_RELAXED);
	if (prefix->len == PREFIX_LEN_FULL) {
		__atomic_store_n(&set->addresses[family], 1, __ATOMIC_RELEASE);
		return 0;
	}
	add_areas(filter, prefix, family);
	return add_length(set, family, prefix->len);
}

uint32_t prefix_filter_lines(size_t prefixes, uint32_t most)
{
	uint32_t lines = 1;

	while (lines < most && (size_t)lines * FILTER_LINE_BITS < prefixes * FILTER_PREFIX_BITS)
		lines *= 2;
	return lines;
}

void prefix_filter_sort(struct prefix_set *set)
{
	for (int family = 0; family < 2; family++)
		for (uint32_t i = 1; i < set->count[family]; i++)
			for (uint32_t j = i; j > 0; j--) {
				uint32_t *len = set->lengths[family];
				struct address *mask = set->masks[family], m = mask[j];
				uint32_t l = len[j];

				if (len[j - 1] >= l)
					break;
				len[j] = len[j - 1];
				mask[j] = mask[j - 1];
				len[j - 1] = l;
				mask[j - 1] = m;
			}
}
