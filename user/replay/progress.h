/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far we are, for the person at the terminal: a line on stderr that is written over. */
#ifndef FWGEN_REPLAY_PROGRESS_H
#define FWGEN_REPLAY_PROGRESS_H

#include "replay/capture.h"

struct progress {
	int64_t started_ns, told_ns; /* 0: not yet */
	bool silent;		     /* stderr is no terminal */
};

/* To be called for each frame: almost always it does nothing. */
void progress_tell(struct progress *progress, const struct capture *capture);
/* Takes the line away. */
void progress_end(const struct progress *progress);

#endif
