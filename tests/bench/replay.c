// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a packet of a capture costs replay, summary and all, beside a loop that asks libpcap for it
 * and does nothing: in this process, on a file in memory. Needs no rights.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "bench.h"
#include "replay/capture.h"
#include "replay/world.h"
#include "traffic.h"

struct file {
	char path[64];
	uint64_t packets;
};

static void write_file(struct file *file)
{
	int fd = memfd_create("traffic", MFD_CLOEXEC);
	FILE *out = fd < 0 ? NULL : fdopen(dup(fd), "w");

	if (!out || traffic_write(out, file->packets) || fclose(out))
		die("failed to write a capture: %m");
	snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", fd);
}

static void replay(const struct file *file, const struct config *config, FILE *out)
{
	const struct world_options options = { .config = config,
					       .report = &report_json,
					       .out = out };
	char error[CAPTURE_ERROR];
	struct capture *capture = NULL;
	struct world *world = NULL;
	struct captured frame;

	if (capture_open(file->path, &capture, error) || capture_begin(capture, error))
		die("%s", error);
	if (world_new(&options, &world))
		die("out of memory");
	world_begin_file(world, file->path, capture_link(capture));
	while (capture_next(capture, &frame, error) > 0)
		if (world_frame(world, &frame))
			die("failed to replay frame %llu",
			    (unsigned long long)capture_frames(capture));
	if (world_end_file(world, true) || capture_frames(capture) != file->packets)
		die("failed to replay the capture");
	world_free(&world);
	capture_close(&capture);
}

void bench_replay(const struct bench *bench)
{
	struct file file = { .packets = bench->quick ? 200000 : 1000000 };
	struct config *config = config_defaults();
	FILE *nowhere = fopen("/dev/null", "w");
	double floor[BENCH_RUNS_MAX], ns[BENCH_RUNS_MAX];

	if (!config || !nowhere)
		die("out of memory");
	bench_pin(bench->cpu);
	write_file(&file);
	for (unsigned int i = 0; i < bench->runs; i++) {
		double start = bench_clock_ns(CLOCK_MONOTONIC), between;

		if (traffic_read(file.path) != file.packets)
			die("libpcap does not read the capture");
		between = bench_clock_ns(CLOCK_MONOTONIC);
		replay(&file, config, nowhere);
		ns[i] = (bench_clock_ns(CLOCK_MONOTONIC) - between) / (double)file.packets;
		floor[i] = (between - start) / (double)file.packets;
	}
	fclose(nowhere);
	config_free(&config);
	bench_report("replay", "floor", floor, bench->runs);
	bench_report("replay", "fwgen", ns, bench->runs);
}
