/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the drop map's files share: blocks (dropmap.c) and protected addresses (dropmap_protect.c).
 */
#ifndef FWGEN_ENFORCE_DROPMAP_PRIVATE_H
#define FWGEN_ENFORCE_DROPMAP_PRIVATE_H

#include <pthread.h>
#include "enforce/block_nodes.h"
#include "enforce/dropmap.h"
#include "enforce/dropmap_maps.h"
#include "enforce/jiffies.h"
#include "enforce/prefix_filter.h"

struct dropmap {
	pthread_mutex_t mutex;
	struct dropmap_maps maps;
	struct jiffies_clock clock;
	struct block_nodes nodes;
	struct protected_list protected_set;
	bool stale; /* the filter has bits too many, or too few lines */
	int64_t turned_ns;
	char full[160]; /* "", or why the last addition failed */
};

static inline uint32_t dropmap_live(const struct dropmap *dropmap)
{
	return dropmap->maps.control->version & 1;
}

/* The filter over one version of the blocks' set. */
static inline struct prefix_filter dropmap_filter(struct dropmap *dropmap, uint32_t version)
{
	return (struct prefix_filter){ dropmap->maps.lines, &dropmap->maps.control->filter_key,
				       &dropmap->maps.control->blocks[version] };
}

/* Whether the program has to ask the protected set before each drop that this block makes. */
bool dropmap_overlaps_protected(const struct dropmap *dropmap, const struct block_key *key);
/* Takes over the protected set of an earlier run. Returns 0 or -errno. */
int dropmap_load_protected(struct dropmap *dropmap);

#endif
