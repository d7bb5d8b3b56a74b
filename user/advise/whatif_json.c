/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would be otherwise, in words and numbers. */
#include <inttypes.h>
#include <stdio.h>
#include "advise/answer.h"
#include "advise/whatif.h"
#include "base/address.h"

#define SAYS 240

static struct json *tally_json(const struct whatif_tally *tally)
{
	struct json *json = json_new_object();

	json_add_int(json, "sources", (int64_t)tally->named);
	json_add_bool(json, "complete", tally->complete);
	json_add_int(json, "source_hours", (int64_t)tally->hours);
	return json;
}

static bool allowed(const struct config *config, const struct prefix *source)
{
	for (size_t i = 0; i < config->access.allow_count; i++) {
		if (prefix_overlaps(&config->access.allow[i], source))
			return true;
	}
	return false;
}

/* The group of the candidate's by whose limits it would be judged; "": by none. */
static const char *group_of(const struct config *config, const struct prefix *source)
{
	for (unsigned int i = 0; i < config->group_count; i++) {
		const struct group_config *group = &config->groups[i];

		for (size_t j = 0; !group->port_count && j < group->source_count; j++) {
			if (prefix_overlaps(&group->sources[j], source))
				return group->name;
		}
	}
	return "";
}

static struct json *source_json(const struct whatif *whatif, const struct whatif_limit *limit,
				const struct whatif_source *source)
{
	struct json *json = json_new_object();
	char text[PREFIX_TEXT];

	json_add_string(json, "source", prefix_format(&source->source, text));
	json_add_int(json, "peak", (int64_t)whatif_reckon(limit, source->peak));
	json_add_bool(json, "over", source->over);
	json_add_bool(json, "over_today", source->over_today);
	json_add_bool(json, "found", source->found);
	json_add_string(json, "group", group_of(whatif->candidate, &source->source));
	json_add_bool(json, "allowed", allowed(whatif->candidate, &source->source));
	return json;
}

/* "5 sources", or as much as is known of more. */
static const char *number(const struct whatif_tally *tally, char buf[64])
{
	const char *more = tally->complete ? "" : "at least ";

	snprintf(buf, 64, "%s%" PRIu64 " source%s", more, tally->named,
		 tally->named == 1 ? "" : "s");
	return buf;
}

static int say_difference(const struct whatif_limit *limit, char *buf, size_t size)
{
	char over[64], today[64];

	number(&limit->over, over);
	number(&limit->over_today, today);
	if (!limit->wanted)
		return snprintf(buf, size, "no longer there: %s had been over it", today);
	if (!limit->in_force)
		return snprintf(buf, size, "new: %s would have been over it", over);
	if (limit->count == limit->today)
		return snprintf(buf, size, "as today: %s over it", over);
	if (limit->over.hours == limit->over_today.hours)
		return snprintf(buf, size, "no difference: %s over it", over);
	return snprintf(buf, size, "%s would have been over it, today %s", over, today);
}

static void say(const struct whatif_limit *limit, char buf[SAYS])
{
	int len;

	if (!limit->recorded_seconds) {
		snprintf(buf, SAYS, "nothing was recorded of it: nothing can be said");
		return;
	}
	len = say_difference(limit, buf, SAYS);
	if (limit->recorded_seconds == limit->seconds || len < 0 || len >= SAYS)
		return;
	snprintf(buf + len, (size_t)(SAYS - len),
		 "; reckoned from the window of %" PRIu32 " s, since none of %" PRIu32
		 " s was recorded: %s this",
		 limit->recorded_seconds, limit->seconds,
		 limit->recorded_seconds < limit->seconds ? "not more than" : "perhaps more than");
}

static void add_count(struct json *json, const char *key, bool there, uint64_t count)
{
	if (there)
		json_add_int(json, key, (int64_t)count);
	else
		json_add_null(json, key);
}

static struct json *limit_json(const struct whatif *whatif, const struct whatif_limit *limit)
{
	struct json *json = json_new_object(), *sources = json_new_array();
	char text[SAYS];

	say(limit, text);
	json_add_string(json, "detector", detector_name(limit->detector));
	json_add_int(json, "seconds", limit->seconds);
	add_count(json, "count", limit->wanted, limit->count);
	add_count(json, "today", limit->in_force, limit->today);
	add_count(json, "recorded_seconds", limit->recorded_seconds, limit->recorded_seconds);
	json_add(json, "over", tally_json(&limit->over));
	json_add(json, "over_today", tally_json(&limit->over_today));
	for (size_t i = 0; i < limit->source_count; i++)
		json_append(sources, source_json(whatif, limit, &limit->sources[i]));
	json_add(json, "sources", sources);
	json_add_string(json, "says", text);
	return json;
}

static void add_change(struct json *list, enum detector_id id, const char *text)
{
	struct json *json = json_new_object();

	json_add_string(json, "detector", detector_name(id));
	json_add_string(json, "says", text);
	json_append(list, json);
}

/* Switched on or off, or another action: what no count shows. */
static struct json *changes_json(const struct whatif *whatif)
{
	struct json *list = json_new_array();
	char text[64];

	for (unsigned int id = 0; id < DETECTOR_COUNT; id++) {
		const struct detector_config *candidate = &whatif->candidate->detectors[id];
		const struct detector_config *today = &whatif->today->detectors[id];

		if (candidate->enabled != today->enabled) {
			add_change(list, (enum detector_id)id,
				   candidate->enabled ? "is off today, would be on"
						      : "is on today, would be off");
		} else if (candidate->enabled && candidate->action != today->action) {
			snprintf(text, sizeof(text), "action %s today, would be %s",
				 action_name(today->action), action_name(candidate->action));
			add_change(list, (enum detector_id)id, text);
		}
	}
	return list;
}

struct json *whatif_json(const struct whatif *whatif)
{
	struct json *json = answer_begin(&whatif->past), *limits = json_new_array();

	json_add_string(json, "candidate", whatif->candidate->path);
	json_add_string(json, "today", whatif->today->path);
	json_add(json, "changes", changes_json(whatif));
	for (unsigned int i = 0; i < whatif->limit_count; i++)
		json_append(limits, limit_json(whatif, &whatif->limits[i]));
	json_add(json, "limits", limits);
	return json;
}
