// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xdp-filter, where xdp-tools is installed: a static deny list that counts nothing by source. Its
 * program is loaded as it is, its maps private.
 */
#include <stdlib.h>
#include "bench.h"

#define DENY_SOURCE 1
#define ENTRIES	    1000

static const char *const paths[] = {
	"/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_alw_ip.o",
	"/usr/lib/aarch64-linux-gnu/bpf/xdpfilt_alw_ip.o",
	"/usr/lib/bpf/xdpfilt_alw_ip.o",
	"/usr/lib64/bpf/xdpfilt_alw_ip.o",
};

static struct bpf_object *open_first(void)
{
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct bpf_object *object = bpf_object__open_file(paths[i], NULL);

		if (object)
			return object;
	}
	return NULL;
}

static void fill(struct bpf_object *object)
{
	int fd = bpf_object__find_map_fd_by_name(object, "filter_ipv4");
	int cpus = libbpf_num_possible_cpus();
	__u64 *flags = calloc(cpus, sizeof(*flags));

	if (fd < 0 || !flags)
		die("failed to fill xdp-filter's list");
	for (int i = 0; i < cpus; i++)
		flags[i] = DENY_SOURCE;
	for (__u32 i = 0; i < ENTRIES; i++) {
		__u32 key = __builtin_bswap32(PLANT_BLOCKED_FIRST + i);

		if (bpf_map_update_elem(fd, &key, flags, BPF_ANY))
			die("failed to fill xdp-filter's list: %m");
	}
	free(flags);
}

int rival_xdp_filter(struct bpf_object **out)
{
	struct bpf_object *object = open_first();
	struct bpf_program *program;
	struct bpf_map *map;

	if (!object)
		return -1;
	bpf_object__for_each_map (map, object)
		bpf_map__set_pin_path(map, NULL);
	program = bpf_object__next_program(object, NULL);
	bpf_program__set_type(program, BPF_PROG_TYPE_XDP);
	if (bpf_object__load(object)) {
		bpf_object__close(object);
		return -1;
	}
	fill(object);
	*out = object;
	return bpf_program__fd(program);
}
