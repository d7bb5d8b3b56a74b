/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many packets each source has sent and how many of them were dropped, exactly, for as many
 * sources as fit. When they are too many the quieter half is forgotten, and counted.
 */
#ifndef FWGEN_REPLAY_TALLY_H
#define FWGEN_REPLAY_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "hash.h"

#define TALLY_SOURCES_MAX 1000000

struct tally_source {
	struct address address;
	uint64_t packets; /* 0: a free place */
	uint64_t dropped;
};

struct tally {
	struct tally_source *places; /* probed in a line */
	size_t size;		     /* a power of two */
	size_t count, most;
	uint64_t omitted; /* forgotten; one that comes again is counted anew */
	struct hash_key key;
};

/* most: TALLY_SOURCES_MAX, but for tests. */
void tally_init(struct tally *tally, const struct hash_key *key, size_t most);
void tally_free(struct tally *tally);
/* The source will be added soon: has its place fetched into the cache. */
void tally_expect(const struct tally *tally, const struct address *source);
/* Returns 0 or -ENOMEM: not counted. */
int tally_add(struct tally *tally, const struct address *source, bool dropped);
/* Puts the sources in order, the most packets first; nothing can be added after that. */
void tally_sort(struct tally *tally);

#endif
