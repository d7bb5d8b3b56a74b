// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay/progress.h"

#include <stdio.h>
#include <unistd.h>
#include "base/clock.h"

#define FRAMES	 32768 /* between looks at the clock */
#define FIRST_NS NS_PER_SECOND
#define EVERY_NS (NS_PER_SECOND / 4)

static void print(const struct progress *progress, const struct capture *capture)
{
	double part = capture_progress(capture), frames = (double)capture_frames(capture);
	double seconds = (double)(progress->told_ns - progress->started_ns) / NS_PER_SECOND;

	fprintf(stderr, "\r\033[K%.1f million frames, %.2f million/s", frames / 1e6,
		frames / 1e6 / seconds);
	if (part >= 0)
		fprintf(stderr, ", %.0f %%", part * 100);
	fflush(stderr);
}

void progress_tell(struct progress *progress, const struct capture *capture)
{
	int64_t now_ns;

	if (capture_frames(capture) % FRAMES || progress->silent)
		return;
	now_ns = moment_now().boot_ns;
	if (!progress->started_ns) {
		progress->started_ns = now_ns;
		progress->silent = !isatty(STDERR_FILENO);
		return;
	}
	if (now_ns - progress->started_ns < FIRST_NS || now_ns - progress->told_ns < EVERY_NS)
		return;
	progress->told_ns = now_ns;
	print(progress, capture);
}

void progress_end(const struct progress *progress)
{
	if (progress->told_ns)
		fputs("\r\033[K", stderr);
}
