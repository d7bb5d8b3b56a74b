// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loading the XDP program: how large its maps are, which of them are the drop map's, and what a
 * kernel that refuses it means. Attaching is attach.c's.
 */
#include "sense/program.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "model/table_memory.h"

uint32_t program_slots(uint32_t buckets, unsigned int memory_mb)
{
	size_t slots = (size_t)memory_mb * TABLE_MEMORY_MB / table_memory_slot(buckets);
	int cpus = libbpf_num_possible_cpus();

	if (cpus > 0 && slots > (size_t)cpus)
		slots = cpus;
	return slots ? slots : 1;
}

bool sensor_room(const struct config *config, char text[256])
{
	unsigned int interfaces = config->interface_count ? config->interface_count : 1;
	unsigned int buckets = config->sensor.table_buckets, memory_mb = config->sensor.memory_mb;
	uint32_t slots = program_slots(buckets, memory_mb / interfaces);
	int cpus = libbpf_num_possible_cpus();

	if (cpus <= 0 || slots >= (uint32_t)cpus)
		return true;
	snprintf(text, 256,
		 "%u of %d CPUs can be counted per source with sensor.memory_mb %u for %u"
		 " interface%s: packets on the others are counted, but not whose they are; raise it"
		 " to %zu",
		 slots, cpus, memory_mb, interfaces, interfaces == 1 ? "" : "s",
		 table_memory_needed_mb(buckets, cpus, interfaces));
	return false;
}

static int reuse_maps(struct fwgen_bpf *bpf, const struct sensor_options *options)
{
	const struct verdict_maps *maps = &options->maps;
	int err = bpf_map__reuse_fd(bpf->maps.blocks, maps->blocks);

	err = err ? err : bpf_map__reuse_fd(bpf->maps.bss, options->contacts_fd);
	err = err ? err : bpf_map__reuse_fd(bpf->maps.block_hits, maps->block_hits);
	err = err ? err : bpf_map__reuse_fd(bpf->maps.filters, maps->filters);
	err = err ? err : bpf_map__reuse_fd(bpf->maps.protected_set, maps->protected_set);
	err = err ? err : bpf_map__reuse_fd(bpf->maps.captured, maps->captured);
	return err ? err : bpf_map__reuse_fd(bpf->maps.data_verdict, maps->verdict_control);
}

static int size_maps(struct fwgen_bpf *bpf, uint32_t buckets, uint32_t slots)
{
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} sizes[] = {
		{ bpf->maps.source_headers, buckets },
		{ bpf->maps.source_entries, buckets },
		{ bpf->maps.source_totals, 1 },
		{ bpf->maps.destination_headers, table_memory_destinations(buckets) },
		{ bpf->maps.destination_entries, table_memory_destinations(buckets) },
		{ bpf->maps.destination_totals, 1 },
		{ bpf->maps.packet_samples, PACKET_SAMPLES },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes) && !err; i++)
		err = bpf_map__set_max_entries(sizes[i].map, slots * 2 * sizes[i].entries);
	return err;
}

static int log_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, arguments);
	line[strcspn(line, "\n")] = '\0';
	if (level != LIBBPF_DEBUG)
		log_debug("%s", line);
	return 0;
}

void program_quiet(void)
{
	libbpf_set_print(log_libbpf);
}

static int explain_load(const char *interface, int err, char error[512])
{
	const char *hint = "the log at level debug has the kernel's words";

	if (err == -EPERM || err == -EACCES)
		hint = "it needs root (CAP_BPF, CAP_NET_ADMIN), and a kernel that is not locked "
		       "down";
	else if (err == -ENOMEM)
		hint = "lower sensor.memory_mb or sensor.table_buckets";
	else if (err == -EINVAL || err == -EOPNOTSUPP || err == -ENOSYS)
		hint = "it needs Linux 5.10 or later with BPF_SYSCALL, BPF_JIT and BTF";
	snprintf(error, 512, "failed to load the XDP program for %s: %s; %s", interface,
		 strerror(-err), hint);
	return err;
}

static int set_tail_calls(struct fwgen_bpf *bpf)
{
	const struct bpf_program *programs[PROGRAM_COUNT] = {
		[PROGRAM_PASSED] = bpf->progs.fwgen_passed,
		[PROGRAM_DROPPED] = bpf->progs.fwgen_dropped,
	};
	int err = 0;

	for (uint32_t i = 0; i < PROGRAM_COUNT && !err; i++) {
		int fd = bpf_program__fd(programs[i]);

		err = bpf_map_update_elem(bpf_map__fd(bpf->maps.programs), &i, &fd, BPF_ANY)
			      ? -errno
			      : 0;
	}
	return err;
}

int program_load(const struct sensor_options *options, uint32_t slots, struct fwgen_bpf **out,
		 char error[512])
{
	uint32_t buckets = options->config->sensor.table_buckets;
	struct fwgen_bpf *bpf;
	int err;

	program_quiet();
	bpf = fwgen_bpf__open();
	if (!bpf)
		return explain_load(options->interface, -errno, error);
	err = size_maps(bpf, buckets, slots);
	err = err ? err : reuse_maps(bpf, options);
	err = err ? err : fwgen_bpf__load(bpf);
	err = err ? err : set_tail_calls(bpf);
	if (err) {
		fwgen_bpf__destroy(bpf);
		return explain_load(options->interface, err, error);
	}
	*out = bpf;
	return 0;
}
