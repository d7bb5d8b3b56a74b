/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon is to live packets: tables, tracker, detectors, policy and the rules in force, on
 * a clock that the frames' own times move. world_frame() is the whole way of the data.
 */
#ifndef FWGEN_REPLAY_WORLD_H
#define FWGEN_REPLAY_WORLD_H

#include "model/config.h"
#include "replay/features.h"
#include "replay/link.h"
#include "replay/record.h"
#include "replay/report.h"

struct world;

struct world_options { /* all stay the caller's */
	const struct config *config;
	const struct report_ops *report;
	FILE *out;
	struct record *record;	   /* or NULL */
	struct features *features; /* or NULL */
};

/* Returns 0 or -ENOMEM. */
int world_new(const struct world_options *options, struct world **world);
void world_free(struct world **world);

/* The next file's frames are counted apart from the last one's. */
void world_begin_file(struct world *world, const char *file, int link_type);
/*
 * Takes the next frame. Returns 0; -EINVAL when it is the file's first and older than what an
 * earlier file ended with; or -ENOMEM: from here on something is missing.
 */
int world_frame(struct world *world, struct captured *frame);
/*
 * Ends the running interval and says what the file was; after the last one all rules end, each at
 * its time. Returns 0 or -ENOMEM.
 */
int world_end_file(struct world *world, bool last);

/* The capture's clock: the latest time that a frame had. */
struct moment world_now(const struct world *world);

#endif
