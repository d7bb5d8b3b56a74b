// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a start with many blocks takes of the processor: putting them into an empty drop map, taking
 * over the maps of an earlier run, and telling those the same rules again. Pins are in a bpffs of
 * the benchmark's own.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>
#include "base/address.h"
#include "bench.h"
#include "enforce/dropmap.h"

#define RULES 100000

enum { FILL, REBUILD, ADOPT, AGAIN, STEPS };

static const char *const steps[STEPS] = { "sync_100000_new", "filter_of_100000", "adopt_100000",
					  "sync_100000_again" };

static struct rule *make_rules(void)
{
	struct rule *rules = calloc(RULES, sizeof(*rules));
	struct moment now = moment_now();

	if (!rules)
		die("failed to make rules: out of memory");
	for (uint32_t i = 0; i < RULES; i++) {
		/* an odd number: no address twice */
		struct address address = address_from_ipv4(i * 2654435761u);

		rules[i] = (struct rule){ .id = i + 1,
					  .prefix = prefix_of(&address),
					  .classes = CLASS_ALL,
					  .created = now,
					  .expires = moment_plus(now, 3600 * NS_PER_SECOND) };
	}
	return rules;
}

static struct dropmap *open_map(const char *pins)
{
	struct dropmap_options options = { .pin_dir = pins, .max_blocks = 131072 };
	struct dropmap *dropmap;
	char error[512];

	if (dropmap_open(&options, &dropmap, error))
		die("%s", error);
	return dropmap;
}

static void sync_all(struct dropmap *dropmap, const struct rule *rules)
{
	struct enforcer_status status;
	int err = dropmap_sync(dropmap, rules, RULES, moment_now());

	dropmap_status(dropmap, &status);
	if (err || status.rules != RULES)
		die("failed to put the rules into the drop map: %s", strerror(-err));
}

static double since(double *start)
{
	double now = bench_clock_ns(CLOCK_THREAD_CPUTIME_ID), took = now - *start;

	*start = bench_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return took;
}

static void run(const char *pins, const struct rule *rules, double ns[STEPS])
{
	struct dropmap *dropmap = open_map(pins);
	double start = bench_clock_ns(CLOCK_THREAD_CPUTIME_ID);

	sync_all(dropmap, rules);
	ns[FILL] = since(&start);
	if (dropmap_remove(dropmap, &rules[0]))
		die("failed to remove a block");
	since(&start);
	dropmap_maintain(dropmap, moment_plus(moment_now(), NS_PER_SECOND));
	ns[REBUILD] = since(&start);
	dropmap_close(&dropmap, true);
	since(&start);
	dropmap = open_map(pins);
	ns[ADOPT] = since(&start);
	sync_all(dropmap, rules);
	ns[AGAIN] = since(&start);
	dropmap_close(&dropmap, false);
}

void bench_dropmap(const struct bench *bench)
{
	char pins[] = "/tmp/fwgen-bench-XXXXXX";
	double ns[BENCH_RUNS_MAX][STEPS], one[BENCH_RUNS_MAX];
	struct rule *rules = make_rules();

	if (!mkdtemp(pins) || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("bpf", pins, "bpf", 0, NULL))
		die("failed to mount a bpffs on %s: %m", pins);
	for (unsigned int i = 0; i < bench->runs; i++)
		run(pins, rules, ns[i]);
	for (int step = 0; step < STEPS; step++) {
		for (unsigned int i = 0; i < bench->runs; i++)
			one[i] = ns[i][step];
		bench_report("dropmap", steps[step], one, bench->runs);
	}
	umount(pins);
	rmdir(pins);
	free(rules);
}
