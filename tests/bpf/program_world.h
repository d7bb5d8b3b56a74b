/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of the loaded program stand on: the drop map, the real program with its maps, attached
 * nowhere, and BPF_PROG_TEST_RUN on one CPU.
 */
#ifndef FWGEN_TESTS_PROGRAM_WORLD_H
#define FWGEN_TESTS_PROGRAM_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include "bpf/frames.h"
#include "enforce/dropmap.h"
#include "model/table_memory.h"
#include "sense/contacts.h"
#include "sense/program.h"

#define WORLD_BUCKETS	 TABLE_BUCKETS_MIN
#define WORLD_MAX_BLOCKS 131072

struct world {
	struct dropmap *dropmap;
	struct contacts_memory contacts;
	struct fwgen_bpf *bpf;
	struct sensor_control *control;
	int cpu;
};

static inline int world_pin_cpu(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
	return cpu;
}

static inline struct hash_key world_key(uint64_t seed)
{
	struct hash_key key;
	struct frames random;

	frames_begin(&random, seed);
	for (size_t i = 0; i < sizeof(key); i++)
		((unsigned char *)&key)[i] = (unsigned char)frames_random(&random, 256);
	key.finish |= 1;
	return key;
}

/* The program over the maps of an open drop map, with one CPU's tables. */
static inline void world_load(struct world *world)
{
	static struct config config;
	struct sensor_options options = { .interface = "none", .config = &config };
	char error[512] = "";

	assert_int_equal(contacts_open(&world->contacts), 0);
	options.contacts_fd = world->contacts.fd;
	config.sensor.table_buckets = WORLD_BUCKETS;
	dropmap_maps(world->dropmap, &options.maps);
	if (program_load(&options, 1, &world->bpf, error))
		fail_msg("%s", error);
	world->control = &world->bpf->data_sensor->sensor;
	world->control->epoch = 2;
	world->control->bucket_mask = WORLD_BUCKETS - 1;
	world->control->destination_bucket_mask = table_memory_destinations(WORLD_BUCKETS) - 1;
	world->control->destination_every = 1;
	world->control->keys[0] = world_key(1);
	world->control->keys[1] = world_key(2);
	world->control->bitmap_key = world_key(3);
	memset(&world->control->marks, 0xff, sizeof(world->control->marks));
	world->cpu = world_pin_cpu();
	world->control->cpu_slot[world->cpu] = 1;
}

static inline void world_open(struct world *world, const char *pin_dir)
{
	struct dropmap_options options = { .pin_dir = pin_dir, .max_blocks = WORLD_MAX_BLOCKS };
	char error[512] = "";

	*world = (struct world){ 0 };
	if (dropmap_open(&options, &world->dropmap, error))
		fail_msg("%s", error);
	world_load(world);
}

static inline void world_close(struct world *world, bool keep)
{
	fwgen_bpf__destroy(world->bpf);
	world->bpf = NULL;
	contacts_close(&world->contacts);
	dropmap_close(&world->dropmap, keep);
}

static inline uint32_t world_run_program(const struct bpf_program *program,
					 const struct frame *frame)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = frame->length);

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program), &options), 0);
	return options.retval;
}

/* What the program says of the frame: XDP_PASS or XDP_DROP. */
static inline uint32_t world_run(struct world *world, const struct frame *frame)
{
	return world_run_program(world->bpf->progs.fwgen_xdp, frame);
}

/* The frame leaves; what the tc program says. */
static inline uint32_t world_leave(struct world *world, const struct frame *frame)
{
	return world_run_program(world->bpf->progs.fwgen_egress, frame);
}

#endif
