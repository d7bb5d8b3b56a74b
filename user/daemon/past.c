/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two rings: rules that have ended, floods that last. Looked through from end to end, since only a
 * person's question reads them.
 */
#include "daemon/past.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"

struct past {
	struct past_block blocks[PAST_BLOCKS];
	uint64_t ended; /* all ever; the newest is blocks[(ended - 1) % PAST_BLOCKS] */
	struct flood floods[PAST_FLOODS];
	size_t flood_count;
};

int past_new(struct past **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void past_free(struct past **past)
{
	free(*past);
	*past = NULL;
}

void past_add(struct past *past, const struct past_block *block)
{
	past->blocks[past->ended++ % PAST_BLOCKS] = *block;
}

static struct flood *find_flood(struct past *past, const struct rule_change *change)
{
	for (size_t i = 0; i < past->flood_count; i++) {
		struct flood *flood = &past->floods[i];

		if (address_equal(&flood->destination, &change->destination) &&
		    flood->classes == change->rule.classes)
			return flood;
	}
	return NULL;
}

static void end_flood(struct past *past, struct flood *flood)
{
	size_t place = (size_t)(flood - past->floods);

	past->flood_count--;
	memmove(flood, flood + 1, (past->flood_count - place) * sizeof(*flood));
}

static void note_flood(struct past *past, const struct rule_change *change, struct moment now)
{
	struct flood *flood = find_flood(past, change);
	struct moment since = now;

	if (flood) { /* told of again: it has lasted all the while */
		since = flood->since;
		end_flood(past, flood);
	} else if (past->flood_count == PAST_FLOODS) {
		end_flood(past, &past->floods[0]);
	}
	past->floods[past->flood_count++] = flood_of(change, since);
}

void past_note(struct past *past, const struct rule_change *change, struct moment now)
{
	struct past_block block = { .rule = change->rule,
				    .why = change->removed_why,
				    .ended = now };
	struct flood *flood;

	if (change->kind == RULE_REMOVED) {
		past_add(past, &block);
	} else if (change->kind == RULE_ALARMED && change->sources) {
		note_flood(past, change, now);
	} else if (change->kind == RULE_ALARM_OVER) {
		flood = find_flood(past, change);
		if (flood)
			end_flood(past, flood);
	}
}

static void explain_blocks(const struct past *past, struct explanation *out)
{
	uint64_t kept = past->ended < PAST_BLOCKS ? past->ended : PAST_BLOCKS;

	for (uint64_t i = 0; i < kept; i++) {
		const struct past_block *block = &past->blocks[(past->ended - 1 - i) % PAST_BLOCKS];

		if (!prefix_overlaps(&block->rule.prefix, &out->prefix))
			continue;
		if (out->earlier_count < EARLIER_SHOWN)
			out->earlier[out->earlier_count] = *block;
		out->earlier_count++;
	}
}

void past_explain(const struct past *past, struct explanation *out)
{
	explain_blocks(past, out);
	for (size_t i = past->flood_count; i-- > 0 && out->flood_count < FLOODS_SHOWN;) {
		if (prefix_contains(&out->prefix, &past->floods[i].destination))
			out->floods[out->flood_count++] = past->floods[i];
	}
}
