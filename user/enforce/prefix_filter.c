// SPDX-License-Identifier: GPL-2.0-or-later
/* Fills the filter lines and length lists that the XDP program looks at before any hash lookup. */
#include "enforce/prefix_filter.h"
#include <errno.h>
#include <string.h>
#include "base/address.h"
#include "hash.h"

void prefix_filter_begin(const struct prefix_filter *filter, uint32_t base, uint32_t lines)
{
	memset(filter->set, 0, sizeof(*filter->set));
	memset(&filter->lines[base], 0, lines * sizeof(*filter->lines));
	filter->set->filter_base = base;
	filter->set->filter_mask = lines - 1;
}

static int add_length(struct prefix_set *set, uint32_t family, uint32_t len)
{
	struct address ones;
	uint32_t count = set->count[family];

	for (uint32_t i = 0; i < count; i++)
		if (set->lengths[family][i] == len)
			return 0;
	if (count == SET_LENGTHS)
		return -ENOSPC;
	memset(&ones, 0xff, sizeof(ones));
	set->masks[family][count] = address_masked(&ones, len);
	set->lengths[family][count] = len;
	__atomic_store_n(&set->count[family], count + 1, __ATOMIC_RELEASE);
	return 0;
}

static void set_bit(struct filter_line *line, uint32_t bit)
{
	__atomic_fetch_or(&line->words[bit / 64], 1ULL << (bit % 64), __ATOMIC_RELAXED);
}

int prefix_filter_add(const struct prefix_filter *filter, const struct prefix *prefix)
{
	uint64_t hash = hash_address(filter->key, &prefix->address);
	struct prefix_set *set = filter->set;
	uint32_t line = set->filter_base + ((uint32_t)(hash >> 32) & set->filter_mask);

	set_bit(&filter->lines[line], (hash >> 46) & (FILTER_LINE_BITS - 1));
	set_bit(&filter->lines[line], (hash >> 55) & (FILTER_LINE_BITS - 1));
	return add_length(set, address_is_ipv4(&prefix->address) ? 0 : 1, prefix->len);
}

uint32_t prefix_filter_lines(size_t prefixes, uint32_t most)
{
	uint32_t lines = 1;

	while (lines < most && (size_t)lines * FILTER_LINE_BITS < prefixes * FILTER_BITS_PER_PREFIX)
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
