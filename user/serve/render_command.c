/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came of a command, as the control protocol's JSON. */
#include "serve/render.h"

#include <string.h>
#include "base/address.h"
#include "base/json.h"
#include "model/command.h"
#include "model/protected.h"

void render_time(struct json *object, const char *key, struct moment at)
{
	char text[MOMENT_TEXT];

	if (at.boot_ns)
		json_add_string(object, key, moment_format(at, text));
	else
		json_add_null(object, key);
}

static void add_prefix(struct json *object, const struct prefix *prefix)
{
	char address[ADDRESS_TEXT];

	json_add_string(object, "address", address_format(&prefix->address, address));
	json_add_int(object, "prefix_len", prefix_family_len(prefix));
}

struct json *render_protected(const void *row)
{
	const struct protected_prefix *protected = row;
	struct json *json = json_new_object();

	if (json) {
		add_prefix(json, &protected->prefix);
		json_add_string(json, "reason", protected->reason);
	}
	return json;
}

struct json *render_block(const struct block_result *result)
{
	struct json *json = json_new_object();

	if (json) {
		json_add_int(json, "blocked", 1);
		json_add_bool(json, "renewed", result->renewed);
		json_add(json, "rule", render_rule(&result->status));
	}
	return json;
}

void block_answer_begin(struct block_answer *answer)
{
	*answer = (struct block_answer){ .refused = json_new_array() };
}

void block_answer_refused(struct block_answer *answer, size_t index, const char *error)
{
	struct json *json = json_new_object();

	if (json) {
		json_add_int(json, "index", (int64_t)index);
		json_add_string(json, "error", error);
	}
	json_append(answer->refused, json);
}

struct json *block_answer_end(struct block_answer *answer)
{
	struct json *json = json_new_object();

	json_add_int(json, "blocked", (int64_t)answer->blocked);
	json_add_int(json, "wait_ms", answer->wait_ms);
	json_add(json, "refused", answer->refused);
	return json;
}

struct json *render_unblock(const struct unblock_result *result)
{
	struct json *json = json_new_object(), *rules = json_new_array();

	for (size_t i = 0; rules && i < result->count && i < UNBLOCK_SHOWN; i++) {
		struct rule_status status = { .rule = result->rules[i],
					      .removed = true,
					      .removed_why = REMOVED_MANUAL,
					      .removed_at = result->at };

		json_append(rules, render_rule(&status));
	}
	json_add_int(json, "ended", (int64_t)result->count);
	json_add_int(json, "left", (int64_t)result->left);
	json_add_int(json, "wait_ms", result->wait_ms);
	json_add(json, "rules", rules);
	render_time(json, "held_until", result->held_until);
	return json;
}

struct json *render_allow(const struct allow_request *request, const struct allow_result *result)
{
	struct json *json = json_new_object();

	if (json) {
		add_prefix(json, &request->prefix);
		json_add_bool(json, "allowed", !request->remove);
		json_add_bool(json, "changed", result->changed);
		json_add_int(json, "ended", (int64_t)result->ended);
		if (result->unrecorded)
			json_add_bool(json, "unrecorded", true);
	}
	return json;
}

struct json *render_reload(const struct reload_result *result)
{
	struct json *json = json_new_object();

	if (json) {
		json_add_bool(json, "changed", result->changed);
		json_add_string(json, "config", result->path);
		json_add_string(json, "config_hash", result->hash);
		json_add_string(json, "needs_restart", result->kept);
		render_time(json, "confirm_until", result->confirm_end);
	}
	return json;
}

struct json *render_pause(const struct pause_result *result)
{
	struct json *json = json_new_object();

	render_time(json, "paused_until", result->until);
	json_add_bool(json, "disarmed", result->disarmed);
	return json;
}

static struct json *render_frame(const struct capture_frame *frame)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * CAPTURE_BYTES + 1];
	struct json *json = json_new_object();
	size_t n = frame->captured_bytes;

	for (size_t i = 0; i < n; i++) {
		hex[2 * i] = digits[frame->bytes[i] >> 4];
		hex[2 * i + 1] = digits[frame->bytes[i] & 15];
	}
	hex[2 * n] = '\0';
	if (json) { /* in two numbers: JSON's are exact up to 2^53 only */
		json_add_int(json, "at_s", frame->at.wall_ns / NS_PER_SECOND);
		json_add_int(json, "at_ns", frame->at.wall_ns % NS_PER_SECOND);
		json_add_string(json, "interface", frame->interface);
		json_add_int(json, "rule", frame->rule);
		json_add_int(json, "bytes", frame->frame_bytes);
		json_add_string(json, "data", hex);
	}
	return json;
}

struct json *render_captured(const struct capture_lot *lot)
{
	struct json *json = json_new_object(), *frames = json_new_array();

	for (size_t i = 0; frames && i < lot->count; i++)
		json_append(frames, render_frame(&lot->frames[i]));
	json_add_bool(json, "running", lot->running);
	json_add_int(json, "lost", (int64_t)lot->lost);
	json_add(json, "frames", frames);
	return json;
}
