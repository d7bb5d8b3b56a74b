/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet generator for the system tests: one flow, or many sources, sent through AF_PACKET from
 * the namespace it runs in, at a rate or as fast as it goes. It prints one JSON object that says
 * what was sent and when (CLOCK_BOOTTIME). It is not a general traffic tool: see blast_frame.c.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "blast_frame.h"

static struct {
	const char *interface;
	const char *times; /* file for the send time of each packet */
	struct packets packets;
	uint64_t rate, count, seconds, mark;
	int batch, cpu;
} o = { .batch = BATCH_MAX,
	.cpu = -1,
	.packets = { .source = { .count = 1 },
		     .destination = { .count = 1 },
		     .source_port = 40000,
		     .destination_port = 80,
		     .source_mac = { 2, 0, 0, 0, 0, 0xee } } };

struct result {
	uint64_t sent, refused;
	int64_t first_ns, last_ns, mark_ns;
};

static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
	(void)signal;
	stopped = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "blast: failed to %s: %s\n", what, strerror(errno));
	exit(1);
}

static void usage(const char *what)
{
	fprintf(stderr, "blast: %s\n", what);
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

static void read_port(const char *value, void *out)
{
	*(uint16_t *)out = (uint16_t)atoi(value);
}

static void read_name(const char *const names[], const char *value, void *out)
{
	for (int i = 0; names[i]; i++) {
		if (!strcmp(names[i], value)) {
			*(int *)out = i;
			return;
		}
	}
	usage("no such mode or protocol");
}

static void read_mode(const char *value, void *out)
{
	static const char *const names[] = { "fixed", "list", "random", NULL };

	read_name(names, value, out);
}

static void read_protocol(const char *value, void *out)
{
	static const char *const names[] = { "syn",  "ack", "fin",  "null",
					     "xmas", "udp", "icmp", NULL };

	read_name(names, value, out);
}

static void read_mac(const char *value, void *out)
{
	uint8_t *mac = out;

	if (sscanf(value, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) != 6)
		usage("a hardware address looks like 02:00:00:00:00:01");
}

static void read_range(const char *value, void *out)
{
	if (!range_parse(value, out))
		usage("not an address");
}

static void read_tags(const char *value, void *out)
{
	struct packets *packets = out;

	for (; *value && packets->tag_count < TAGS_MAX; value += strspn(value, ",")) {
		packets->tags[packets->tag_count++] = (uint16_t)atoi(value);
		value += strcspn(value, ",");
	}
}

static const struct {
	const char *name;
	void (*read)(const char *value, void *out);
	void *out;
} option_table[] = {
	{ "iface", read_text, &o.interface },
	{ "times", read_text, &o.times },
	{ "src", read_range, &o.packets.source },
	{ "src-mode", read_mode, &o.packets.source.mode },
	{ "sources", read_number, &o.packets.source.count },
	{ "dst", read_range, &o.packets.destination },
	{ "dst-mode", read_mode, &o.packets.destination.mode },
	{ "destinations", read_number, &o.packets.destination.count },
	{ "src-mac", read_mac, o.packets.source_mac },
	{ "dst-mac", read_mac, o.packets.destination_mac },
	{ "proto", read_protocol, &o.packets.protocol },
	{ "sport", read_port, &o.packets.source_port },
	{ "sport-mode", read_mode, &o.packets.source_port_mode },
	{ "dport", read_port, &o.packets.destination_port },
	{ "dport-mode", read_mode, &o.packets.destination_port_mode },
	{ "vlan", read_tags, &o.packets },
	{ "length", read_int, &o.packets.length },
	{ "rate", read_number, &o.rate },
	{ "count", read_number, &o.count },
	{ "seconds", read_number, &o.seconds },
	{ "mark-time", read_number, &o.mark },
	{ "batch", read_int, &o.batch },
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
}

static void check_options(void)
{
	int least = o.packets.source.family == AF_INET6 ? 14 + 40 + 20 : 60;

	if (!o.packets.length)
		o.packets.length = least;
	if (!o.interface || !o.packets.source.family || !o.packets.destination.family)
		usage("--iface, --src and --dst are needed");
	if (o.packets.source.family != o.packets.destination.family)
		usage("--src and --dst are of different families");
	if (!o.count && !o.seconds)
		usage("--count or --seconds is needed");
	if (!o.packets.source.count || !o.packets.destination.count)
		usage("--sources and --destinations are at least 1");
	if (o.packets.length < least || o.packets.length > FRAME_MAX - 4 * TAGS_MAX)
		usage("--length does not fit the headers");
	if (o.batch < 1 || o.batch > BATCH_MAX)
		usage("--batch is 1 to 64");
}

/* ---- sending ---- */

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * NS_PER_SECOND + t.tv_nsec;
}

static int open_socket(void)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("open a packet socket");
	address.sll_ifindex = (int)if_nametoindex(o.interface);
	if (!address.sll_ifindex)
		die("find the interface");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die("bind to the interface");
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)))
		die("bypass the queueing discipline");
	return fd;
}

/* How many the rate allows by now; at no rate, as many as one wants. */
static int64_t allowed(const struct result *r, int64_t elapsed_ns)
{
	if (!o.rate)
		return BATCH_MAX;
	return 1 + (int64_t)((double)elapsed_ns * (double)o.rate / NS_PER_SECOND) -
	       (int64_t)r->sent;
}

static void nap(void)
{
	int64_t wait_ns = NS_PER_SECOND / (int64_t)o.rate / 2;
	struct timespec time = { .tv_nsec = wait_ns < 10000000 ? wait_ns : 10000000 };

	if (wait_ns > 100000) /* shorter ones are spun through: a timer is not that exact */
		nanosleep(&time, NULL);
}

/* How many to send now; waits while nothing is due. 0: the end. */
static uint64_t due(const struct result *r, int64_t start_ns)
{
	while (!stopped) {
		int64_t elapsed_ns = now_ns() - start_ns;
		int64_t n = allowed(r, elapsed_ns);

		if (o.seconds && elapsed_ns > (int64_t)o.seconds * NS_PER_SECOND)
			return 0;
		if (n <= 0) {
			nap();
			continue;
		}
		if (n > o.batch)
			n = o.batch;
		if (o.count && (uint64_t)n > o.count - r->sent)
			n = (int64_t)(o.count - r->sent);
		return (uint64_t)n;
	}
	return 0;
}

static void note(struct result *r, FILE *times, uint64_t n, int64_t at_ns)
{
	if (!r->sent)
		r->first_ns = at_ns;
	if (o.mark > r->sent && o.mark <= r->sent + n)
		r->mark_ns = at_ns;
	for (uint64_t i = 0; times && i < n; i++)
		fwrite(&at_ns, sizeof(at_ns), 1, times);
	r->last_ns = at_ns;
	r->sent += n;
}

static void send_batch(struct frames *f, int fd, unsigned int n, FILE *times, struct result *r)
{
	unsigned int done = 0;

	while (done < n && !stopped) {
		int64_t at_ns = now_ns();
		int sent = sendmmsg(fd, f->messages + done, n - done, 0);

		if (sent > 0) {
			note(r, times, (uint64_t)sent, at_ns);
			done += (unsigned int)sent;
		} else if (errno == ENOBUFS || errno == EAGAIN) {
			r->refused++; /* the device is full: the same packet again */
		} else if (errno != EINTR) {
			die("send");
		}
	}
}

static void send_all(struct frames *f, int fd, FILE *times, struct result *r)
{
	int64_t start_ns = now_ns();
	uint64_t n;

	while ((n = due(r, start_ns)) > 0) {
		for (uint64_t i = 0; i < n; i++)
			frames_fill(f, &o.packets, (int)i, r->sent + i);
		send_batch(f, fd, (unsigned int)n, times, r);
	}
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("stay on one processor");
}

static void report(const struct result *r)
{
	double seconds = (double)(r->last_ns - r->first_ns) / NS_PER_SECOND;

	printf("{\"sent\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"first_ns\":%" PRId64
	       ",\"last_ns\":%" PRId64 ",\"mark_ns\":%" PRId64 ",\"pps\":%.0f}\n",
	       r->sent, r->refused, r->first_ns, r->last_ns, r->mark_ns,
	       seconds > 0 ? (double)r->sent / seconds : 0.0);
}

int main(int argc, char **argv)
{
	static struct frames frames;
	struct result result = { 0 };
	FILE *times = NULL;

	read_options(argc, argv);
	check_options();
	if (o.cpu >= 0)
		pin(o.cpu);
	if (o.times && !(times = fopen(o.times, "w")))
		die("open the file of times");
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	frames_prepare(&frames, &o.packets);
	send_all(&frames, open_socket(), times, &result);
	if (times && fclose(times))
		die("write the file of times");
	report(&result);
	return 0;
}
