/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Millions of packets a second from one processor: frames are made in the kernel
 * (BPF_F_TEST_XDP_LIVE_FRAMES) and given to the wire by torrent.bpf.c. A flood, each packet from
 * another source, and in it steady sources of a few packets a second each, evenly spaced and
 * counted exactly. Prints one JSON object that says what was sent. Needs Linux 5.18 and exits with
 * 77 on an older one. Slower traffic of more kinds is blast's.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "torrent.h"
#include "torrent.skel.h"
#include "torrent_plan.h"

#define NS_PER_SECOND 1000000000LL
#define CHUNK_NS      2000000 /* what is sent at once: a call costs some 30 us */
#define BATCH	      64      /* one poll of the receiver: its ring never fills */
#define TIMES_MAX     (1u << 20)

static struct request o = { .destination4 = "198.51.100.1",
			    .destination6 = "2001:db8:a::1",
			    .flood_protocol = PROTO_UDP,
			    .port = 80,
			    .seed = 0x5eed,
			    .source_mac = { 2, 0, 0, 0, 0, 0xef },
			    .destination_mac = { 2, 0, 0, 0, 0, 0xfe } };

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

void die(const char *what)
{
	fprintf(stderr, "torrent: failed to %s: %s\n", what, strerror(errno));
	exit(1);
}

void usage(const char *what)
{
	fprintf(stderr, "torrent: %s\n", what);
	exit(2);
}

/* ---- options: a name, how its value is read, and where it goes ---- */

static void read_text(const char *value, void *out)
{
	*(const char **)out = value;
}

static void read_number(const char *value, void *out)
{
	*(uint64_t *)out = strtoull(value, NULL, 0);
}

static void read_int(const char *value, void *out)
{
	*(int *)out = atoi(value);
}

static void read_protocol(const char *value, void *out)
{
	if (strcmp(value, "syn") && strcmp(value, "udp"))
		usage("a protocol is syn or udp");
	*(int *)out = value[0] == 's' ? PROTO_SYN : PROTO_UDP;
}

static void read_mac(const char *value, void *out)
{
	uint8_t *mac = out;

	if (sscanf(value, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) != 6)
		usage("a hardware address looks like 02:00:00:00:00:01");
}

static void read_group(const char *value, void *out)
{
	struct group *group = out;

	if (o.group_count == GROUPS_MAX)
		usage("too many times --steady");
	group += o.group_count++;
	if (sscanf(value, "%45[^,],%u,%u", group->address, &group->count, &group->pps) != 3)
		usage("--steady is ADDRESS,COUNT,PACKETS_PER_SECOND");
}

static const struct {
	const char *name;
	void (*read)(const char *value, void *out);
	void *out;
} option_table[] = {
	{ "iface", read_text, &o.interface },
	{ "pps", read_number, &o.pps }, /* in all */
	{ "seconds", read_number, &o.seconds },
	{ "delay", read_number, &o.delay }, /* of these, before the steady ones begin */
	{ "cpu", read_int, &o.cpu },
	{ "seed", read_number, &o.seed },
	{ "times", read_text, &o.times },
	{ "flood", read_text, &o.flood },
	{ "flood-count", read_number, &o.flood_count },
	{ "flood-step", read_int, &o.flood_step }, /* in a row: log2 of the distance */
	{ "flood-proto", read_protocol, &o.flood_protocol },
	{ "steady", read_group, o.groups }, /* once for each group */
	{ "turns", read_int, &o.turns },
	{ "proto", read_protocol, &o.protocol },
	{ "port", read_int, &o.port },
	{ "port-step", read_int, &o.port_step },
	{ "src-mac", read_mac, o.source_mac },
	{ "dst-mac", read_mac, o.destination_mac },
	{ "dst4", read_text, &o.destination4 },
	{ "dst6", read_text, &o.destination6 },
};
#define OPTIONS (sizeof(option_table) / sizeof(option_table[0]))

static void read_options(int argc, char **argv)
{
	struct option longs[OPTIONS + 1] = { 0 };
	int option, index;

	for (size_t i = 0; i < OPTIONS; i++)
		longs[i] = (struct option){ option_table[i].name, required_argument, NULL, 0 };
	while ((option = getopt_long(argc, argv, "", longs, &index)) != -1) {
		if (option)
			exit(2);
		option_table[index].read(optarg, option_table[index].out);
	}
	if (!o.interface || !o.pps || !o.seconds)
		usage("--iface, --pps and --seconds are needed");
	if (o.pps > 100000000 || o.flood_step < 0 || o.flood_step > 127)
		usage("--pps or --flood-step is out of range");
}

/* ---- the kernel's half ---- */

static void *map_memory(const struct bpf_map *map, size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (at == MAP_FAILED)
		die("map memory");
	return at;
}

static void set_size(struct bpf_map *map, uint32_t entries)
{
	if (bpf_map__set_max_entries(map, entries ? entries : 1))
		die("size a map");
}

static void set_request(struct torrent_bpf *bpf, const struct plan *plan)
{
	set_size(bpf->maps.dues, plan->due_count);
	set_size(bpf->maps.steadies, plan->source_count);
	set_size(bpf->maps.times, o.times ? TIMES_MAX : 1);
	bpf->bss->flood = plan->flood;
	memcpy(bpf->bss->flood_frame, plan->flood_frame, TORRENT_FRAME_BYTES);
	memcpy(bpf->bss->steady_frame, plan->steady_frame, TORRENT_FRAME_BYTES);
	bpf->data->per_second = (uint32_t)o.pps;
	bpf->bss->due_count = plan->due_count;
	bpf->bss->turns = o.turns != 0;
	bpf->bss->keep_times = o.times != NULL;
	bpf->bss->delay = (uint32_t)o.delay;
	bpf->bss->random_state = o.seed;
	if (plan->due_count && !o.delay)
		bpf->data->next_at = plan->dues[0].at;
}

static struct torrent_bpf *load(struct plan *plan)
{
	uint32_t zero = 0, ifindex = if_nametoindex(o.interface);
	struct torrent_bpf *bpf = torrent_bpf__open();
	size_t bytes = plan->source_count * sizeof(*plan->sources);
	struct torrent_steady *counted;
	void *dues;

	if (!bpf || !ifindex)
		die("find the interface");
	set_request(bpf, plan);
	if (torrent_bpf__load(bpf) ||
	    bpf_map_update_elem(bpf_map__fd(bpf->maps.wire), &zero, &ifindex, BPF_ANY))
		die("load the program");
	if (!plan->source_count)
		return bpf;
	dues = map_memory(bpf->maps.dues, plan->due_count * sizeof(*plan->dues));
	memcpy(dues, plan->dues, plan->due_count * sizeof(*plan->dues));
	counted = map_memory(bpf->maps.steadies, bytes);
	memcpy(counted, plan->sources, bytes);
	free(plan->sources);
	plan->sources = counted;
	return bpf;
}

/*
 * A program that is attached somewhere is in the kernel's XDP dispatcher. One that is not goes in
 * and out of it with each call, and that takes two grace periods: so it is attached to the lo of a
 * namespace that this process makes for it and nobody uses.
 */
static void attach_somewhere(const struct torrent_bpf *bpf)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_SKB_MODE);
	int program = bpf_program__fd(bpf->progs.torrent);

	if (unshare(CLONE_NEWNET))
		die("make a network namespace");
	if (bpf_link_create(program, (int)if_nametoindex("lo"), BPF_XDP, &options) < 0)
		die("attach to lo");
}

/* ---- sending ---- */

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_SECOND + t.tv_nsec;
}

static void sleep_until(int64_t at_ns)
{
	struct timespec t = { .tv_sec = at_ns / NS_PER_SECOND, .tv_nsec = at_ns % NS_PER_SECOND };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void send_frames(const struct torrent_bpf *bpf, uint64_t packets)
{
	static uint8_t frame[TORRENT_LENGTH];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = (int)packets, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = BATCH);

	if (!bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.torrent), &options))
		return;
	if (errno == EINVAL) {
		fputs("torrent: this kernel has no live frames (Linux 5.18)\n", stderr);
		exit(77);
	}
	if (errno != EINTR)
		die("send frames");
}

static uint64_t sent(const struct torrent_bpf *bpf)
{
	return bpf->bss->flood_sent + bpf->bss->steady_sent;
}

/* Sends what is due by now, again and again. Returns how long it took. */
static int64_t send_all(const struct torrent_bpf *bpf)
{
	uint64_t total = o.pps * o.seconds;
	int64_t start_ns = now_ns(), at_ns = start_ns;

	while (!stopped && sent(bpf) < total) {
		uint64_t due;

		at_ns += CHUNK_NS;
		if (now_ns() < at_ns)
			sleep_until(at_ns);
		else
			at_ns = now_ns();
		due = (uint64_t)((double)(at_ns - start_ns) * (double)o.pps / NS_PER_SECOND);
		if (due > total)
			due = total;
		if (due > sent(bpf))
			send_frames(bpf, due - sent(bpf));
	}
	return now_ns() - start_ns;
}

/* One processor, and before others there: a rate is to be held. */
static void take_processor(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("stay on one processor");
	if (setpriority(PRIO_PROCESS, 0, -20))
		die("go before others");
}

static void write_times(const struct torrent_bpf *bpf)
{
	uint64_t n = bpf->bss->steady_sent < TIMES_MAX ? bpf->bss->steady_sent : TIMES_MAX;
	FILE *file = fopen(o.times, "w");

	if (!file || (n && fwrite(map_memory(bpf->maps.times, n * 8), 8, n, file) != n) ||
	    fclose(file))
		die("write the file of times");
}

static void report(const struct torrent_bpf *bpf, const struct plan *plan, int64_t took_ns)
{
	double seconds = (double)took_ns / NS_PER_SECOND;
	char text[INET6_ADDRSTRLEN];

	printf("{\"sent\":%" PRIu64 ",\"flood\":%" PRIu64
	       ",\"seconds\":%.3f,\"pps\":%.0f,\"steady\":{",
	       sent(bpf), (uint64_t)bpf->bss->flood_sent, seconds, (double)sent(bpf) / seconds);
	for (uint32_t i = 0; i < plan->source_count; i++) {
		const struct torrent_steady *source = &plan->sources[i];

		inet_ntop(plan->v6 ? AF_INET6 : AF_INET, source->address, text, sizeof(text));
		printf("%s\"%s\":%" PRIu64, i ? "," : "", text, (uint64_t)source->sent);
	}
	puts("}}");
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct torrent_bpf *bpf;
	struct plan plan;
	int64_t took_ns;

	read_options(argc, argv);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	plan_make(&o, &plan);
	bpf = load(&plan);
	attach_somewhere(bpf);
	take_processor(o.cpu);
	took_ns = send_all(bpf);
	if (o.times)
		write_times(bpf);
	report(bpf, &plan, took_ns);
	return 0;
}
