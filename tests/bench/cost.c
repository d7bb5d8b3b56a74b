// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a packet costs: the driver tail-calls each candidate in turn, one interval's worth of
 * packets a run, and the processor time of the system call is divided by their number. Not the
 * kernel's own `duration`, which is whole nanoseconds.
 */
#include <string.h>
#include "bench.h"

#define CALIBRATE_PACKETS 200000
#define LRU_ENTRIES	  (1 << 20)
#define PACKETS_MAX	  50000000
#define CANDIDATES_MAX	  10
#define FIRST_SOURCE	  0x0a000000
#define FLOWS_MAX	  100000 /* more are not remembered for a whole generation */

struct candidate {
	const char *name;
	int prog_fd;
	enum frame_kind frame;
	struct plant *plant; /* NULL: not fwgen */
	bool fills;	     /* slow until its map is full */
	bool drops;	     /* now and then: its blocks are where sources are */
	bool flows;	     /* of connections that the other side takes part in */
	uint32_t packets;    /* a run */
	double ns[BENCH_RUNS_MAX];
};

static const struct {
	const char *name;
	uint32_t count;
} source_counts[] = {
	{ "1", 1 },	      { "1000", 1000 },	      { "10000", 10000 },
	{ "100000", 100000 }, { "1000000", 1000000 }, { "all_new", 0 },
};

static double test_run(struct bench *bench, const struct candidate *candidate, uint32_t packets)
{
	unsigned char frame[FRAME_BYTES], out[2 * FRAME_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_out = out,
		    .data_size_in = frame_build(candidate->frame, frame),
		    .data_size_out = sizeof(out), .repeat = packets);
	double start;
	int err;

	start = bench_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	err = bpf_prog_test_run_opts(bpf_program__fd(bench->bpf->progs.drive), &options);
	if (err || (options.retval != XDP_PASS && !candidate->drops))
		die("failed to run %s: %s, verdict %u", candidate->name, strerror(-err),
		    options.retval);
	return (bench_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start) / packets;
}

static double measure(struct bench *bench, const struct candidate *candidate, uint32_t packets)
{
	__u32 zero = 0;
	uint64_t counted;
	double ns;

	if (bpf_map_update_elem(bpf_map__fd(bench->bpf->maps.target), &zero, &candidate->prog_fd,
				BPF_ANY))
		die("failed to tail-call %s: %m", candidate->name);
	if (!candidate->plant)
		return test_run(bench, candidate, packets);
	plant_begin(candidate->plant);
	if (candidate->flows)
		plant_note_flows(candidate->plant, FIRST_SOURCE, bench->bpf->data->sources);
	ns = test_run(bench, candidate, packets);
	counted = plant_end(candidate->plant);
	if (counted != packets)
		die("%s counted %llu of %u packets", candidate->name, (unsigned long long)counted,
		    packets);
	return ns;
}

/* Brings maps to what they are like after hours, and finds how many packets fill an interval. */
static void prepare(struct bench *bench, struct candidate *candidate, uint32_t sources)
{
	double ns, packets;

	if (candidate->fills)
		measure(bench, candidate, sources ? 2 * sources : LRU_ENTRIES + LRU_ENTRIES / 4);
	ns = measure(bench, candidate, CALIBRATE_PACKETS);
	packets = bench->interval_ms * 1e6 / ns;
	candidate->packets = packets > PACKETS_MAX ? PACKETS_MAX : packets;
}

/* The floor is the first. */
static unsigned int list(struct bench *bench, struct candidate *out, int xdp_filter_fd)
{
	int lru = bpf_program__fd(bench->bpf->progs.count_lru);
	int lru_percpu = bpf_program__fd(bench->bpf->progs.count_lru_percpu);
	int floor = bpf_program__fd(bench->bpf->progs.pass);
	struct plant *plain = &bench->plain, *blocking = &bench->blocking;
	const struct candidate all[CANDIDATES_MAX] = {
		{ .name = "floor", .prog_fd = floor },
		{ .name = "fwgen_udp", .plant = plain },
		{ .name = "fwgen_syn", .plant = plain, .frame = FRAME_SYN },
		{ .name = "fwgen_ack", .plant = plain, .frame = FRAME_ACK },
		{ .name = "fwgen_flows", .plant = plain, .frame = FRAME_ACK, .flows = true },
		{ .name = "fwgen_ipv6", .plant = plain, .frame = FRAME_UDP6 },
		{ .name = "fwgen_1000_blocks", .plant = blocking },
		{ .name = "lru_hash", .prog_fd = lru, .fills = true },
		{ .name = "lru_percpu_hash", .prog_fd = lru_percpu, .fills = true },
		{ .name = "xdp_filter", .prog_fd = xdp_filter_fd },
	};

	memcpy(out, all, sizeof(all));
	for (unsigned int i = 0; i < CANDIDATES_MAX; i++)
		if (out[i].plant)
			out[i].prog_fd = out[i].plant->prog_fd;
	if (bench->quick)
		return CANDIDATES_MAX - 2;
	return xdp_filter_fd < 0 ? CANDIDATES_MAX - 1 : CANDIDATES_MAX;
}

/* The candidates in turns, over so many sources; 0: each packet from a new one. */
static void compare(struct bench *bench, struct candidate *candidates, unsigned int count,
		    const char *variant, uint32_t sources)
{
	struct candidate *measured[CANDIDATES_MAX];
	unsigned int n = 0;

	for (unsigned int i = 0; i < count; i++)
		if (!candidates[i].flows || (sources && sources <= FLOWS_MAX))
			measured[n++] = &candidates[i];
	bench->bpf->data->sources = sources;
	for (unsigned int i = 0; i < n; i++)
		prepare(bench, measured[i], sources);
	for (unsigned int run = 0; run < bench->runs; run++)
		for (unsigned int i = 0; i < n; i++)
			measured[i]->ns[run] = measure(bench, measured[i], measured[i]->packets);
	for (unsigned int i = 0; i < n; i++)
		bench_report(measured[i]->name, variant, measured[i]->ns, bench->runs);
}

void bench_cost(struct bench *bench)
{
	struct candidate candidates[CANDIDATES_MAX] = { 0 };
	struct bpf_object *xdp_filter = NULL;
	unsigned int count = list(bench, candidates, rival_xdp_filter(&xdp_filter));

	bench_pin(bench->cpu);
	bench->bpf->data->first_source = FIRST_SOURCE;
	for (size_t s = 0; s < sizeof(source_counts) / sizeof(*source_counts); s++)
		compare(bench, candidates, count, source_counts[s].name, source_counts[s].count);
	bpf_object__close(xdp_filter);
}

/*
 * What blocks cost those who are not blocked: no blocks, few addresses, many, prefixes of four
 * lengths; sources all over the addresses, as the blocks are.
 */
void bench_blocks(struct bench *bench)
{
	static const uint32_t full[] = { 32 }, four[] = { 16, 20, 22, 24 };
	struct plant few, many, prefixes;
	struct candidate candidates[] = {
		{ .name = "blocks_none", .plant = &bench->plain },
		{ .name = "blocks_10", .plant = &few, .drops = true },
		{ .name = "blocks_100000", .plant = &many, .drops = true },
		{ .name = "prefixes_1000", .plant = &prefixes, .drops = true },
	};
	const unsigned int count = sizeof(candidates) / sizeof(*candidates);

	plant_open(&few, "fwb4r");
	plant_open(&many, "fwb5r");
	plant_open(&prefixes, "fwb6r");
	plant_block_spread(&few, 10, full, 1);
	plant_block_spread(&many, 100000, full, 1);
	plant_block_spread(&prefixes, 1000, four, 4);
	for (unsigned int i = 0; i < count; i++)
		candidates[i].prog_fd = candidates[i].plant->prog_fd;
	bench_pin(bench->cpu);
	bench->bpf->data->first_source = FIRST_SOURCE;
	bench->bpf->bss->spread = 1;
	compare(bench, candidates, count, "1000", 1000);
	compare(bench, candidates, count, "100000", 100000);
	compare(bench, candidates, count, "all_new", 0);
	bench->bpf->bss->spread = 0;
	plant_close(&few);
	plant_close(&many);
	plant_close(&prefixes);
}
