// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets on a wire: a sender program makes frames in the kernel (BPF_F_TEST_XDP_LIVE_FRAMES) and
 * redirects them into a veth; its peer's native XDP program, fwgen or a floor, runs in the same
 * CPU's softirq, which the kernel may move to a thread of its own: both are counted, what other
 * processes did on the CPU meanwhile is not.
 */
#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"

#define CALIBRATE_PACKETS 200000
#define BATCH		  64 /* one poll of the receiver: its ring never fills */
#define LOST_MAX	  0.001

struct lane {
	const char *name, *variant;
	enum wire wire;
	uint32_t sources, first_source;
	struct plant *plant; /* NULL: a floor */
	bool drops;
	uint32_t packets; /* a run */
	double ns[BENCH_RUNS_MAX];
};

/* Nanoseconds that a task has run and has waited for its turn; zeros where the kernel keeps none.
 */
struct task_times {
	double ran, waited;
};

static struct task_times read_times(const char *task)
{
	struct task_times times = { 0 };
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/schedstat", task);
	file = fopen(path, "re");
	if (!file)
		return times;
	if (fscanf(file, "%lf %lf", &times.ran, &times.waited) != 2)
		times = (struct task_times){ 0 };
	fclose(file);
	return times;
}

/* The process id of the kernel's thread for the CPU's softirqs. */
static void find_softirq_thread(int cpu, char pid[16])
{
	char wanted[32], path[64], name[32];
	DIR *proc = opendir("/proc");

	snprintf(wanted, sizeof(wanted), "ksoftirqd/%d\n", cpu);
	snprintf(pid, 16, "none");
	for (struct dirent *at = proc ? readdir(proc) : NULL; at; at = readdir(proc)) {
		FILE *file;

		if (at->d_name[0] < '1' || at->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%.15s/comm", at->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) && !strcmp(name, wanted))
			snprintf(pid, 16, "%.15s", at->d_name);
		fclose(file);
	}
	if (proc)
		closedir(proc);
}

/* Frames that the receiving end's XDP has seen; the counter is 32 bits wide and wraps. */
static uint32_t received(enum wire wire)
{
	char name[IF_NAMESIZE];
	struct ifaddrs *all;
	uint32_t packets = 0;
	bool found = false;

	snprintf(name, sizeof(name), "fwb%dr", wire);
	if (getifaddrs(&all))
		die("failed to read interface counters: %m");
	for (struct ifaddrs *at = all; at; at = at->ifa_next) {
		const struct rtnl_link_stats *stats = at->ifa_data;

		if (!stats || !at->ifa_addr || at->ifa_addr->sa_family != AF_PACKET ||
		    strcmp(at->ifa_name, name) != 0)
			continue;
		packets = stats->rx_packets;
		found = true;
	}
	freeifaddrs(all);
	if (!found)
		die("failed to read the counters of %s", name);
	return packets;
}

static int send_frames(struct bench *bench, uint32_t packets)
{
	unsigned char frame[FRAME_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame,
		    .data_size_in = frame_build(FRAME_UDP, frame), .repeat = packets,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);

	return bpf_prog_test_run_opts(bpf_program__fd(bench->bpf->progs.send), &options);
}

/* The frames went through the real program: its own totals must say the same as the interface. */
static void check(const struct lane *lane, uint32_t sent, uint32_t arrived)
{
	const struct plant *plant = lane->plant;

	if (arrived > sent || arrived < sent * (1 - LOST_MAX))
		die("%s %s: %u of %u frames arrived", lane->name, lane->variant, arrived, sent);
	if (!plant)
		return;
	if (plant->packets != arrived || plant->dropped != (lane->drops ? arrived : 0))
		die("%s: fwgen counted %llu packets and %llu drops of %u frames", lane->name,
		    (unsigned long long)plant->packets, (unsigned long long)plant->dropped,
		    arrived);
}

static double measure(struct bench *bench, const struct lane *lane, uint32_t packets)
{
	static char softirq[16];
	uint32_t before = received(lane->wire), arrived;
	struct task_times self, thread;
	double ns;

	if (!softirq[0])
		find_softirq_thread(bench->cpu, softirq);

	bench->bpf->data->sources = lane->sources;
	bench->bpf->data->first_source = lane->first_source;
	bench->bpf->bss->wire = lane->wire;
	if (lane->plant)
		plant_start(lane->plant, bench->cpu);
	self = read_times("thread-self");
	thread = read_times(softirq);
	ns = -bench_clock_ns(CLOCK_MONOTONIC);
	if (send_frames(bench, packets))
		die("failed to send live frames: %m");
	ns += bench_clock_ns(CLOCK_MONOTONIC);
	ns -= read_times("thread-self").waited - self.waited;
	ns += read_times(softirq).ran - thread.ran;
	for (int i = 0; i < 100 && received(lane->wire) - before < packets; i++)
		usleep(1000); /* the last batch may wait for the kernel's thread */
	if (lane->plant)
		plant_stop(lane->plant);
	arrived = received(lane->wire) - before;
	check(lane, packets, arrived);
	return ns / arrived;
}

static void connect_wires(struct bench *bench)
{
	for (__u32 wire = 0; wire < WIRES; wire++) {
		char name[IF_NAMESIZE];
		__u32 ifindex;

		snprintf(name, sizeof(name), "fwb%ut", wire);
		ifindex = if_nametoindex(name);
		if (!ifindex || bpf_map_update_elem(bpf_map__fd(bench->bpf->maps.wires), &wire,
						    &ifindex, BPF_ANY))
			die("failed to connect %s: %m", name);
	}
}

static void attach_floor(enum wire wire, int prog_fd)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
	char name[IF_NAMESIZE];

	/* the link's descriptor lives as long as the process */
	snprintf(name, sizeof(name), "fwb%dr", wire);
	if (bpf_link_create(prog_fd, if_nametoindex(name), BPF_XDP, &options) < 0)
		die("failed to attach to %s: %m", name);
}

void bench_live(struct bench *bench)
{
	struct lane lanes[] = {
		{ "live_pass", "floor", WIRE_PASS, 0, 0x0a000000, NULL, false, 0, { 0 } },
		{ "live_pass", "fwgen", WIRE_FWGEN, 0, 0x0a000000, &bench->plain, false, 0, { 0 } },
		{ "live_blocked",
		  "floor",
		  WIRE_DROP,
		  1000,
		  PLANT_BLOCKED_FIRST,
		  NULL,
		  true,
		  0,
		  { 0 } },
		{ "live_blocked",
		  "fwgen",
		  WIRE_FWGEN_BLOCKS,
		  1000,
		  PLANT_BLOCKED_FIRST,
		  &bench->blocking,
		  true,
		  0,
		  { 0 } },
	};
	const size_t count = sizeof(lanes) / sizeof(*lanes);

	connect_wires(bench);
	attach_floor(WIRE_PASS, bpf_program__fd(bench->bpf->progs.pass));
	attach_floor(WIRE_DROP, bpf_program__fd(bench->bpf->progs.drop));
	bench_pin(bench->cpu);
	if (send_frames(bench, BATCH) && errno == EINVAL) {
		fputs("bench: no live part: this kernel has no live frames (Linux 5.18)\n", stderr);
		return;
	}
	for (size_t i = 0; i < count; i++)
		lanes[i].packets =
			2 * bench->interval_ms * 1e6 / measure(bench, &lanes[i], CALIBRATE_PACKETS);
	for (unsigned int run = 0; run < bench->runs; run++)
		for (size_t i = 0; i < count; i++)
			lanes[i].ns[run] = measure(bench, &lanes[i], lanes[i].packets);
	for (size_t i = 0; i < count; i++)
		bench_report(lanes[i].name, lanes[i].variant, lanes[i].ns, bench->runs);
}
