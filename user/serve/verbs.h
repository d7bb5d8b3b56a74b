/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs of the control socket, in one table. Private to serve/. */
#ifndef FWGEN_SERVE_VERBS_H
#define FWGEN_SERVE_VERBS_H

#include "serve/arguments.h"
#include "serve/request.h"

#define VERB_ARGUMENTS 10 /* and the end */

struct verb {
	const char *name;
	bool changes; /* something: for root only */
	const char *help;
	void (*answer)(const struct request *request);
	struct argument arguments[VERB_ARGUMENTS];
};

extern const struct verb verbs[];
extern const size_t verb_count;

/* answer_views.c: what only reads. */
void answer_status(const struct request *request);
void answer_sources(const struct request *request);
void answer_rules(const struct request *request);
void answer_events(const struct request *request);
void answer_protected(const struct request *request);
void answer_explain(const struct request *request);

/* answer_commands.c: what changes something. */
void answer_block(const struct request *request);
void answer_unblock(const struct request *request);
void answer_allow(const struct request *request);
void answer_reload(const struct request *request);
void answer_confirm(const struct request *request);
void answer_pause(const struct request *request);
void answer_resume(const struct request *request);

/* answer_capture.c */
void answer_capture(const struct request *request);
void answer_captured(const struct request *request);

#endif
