// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What detection costs for each sample of an interval, with the default limits: sources that come
 * again in every interval with ordinary traffic, and memory that the tracker holds for each.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/address.h"
#include "bench.h"
#include "detect/detect.h"

#define INTERVAL_NS (250 * NS_PER_MS)

/* A download, a few connections, now and then a name that is looked up. */
static void make_samples(struct sample *samples, uint32_t sources)
{
	for (uint32_t i = 0; i < sources; i++) {
		struct table_entry *entry = &samples[i].entry;

		entry->address = address_from_ipv4(__builtin_bswap32(0x0a000000 + i));
		entry->prefix_len = PREFIX_LEN_FULL;
		entry->packets = 4 + i % 61;
		entry->bytes = entry->packets * 700ULL;
		entry->syn = i % 3 == 0;
		entry->established = 1;
		entry->udp = i % 7 == 0;
		entry->last_protocol = 6;
		entry->last_port = 443;
	}
}

static void measure(const struct bench *bench, const char *variant, uint32_t sources)
{
	struct sample *samples = calloc(sources, sizeof(*samples));
	struct config *config = config_defaults();
	struct finding_list findings = { 0 };
	struct moment now = { .boot_ns = 5000 * NS_PER_SECOND,
			      .wall_ns = 1769860800 * NS_PER_SECOND };
	struct detect *detect;
	double ns[BENCH_RUNS_MAX];

	if (!samples || !config || detect_new(config, &detect))
		die("failed to start detection: out of memory");
	make_samples(samples, sources);
	for (unsigned int run = 0; run < bench->runs + 3; run++) {
		struct traffic traffic = { .start = now, .end = moment_plus(now, INTERVAL_NS) };
		double start = bench_clock_ns(CLOCK_THREAD_CPUTIME_ID);

		if (detect_samples(detect, &traffic, samples, sources, &findings))
			die("failed to judge: out of memory");
		if (run >= 3) /* the first ones make the records */
			ns[run - 3] = (bench_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start) / sources;
		now = traffic.end;
	}
	bench_report("judge", variant, ns, bench->runs);
	fprintf(stderr, "judge %s: %.0f bytes a source, %zu findings\n", variant,
		(double)detect_memory_bytes(detect) / sources, findings.count);
	finding_list_free(&findings);
	detect_free(&detect);
	config_free(&config);
	free(samples);
}

void bench_judge(const struct bench *bench)
{
	bench_pin(bench->cpu);
	measure(bench, "1000_sources", 1000);
	measure(bench, "16384_sources", 16384);
	measure(bench, "65536_sources", 65536);
	measure(bench, "1000000_sources", 1000000);
}
