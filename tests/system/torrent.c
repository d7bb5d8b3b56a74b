/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Millions of packets a second from one processor: frames are made in the kernel
 * (BPF_F_TEST_XDP_LIVE_FRAMES) and given to the wire by torrent.bpf.c. A flood, each packet from
 * another source, and in it steady sources of a few packets a second each, evenly, counted exactly.
 * Prints one JSON object that says what was sent. Needs Linux 5.18: exits with 77 on an older one.
 *
 * Frames are addressed to a hardware address that nobody has, unless --dst-mac says otherwise: what
 * XDP lets pass is given up at the stack's first look.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include "torrent.h"
#include "torrent.skel.h"

#define NS_PER_SECOND 1000000000LL
#define CHUNK_NS      2000000 /* what is sent at once: a call costs some 50 us */
#define BATCH	      64      /* one poll of the receiver: its ring never fills */
#define GROUPS_MAX    32
#define TIMES_MAX     (1u << 20)

enum protocol { PROTO_SYN, PROTO_ACK, PROTO_UDP, PROTO_ICMP };

/* Neighbours that send evenly, each at the same rate. */
struct group {
	char address[INET6_ADDRSTRLEN];
	unsigned int count, pps;
};

static struct {
	const char *interface, *flood, *times;
	const char *destination4, *destination6;
	struct group groups[GROUPS_MAX];
	int group_count, cpu, flood_step, flood_protocol, steady_protocol;
	unsigned int port, port_step;
	uint64_t flood_count, pps, seconds, seed;
	uint8_t source_mac[6], steady_mac[6], destination_mac[6];
} o = { .destination4 = "198.51.100.1",
	.destination6 = "2001:db8:a::1",
	.flood_protocol = PROTO_UDP,
	.port = 80,
	.seed = 0x5eed,
	.source_mac = { 2, 0, 0, 0, 0, 0xee },
	.steady_mac = { 2, 0, 0, 0, 0, 0xef },
	.destination_mac = { 2, 0, 0, 0, 0, 0xfe } };

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "torrent: failed to %s: %s\n", what, strerror(errno));
	exit(1);
}

static void __attribute__((noreturn)) usage(const char *what)
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
	static const char *const names[] = { "syn", "ack", "udp", "icmp" };

	for (int i = 0; i < 4; i++) {
		if (!strcmp(names[i], value)) {
			*(int *)out = i;
			return;
		}
	}
	usage("no such protocol");
}

static void read_mac(const char *value, void *out)
{
	uint8_t *mac = out;

	if (sscanf(value, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) != 6)
		usage("a hardware address looks like 02:00:00:00:00:01");
}

/* ADDRESS,COUNT,PPS; may be given several times. */
static void read_group(const char *value, void *out)
{
	struct group *group = &o.groups[o.group_count++];

	(void)out;
	if (o.group_count > GROUPS_MAX)
		usage("too many times --steady");
	if (sscanf(value, "%45[^,],%u,%u", group->address, &group->count, &group->pps) != 3)
		usage("--steady is ADDRESS,COUNT,PACKETS_PER_SECOND");
}

static const struct {
	const char *name;
	void (*read)(const char *value, void *out);
	void *out;
} option_table[] = {
	{ "iface", read_text, &o.interface },
	{ "times", read_text, &o.times }, /* send times of the steady packets, in nanoseconds */
	{ "flood", read_text,
	  &o.flood }, /* PREFIX/LEN: random in it; an address: in a row from it */
	{ "flood-step", read_int, &o.flood_step },
	{ "flood-count", read_number, &o.flood_count },
	{ "flood-proto", read_protocol, &o.flood_protocol },
	{ "steady", read_group, NULL },
	{ "proto", read_protocol, &o.steady_protocol },
	{ "port", read_int, &o.port },
	{ "port-step", read_int, &o.port_step },
	{ "dst4", read_text, &o.destination4 },
	{ "dst6", read_text, &o.destination6 },
	{ "src-mac", read_mac, o.source_mac },
	{ "steady-mac", read_mac, o.steady_mac },
	{ "dst-mac", read_mac, o.destination_mac },
	{ "pps", read_number, &o.pps },
	{ "seconds", read_number, &o.seconds },
	{ "seed", read_number, &o.seed },
	{ "cpu", read_int, &o.cpu },
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
	if (!o.interface || !o.flood || !o.pps || !o.seconds)
		usage("--iface, --flood, --pps and --seconds are needed");
	if (o.pps > UINT32_MAX || o.flood_step < 0 || o.flood_step > 120)
		usage("--pps or --flood-step is out of range");
}

/* ---- addresses as numbers ---- */

static bool number_parse(const char *text, struct torrent_number *out)
{
	uint8_t bytes[16] = { 0 };
	bool v6 = strchr(text, ':');

	if (inet_pton(v6 ? AF_INET6 : AF_INET, text, v6 ? bytes : bytes + 12) != 1)
		usage("not an address");
	*out = (struct torrent_number){ 0 };
	for (int i = 0; i < 8; i++) {
		out->high = out->high << 8 | bytes[i];
		out->low = out->low << 8 | bytes[i + 8];
	}
	return v6;
}

static void number_bytes(struct torrent_number number, bool v6, uint8_t *out)
{
	for (int i = 7; i >= 0 && v6; i--, number.high >>= 8)
		out[i] = (uint8_t)number.high;
	for (int i = v6 ? 15 : 3; i >= (v6 ? 8 : 0); i--, number.low >>= 8)
		out[i] = (uint8_t)number.low;
}

static uint64_t ones(int bits)
{
	return bits <= 0 ? 0 : bits >= 64 ? ~0ULL : (1ULL << bits) - 1;
}

static void read_flood(struct torrent_flood *out)
{
	char address[INET6_ADDRSTRLEN + 1] = "";
	const char *slash = strchr(o.flood, '/');
	int bits;

	sscanf(o.flood, "%46[^/]", address);
	out->v6 = number_parse(address, &out->base);
	out->step = (uint32_t)o.flood_step;
	out->count = o.flood_count;
	if (!slash)
		return;
	bits = (out->v6 ? 128 : 32) - atoi(slash + 1);
	out->vary.high = ones(bits - 64);
	out->vary.low = ones(bits);
}

/* ---- frames ---- */

static void put16(uint8_t *p, unsigned int value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static void build_transport(uint8_t *p, int protocol, size_t length, bool v6)
{
	if (protocol == PROTO_ICMP) {
		p[0] = v6 ? 128 : 8; /* echo request */
		return;
	}
	put16(p, 40000);
	put16(p + 2, 9);
	if (protocol == PROTO_UDP) {
		put16(p + 4, (unsigned int)length);
		return;
	}
	p[12] = 0x50;
	p[13] = protocol == PROTO_SYN ? 0x02 : 0x10;
	put16(p + 14, 1024);
}

/* All but the source's address and the port. Checksums stay zero: nobody looks so far. */
static void build_frame(uint8_t *frame, const uint8_t *mac, bool v6, int protocol)
{
	static const uint8_t numbers4[] = { 6, 6, 17, 1 }, numbers6[] = { 6, 6, 17, 58 };
	uint8_t *ip = frame + ETH_HLEN, *transport = ip + (v6 ? 40 : 20);
	size_t length = (size_t)(frame + TORRENT_LENGTH - transport);

	memset(frame, 0, TORRENT_FRAME_BYTES);
	memcpy(frame, o.destination_mac, 6);
	memcpy(frame + 6, mac, 6);
	put16(frame + 12, v6 ? ETH_P_IPV6 : ETH_P_IP);
	if (v6) {
		ip[0] = 0x60;
		put16(ip + 4, (unsigned int)length);
		ip[6] = numbers6[protocol];
		ip[7] = 64;
		if (inet_pton(AF_INET6, o.destination6, ip + 24) != 1)
			usage("--dst6 is no address");
	} else {
		ip[0] = 0x45;
		put16(ip + 2, TORRENT_LENGTH - ETH_HLEN);
		ip[8] = 64;
		ip[9] = numbers4[protocol];
		if (inet_pton(AF_INET, o.destination4, ip + 16) != 1)
			usage("--dst4 is no address");
	}
	build_transport(transport, protocol, length, v6);
}

/* ---- the plan of a second ---- */

struct steadies {
	struct torrent_steady *sources;
	struct torrent_due *plan;
	uint32_t source_count, due_count;
	bool v6;
};

static int by_time(const void *left, const void *right)
{
	const struct torrent_due *a = left, *b = right;

	return a->at < b->at ? -1 : a->at > b->at;
}

/* A source's packets: evenly over the second, from a phase of its own. */
static void plan_source(struct steadies *all, uint32_t source, unsigned int pps)
{
	double phase = source * 0.6180339887498949;

	phase -= (uint32_t)phase;
	for (unsigned int i = 0; i < pps; i++) {
		double at = (i + phase) * (double)o.pps / pps;

		all->plan[all->due_count++] = (struct torrent_due){ (uint32_t)at, source };
	}
}

/* One packet for each number: those that share one move on, and back from the second's end. */
static void plan_order(struct steadies *all)
{
	struct torrent_due *plan = all->plan;
	uint32_t n = all->due_count, last = (uint32_t)o.pps - 1;

	qsort(plan, n, sizeof(*plan), by_time);
	for (uint32_t i = 1; i < n; i++)
		if (plan[i].at <= plan[i - 1].at)
			plan[i].at = plan[i - 1].at + 1;
	for (uint32_t i = n; i-- > 0 && plan[i].at > last; last--)
		plan[i].at = last;
}

static void plan_steadies(struct steadies *all)
{
	uint64_t sources = 0, packets = 0;

	for (int i = 0; i < o.group_count; i++) {
		sources += o.groups[i].count;
		packets += (uint64_t)o.groups[i].count * o.groups[i].pps;
	}
	if (packets > o.pps || packets > UINT32_MAX)
		usage("the steady sources send more than --pps");
	all->sources = calloc(sources + 1, sizeof(*all->sources));
	all->plan = calloc(packets + 1, sizeof(*all->plan));
	if (!all->sources || !all->plan)
		die("plan");
	for (int g = 0; g < o.group_count; g++) {
		struct torrent_number number;
		bool v6 = number_parse(o.groups[g].address, &number);

		if (g && v6 != all->v6)
			usage("steady sources are of different families");
		all->v6 = v6;
		for (unsigned int i = 0; i < o.groups[g].count; i++, number.low++) {
			struct torrent_steady *source = &all->sources[all->source_count];

			*source = (struct torrent_steady){ .port = (uint16_t)o.port,
							   .port_step = (uint16_t)o.port_step,
							   .v6 = v6 };
			number_bytes(number, v6, source->address);
			plan_source(all, all->source_count++, o.groups[g].pps);
		}
	}
	plan_order(all);
}

/* ---- the kernel's half ---- */

static void *map_memory(struct bpf_map *map, size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (at == MAP_FAILED)
		die("map memory");
	return at;
}

static void give_size(struct bpf_map *map, uint32_t entries)
{
	if (bpf_map__set_max_entries(map, entries ? entries : 1))
		die("size a map");
}

static struct torrent_bpf *load(struct steadies *all)
{
	struct torrent_bpf *bpf = torrent_bpf__open();
	uint32_t zero = 0, ifindex = if_nametoindex(o.interface);
	size_t bytes = all->source_count * sizeof(*all->sources);
	void *memory;

	if (!bpf || !ifindex)
		die("find the interface");
	give_size(bpf->maps.plan, all->due_count);
	give_size(bpf->maps.steady, all->source_count);
	give_size(bpf->maps.times, o.times ? TIMES_MAX : 1);
	read_flood(&bpf->bss->flood);
	build_frame((uint8_t *)bpf->bss->flood_frame, o.source_mac, bpf->bss->flood.v6,
		    o.flood_protocol);
	build_frame((uint8_t *)bpf->bss->steady_frame, o.steady_mac, all->v6, o.steady_protocol);
	bpf->data->per_second = (uint32_t)o.pps;
	bpf->bss->due_count = all->due_count;
	bpf->bss->next_at = all->due_count ? all->plan[0].at : UINT32_MAX;
	bpf->bss->keep_times = o.times != NULL;
	bpf->bss->random_state = o.seed;
	if (torrent_bpf__load(bpf) ||
	    bpf_map_update_elem(bpf_map__fd(bpf->maps.wire), &zero, &ifindex, BPF_ANY))
		die("load the program");
	if (!all->source_count)
		return bpf;
	memory = map_memory(bpf->maps.plan, all->due_count * sizeof(*all->plan));
	memcpy(memory, all->plan, all->due_count * sizeof(*all->plan));
	memory = map_memory(bpf->maps.steady, bytes);
	memcpy(memory, all->sources, bytes);
	free(all->sources);
	all->sources = memory; /* the program counts there */
	return bpf;
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

/*
 * A program that is attached somewhere is in the kernel's XDP dispatcher already. One that is not
 * goes in and out with each call, which takes two grace periods. (Nothing uses the namespace's lo.)
 */
static void attach_somewhere(const struct torrent_bpf *bpf)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_SKB_MODE);

	if (bpf_link_create(bpf_program__fd(bpf->progs.torrent), (int)if_nametoindex("lo"), BPF_XDP,
			    &options) < 0)
		die("attach to lo");
}

static uint64_t sent(const struct torrent_bpf *bpf)
{
	return bpf->bss->flood_sent + bpf->bss->steady_sent;
}

/* Sends what is due by now, again and again. Returns the nanoseconds that it took. */
static int64_t send_all(const struct torrent_bpf *bpf)
{
	uint64_t total = o.pps * o.seconds;
	int64_t start_ns = now_ns(), due_ns = start_ns;

	while (!stopped && sent(bpf) < total) {
		uint64_t due;

		due_ns += CHUNK_NS;
		if (now_ns() < due_ns)
			sleep_until(due_ns);
		else
			due_ns = now_ns();
		due = (uint64_t)((double)(due_ns - start_ns) * (double)o.pps / NS_PER_SECOND);
		if (due > total)
			due = total;
		if (due > sent(bpf))
			send_frames(bpf, due - sent(bpf));
	}
	return now_ns() - start_ns;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("stay on one processor");
}

static void write_times(const struct torrent_bpf *bpf)
{
	uint64_t n = bpf->bss->steady_sent < TIMES_MAX ? bpf->bss->steady_sent : TIMES_MAX;
	FILE *file = fopen(o.times, "w");

	if (!file || (n && fwrite(map_memory(bpf->maps.times, n * 8), 8, n, file) != n) ||
	    fclose(file))
		die("write the file of times");
}

static void report(const struct torrent_bpf *bpf, const struct steadies *all, int64_t took_ns)
{
	double seconds = (double)took_ns / NS_PER_SECOND;
	char text[INET6_ADDRSTRLEN];

	printf("{\"sent\":%" PRIu64 ",\"flood\":%" PRIu64
	       ",\"seconds\":%.3f,\"pps\":%.0f,\"steady\":{",
	       sent(bpf), (uint64_t)bpf->bss->flood_sent, seconds, (double)sent(bpf) / seconds);
	for (uint32_t i = 0; i < all->source_count; i++) {
		inet_ntop(all->v6 ? AF_INET6 : AF_INET, all->sources[i].address, text,
			  sizeof(text));
		printf("%s\"%s\":%" PRIu64, i ? "," : "", text, (uint64_t)all->sources[i].sent);
	}
	puts("}}");
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct steadies all = { 0 };
	struct torrent_bpf *bpf;
	int64_t took_ns;

	read_options(argc, argv);
	prctl(PR_SET_TIMERSLACK, 1);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	plan_steadies(&all);
	bpf = load(&all);
	pin(o.cpu);
	attach_somewhere(bpf);
	took_ns = send_all(bpf);
	if (o.times)
		write_times(bpf);
	report(bpf, &all, took_ns);
	return 0;
}
