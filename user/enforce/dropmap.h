/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drop map: the desired ruleset where the XDP program looks. Owner of the maps that all
 * interfaces' programs share. All calls are thread-safe and take microseconds (dropmap_sync and the
 * rebuild in dropmap_maintain: milliseconds at 100,000 blocks).
 */
#ifndef FWGEN_ENFORCE_DROPMAP_H
#define FWGEN_ENFORCE_DROPMAP_H

#include "model/protected.h"
#include "model/rule.h"
#include "model/status.h"
#include "model/verdict_maps.h"

struct dropmap;

struct dropmap_options {
	const char *pin_dir;	 /* NULL: nothing is pinned */
	unsigned int max_blocks; /* entries */
	bool observe;
};

/*
 * Creates the maps, or adopts what an earlier run pinned: its blocks stay in force until
 * dropmap_sync says which of them are wanted. Returns 0, or -errno with a text.
 */
int dropmap_open(const struct dropmap_options *options, struct dropmap **out, char error[512]);
/* keep: pins and blocks stay (with their deadlines); otherwise they are removed. */
void dropmap_close(struct dropmap **dropmap, bool keep);

/*
 * What the maps hold beside what is known, as rules with the time they have left: all that can be
 * told of an earlier run's blocks when their record is lost. Blocks whose time is over are left
 * out. The caller frees *out. Returns 0 or -ENOMEM.
 */
int dropmap_rules(struct dropmap *dropmap,
		  bool (*known)(const void *context, const struct block_key *key),
		  const void *context, struct moment now, struct rule **out, size_t *count);

void dropmap_maps(const struct dropmap *dropmap, struct verdict_maps *out);
void dropmap_set_observe(struct dropmap *dropmap, bool observe);
/*
 * Samples of what is dropped (in observe mode: would be) from or to this prefix go to the perf
 * events in verdict_maps.captured, at most CAPTURE_PER_JIFFY of each CPU and interface; see
 * sense/captured.h. NULL: none, as at first.
 */
void dropmap_capture(struct dropmap *dropmap, const struct prefix *prefix);

/*
 * Adds the rule or moves its deadline. Returns 0, or -errno; -ENOSPC when the map is full or the
 * prefixes in it have SET_LENGTHS other lengths: what is there stays, and can be renewed.
 */
int dropmap_put(struct dropmap *dropmap, const struct rule *rule, struct moment now);
/* Returns 0, -ENOENT, or -errno. */
int dropmap_remove(struct dropmap *dropmap, const struct rule *rule);
/* These rules and no others. Returns 0 or the first -errno (the rest is still done). */
int dropmap_sync(struct dropmap *dropmap, const struct rule *rules, size_t n, struct moment now);
/* The set that the program checks before any drop. Returns 0 or -errno. */
int dropmap_protect(struct dropmap *dropmap, const struct protected_list *list);

/* Packets and bytes that the rule has dropped. Returns 0 or -ENOENT. */
int dropmap_hits(struct dropmap *dropmap, const struct rule *rule, uint64_t *packets,
		 uint64_t *bytes);
/* Once a tick: asks the kernel's clock anew and rebuilds the filter after removals. */
void dropmap_maintain(struct dropmap *dropmap, struct moment now);
void dropmap_status(struct dropmap *dropmap, struct enforcer_status *out);

#endif
