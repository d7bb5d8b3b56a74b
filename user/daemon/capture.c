/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A capture: the drop map is told whose packets are wanted, sense/ takes the samples, the client
 * fetches them. One at a time. It ends when it has enough, when its time is over, or when its
 * client goes away; then the program samples nothing any more.
 */
#include "daemon/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "daemon/commands.h"
#include "sense/captured.h"

_Static_assert(CAPTURE_FRAMES_MAX <= CAPTURED_FRAMES_MAX, "sense/ takes what people may ask for");
_Static_assert(CAPTURE_SECONDS_MAX <= CAPTURED_SECONDS_MAX, "and as long");

#define READ_EVERY_NS (50 * NS_PER_MS)

static void end(struct daemon *daemon)
{
	dropmap_capture(daemon->dropmap, NULL);
	captured_stop(daemon->capture.captured);
	loop_remove(&daemon->capture.timer);
}

/* Samples wait in a small buffer: read often, ended when there are enough or time is over. */
static void read_samples(struct daemon *daemon)
{
	struct captured_status status;
	int err = captured_read(daemon->capture.captured, moment_now());

	captured_status(daemon->capture.captured, &status);
	if (daemon->capture.timer && (err < 0 || !status.running))
		end(daemon);
}

static void on_read(void *context, uint64_t expirations)
{
	(void)expirations;
	read_samples(context);
}

static int check(const struct daemon *daemon, const struct capture_request *request,
		 char error[COMMAND_ERROR])
{
	if (request->duration_ns < NS_PER_SECOND ||
	    request->duration_ns > CAPTURE_SECONDS_MAX * NS_PER_SECOND) {
		snprintf(error, COMMAND_ERROR, "a capture lasts for 1s to %ds",
			 CAPTURE_SECONDS_MAX);
		return -EINVAL;
	}
	if (daemon->capture.client) {
		snprintf(error, COMMAND_ERROR,
			 "another capture is running: only one at a time, and at most for %d s",
			 CAPTURE_SECONDS_MAX);
		return -EBUSY;
	}
	return 0;
}

static int start(struct daemon *daemon, const struct capture_request *request)
{
	struct capture *capture = &daemon->capture;
	struct verdict_maps maps;
	int err = 0;

	dropmap_maps(daemon->dropmap, &maps);
	if (!capture->captured)
		err = captured_open(maps.captured, &capture->captured);
	if (!err)
		err = captured_start(capture->captured, request->frames,
				     (unsigned int)(request->duration_ns / NS_PER_SECOND),
				     moment_now());
	if (err)
		return err;
	err = loop_add_timer(daemon->loop, READ_EVERY_NS, READ_EVERY_NS, on_read, daemon,
			     &capture->timer);
	if (err)
		captured_stop(capture->captured);
	else
		dropmap_capture(daemon->dropmap, &request->prefix);
	return err;
}

int capturing_begin(void *context, const struct requester *who,
		    const struct capture_request *request, char error[COMMAND_ERROR])
{
	struct daemon *daemon = context;
	char prefix[PREFIX_TEXT];
	int err = check(daemon, request, error);

	if (err)
		return err;
	err = start(daemon, request);
	if (err) {
		snprintf(error, COMMAND_ERROR, "failed to take samples of what is dropped: %s",
			 strerror(-err));
		return err;
	}
	daemon->capture.client = who->client;
	command_audit(daemon, who, "capture", "", prefix_format(&request->prefix, prefix));
	return 0;
}

static void take(const struct captured_frame *from, struct capture_frame *to)
{
	to->at = from->at;
	if (!if_indextoname(from->ifindex, to->interface))
		snprintf(to->interface, sizeof(to->interface), "%u", from->ifindex);
	to->rule = from->rule_id;
	to->frame_bytes = from->frame_bytes;
	to->captured_bytes = from->captured_bytes;
	memcpy(to->bytes, from->bytes, sizeof(from->bytes));
}

int capturing_fetch(void *context, const struct requester *who, struct capture_lot *out,
		    char error[COMMAND_ERROR])
{
	struct daemon *daemon = context;
	struct capture *capture = &daemon->capture;
	struct captured_frame frames[CAPTURE_LOT];
	struct captured_status status;

	if (capture->client != who->client) {
		snprintf(error, COMMAND_ERROR,
			 "nothing is captured for this connection: capture begins it");
		return -ENOENT;
	}
	read_samples(daemon);
	out->count = captured_take(capture->captured, frames, CAPTURE_LOT);
	for (size_t i = 0; i < out->count; i++)
		take(&frames[i], &out->frames[i]);
	captured_status(capture->captured, &status);
	out->running = status.running || status.frames;
	out->lost = status.lost;
	if (!out->running && !out->count)
		capture->client = 0; /* that was all: another may begin */
	return 0;
}

void capturing_left(void *context, uint64_t client)
{
	struct daemon *daemon = context;

	if (daemon->capture.client != client)
		return;
	if (daemon->capture.timer)
		end(daemon);
	daemon->capture.client = 0;
}

void capturing_stop(struct daemon *daemon)
{
	loop_remove(&daemon->capture.timer);
	captured_close(&daemon->capture.captured);
}
