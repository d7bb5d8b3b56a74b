/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fwgen's data plane on one interface as the daemon has it: drop map, native XDP, interval tables
 * that are turned with a new key and drained.
 */
#ifndef FWGEN_BENCH_PLANT_H
#define FWGEN_BENCH_PLANT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "sense/contacts.h"

#define PLANT_BLOCKED_FIRST 0xc6120000 /* 198.18.0.0: the blocked sources, one after another */

struct plant {
	struct config *config;
	struct dropmap *dropmap;
	struct contacts_memory contacts;
	struct sensor *sensor;
	struct grace *grace;
	int prog_fd;
	uint32_t blocks;

	pthread_t ticker;
	bool stopping;
	int cpu;		   /* that the ticker leaves alone */
	uint64_t packets, dropped; /* of all intervals since plant_start */
};

void plant_open(struct plant *plant, const char *interface);
void plant_close(struct plant *plant);
/* Blocks so many sources from PLANT_BLOCKED_FIRST on. */
void plant_block_row(struct plant *plant, uint32_t count);
/* Blocks so many IPv4 prefixes of these lengths in turn, all over the addresses. */
void plant_block_spread(struct plant *plant, uint32_t count, const uint32_t *lengths,
			uint32_t length_count);

/* One interval by hand: what is counted from here to plant_end, which returns the packets. */
void plant_begin(struct plant *plant);
uint64_t plant_end(struct plant *plant);
/*
 * As if the frames' destination took part in the connections (FRAME_ACK) of so many sources: in the
 * running interval what they send is an answer.
 */
void plant_note_flows(struct plant *plant, uint32_t first_source, uint32_t sources);

/* Intervals of the configured length on a thread of their own, until plant_stop. */
void plant_start(struct plant *plant, int cpu);
void plant_stop(struct plant *plant);

#endif
