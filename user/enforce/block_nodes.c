// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The list of blocks: an array of nodes, where a node's place is its hit counter, and a hash table
 * of chains over it.
 */
#include "enforce/block_nodes.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "filter.h"

#define NONE	   UINT32_MAX
#define BATCH	   4096 /* keys read in one system call */
#define MIX	   0x9e3779b97f4a7c15ULL
#define CHAINS_MIN 64

static uint32_t *chain_of(struct block_nodes *nodes, const struct block_key *key)
{
	uint64_t rest = (uint64_t)key->len << 32 | (uint64_t)key->port << 16 |
			(uint64_t)key->protocol << 8 | key->kind;

	return &nodes->chains[((address_hash(&key->address) ^ rest) * MIX >> 32) &
			      nodes->chain_mask];
}

static bool same_key(const struct block_key *a, const struct block_key *b)
{
	return !memcmp(a, b, sizeof(*a));
}

struct node *block_nodes_find(struct block_nodes *nodes, const struct block_key *key)
{
	for (uint32_t at = *chain_of(nodes, key); at != NONE; at = nodes->items[at].next)
		if (same_key(&nodes->items[at].key, key))
			return &nodes->items[at];
	return NULL;
}

static void count(struct block_nodes *nodes, const struct block_key *key, int one)
{
	nodes->count += one;
	if (key->kind == BLOCK_DESTINATION)
		nodes->destination_counts[filter_destination(&key->address)] += one;
	else if (key->port)
		nodes->port_count += one;
}

static struct node *insert(struct block_nodes *nodes, const struct block_key *key, uint32_t hits)
{
	struct node *node = &nodes->items[hits];
	uint32_t *chain = chain_of(nodes, key);

	*node = (struct node){ .key = *key, .hits = hits, .used = true, .next = *chain };
	*chain = hits;
	count(nodes, key, 1);
	return node;
}

static int zero_hits(const struct block_nodes *nodes, uint32_t hits)
{
	struct block_hits *zero = calloc(nodes->cpus, sizeof(*zero));
	int err = 0;

	if (!zero)
		return -ENOMEM;
	if (bpf_map_update_elem(nodes->hits_fd, &hits, zero, BPF_ANY))
		err = -errno;
	free(zero);
	return err;
}

int block_nodes_zero(struct block_nodes *nodes, const struct node *node)
{
	return zero_hits(nodes, node->hits);
}

int block_nodes_add(struct block_nodes *nodes, const struct block_key *key, struct node **out)
{
	bool again = nodes->free != NONE;
	uint32_t hits = again ? nodes->free : nodes->top;
	int err = 0;

	if (hits == nodes->max)
		return -ENOSPC;
	if (again || nodes->adopted) /* otherwise the kernel has just made it */
		err = zero_hits(nodes, hits);
	if (err)
		return err;
	if (again)
		nodes->free = nodes->items[hits].next;
	else
		nodes->top++;
	*out = insert(nodes, key, hits);
	return 0;
}

void block_nodes_delete(struct block_nodes *nodes, struct node *node)
{
	uint32_t *at = chain_of(nodes, &node->key);

	while (*at != node->hits)
		at = &nodes->items[*at].next;
	*at = node->next;
	count(nodes, &node->key, -1);
	node->used = false;
	node->next = nodes->free;
	nodes->free = node->hits;
}

void block_nodes_each(struct block_nodes *nodes, void (*fn)(struct node *node, void *context),
		      void *context)
{
	for (uint32_t i = 0; i < nodes->top; i++)
		if (nodes->items[i].used)
			fn(&nodes->items[i], context);
}

int block_nodes_hits(struct block_nodes *nodes, const struct node *node, uint64_t *packets,
		     uint64_t *bytes)
{
	struct block_hits *hits = calloc(nodes->cpus, sizeof(*hits));
	int err = 0;

	if (!hits)
		return -ENOMEM;
	if (bpf_map_lookup_elem(nodes->hits_fd, &node->hits, hits))
		err = -errno;
	*packets = *bytes = 0;
	for (int cpu = 0; cpu < nodes->cpus && !err; cpu++) {
		*packets += hits[cpu].packets;
		*bytes += hits[cpu].bytes;
	}
	free(hits);
	return err;
}

/* ---- blocks of an earlier run ---------------------------------------------------------------- */

/* They keep the hit counters that they use. */
static void adopt_one(struct block_nodes *nodes, const struct block_key *key,
		      const struct block *block)
{
	struct node *node;

	if (block->hits >= nodes->max || nodes->items[block->hits].used)
		return;
	node = insert(nodes, key, block->hits);
	node->rule_id = block->rule_id;
	node->overlaps_protected = block->overlaps_protected;
	if (node->hits >= nodes->top)
		nodes->top = node->hits + 1;
}

static int adopt(struct block_nodes *nodes, int fd)
{
	struct block_key *keys = calloc(BATCH, sizeof(*keys));
	struct block *blocks = calloc(BATCH, sizeof(*blocks));
	uint32_t position, *from = NULL, n;
	int err = keys && blocks ? 0 : -ENOMEM;

	while (!err) {
		n = BATCH;
		/* -1 with ENOENT: these were the last */
		if (bpf_map_lookup_batch(fd, from, &position, keys, blocks, &n, NULL))
			err = -errno;
		if (err && err != -ENOENT)
			break;
		for (uint32_t i = 0; i < n; i++)
			adopt_one(nodes, &keys[i], &blocks[i]);
		from = &position;
	}
	free(keys);
	free(blocks);
	return err == -ENOENT ? 0 : err;
}

static void list_free(struct block_nodes *nodes)
{
	for (uint32_t i = nodes->top; i-- > 0;) {
		if (nodes->items[i].used)
			continue;
		nodes->items[i] = (struct node){ .hits = i, .next = nodes->free };
		nodes->free = i;
	}
}

int block_nodes_open(struct block_nodes *nodes, int hits_fd, uint32_t max_blocks, int adopt_fd)
{
	uint32_t chains = CHAINS_MIN;
	int err = 0;

	while (chains < max_blocks)
		chains *= 2;
	*nodes = (struct block_nodes){ .hits_fd = hits_fd,
				       .cpus = libbpf_num_possible_cpus(),
				       .max = max_blocks,
				       .free = NONE,
				       .chain_mask = chains - 1,
				       .adopted = adopt_fd >= 0 };
	nodes->items = calloc(max_blocks, sizeof(*nodes->items));
	nodes->chains = malloc(chains * sizeof(*nodes->chains));
	if (!nodes->items || !nodes->chains || nodes->cpus < 1)
		return -ENOMEM;
	memset(nodes->chains, 0xff, chains * sizeof(*nodes->chains));
	if (nodes->adopted)
		err = adopt(nodes, adopt_fd);
	list_free(nodes);
	return err;
}

void block_nodes_close(struct block_nodes *nodes)
{
	free(nodes->items);
	free(nodes->chains);
	*nodes = (struct block_nodes){ .hits_fd = -1 };
}
