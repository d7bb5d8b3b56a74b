/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the drop map's files share: blocks (dropmap.c, dropmap_sync.c) and protected addresses
 * (dropmap_protect.c). */
#ifndef FWGEN_ENFORCE_DROPMAP_PRIVATE_H
#define FWGEN_ENFORCE_DROPMAP_PRIVATE_H

#include <pthread.h>
#include "enforce/block_nodes.h"
#include "enforce/dropmap.h"
#include "enforce/dropmap_maps.h"
#include "enforce/jiffies.h"
#include "enforce/prefix_filter.h"

#define REFUSED_KEYS 256

/* Blocks that are wanted and could not be put there. */
struct refused {
	struct block_key keys[REFUSED_KEYS];
	size_t count;
	bool more;     /* than there is room for: until the next sync nobody knows which */
	char why[160]; /* of the last */
};

struct dropmap {
	pthread_mutex_t mutex;
	struct dropmap_maps maps;
	struct jiffies_clock clock;
	struct block_nodes nodes;
	struct protected_list protected_set;
	bool stale; /* the filter has bits too many, or too few lines */
	int64_t turned_ns;
	struct refused refused;
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

/* A rule on its way into the map. */
struct addition {
	const struct rule *rule;
	struct block_key key;
	struct block block;
	struct node *node;
	bool fresh;    /* no block had this key */
	bool replaces; /* it was another rule's */
};

/* Finds or makes its node, and what is to be written. Returns 0, or -errno: then it is not added.
 */
int dropmap_prepare(struct dropmap *dropmap, const struct rule *rule, struct addition *out);
/*
 * After it was written, or not (err): what the program asks before it looks for it; or it is taken
 * out again. Returns err, -errno, or -E2BIG: no room for one more prefix length.
 */
int dropmap_finish(struct dropmap *dropmap, const struct addition *addition, int err);
/* Takes a block out. Returns 0 or -errno. */
int dropmap_remove_block(struct dropmap *dropmap, struct node *node);
/* What kinds of blocks there are, for the program. */
void dropmap_count_kinds(struct dropmap *dropmap);
/* For dropmap_status: a block that is wanted is not there; it is, or nobody wants it any more. */
void dropmap_refuse(struct dropmap *dropmap, const struct block_key *key, int err);
void dropmap_accept(struct dropmap *dropmap, const struct block_key *key);
/* All is to be put there anew. */
void dropmap_accept_all(struct dropmap *dropmap);
/* Whether a block that is wanted is missing. */
bool dropmap_is_short(const struct dropmap *dropmap);
/* Builds the filter anew where that is due and no program may still read the idle one. */
void dropmap_rebuild_stale(struct dropmap *dropmap, struct moment now);

/* Whether the program has to ask the protected set before each drop that this block makes. */
bool dropmap_overlaps_protected(const struct dropmap *dropmap, const struct block_key *key);
/* Takes over the protected set of an earlier run. Returns 0 or -errno. */
int dropmap_load_protected(struct dropmap *dropmap);

#endif
