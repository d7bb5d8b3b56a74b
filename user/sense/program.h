/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loaded XDP program and its maps, before it is attached anywhere. */
#ifndef FWGEN_SENSE_PROGRAM_H
#define FWGEN_SENSE_PROGRAM_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "abi.h" /* before the skeleton, which names its types */
#include "fwgen.skel.h"
#include "sense/sensor.h"

/* How many CPUs' tables fit into the memory; at least one, at most the possible CPUs. */
uint32_t program_slots(uint32_t buckets, unsigned int memory_mb);
/* Loads the program with tables for so many slots. Returns 0, or -errno with a text. */
int program_load(const struct sensor_options *options, uint32_t slots, struct fwgen_bpf **out,
		 char error[512]);

/* What libbpf has to say goes to the log, at level debug. */
void program_quiet(void);

#endif
