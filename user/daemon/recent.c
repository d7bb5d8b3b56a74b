/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two rings: rules that have ended, floods that last. Looked through from end to end, since only a
 * person's question reads them.
 */
#include "daemon/recent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"

struct recent {
	struct past_block blocks[RECENT_BLOCKS];
	uint64_t ended; /* all ever; the newest is blocks[(ended - 1) % RECENT_BLOCKS] */
	struct flood floods[RECENT_FLOODS];
	size_t flood_count;
};

int recent_new(struct recent **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void recent_free(struct recent **recent)
{
	free(*recent);
	*recent = NULL;
}

void recent_add(struct recent *recent, const struct past_block *block)
{
	recent->blocks[recent->ended++ % RECENT_BLOCKS] = *block;
}

static struct flood *find_flood(struct recent *recent, const struct rule_change *change)
{
	for (size_t i = 0; i < recent->flood_count; i++) {
		struct flood *flood = &recent->floods[i];

		if (address_equal(&flood->destination, &change->destination) &&
		    flood->classes == change->rule.classes)
			return flood;
	}
	return NULL;
}

static void end_flood(struct recent *recent, struct flood *flood)
{
	size_t place = (size_t)(flood - recent->floods);

	recent->flood_count--;
	memmove(flood, flood + 1, (recent->flood_count - place) * sizeof(*flood));
}

static void note_flood(struct recent *recent, const struct rule_change *change, struct moment now)
{
	struct flood *flood = find_flood(recent, change);
	struct moment since = now;

	if (flood) { /* told of again: it has lasted all the while */
		since = flood->since;
		end_flood(recent, flood);
	} else if (recent->flood_count == RECENT_FLOODS) {
		end_flood(recent, &recent->floods[0]);
	}
	recent->floods[recent->flood_count++] = flood_of(change, since);
}

void recent_note(struct recent *recent, const struct rule_change *change, struct moment now)
{
	struct past_block block = { .rule = change->rule,
				    .why = change->removed_why,
				    .ended = now };
	struct flood *flood;

	if (change->kind == RULE_REMOVED) {
		recent_add(recent, &block);
	} else if (change->sources &&
		   (change->kind == RULE_ALARMED || change->kind == RULE_ADDED)) {
		note_flood(recent, change, now);
	} else if (change->kind == RULE_ALARM_OVER) {
		flood = find_flood(recent, change);
		if (flood)
			end_flood(recent, flood);
	}
}

static void explain_blocks(const struct recent *recent, struct explanation *out)
{
	uint64_t kept = recent->ended < RECENT_BLOCKS ? recent->ended : RECENT_BLOCKS;

	for (uint64_t i = 0; i < kept; i++) {
		const struct past_block *block =
			&recent->blocks[(recent->ended - 1 - i) % RECENT_BLOCKS];

		if (!prefix_overlaps(&block->rule.prefix, &out->prefix))
			continue;
		if (out->earlier_count < EARLIER_SHOWN)
			out->earlier[out->earlier_count] = *block;
		out->earlier_count++;
	}
}

void recent_explain(const struct recent *recent, struct explanation *out)
{
	explain_blocks(recent, out);
	for (size_t i = recent->flood_count; i-- > 0 && out->flood_count < FLOODS_SHOWN;) {
		if (prefix_contains(&out->prefix, &recent->floods[i].destination))
			out->floods[out->flood_count++] = recent->floods[i];
	}
}
