// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The protected set as the program has it: looked at before a drop, by the blocks that overlap it.
 * decide/ never asks for such a block; this is the second lock on the same door.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include "base/address.h"
#include "base/log.h"
#include "enforce/dropmap_private.h"

bool dropmap_overlaps_protected(const struct dropmap *dropmap, const struct block_key *key)
{
	const struct prefix prefix = { .address = key->address, .len = key->len };

	/* what is sent to somebody comes from anybody */
	return key->kind == BLOCK_DESTINATION ||
	       protected_list_find(&dropmap->protected_set, &prefix) != NULL;
}

static struct protected_key key_of(const struct prefix *prefix)
{
	struct protected_key key = { .len = prefix->len };

	memcpy(key.words, prefix->address.words, sizeof(key.words));
	return key;
}

/* Takes from the map what the list does not hold. */
static void drop_unprotected(struct dropmap *dropmap, const struct protected_list *list)
{
	struct protected_list *old = &dropmap->protected_set;

	for (size_t i = 0; i < old->count; i++) {
		const struct prefix *prefix = &old->items[i].prefix;
		const struct protected_key key = key_of(prefix);

		if (!protected_list_has(list, prefix))
			bpf_map_delete_elem(dropmap->maps.fds.protected_set, &key);
	}
}

/* A block's answer to overlaps_protected, when the protected set has changed. */
static void mark_again(struct node *node, void *context)
{
	struct dropmap *dropmap = context;
	bool overlaps = dropmap_overlaps_protected(dropmap, &node->key);
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
	struct protected_list copy = { 0 };
	int err = 0;

	pthread_mutex_lock(&dropmap->mutex);
	for (size_t i = 0; i < list->count && !err; i++) {
		const struct protected_key key = key_of(&list->items[i].prefix);
		const uint8_t len = (uint8_t)key.len;

		if (bpf_map_update_elem(dropmap->maps.fds.protected_set, &key, &len, BPF_ANY))
			err = -errno;
	}
	if (!err)
		err = protected_list_copy(&copy, list);
	if (!err) {
		drop_unprotected(dropmap, list);
		protected_list_free(&dropmap->protected_set);
		dropmap->protected_set = copy;
		block_nodes_each(&dropmap->nodes, mark_again, dropmap);
	}
	pthread_mutex_unlock(&dropmap->mutex);
	return err;
}

int dropmap_load_protected(struct dropmap *dropmap)
{
	struct protected_key key, *previous = NULL;

	while (!bpf_map_get_next_key(dropmap->maps.fds.protected_set, previous, &key)) {
		struct prefix prefix = { .len = key.len };
		int err;

		memcpy(prefix.address.words, key.words, sizeof(key.words));
		err = protected_list_add(&dropmap->protected_set, &prefix, "");
		if (err)
			return err;
		previous = &key;
	}
	return 0;
}
