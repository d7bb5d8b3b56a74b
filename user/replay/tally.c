// SPDX-License-Identifier: GPL-2.0-or-later
/* One open-addressed table that doubles until it holds the most it may. */
#include "replay/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "packet.h"
#include "replay/memory.h"

#define FIRST_SIZE 4096
#define EXACT	   128
#define LEVELS	   (EXACT + 64)

void tally_init(struct tally *tally, const struct hash_key *key, size_t most)
{
	*tally = (struct tally){ .key = *key, .most = most };
}

void tally_free(struct tally *tally)
{
	memory_free(tally->places, tally->size * sizeof(*tally->places));
	*tally = (struct tally){ 0 };
}

static size_t first_place(const struct tally *tally, const struct address *source)
{
	return (hash_address(&tally->key, source) >> 32) & (tally->size - 1);
}

void tally_expect(const struct tally *tally, const struct address *source)
{
	if (tally->size)
		__builtin_prefetch(&tally->places[first_place(tally, source)], 1);
}

static struct tally_source *find(const struct tally *tally, const struct address *source)
{
	size_t mask = tally->size - 1, at = first_place(tally, source);

	for (;; at = (at + 1) & mask) {
		struct tally_source *place = &tally->places[at];

		if (!place->packets || (place->address.halves[0] == source->halves[0] &&
					place->address.halves[1] == source->halves[1]))
			return place;
	}
}

/* Moves everybody who is louder than the level to a table of that size. */
static int rebuild(struct tally *tally, size_t size, uint64_t above)
{
	struct tally new = *tally;

	new.places = memory_new(size * sizeof(*new.places));
	if (!new.places)
		return -ENOMEM;
	new.size = size;
	new.count = 0;
	for (size_t i = 0; i < tally->size; i++) {
		const struct tally_source *source = &tally->places[i];

		if (!source->packets)
			continue;
		if (source->packets <= above) {
			new.omitted++;
			continue;
		}
		*find(&new, &source->address) = *source;
		new.count++;
	}
	memory_free(tally->places, tally->size * sizeof(*tally->places));
	*tally = new;
	return 0;
}

/* Up to EXACT packets each number is a level of its own, above it each power of two. */
static unsigned int level_of(uint64_t packets)
{
	return packets < EXACT ? (unsigned int)packets
			       : EXACT + 63u - (unsigned int)__builtin_clzll(packets / EXACT);
}

static uint64_t level_end(unsigned int level)
{
	return level < EXACT ? level : (uint64_t)EXACT * (2ULL << (level - EXACT)) - 1;
}

/* The number of packets that at least half of the sources have not passed. */
static uint64_t quiet_half(const struct tally *tally)
{
	size_t levels[LEVELS] = { 0 }, sum = 0;
	unsigned int level = 0;

	for (size_t i = 0; i < tally->size; i++)
		levels[level_of(tally->places[i].packets)]++;
	while (sum < tally->count / 2)
		sum += levels[++level]; /* level 0 are the free places */
	return level_end(level);
}

static int make_room(struct tally *tally)
{
	if (!tally->size)
		return rebuild(tally, FIRST_SIZE, 0);
	if (tally->count == tally->most)
		return rebuild(tally, tally->size, quiet_half(tally));
	if (tally->count * 4 >= tally->size * 3)
		return rebuild(tally, tally->size * 2, 0);
	return 0;
}

int tally_add(struct tally *tally, const struct address *source, bool dropped)
{
	struct tally_source *place = tally->size ? find(tally, source) : NULL;
	int err;

	if (packet_unlikely(!place || !place->packets)) {
		err = make_room(tally);
		if (err)
			return err;
		place = find(tally, source);
		place->address = *source;
		tally->count++;
	}
	place->packets++;
	place->dropped += dropped;
	return 0;
}

static int compare(const void *a_, const void *b_)
{
	const struct tally_source *a = a_, *b = b_;

	if (a->packets != b->packets)
		return a->packets < b->packets ? 1 : -1;
	return memcmp(&a->address, &b->address, sizeof(a->address));
}

void tally_sort(struct tally *tally)
{
	size_t kept = 0;

	for (size_t i = 0; i < tally->size; i++)
		if (tally->places[i].packets)
			tally->places[kept++] = tally->places[i];
	if (kept)
		qsort(tally->places, kept, sizeof(*tally->places), compare);
}
