// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The protected set as the program has it: looked at before a drop, by the blocks that overlap it.
 * decide/ never asks for such a block; this is the second lock on the same door.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include "base/address.h"
#include "base/log.h"
#include "enforce/dropmap_private.h"

bool dropmap_overlaps_protected(const struct dropmap *dropmap, const struct prefix *prefix)
{
	return protected_list_find(&dropmap->protected_set, prefix) != NULL;
}

/* Takes from the map what the list does not hold. */
static void drop_unprotected(struct dropmap *dropmap, const struct protected_list *list)
{
	struct protected_list *old = &dropmap->protected_set;

	for (size_t i = 0; i < old->count; i++) {
		const struct prefix *prefix = &old->items[i].prefix;

		if (!protected_list_has(list, prefix))
			bpf_map_delete_elem(dropmap->maps.fds.protected_set, prefix);
	}
}

/* A block's answer to overlaps_protected, when the protected set has changed. */
static void mark_again(struct node *node, void *context)
{
	struct dropmap *dropmap = context;
	struct prefix prefix = node_prefix(node);
	bool overlaps = dropmap_overlaps_protected(dropmap, &prefix);
	struct block block;

	if (overlaps == node->overlaps_protected ||
	    bpf_map_lookup_elem(dropmap->maps.fds.blocks, &node->key, &block))
		return;
	block.overlaps_protected = overlaps;
	if (bpf_map_update_elem(dropmap->maps.fds.blocks, &node->key, &block, BPF_EXIST))
		log_error("failed to mark a block of protected addresses: %m");
	else
		node->overlaps_protected = overlaps;
}

int dropmap_protect(struct dropmap *dropmap, const struct protected_list *list)
{
	struct prefix_filter filter;
	struct protected_list copy = { 0 };
	uint8_t one = 1;
	int err = 0;

	pthread_mutex_lock(&dropmap->mutex);
	filter = dropmap_filter(dropmap,
				&dropmap->maps.control->protected_set[dropmap_live(dropmap)]);
	for (size_t i = 0; i < list->count && !err; i++) {
		const struct prefix *prefix = &list->items[i].prefix;

		if (bpf_map_update_elem(dropmap->maps.fds.protected_set, prefix, &one, BPF_ANY))
			err = -errno;
		if (!err)
			err = prefix_filter_add(&filter, prefix);
	}
	if (!err)
		err = protected_list_copy(&copy, list);
	if (!err) {
		drop_unprotected(dropmap, list);
		protected_list_free(&dropmap->protected_set);
		dropmap->protected_set = copy;
		dropmap->stale = true;
		block_nodes_each(&dropmap->nodes, mark_again, dropmap);
	}
	pthread_mutex_unlock(&dropmap->mutex);
	return err;
}

int dropmap_load_protected(struct dropmap *dropmap)
{
	struct prefix key, *previous = NULL;

	while (!bpf_map_get_next_key(dropmap->maps.fds.protected_set, previous, &key)) {
		int err = protected_list_add(&dropmap->protected_set, &key, "");

		if (err)
			return err;
		previous = &key;
	}
	return 0;
}
