/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples of what is dropped, as a person asks for them and gets them. */
#ifndef FWGEN_MODEL_CAPTURE_H
#define FWGEN_MODEL_CAPTURE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include "abi.h"
#include "base/clock.h"

#define CAPTURE_FRAMES_MAX  1000
#define CAPTURE_SECONDS_MAX 600
#define CAPTURE_LOT	    64 /* frames in one answer */

struct capture_request {
	struct prefix prefix; /* of what comes from there, or goes there */
	size_t frames;	      /* 1 to CAPTURE_FRAMES_MAX, then it ends */
	int64_t duration_ns;  /* up to CAPTURE_SECONDS_MAX, then it ends */
};

struct capture_frame {
	struct moment at;
	char interface[IF_NAMESIZE];
	uint32_t rule; /* that dropped it */
	uint32_t frame_bytes, captured_bytes;
	unsigned char bytes[CAPTURE_BYTES];
};

struct capture_lot {
	struct capture_frame frames[CAPTURE_LOT];
	size_t count;
	bool running;  /* more may come */
	uint64_t lost; /* for want of room */
};

#endif
