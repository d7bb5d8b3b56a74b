/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A record of what is dropped, which tcpdump never sees: samples of frames that the XDP programs
 * send through a perf buffer, of all interfaces. It is the other half of dropmap_capture
 * (enforce/dropmap.h), which tells the programs whose packets are wanted: captured_start, then
 * dropmap_capture(prefix); at the end dropmap_capture(NULL), then captured_stop. Not thread-safe.
 */
#ifndef FWGEN_SENSE_CAPTURED_H
#define FWGEN_SENSE_CAPTURED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi.h"
#include "base/clock.h"

#define CAPTURED_FRAMES_MAX  1000
#define CAPTURED_SECONDS_MAX 600

struct captured;

struct captured_frame {
	struct moment at;
	uint32_t ifindex;
	uint32_t rule_id; /* whose block dropped it, or would have: observe mode drops nothing */
	uint32_t frame_bytes;	 /* as it came in */
	uint32_t captured_bytes; /* the first of them, which bytes[] holds */
	unsigned char bytes[CAPTURE_BYTES];
};

struct captured_status {
	bool running;  /* false: stopped, all frames are there, or the time is over */
	size_t frames; /* that captured_take has not given yet */
	size_t taken;
	uint64_t lost; /* sampled, but there was no room in the buffer */
};

/* map_fd: verdict_maps.captured; stays the drop map's. Costs nothing until captured_start. Returns
 * 0 or -ENOMEM. */
int captured_open(int map_fd, struct captured **out);
/* NULL is fine. */
void captured_close(struct captured **captured);

/*
 * Begins a record of at most so many frames (1 to CAPTURED_FRAMES_MAX) and seconds (1 to
 * CAPTURED_SECONDS_MAX). Returns 0, -EBUSY (one is running), -EINVAL, -ENOMEM, or another -errno:
 * the kernel gives no perf buffers.
 */
int captured_start(struct captured *captured, size_t frames, unsigned int seconds,
		   struct moment now);
/* Ends it. Frames that were not taken yet stay until the next start. */
void captured_stop(struct captured *captured);

/* Readable when frames wait; -1 while nothing is running: every start has a new one. */
int captured_fd(const struct captured *captured);
/*
 * Reads what waits; ends the record when all frames are there or its time is over, so it is to be
 * called now and then without frames too. Returns how many frames came, or -errno.
 */
int captured_read(struct captured *captured, struct moment now);
/* Gives the oldest frames that it has not given yet, at most max. Returns how many. */
size_t captured_take(struct captured *captured, struct captured_frame *out, size_t max);
void captured_status(const struct captured *captured, struct captured_status *out);

#endif
