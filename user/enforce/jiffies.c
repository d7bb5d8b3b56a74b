// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the kernel's jiffies through a BPF program; the tick length is the coarse clock's. */
#include "enforce/jiffies.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <time.h>
#include "base/clock.h"
#include "jiffies.skel.h"

int jiffies_open(struct jiffies_clock *clock)
{
	struct timespec tick;
	int err;

	/* CLOCK_MONOTONIC_COARSE advances once a tick: its resolution is 1/HZ (clock_getres(2)) */
	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || tick.tv_sec || tick.tv_nsec <= 0)
		return -EIO;
	clock->hz = (NS_PER_SECOND + tick.tv_nsec / 2) / tick.tv_nsec;
	clock->bpf = jiffies_bpf__open_and_load();
	if (!clock->bpf)
		return -errno;
	err = jiffies_refresh(clock);
	if (err)
		jiffies_close(clock);
	return err;
}

void jiffies_close(struct jiffies_clock *clock)
{
	jiffies_bpf__destroy(clock->bpf);
	clock->bpf = NULL;
}

int jiffies_refresh(struct jiffies_clock *clock)
{
	unsigned char frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame));

	if (bpf_prog_test_run_opts(bpf_program__fd(clock->bpf->progs.fwgen_jiffies), &options))
		return -errno;
	clock->jiffies = clock->bpf->bss->jiffies_now;
	clock->boot_ns = clock->bpf->bss->boot_ns_now;
	return 0;
}

uint64_t jiffies_at(const struct jiffies_clock *clock, int64_t boot_ns)
{
	int64_t ns = boot_ns - clock->boot_ns, per_jiffy = NS_PER_SECOND / clock->hz;

	if (ns <= 0)
		return clock->jiffies;
	return clock->jiffies + (ns + per_jiffy - 1) / per_jiffy;
}

int64_t jiffies_boot_ns(const struct jiffies_clock *clock, uint64_t jiffies)
{
	uint64_t ahead = jiffies > clock->jiffies ? jiffies - clock->jiffies : 0;
	uint64_t most = (uint64_t)clock->hz * 366 * 86400;

	if (ahead > most)
		ahead = most;
	return clock->boot_ns + (int64_t)ahead * (NS_PER_SECOND / clock->hz);
}
