/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits from what sources came to in peace. */
#ifndef FWGEN_ADVISE_SUGGEST_H
#define FWGEN_ADVISE_SUGGEST_H

#include "advise/past.h"
#include "base/json.h"
#include "model/config.h"

/*
 * A limit is proposed at twice what 99.9 % of the sources stayed under, and at least half as much
 * again as the largest came to; never below suggest_floor of the default; never above today's where
 * somebody was found by it, since then nobody knows which of those below it are harmless.
 */
#define SUGGEST_TYPICAL_FACTOR 2.0
#define SUGGEST_LARGEST_FACTOR 1.5
#define SUGGEST_SOURCES_MIN    20 /* source-hours, below which nothing is proposed */
#define SUGGEST_HISTORY_NS     (3600 * NS_PER_SECOND)

#define SUGGEST_SAYS 160

struct suggestion {
	const struct past_limit *past;
	uint64_t p50, p90, p99, p99_9;
	uint64_t count;		 /* proposed; today's where nothing is */
	bool changed;		 /* count is not today's */
	char says[SUGGEST_SAYS]; /* why */
};

/*
 * The least that is ever proposed where `count` is the default: a tenth, or half of it up to 100.
 * What a quiet week did not show may come in the next one.
 */
uint64_t suggest_floor(uint64_t count);

/*
 * One suggestion for each limit in force, ordered as in a configuration. Returns how many; the
 * caller frees *out. defaults: config_defaults(). -ENOMEM.
 */
int suggest_make(const struct past *past, const struct config *defaults, struct suggestion **out);

/* Why there is no suggestion at all, or NULL. */
const char *suggest_refuses(const struct past *past);

/*
 * The answer of `fwgen suggest`, with a fragment of a configuration where something would change.
 * NULL when memory ran out.
 */
struct json *suggest_json(const struct past *past, const struct config *defaults);

#endif
