// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making the drop map hold these rules and no others: at a start, and when rules changed in bulk.
 * Blocks are written so many in a system call.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include "enforce/dropmap_private.h"

#define BATCH 1024

struct batch {
	struct dropmap *dropmap;
	size_t count;
	int err; /* the first, of all batches */
	struct block_key keys[BATCH];
	struct block blocks[BATCH];
	struct addition additions[BATCH];
};

static void remember(struct batch *batch, const struct block_key *key, int err)
{
	if (err)
		dropmap_refuse(batch->dropmap, key, err);
	batch->err = batch->err ? batch->err : err;
}

/* One that the kernel refuses is left out, the others are still written. */
static void write_batch(struct batch *batch)
{
	int fd = batch->dropmap->maps.fds.blocks, err;
	size_t done = 0;

	while (done < batch->count) {
		uint32_t wanted = batch->count - done, written = wanted;

		err = bpf_map_update_batch(fd, &batch->keys[done], &batch->blocks[done], &written,
					   NULL)
			      ? -errno
			      : 0;
		if (err && written == wanted)
			written = 0; /* it did not begin */
		for (uint32_t i = 0; i < written; i++, done++)
			remember(batch, &batch->keys[done],
				 dropmap_finish(batch->dropmap, &batch->additions[done], 0));
		if (!err)
			continue;
		err = dropmap_finish(batch->dropmap, &batch->additions[done],
				     err == -E2BIG ? -ENOSPC : err);
		remember(batch, &batch->keys[done++], err);
	}
	batch->count = 0;
}

static void add(struct batch *batch, const struct rule *rule)
{
	struct addition *addition = &batch->additions[batch->count];
	int err = dropmap_prepare(batch->dropmap, rule, addition);

	if (err) {
		remember(batch, &addition->key, err);
		return;
	}
	batch->keys[batch->count] = addition->key;
	batch->blocks[batch->count] = addition->block;
	if (++batch->count == BATCH)
		write_batch(batch);
}

static int add_all(struct dropmap *dropmap, const struct rule *rules, size_t n)
{
	struct batch *batch = malloc(sizeof(*batch));
	int err;

	if (!batch)
		return -ENOMEM;
	batch->dropmap = dropmap;
	batch->count = 0;
	batch->err = 0;
	for (size_t i = 0; i < n; i++)
		add(batch, &rules[i]);
	write_batch(batch);
	err = batch->err;
	free(batch);
	return err;
}

static void forget_wanted(struct node *node, void *context)
{
	(void)context;
	node->wanted = false;
}

struct removal {
	struct dropmap *dropmap;
	int err; /* the first */
};

static void remove_unwanted(struct node *node, void *context)
{
	struct removal *removal = context;
	int err = node->wanted ? 0 : dropmap_remove_block(removal->dropmap, node);

	removal->err = removal->err ? removal->err : err;
}

int dropmap_sync(struct dropmap *dropmap, const struct rule *rules, size_t n, struct moment now)
{
	struct removal removal = { .dropmap = dropmap };
	int err;

	pthread_mutex_lock(&dropmap->mutex);
	block_nodes_each(&dropmap->nodes, forget_wanted, NULL);
	/* no gap: what is wanted is there before the rest goes, unless there is room for one only
	 */
	dropmap_accept_all(dropmap);
	err = add_all(dropmap, rules, n);
	block_nodes_each(&dropmap->nodes, remove_unwanted, &removal);
	if (err == -ENOSPC) {
		dropmap_accept_all(dropmap);
		err = add_all(dropmap, rules, n);
	}
	dropmap_count_kinds(dropmap);
	dropmap_rebuild_stale(dropmap, now);
	pthread_mutex_unlock(&dropmap->mutex);
	err = err == -E2BIG ? -ENOSPC : err;
	return err ? err : removal.err;
}
