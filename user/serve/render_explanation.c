/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An explanation as the control protocol's JSON: the sentences, and what they are made of. */
#include "serve/render.h"

#include <stdint.h>
#include "base/address.h"
#include "base/json.h"
#include "model/explanation.h"
#include "serve/sentences.h"

static struct json *render_running(const struct source_seen *seen)
{
	struct json *list = json_new_array();

	for (size_t i = 0; list && i < seen->running_count; i++) {
		const struct running_count *running = &seen->running[i];
		struct json *json = json_new_object();

		if (json) {
			json_add_string(json, "detector", detector_name(running->detector));
			json_add_int(json, "count", (int64_t)running->count);
			json_add_int(json, "limit_count", (int64_t)running->limit.count);
			json_add_int(json, "limit_seconds", running->limit.seconds);
		}
		json_append(list, json);
	}
	return list;
}

static struct json *render_seen(const struct source_seen *seen)
{
	struct json *json = render_source(&seen->status);

	json_add_string(json, "group", seen->group);
	json_add(json, "running", render_running(seen));
	return json;
}

static struct json *render_rules(const struct explanation *explanation)
{
	struct json *list = json_new_array();

	for (size_t i = 0; list && i < explanation->rule_count; i++)
		json_append(list, render_rule(&explanation->rules[i]));
	return list;
}

static struct json *render_earlier(const struct explanation *explanation)
{
	struct json *list = json_new_array();

	for (size_t i = 0; list && i < explanation->earlier_count && i < EARLIER_SHOWN; i++) {
		const struct past_block *past = &explanation->earlier[i];
		struct rule_status status = { .rule = past->rule,
					      .removed = true,
					      .removed_why = past->why,
					      .removed_at = past->ended };

		json_append(list, render_rule(&status));
	}
	return list;
}

static struct json *render_synproxy(const struct explanation *explanation,
				    const struct flood *flood)
{
	char lines[FLOOD_LINES_MAX][FLOOD_LINE_TEXT];
	size_t n = flood_synproxy(flood, explanation->local, lines);
	struct json *list = json_new_array();

	for (size_t i = 0; list && i < n; i++)
		json_append(list, json_new_string(lines[i]));
	return list;
}

static struct json *render_floods(const struct explanation *explanation)
{
	struct json *list = json_new_array();

	for (size_t i = 0; list && i < explanation->flood_count; i++) {
		const struct flood *flood = &explanation->floods[i];
		char classes[CLASSES_TEXT], command[FLOOD_COMMAND_TEXT];
		struct json *json = json_new_object();

		if (json) {
			json_add_string(json, "class", classes_format(flood->classes, classes));
			json_add_int(json, "port", flood->port);
			json_add_int(json, "packets", (int64_t)flood->packets);
			json_add_int(json, "sources", (int64_t)flood->sources);
			json_add_string(json, "reason", flood->reason);
			render_time(json, "since", flood->since);
			json_add_string(json, "command", flood_command(flood, command));
			json_add(json, "synproxy", render_synproxy(explanation, flood));
		}
		json_append(list, json);
	}
	return list;
}

/* The child, or null when there is nothing to tell. */
static void add_or_null(struct json *json, const char *key, struct json *child)
{
	if (child)
		json_add(json, key, child);
	else
		json_add_null(json, key);
}

struct json *render_explanation(const struct explanation *explanation)
{
	struct json *json = json_new_object(), *sentences = sentences_of(explanation);
	const struct explanation *e = explanation;
	char address[PREFIX_TEXT];

	if (!json || !sentences) {
		json_free(&json);
		json_free(&sentences);
		return NULL;
	}
	json_add_string(json, "address", prefix_format(&e->prefix, address));
	json_add_string(json, "state", sentences_state(e));
	json_add(json, "sentences", sentences);
	add_or_null(json, "rule", e->rule_count ? render_rule(&e->rules[0]) : NULL);
	json_add(json, "rules", render_rules(e));
	if (e->protected)
		json_add_string(json, "protected_as", e->protection.reason);
	else
		json_add_null(json, "protected_as");
	render_time(json, "held_until", e->held_until);
	render_time(json, "paused_until", e->paused_until);
	json_add_bool(json, "disarmed", e->disarmed);
	json_add_int(json, "offences", e->offences);
	json_add_string(json, "mode", mode_name(e->mode));
	json_add_string(json, "config", e->config_path);
	json_add_string(json, "config_hash", e->config_hash);
	add_or_null(json, "seen", e->seen ? render_seen(&e->source) : NULL);
	json_add_int(json, "earlier_count", (int64_t)e->earlier_count);
	json_add(json, "earlier", render_earlier(e));
	json_add(json, "floods", render_floods(e));
	return json;
}
