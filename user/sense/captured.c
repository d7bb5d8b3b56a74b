// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Samples of dropped frames. The perf buffer, 64 KB for each CPU, is there only while somebody
 * looks; there is room for as many frames as were asked for.
 */
#include "sense/captured.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "sense/program.h"

#define BUFFER_PAGES 16 /* of each CPU: about 200 samples, and each one wakes the reader */

struct captured {
	int map_fd;
	struct perf_buffer *buffer; /* NULL: nothing is running */
	struct captured_frame *frames;
	size_t wanted, received, taken;
	struct moment now; /* while samples are read */
	int64_t ends_ns;
	uint64_t lost;
};

int captured_open(int map_fd, struct captured **out)
{
	struct captured *captured = calloc(1, sizeof(*captured));

	if (!captured)
		return -ENOMEM;
	captured->map_fd = map_fd;
	*out = captured;
	return 0;
}

void captured_close(struct captured **out)
{
	struct captured *captured = *out;

	if (!captured)
		return;
	captured_stop(captured);
	free(captured->frames);
	free(captured);
	*out = NULL;
}

static void take_sample(void *context, int cpu, void *data, __u32 size)
{
	struct captured *captured = context;
	struct captured_frame *frame = &captured->frames[captured->received];
	struct capture_record record;

	(void)cpu;
	/* the kernel fills samples up to a multiple of 8 bytes */
	if (captured->received == captured->wanted || size < sizeof(record))
		return;
	memcpy(&record, data, sizeof(record));
	if (record.captured_bytes > CAPTURE_BYTES || record.captured_bytes > size - sizeof(record))
		return;
	frame->at = moment_plus(captured->now, (int64_t)record.boot_ns - captured->now.boot_ns);
	frame->ifindex = record.ifindex;
	frame->rule_id = record.rule_id;
	frame->frame_bytes = record.frame_bytes;
	frame->captured_bytes = record.captured_bytes;
	memcpy(frame->bytes, (unsigned char *)data + sizeof(record), record.captured_bytes);
	captured->received++;
}

static void count_lost(void *context, int cpu, __u64 count)
{
	struct captured *captured = context;

	(void)cpu;
	captured->lost += count;
}

int captured_start(struct captured *captured, size_t frames, unsigned int seconds,
		   struct moment now)
{
	struct captured_frame *room;

	if (captured->buffer)
		return -EBUSY;
	if (!frames || frames > CAPTURED_FRAMES_MAX || !seconds || seconds > CAPTURED_SECONDS_MAX)
		return -EINVAL;
	room = realloc(captured->frames, frames * sizeof(*room));
	if (!room)
		return -ENOMEM;
	captured->frames = room;
	captured->wanted = frames;
	captured->received = captured->taken = 0;
	captured->lost = 0;
	captured->ends_ns = now.boot_ns + (int64_t)seconds * NS_PER_SECOND;
	program_quiet();
	captured->buffer = perf_buffer__new(captured->map_fd, BUFFER_PAGES, take_sample, count_lost,
					    captured, NULL);
	return captured->buffer ? 0 : -errno;
}

void captured_stop(struct captured *captured)
{
	perf_buffer__free(captured->buffer);
	captured->buffer = NULL;
}

int captured_fd(const struct captured *captured)
{
	return captured->buffer ? perf_buffer__epoll_fd(captured->buffer) : -1;
}

int captured_read(struct captured *captured, struct moment now)
{
	size_t before = captured->received;
	int err;

	if (!captured->buffer)
		return 0;
	captured->now = now;
	err = perf_buffer__consume(captured->buffer);
	if (captured->received == captured->wanted || now.boot_ns >= captured->ends_ns)
		captured_stop(captured);
	return err < 0 ? err : (int)(captured->received - before);
}

size_t captured_take(struct captured *captured, struct captured_frame *out, size_t max)
{
	size_t count = captured->received - captured->taken;

	if (count > max)
		count = max;
	if (count)
		memcpy(out, captured->frames + captured->taken, count * sizeof(*out));
	captured->taken += count;
	return count;
}

void captured_status(const struct captured *captured, struct captured_status *out)
{
	*out = (struct captured_status){
		.running = captured->buffer != NULL,
		.frames = captured->received - captured->taken,
		.taken = captured->taken,
		.lost = captured->lost,
	};
}
