// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The drop map's blocks: which rule stands for which prefix, its deadline in jiffies, its hit
 * counters. Additions act at once. A removal leaves bits in the filter, which cost a lookup and
 * nothing else, until dropmap_maintain builds the idle version and turns to it.
 */
#include "enforce/dropmap.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "enforce/dropmap_maps.h"
#include "enforce/jiffies.h"
#include "enforce/prefix_filter.h"

#define TURN_NS (50 * NS_PER_MS) /* no program still reads a version that was left so long ago */

/* A block in the map; the prefix is first: nodes are compared by it. */
struct node {
	struct prefix prefix;
	uint32_t rule_id;
	uint32_t hits;
	bool wanted; /* dropmap_sync's mark */
};

struct dropmap {
	pthread_mutex_t mutex;
	struct dropmap_maps maps;
	struct jiffies_clock clock;
	void *tree; /* struct node, by prefix (tsearch) */
	size_t count;
	uint32_t *free_hits; /* a stack of unused hit counters */
	uint32_t free_count;
	struct protected_list protected_set;
	bool stale; /* the filter has bits too many, or too few lines */
	int64_t turned_ns;
	int cpus;
	char full[160]; /* "", or why the last addition failed */
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct prefix));
}

static struct node *find(struct dropmap *dropmap, const struct prefix *prefix)
{
	struct node **at = tfind(prefix, &dropmap->tree, compare);

	return at ? *at : NULL;
}

static struct prefix_filter blocks_filter(struct dropmap *dropmap, uint32_t version)
{
	struct verdict_control *control = dropmap->maps.control;

	return (struct prefix_filter){ dropmap->maps.lines, &control->filter_key,
				       &control->blocks[version] };
}

static struct prefix_filter protected_filter(struct dropmap *dropmap, uint32_t version)
{
	struct verdict_control *control = dropmap->maps.control;

	return (struct prefix_filter){ dropmap->maps.lines, &control->filter_key,
				       &control->protected_set[version] };
}

static uint32_t live(const struct dropmap *dropmap)
{
	return dropmap->maps.control->version & 1;
}

static void add_node(const void *at, VISIT visit, void *context)
{
	const struct node *node = *(const struct node *const *)at;
	int err;

	if (visit != postorder && visit != leaf)
		return;
	err = prefix_filter_add(context, &node->prefix);
	if (err)
		log_error("failed to put a block into the filter: %s", strerror(-err));
}

/* Builds the version that the program does not read, and turns to it. */
static void rebuild(struct dropmap *dropmap, int64_t now_ns)
{
	uint32_t idle = !live(dropmap);
	struct prefix_filter filter = blocks_filter(dropmap, idle);

	/* room to double before the next rebuild */
	prefix_filter_begin(&filter, idle * FILTER_LINES_BLOCKS,
			    prefix_filter_lines(dropmap->count * 2, FILTER_LINES_BLOCKS));
	twalk_r(dropmap->tree, add_node, &filter);
	prefix_filter_sort(filter.set);

	filter = protected_filter(dropmap, idle);
	prefix_filter_begin(
		&filter, 2 * FILTER_LINES_BLOCKS + idle * FILTER_LINES_PROTECTED,
		prefix_filter_lines(dropmap->protected_set.count, FILTER_LINES_PROTECTED));
	for (size_t i = 0; i < dropmap->protected_set.count; i++)
		prefix_filter_add(&filter, &dropmap->protected_set.items[i].prefix);
	prefix_filter_sort(filter.set);

	__atomic_store_n(&dropmap->maps.control->version, idle, __ATOMIC_RELEASE);
	dropmap->turned_ns = now_ns;
	dropmap->stale = false;
}

void dropmap_maintain(struct dropmap *dropmap, struct moment now)
{
	pthread_mutex_lock(&dropmap->mutex);
	if (jiffies_refresh(&dropmap->clock))
		log_warning("failed to read jiffies: %m");
	if (dropmap->stale && now.boot_ns - dropmap->turned_ns >= TURN_NS)
		rebuild(dropmap, now.boot_ns);
	pthread_mutex_unlock(&dropmap->mutex);
}

static void release_hits(struct dropmap *dropmap, uint32_t hits)
{
	dropmap->free_hits[dropmap->free_count++] = hits;
}

/* A free hit counter, set to zero. */
static int take_hits(struct dropmap *dropmap, uint32_t *hits)
{
	struct block_hits *zero;
	int err = 0;

	if (!dropmap->free_count)
		return -ENOSPC;
	zero = calloc(dropmap->cpus, sizeof(*zero));
	if (!zero)
		return -ENOMEM;
	*hits = dropmap->free_hits[dropmap->free_count - 1];
	if (bpf_map_update_elem(dropmap->maps.fds.block_hits, hits, zero, BPF_ANY))
		err = -errno;
	else
		dropmap->free_count--;
	free(zero);
	return err;
}

static int new_node(struct dropmap *dropmap, const struct prefix *prefix, struct node **out)
{
	struct node *node = calloc(1, sizeof(*node));
	int err;

	if (!node)
		return -ENOMEM;
	node->prefix = *prefix;
	err = take_hits(dropmap, &node->hits);
	if (!err && !tsearch(node, &dropmap->tree, compare)) {
		release_hits(dropmap, node->hits);
		err = -ENOMEM;
	}
	if (err) {
		free(node);
		return err;
	}
	dropmap->count++;
	*out = node;
	return 0;
}

static void delete_node(struct dropmap *dropmap, struct node *node)
{
	tdelete(node, &dropmap->tree, compare);
	release_hits(dropmap, node->hits);
	free(node);
	dropmap->count--;
	dropmap->stale = true;
}

static int put(struct dropmap *dropmap, const struct rule *rule)
{
	struct block block = {
		.deadline_jiffies = jiffies_at(&dropmap->clock, rule->expires.boot_ns),
		.classes = rule->classes,
		.action = rule->action == ACTION_LIMIT ? BLOCK_LIMIT : BLOCK_DROP,
		.rule_id = rule->id,
		.limit_pps = rule->limit_pps,
	};
	struct prefix_filter filter = blocks_filter(dropmap, live(dropmap));
	struct node *node = find(dropmap, &rule->prefix);
	bool fresh = !node;
	int err;

	if (fresh) {
		err = new_node(dropmap, &rule->prefix, &node);
		if (err)
			return err;
	}
	node->rule_id = rule->id;
	node->wanted = true;
	block.hits = node->hits;
	err = bpf_map_update_elem(dropmap->maps.fds.blocks, &rule->prefix, &block, BPF_ANY) ? -errno
											    : 0;
	if (!err && fresh)
		err = prefix_filter_add(&filter, &rule->prefix);
	if (err && fresh) {
		bpf_map_delete_elem(dropmap->maps.fds.blocks, &rule->prefix);
		delete_node(dropmap, node);
		return err == -E2BIG ? -ENOSPC : err;
	}
	/* too many bits a line: the next turn has more lines */
	if ((uint64_t)(filter.set->filter_mask + 1) * FILTER_LINE_BITS <
	    dropmap->count * FILTER_BITS_PER_PREFIX)
		dropmap->stale = true;
	return err;
}

static void remember_failure(struct dropmap *dropmap, int err)
{
	if (!err)
		dropmap->full[0] = '\0';
	else
		snprintf(dropmap->full, sizeof(dropmap->full), "failed to add block %zu: %s",
			 dropmap->count + 1, strerror(-err));
}

int dropmap_put(struct dropmap *dropmap, const struct rule *rule, struct moment now)
{
	int err;

	(void)now;
	pthread_mutex_lock(&dropmap->mutex);
	err = put(dropmap, rule);
	remember_failure(dropmap, err);
	pthread_mutex_unlock(&dropmap->mutex);
	return err;
}

static int remove_block(struct dropmap *dropmap, struct node *node)
{
	int err = 0;

	if (bpf_map_delete_elem(dropmap->maps.fds.blocks, &node->prefix) && errno != ENOENT)
		err = -errno;
	delete_node(dropmap, node);
	return err;
}

int dropmap_remove(struct dropmap *dropmap, const struct rule *rule)
{
	struct node *node;
	int err = -ENOENT;

	pthread_mutex_lock(&dropmap->mutex);
	node = find(dropmap, &rule->prefix);
	if (node && node->rule_id == rule->id)
		err = remove_block(dropmap, node);
	pthread_mutex_unlock(&dropmap->mutex);
	return err;
}

struct unwanted {
	struct node **nodes;
	size_t count;
};

static void collect_unwanted(const void *at, VISIT visit, void *context)
{
	struct node *node = *(struct node *const *)at;
	struct unwanted *unwanted = context;

	if ((visit == postorder || visit == leaf) && !node->wanted)
		unwanted->nodes[unwanted->count++] = node;
}

static void forget_wanted(const void *at, VISIT visit, void *context)
{
	struct node *node = *(struct node *const *)at;

	(void)context;
	if (visit == postorder || visit == leaf)
		node->wanted = false;
}

int dropmap_sync(struct dropmap *dropmap, const struct rule *rules, size_t n, struct moment now)
{
	struct unwanted unwanted = { 0 };
	int first = 0, err;

	(void)now;
	pthread_mutex_lock(&dropmap->mutex);
	twalk_r(dropmap->tree, forget_wanted, NULL);
	for (size_t i = 0; i < n; i++) {
		err = put(dropmap, &rules[i]);
		first = first ? first : err;
	}
	remember_failure(dropmap, first);
	unwanted.nodes = malloc((dropmap->count + 1) * sizeof(*unwanted.nodes));
	if (unwanted.nodes) {
		twalk_r(dropmap->tree, collect_unwanted, &unwanted);
		for (size_t i = 0; i < unwanted.count; i++) {
			err = remove_block(dropmap, unwanted.nodes[i]);
			first = first ? first : err;
		}
		free(unwanted.nodes);
	} else {
		first = -ENOMEM;
	}
	pthread_mutex_unlock(&dropmap->mutex);
	return first;
}

/* Takes from the map what the list does not hold. */
static void drop_unprotected(struct dropmap *dropmap, const struct protected_list *list)
{
	struct protected_list *old = &dropmap->protected_set;

	for (size_t i = 0; i < old->count; i++) {
		bool kept = false;

		for (size_t j = 0; j < list->count && !kept; j++)
			kept = prefix_equal(&old->items[i].prefix, &list->items[j].prefix);
		if (!kept)
			bpf_map_delete_elem(dropmap->maps.fds.protected_set, &old->items[i].prefix);
	}
}

int dropmap_protect(struct dropmap *dropmap, const struct protected_list *list)
{
	struct prefix_filter filter;
	struct protected_list copy = { 0 };
	uint8_t one = 1;
	int err = 0;

	pthread_mutex_lock(&dropmap->mutex);
	filter = protected_filter(dropmap, live(dropmap));
	for (size_t i = 0; i < list->count && !err; i++) {
		const struct prefix *prefix = &list->items[i].prefix;

		if (bpf_map_update_elem(dropmap->maps.fds.protected_set, prefix, &one, BPF_ANY))
			err = -errno;
		if (!err)
			err = prefix_filter_add(&filter, prefix);
		if (!err)
			err = protected_list_add(&copy, prefix, list->items[i].reason);
	}
	if (!err) {
		drop_unprotected(dropmap, list);
		protected_list_free(&dropmap->protected_set);
		dropmap->protected_set = copy;
		dropmap->stale = true;
	} else {
		protected_list_free(&copy);
	}
	pthread_mutex_unlock(&dropmap->mutex);
	return err;
}

static int read_hits(struct dropmap *dropmap, uint32_t index, uint64_t *packets, uint64_t *bytes)
{
	struct block_hits *hits = calloc(dropmap->cpus, sizeof(*hits));
	int err = 0;

	if (!hits)
		return -ENOMEM;
	if (bpf_map_lookup_elem(dropmap->maps.fds.block_hits, &index, hits))
		err = -errno;
	*packets = *bytes = 0;
	for (int cpu = 0; cpu < dropmap->cpus && !err; cpu++) {
		*packets += hits[cpu].packets;
		*bytes += hits[cpu].bytes;
	}
	free(hits);
	return err;
}

int dropmap_hits(struct dropmap *dropmap, const struct rule *rule, uint64_t *packets,
		 uint64_t *bytes)
{
	struct node *node;
	int err = -ENOENT;

	pthread_mutex_lock(&dropmap->mutex);
	node = find(dropmap, &rule->prefix);
	if (node && node->rule_id == rule->id)
		err = read_hits(dropmap, node->hits, packets, bytes);
	pthread_mutex_unlock(&dropmap->mutex);
	return err;
}

void dropmap_status(struct dropmap *dropmap, struct enforcer_status *out)
{
	pthread_mutex_lock(&dropmap->mutex);
	*out = (struct enforcer_status){ .name = "xdp", .rules = dropmap->count };
	out->state = dropmap->full[0] ? ENFORCER_UNENFORCED : ENFORCER_ENFORCED;
	snprintf(out->reason, sizeof(out->reason), "%s", dropmap->full);
	pthread_mutex_unlock(&dropmap->mutex);
}

void dropmap_maps(const struct dropmap *dropmap, struct verdict_maps *out)
{
	*out = dropmap->maps.fds;
}

void dropmap_set_observe(struct dropmap *dropmap, bool observe)
{
	dropmap->maps.control->observe = observe;
}

/* Blocks of an earlier run, and the hit counters they use. */
static int load_adopted(struct dropmap *dropmap, bool *used)
{
	struct prefix key, *previous = NULL;
	struct block block;

	while (!bpf_map_get_next_key(dropmap->maps.fds.blocks, previous, &key)) {
		struct node *node;

		previous = &key;
		if (bpf_map_lookup_elem(dropmap->maps.fds.blocks, &key, &block) ||
		    block.hits >= dropmap->maps.max_blocks || used[block.hits])
			continue;
		node = calloc(1, sizeof(*node));
		if (!node || (node->prefix = key, !tsearch(node, &dropmap->tree, compare))) {
			free(node);
			return -ENOMEM;
		}
		node->rule_id = block.rule_id;
		node->hits = block.hits;
		used[block.hits] = true;
		dropmap->count++;
	}
	return 0;
}

static int load_protected(struct dropmap *dropmap)
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

static int load_contents(struct dropmap *dropmap)
{
	unsigned int max = dropmap->maps.max_blocks;
	bool *used = calloc(max, sizeof(*used));
	int err = 0;

	dropmap->free_hits = malloc(max * sizeof(*dropmap->free_hits));
	if (!used || !dropmap->free_hits) {
		free(used);
		return -ENOMEM;
	}
	if (dropmap->maps.adopted) {
		err = load_adopted(dropmap, used);
		if (!err)
			err = load_protected(dropmap);
	}
	for (unsigned int i = max; i-- > 0;)
		if (!used[i])
			release_hits(dropmap, i);
	free(used);
	return err;
}

int dropmap_open(const struct dropmap_options *options, struct dropmap **out, char error[512])
{
	struct dropmap *dropmap = calloc(1, sizeof(*dropmap));
	int err;

	if (!dropmap) {
		snprintf(error, 512, "failed to open the drop map: out of memory");
		return -ENOMEM;
	}
	pthread_mutex_init(&dropmap->mutex, NULL);
	dropmap->cpus = libbpf_num_possible_cpus();
	err = dropmap_maps_open(&dropmap->maps, options->pin_dir, options->max_blocks, error);
	if (err) {
		free(dropmap);
		return err;
	}
	err = jiffies_open(&dropmap->clock);
	if (!err)
		err = load_contents(dropmap);
	if (err) {
		snprintf(error, 512, "failed to open the drop map: %s", strerror(-err));
		/* what was adopted stays for another try */
		dropmap_close(&dropmap, dropmap->maps.adopted);
		return err;
	}
	dropmap->maps.control->cpus = dropmap->cpus;
	dropmap->maps.control->hz = dropmap->clock.hz;
	dropmap->maps.control->observe = options->observe;
	if (!dropmap->maps.adopted)
		rebuild(dropmap, 0);
	*out = dropmap;
	return 0;
}

void dropmap_close(struct dropmap **out, bool keep)
{
	struct dropmap *dropmap = *out;

	if (!dropmap)
		return;
	jiffies_close(&dropmap->clock);
	dropmap_maps_close(&dropmap->maps, keep);
	tdestroy(dropmap->tree, free);
	free(dropmap->free_hits);
	protected_list_free(&dropmap->protected_set);
	pthread_mutex_destroy(&dropmap->mutex);
	free(dropmap);
	*out = NULL;
}
