// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The drop map's blocks: which rule stands for which key, its deadline in jiffies, its hit
 * counters. Additions act at once. A removal leaves bits in the filter, which cost a lookup and
 * nothing else, until dropmap_maintain builds the idle version and turns to it.
 */
#include "enforce/dropmap.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/log.h"
#include "enforce/dropmap_private.h"

#define TURN_NS (50 * NS_PER_MS) /* no program still reads a version that was left so long ago */

static void add_to_filter(struct node *node, void *context)
{
	struct prefix prefix = node_prefix(node);
	int err;

	if (node->key.kind == BLOCK_DESTINATION)
		return;
	err = prefix_filter_add(context, &prefix);

	if (err)
		log_error("failed to put a block into the filter: %s", strerror(-err));
}

/* Builds the version that the program does not read, and turns to it. */
static void rebuild(struct dropmap *dropmap, int64_t now_ns)
{
	uint32_t idle = !dropmap_live(dropmap), base = idle * FILTER_LINES_VERSION;
	struct prefix_filter filter = dropmap_filter(dropmap, idle);

	prefix_filter_begin(&filter, base,
			    prefix_filter_lines(dropmap->nodes.count, FILTER_LINES_BLOCKS),
			    base + FILTER_LINES_BLOCKS);
	block_nodes_each(&dropmap->nodes, add_to_filter, &filter);
	prefix_filter_sort(filter.set);
	__atomic_store_n(&dropmap->maps.control->version, idle, __ATOMIC_RELEASE);
	dropmap->turned_ns = now_ns;
	dropmap->stale = false;
}

void dropmap_rebuild_stale(struct dropmap *dropmap, struct moment now)
{
	if (dropmap->stale && now.boot_ns - dropmap->turned_ns >= TURN_NS)
		rebuild(dropmap, now.boot_ns);
}

void dropmap_maintain(struct dropmap *dropmap, struct moment now)
{
	pthread_mutex_lock(&dropmap->mutex);
	if (jiffies_refresh(&dropmap->clock))
		log_warning("failed to read jiffies: %m");
	dropmap_rebuild_stale(dropmap, now);
	pthread_mutex_unlock(&dropmap->mutex);
}

void dropmap_count_kinds(struct dropmap *dropmap)
{
	uint64_t destinations = 0;

	for (int bit = 0; bit < 64; bit++)
		if (dropmap->nodes.destination_counts[bit])
			destinations |= 1ULL << bit;
	dropmap->maps.control->port_blocks = dropmap->nodes.port_count;
	dropmap->maps.control->destination_blocks = destinations;
}

/* What the program is to know of the rule. */
static struct block block_of(const struct dropmap *dropmap, const struct rule *rule,
			     const struct node *node)
{
	struct block old, block = {
		.deadline_jiffies = jiffies_at(&dropmap->clock, rule->expires.boot_ns),
		.classes = rule->classes,
		/* a limit of nothing is a drop */
		.action =
			rule->action == ACTION_LIMIT && rule->limit_pps ? BLOCK_LIMIT : BLOCK_DROP,
		.rule_id = rule->id,
		.hits = node->hits,
		.limit_pps = rule->limit_pps,
		.overlaps_protected = node->overlaps_protected,
	};

	/* a renewal is no new second's worth */
	if (block.action == BLOCK_LIMIT &&
	    !bpf_map_lookup_elem(dropmap->maps.fds.blocks, &node->key, &old))
		block.limit_time = old.limit_time;
	return block;
}

/* What the program asks before it looks for a block. */
static int prepare_program(struct dropmap *dropmap, const struct rule *rule)
{
	struct prefix_filter filter = dropmap_filter(dropmap, dropmap_live(dropmap));
	struct prefix_set *set = filter.set;
	uint32_t lengths = set->count[0] + set->count[1];
	int err = rule->to_destination ? 0 : prefix_filter_add(&filter, &rule->prefix);

	/* a new length stands last until the next turn sorts it; more lines come with it too */
	if (set->count[0] + set->count[1] != lengths ||
	    (uint64_t)(set->filter_mask + 1) * FILTER_LINE_BITS <
		    dropmap->nodes.count * FILTER_PREFIX_BITS / 2)
		dropmap->stale = true;
	return err;
}

int dropmap_prepare(struct dropmap *dropmap, const struct rule *rule, struct addition *out)
{
	int err = 0;

	out->rule = rule;
	out->key = rule_key(rule);
	out->node = block_nodes_find(&dropmap->nodes, &out->key);
	out->fresh = !out->node;
	if (out->fresh)
		err = block_nodes_add(&dropmap->nodes, &out->key, &out->node);
	if (err)
		return err;
	out->node->rule_id = rule->id;
	out->node->wanted = true;
	out->node->overlaps_protected = dropmap_overlaps_protected(dropmap, &out->key);
	out->block = block_of(dropmap, rule, out->node);
	return 0;
}

int dropmap_finish(struct dropmap *dropmap, const struct addition *addition, int err)
{
	if (addition->fresh && !err)
		err = prepare_program(dropmap, addition->rule);
	if (addition->fresh && err) {
		bpf_map_delete_elem(dropmap->maps.fds.blocks, &addition->key);
		block_nodes_delete(&dropmap->nodes, addition->node);
	}
	return err;
}

static int put(struct dropmap *dropmap, const struct rule *rule, bool *fresh)
{
	struct addition addition;
	int err = dropmap_prepare(dropmap, rule, &addition);

	*fresh = addition.fresh;
	if (err)
		return err;
	if (bpf_map_update_elem(dropmap->maps.fds.blocks, &addition.key, &addition.block, BPF_ANY))
		err = errno == E2BIG ? -ENOSPC : -errno;
	err = dropmap_finish(dropmap, &addition, err);
	dropmap_count_kinds(dropmap);
	return err;
}

void dropmap_remember_failure(struct dropmap *dropmap, int err)
{
	if (err == -E2BIG)
		snprintf(dropmap->full, sizeof(dropmap->full),
			 "failed to add block %zu: prefixes of %d lengths are there, there is no"
			 " room for another length",
			 dropmap->nodes.count + 1, SET_LENGTHS);
	else
		snprintf(dropmap->full, sizeof(dropmap->full), "failed to add block %zu: %s",
			 dropmap->nodes.count + 1, strerror(-err));
}

void dropmap_forget_failure(struct dropmap *dropmap)
{
	dropmap->full[0] = '\0';
}

int dropmap_put(struct dropmap *dropmap, const struct rule *rule, struct moment now)
{
	bool fresh;
	int err;

	(void)now;
	pthread_mutex_lock(&dropmap->mutex);
	err = put(dropmap, rule, &fresh);
	if (err)
		dropmap_remember_failure(dropmap, err);
	else if (fresh) /* a renewal says nothing about the block that was refused */
		dropmap_forget_failure(dropmap);
	pthread_mutex_unlock(&dropmap->mutex);
	return err == -E2BIG ? -ENOSPC : err;
}

int dropmap_remove_block(struct dropmap *dropmap, struct node *node)
{
	int err = 0;

	if (bpf_map_delete_elem(dropmap->maps.fds.blocks, &node->key) && errno != ENOENT)
		err = -errno;
	block_nodes_delete(&dropmap->nodes, node);
	dropmap_count_kinds(dropmap);
	dropmap->stale = true;
	return err;
}

int dropmap_remove(struct dropmap *dropmap, const struct rule *rule)
{
	const struct block_key key = rule_key(rule);
	struct node *node;
	int err = -ENOENT;

	pthread_mutex_lock(&dropmap->mutex);
	node = block_nodes_find(&dropmap->nodes, &key);
	if (node && node->rule_id == rule->id)
		err = dropmap_remove_block(dropmap, node);
	else
		dropmap_forget_failure(dropmap); /* it may have been the one that was refused */
	pthread_mutex_unlock(&dropmap->mutex);
	return err;
}

int dropmap_hits(struct dropmap *dropmap, const struct rule *rule, uint64_t *packets,
		 uint64_t *bytes)
{
	const struct block_key key = rule_key(rule);
	struct node *node;
	int err = -ENOENT;

	pthread_mutex_lock(&dropmap->mutex);
	node = block_nodes_find(&dropmap->nodes, &key);
	if (node && node->rule_id == rule->id)
		err = block_nodes_hits(&dropmap->nodes, node, packets, bytes);
	pthread_mutex_unlock(&dropmap->mutex);
	return err;
}

struct drafts {
	struct dropmap *dropmap;
	struct moment now;
	bool (*known)(const void *context, const struct block_key *key);
	const void *context;
	struct rule *rules;
	size_t count;
};

static void draft(struct node *node, void *context)
{
	struct drafts *drafts = context;
	const struct dropmap *dropmap = drafts->dropmap;
	struct block block;
	int64_t expires_ns;

	if (drafts->known(drafts->context, &node->key) ||
	    bpf_map_lookup_elem(dropmap->maps.fds.blocks, &node->key, &block))
		return;
	expires_ns = jiffies_boot_ns(&dropmap->clock, block.deadline_jiffies);
	if (expires_ns <= drafts->now.boot_ns)
		return;
	drafts->rules[drafts->count++] = (struct rule){
		.id = block.rule_id,
		.prefix = node_prefix(node),
		.port = node->key.port,
		.protocol = node->key.protocol,
		.to_destination = node->key.kind == BLOCK_DESTINATION,
		.action = block.action == BLOCK_LIMIT ? ACTION_LIMIT : ACTION_DROP,
		.classes = block.classes,
		.limit_pps = block.limit_pps,
		.detector = DETECTOR_NONE,
		.evidence = EVIDENCE_UNPROVEN,
		.origin = ORIGIN_DETECTOR,
		.reason = "block of an earlier run whose record is lost",
		.created = drafts->now,
		.expires = moment_plus(drafts->now, expires_ns - drafts->now.boot_ns),
	};
}

int dropmap_rules(struct dropmap *dropmap,
		  bool (*known)(const void *context, const struct block_key *key),
		  const void *context, struct moment now, struct rule **out, size_t *count)
{
	struct drafts drafts = {
		.dropmap = dropmap, .now = now, .known = known, .context = context
	};

	pthread_mutex_lock(&dropmap->mutex);
	drafts.rules = calloc(dropmap->nodes.count + 1, sizeof(*drafts.rules));
	if (drafts.rules)
		block_nodes_each(&dropmap->nodes, draft, &drafts);
	pthread_mutex_unlock(&dropmap->mutex);
	if (!drafts.rules)
		return -ENOMEM;
	*out = drafts.rules;
	*count = drafts.count;
	return 0;
}

void dropmap_status(struct dropmap *dropmap, struct enforcer_status *out)
{
	pthread_mutex_lock(&dropmap->mutex);
	*out = (struct enforcer_status){ .name = "xdp", .rules = dropmap->nodes.count };
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

void dropmap_capture(struct dropmap *dropmap, const struct prefix *prefix)
{
	struct verdict_control *control = dropmap->maps.control;
	struct address ones;

	memset(&ones, 0xff, sizeof(ones));
	pthread_mutex_lock(&dropmap->mutex);
	__atomic_store_n(&control->capture, 0, __ATOMIC_RELEASE);
	if (prefix) {
		control->capture_address = prefix->address;
		control->capture_mask = address_masked(&ones, prefix->len);
		__atomic_store_n(&control->capture, 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&dropmap->mutex);
}

static int load_contents(struct dropmap *dropmap)
{
	struct dropmap_maps *maps = &dropmap->maps;
	int err = block_nodes_open(&dropmap->nodes, maps->fds.block_hits, maps->max_blocks,
				   maps->adopted ? maps->fds.blocks : -1);

	dropmap_count_kinds(dropmap);
	if (!err && maps->adopted)
		err = dropmap_load_protected(dropmap);
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
	dropmap->maps.control->hz = dropmap->clock.hz;
	dropmap->maps.control->observe = options->observe;
	dropmap->maps.control->capture = 0;
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
	block_nodes_close(&dropmap->nodes);
	protected_list_free(&dropmap->protected_set);
	pthread_mutex_destroy(&dropmap->mutex);
	free(dropmap);
	*out = NULL;
}
