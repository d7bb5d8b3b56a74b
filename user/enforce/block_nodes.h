/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which blocks the drop map holds, by key, and which hit counter belongs to each: the daemon's
 * own list, so that nothing has to be read back from the kernel. Not thread-safe.
 */
#ifndef FWGEN_ENFORCE_BLOCK_NODES_H
#define FWGEN_ENFORCE_BLOCK_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi.h"

struct node {
	struct block_key key;
	uint32_t rule_id;
	uint32_t hits; /* index into the per-CPU counters, and of the node */
	uint32_t next; /* of its chain, or of those that are free */
	bool used;
	bool wanted;		 /* for a sync */
	bool overlaps_protected; /* as the map has it */
};

static inline struct prefix node_prefix(const struct node *node)
{
	return (struct prefix){ .address = node->key.address, .len = node->key.len };
}

struct block_nodes {
	size_t count;
	uint32_t port_count;		 /* of them, those of sources and one port */
	uint32_t destination_counts[64]; /* those of destinations, by filter_destination */
	struct node *items;		 /* room for max */
	uint32_t max;
	uint32_t top;	  /* no node from here on was ever used */
	uint32_t free;	  /* the first of those below that are not */
	uint32_t *chains; /* the first node of each hash */
	uint32_t chain_mask;
	bool adopted;
	int hits_fd; /* stays the drop map's */
	int cpus;
};

/* adopt_fd: a map of blocks whose contents are taken over, or -1. Returns 0 or -errno. */
int block_nodes_open(struct block_nodes *nodes, int hits_fd, uint32_t max_blocks, int adopt_fd);
void block_nodes_close(struct block_nodes *nodes);

struct node *block_nodes_find(struct block_nodes *nodes, const struct block_key *key);
/* A new node with its hit counter at zero. Returns 0, -ENOSPC when all counters are used, or
 * -errno. */
int block_nodes_add(struct block_nodes *nodes, const struct block_key *key, struct node **out);
void block_nodes_delete(struct block_nodes *nodes, struct node *node);
/* fn may delete the node that it is given. */
void block_nodes_each(struct block_nodes *nodes, void (*fn)(struct node *node, void *context),
		      void *context);
/* Begins to count its block anew. Returns 0 or -errno. */
int block_nodes_zero(struct block_nodes *nodes, const struct node *node);
/* What the node's block has dropped, all CPUs. Returns 0 or -errno. */
int block_nodes_hits(struct block_nodes *nodes, const struct node *node, uint64_t *packets,
		     uint64_t *bytes);

#endif
