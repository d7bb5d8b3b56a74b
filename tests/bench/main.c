// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The benchmark's frame: a network namespace of its own that ends with the process, wires in it,
 * fwgen on two of them, and the parts that were asked for.
 *   bench [--quick] [cost] [blocks] [live] [poller] [judge] [replay] [dropmap]
 *   bench traffic PACKETS > FILE    the capture that replay is measured with
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/subprocess.h"
#include "bench.h"
#include "traffic.h"

#define BLOCKS 1000

void die(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fputs("bench: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

void bench_report(const char *name, const char *variant, const double *ns, unsigned int runs)
{
	printf("%s\t%s", name, variant);
	for (unsigned int i = 0; i < runs; i++)
		printf("\t%.3f", ns[i]);
	putchar('\n');
	fflush(stdout);
}

void bench_pin(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		die("failed to stay on CPU %d: %m", cpu);
}

void bench_pin_elsewhere(int cpu)
{
	cpu_set_t others;

	CPU_ZERO(&others);
	for (long i = 0; i < sysconf(_SC_NPROCESSORS_CONF) && i < CPU_SETSIZE; i++)
		if (i != cpu)
			CPU_SET(i, &others);
	/* fails where there is no other: then it shares */
	sched_setaffinity(0, sizeof(others), &others);
}

/* The last one that we may use: interrupts and shells tend to be on the first. */
static int choose_cpu(void)
{
	cpu_set_t mine;
	int last = 0;

	if (sched_getaffinity(0, sizeof(mine), &mine))
		die("failed to read the CPU affinity: %m");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &mine))
			last = cpu;
	return last;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die("failed to write %s: %m", path);
	close(fd);
}

static void ip(const char *const argv[])
{
	struct subprocess_result result;
	int err = subprocess_run(argv, NULL, 0, 10000, &result);

	if (err)
		die("failed to run ip: %s", strerror(-err));
	if (result.status != 0)
		die("failed to set up the wires: %s", result.errors);
	subprocess_result_free(&result);
}

static void lay_wires(void)
{
	if (unshare(CLONE_NEWNET))
		die("failed to make a network namespace: %m; it needs root");
	/* else the kernel's own discovery packets are counted too */
	if (!access("/proc/sys/net/ipv6", F_OK))
		write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	for (int wire = 0; wire < WIRES; wire++) {
		char sender[16], receiver[16];

		snprintf(sender, sizeof(sender), "fwb%dt", wire);
		snprintf(receiver, sizeof(receiver), "fwb%dr", wire);
		ip((const char *const[]){ "ip", "link", "add", sender, "type", "veth", "peer",
					  "name", receiver, NULL });
		ip((const char *const[]){ "ip", "link", "set", sender, "up", NULL });
		ip((const char *const[]){ "ip", "link", "set", receiver, "up", NULL });
	}
}

static void open_all(struct bench *bench)
{
	lay_wires();
	bench->bpf = bench_bpf__open_and_load();
	if (!bench->bpf)
		die("failed to load the benchmark's programs: %m");
	plant_open(&bench->plain, "fwb0r");
	plant_open(&bench->blocking, "fwb1r");
	plant_block_row(&bench->blocking, BLOCKS);
}

static bool wanted(int argc, char **argv, const char *part)
{
	bool any = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], part))
			return true;
		any |= argv[i][0] != '-';
	}
	return !any;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN && getenv("BENCH_VERBOSE"))
		vfprintf(stderr, format, arguments);
	return 0;
}

static void run_data_plane(struct bench *bench, int argc, char **argv)
{
	libbpf_set_print(quiet);
	open_all(bench);
	if (wanted(argc, argv, "cost"))
		bench_cost(bench);
	if (wanted(argc, argv, "blocks"))
		bench_blocks(bench);
	if (wanted(argc, argv, "live"))
		bench_live(bench);
	if (wanted(argc, argv, "poller"))
		bench_poller(bench);
	if (wanted(argc, argv, "judge"))
		bench_judge(bench);
	plant_close(&bench->plain);
	plant_close(&bench->blocking);
	bench_bpf__destroy(bench->bpf);
}

int main(int argc, char **argv)
{
	struct bench bench = { .runs = 7, .interval_ms = 250, .cpu = choose_cpu() };

	for (int i = 1; i < argc; i++)
		bench.quick |= !strcmp(argv[i], "--quick");
	if (bench.quick)
		bench.runs = 3;
	if (argc == 3 && !strcmp(argv[1], "traffic"))
		return traffic_write(stdout, strtoull(argv[2], NULL, 10)) ? 1 : 0;
	if (wanted(argc, argv, "replay"))
		bench_replay(&bench);
	if (wanted(argc, argv, "dropmap"))
		bench_dropmap(&bench);
	if (wanted(argc, argv, "cost") || wanted(argc, argv, "blocks") ||
	    wanted(argc, argv, "live") || wanted(argc, argv, "poller") ||
	    wanted(argc, argv, "judge"))
		run_data_plane(&bench, argc, argv);
	return 0;
}
