// SPDX-License-Identifier: GPL-2.0-or-later
/* The list of blocks, as a balanced tree of the C library, and the stack of unused hit counters. */
#include "enforce/block_nodes.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct block_key));
}

struct node *block_nodes_find(struct block_nodes *nodes, const struct block_key *key)
{
	struct node **at = tfind(key, &nodes->tree, compare);

	return at ? *at : NULL;
}

static void release_hits(struct block_nodes *nodes, uint32_t hits)
{
	nodes->free_hits[nodes->free_count++] = hits;
}

/* A free hit counter, set to zero. */
static int take_hits(struct block_nodes *nodes, uint32_t *hits)
{
	struct block_hits *zero;
	int err = 0;

	if (!nodes->free_count)
		return -ENOSPC;
	zero = calloc(nodes->cpus, sizeof(*zero));
	if (!zero)
		return -ENOMEM;
	*hits = nodes->free_hits[nodes->free_count - 1];
	if (bpf_map_update_elem(nodes->hits_fd, hits, zero, BPF_ANY))
		err = -errno;
	else
		nodes->free_count--;
	free(zero);
	return err;
}

static void count(struct block_nodes *nodes, const struct block_key *key, int one)
{
	nodes->count += one;
	if (key->kind == BLOCK_DESTINATION)
		nodes->destination_count += one;
	else if (key->port)
		nodes->port_count += one;
}

static struct node *insert(struct block_nodes *nodes, const struct block_key *key, uint32_t hits)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->key = *key;
	node->hits = hits;
	if (!tsearch(node, &nodes->tree, compare)) {
		free(node);
		return NULL;
	}
	count(nodes, key, 1);
	return node;
}

int block_nodes_add(struct block_nodes *nodes, const struct block_key *key, struct node **out)
{
	struct node *node;
	uint32_t hits;
	int err = take_hits(nodes, &hits);

	if (err)
		return err;
	node = insert(nodes, key, hits);
	if (!node) {
		release_hits(nodes, hits);
		return -ENOMEM;
	}
	*out = node;
	return 0;
}

void block_nodes_delete(struct block_nodes *nodes, struct node *node)
{
	tdelete(node, &nodes->tree, compare);
	release_hits(nodes, node->hits);
	count(nodes, &node->key, -1);
	free(node);
}

struct walk {
	void (*fn)(struct node *node, void *context);
	void *context;
};

static void visit_once(const void *at, VISIT visit, void *context)
{
	struct walk *walk = context;

	if (visit == postorder || visit == leaf)
		walk->fn(*(struct node *const *)at, walk->context);
}

void block_nodes_each(struct block_nodes *nodes, void (*fn)(struct node *node, void *context),
		      void *context)
{
	struct walk walk = { fn, context };

	twalk_r(nodes->tree, visit_once, &walk);
}

struct unwanted {
	struct node **items;
	size_t count;
};

static void collect(struct node *node, void *context)
{
	struct unwanted *unwanted = context;

	if (!node->wanted)
		unwanted->items[unwanted->count++] = node;
}

int block_nodes_unwanted(struct block_nodes *nodes, struct node ***out, size_t *count)
{
	struct unwanted unwanted = { .items = malloc((nodes->count + 1) * sizeof(struct node *)) };

	if (!unwanted.items)
		return -ENOMEM;
	block_nodes_each(nodes, collect, &unwanted);
	*out = unwanted.items;
	*count = unwanted.count;
	return 0;
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

/* Blocks of an earlier run keep the hit counters that they use. */
static int adopt(struct block_nodes *nodes, int fd, uint32_t max_blocks, bool *used)
{
	struct block_key key, *previous = NULL;
	struct block block;

	while (!bpf_map_get_next_key(fd, previous, &key)) {
		struct node *node;

		previous = &key;
		if (bpf_map_lookup_elem(fd, &key, &block) || block.hits >= max_blocks ||
		    used[block.hits])
			continue;
		node = insert(nodes, &key, block.hits);
		if (!node)
			return -ENOMEM;
		node->rule_id = block.rule_id;
		node->overlaps_protected = block.overlaps_protected;
		used[block.hits] = true;
	}
	return 0;
}

int block_nodes_open(struct block_nodes *nodes, int hits_fd, uint32_t max_blocks, int adopt_fd)
{
	bool *used = calloc(max_blocks, sizeof(*used));
	int err = 0;

	*nodes = (struct block_nodes){ .hits_fd = hits_fd, .cpus = libbpf_num_possible_cpus() };
	nodes->free_hits = malloc(max_blocks * sizeof(*nodes->free_hits));
	if (!used || !nodes->free_hits || nodes->cpus < 1)
		err = -ENOMEM;
	if (!err && adopt_fd >= 0)
		err = adopt(nodes, adopt_fd, max_blocks, used);
	for (uint32_t i = max_blocks; i-- > 0 && !err;)
		if (!used[i])
			release_hits(nodes, i);
	free(used);
	return err;
}

void block_nodes_close(struct block_nodes *nodes)
{
	tdestroy(nodes->tree, free);
	free(nodes->free_hits);
	*nodes = (struct block_nodes){ .hits_fd = -1 };
}
