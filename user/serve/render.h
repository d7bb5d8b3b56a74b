/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model as the control protocol's JSON. Each returns a new tree or NULL. Private to serve/. */
#ifndef FWGEN_SERVE_RENDER_H
#define FWGEN_SERVE_RENDER_H

#include <stddef.h>
#include "base/clock.h"

struct allow_request;
struct allow_result;
struct block_result;
struct capture_lot;
struct explanation;
struct json;
struct pause_result;
struct reload_result;
struct status;
struct unblock_result;

struct json *render_status(const struct status *status);
struct json *render_explanation(const struct explanation *explanation);
/* Rows of a list: struct source_status, struct rule_status, struct event, struct protected_prefix.
 */
struct json *render_source(const void *row);
struct json *render_rule(const void *row);
struct json *render_event(const void *row);
struct json *render_protected(const void *row);

/* What came of commands. */
struct json *render_block(const struct block_result *result);
struct json *render_unblock(const struct unblock_result *result);
struct json *render_allow(const struct allow_request *request, const struct allow_result *result);
struct json *render_reload(const struct reload_result *result);
struct json *render_pause(const struct pause_result *result);
struct json *render_captured(const struct capture_lot *lot);

/* What came of a list of blocks. */
struct block_answer {
	struct json *refused;
	size_t blocked;
	unsigned int wait_ms;
};
void block_answer_begin(struct block_answer *answer);
void block_answer_refused(struct block_answer *answer, size_t index, const char *error);
struct json *block_answer_end(struct block_answer *answer);

/* A time, or null for boot_ns 0. */
void render_time(struct json *object, const char *key, struct moment at);

#endif
