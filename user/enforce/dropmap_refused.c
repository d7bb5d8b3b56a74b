// SPDX-License-Identifier: GPL-2.0-or-later
/* Which blocks are wanted and not in the drop map: who asks is told until none is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "enforce/dropmap_private.h"

static size_t find(const struct refused *refused, const struct block_key *key)
{
	size_t i = 0;

	while (i < refused->count && memcmp(&refused->keys[i], key, sizeof(*key)) != 0)
		i++;
	return i;
}

void dropmap_refuse(struct dropmap *dropmap, const struct block_key *key, int err)
{
	struct refused *refused = &dropmap->refused;
	size_t at = find(refused, key);

	if (at == REFUSED_KEYS)
		refused->more = true;
	else if (at == refused->count)
		refused->keys[refused->count++] = *key;
	if (err == -E2BIG)
		snprintf(refused->why, sizeof(refused->why),
			 "failed to add block %zu: prefixes of %d lengths are there, there is no"
			 " room for another length",
			 dropmap->nodes.count + 1, SET_LENGTHS);
	else
		snprintf(refused->why, sizeof(refused->why), "failed to add block %zu: %s",
			 dropmap->nodes.count + 1, strerror(-err));
}

void dropmap_accept(struct dropmap *dropmap, const struct block_key *key)
{
	struct refused *refused = &dropmap->refused;
	size_t at = find(refused, key);

	if (at < refused->count)
		refused->keys[at] = refused->keys[--refused->count];
}

void dropmap_accept_all(struct dropmap *dropmap)
{
	dropmap->refused.count = 0;
	dropmap->refused.more = false;
}

bool dropmap_is_short(const struct dropmap *dropmap)
{
	return dropmap->refused.count || dropmap->refused.more;
}
