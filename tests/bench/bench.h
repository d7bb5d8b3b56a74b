/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the benchmark share. Each part prints lines of tab-separated text, a part's
 * name, a variant, and the nanoseconds of each run; scripts/bench makes medians, the table and
 * bench.json of them. A fault ends the process: a benchmark that went on would measure nothing.
 */
#ifndef FWGEN_BENCH_H
#define FWGEN_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "abi.h"
#include "tests/bench/bench.skel.h"
#include "plant.h"

#define BENCH_RUNS_MAX 15

/* Pairs of veth ends: frames go in at fwb<N>t and come out at fwb<N>r. */
enum wire {
	WIRE_FWGEN,
	WIRE_FWGEN_BLOCKS,
	WIRE_PASS,
	WIRE_DROP,
	WIRE_FEW,
	WIRE_MANY,
	WIRE_PREFIXES,
	WIRES
};

struct bench {
	unsigned int runs;
	unsigned int interval_ms; /* of packets in one run */
	bool quick;
	int cpu; /* that runs the programs */
	struct bench_bpf *bpf;
	struct plant plain, blocking; /* without blocks, and with them */
};

void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void bench_report(const char *name, const char *variant, const double *ns, unsigned int runs);
/* Only this CPU, or all of them but this one where there is another. */
void bench_pin(int cpu);
void bench_pin_elsewhere(int cpu);

static inline double bench_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

/* The part's own file. */
void bench_cost(struct bench *bench);
void bench_blocks(struct bench *bench);
void bench_live(struct bench *bench);
void bench_poller(const struct bench *bench);
void bench_judge(const struct bench *bench);
void bench_replay(const struct bench *bench);
void bench_dropmap(const struct bench *bench);

/* Minimal frames to count: 60 bytes, as on a wire without the checksum. */
enum frame_kind { FRAME_UDP, FRAME_SYN, FRAME_ACK, FRAME_UDP6 };
#define FRAME_BYTES 96 /* of memory; the frames have 60 and 62 */
size_t frame_build(enum frame_kind kind, unsigned char frame[FRAME_BYTES]);

/* xdp-filter's program for IPv4 deny lists with 1,000 entries; -1 when it is not installed. */
int rival_xdp_filter(struct bpf_object **object);

#endif
