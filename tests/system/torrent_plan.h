/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What torrent is asked to send, and what its program in the kernel needs for that. */
#ifndef FWGEN_TESTS_TORRENT_PLAN_H
#define FWGEN_TESTS_TORRENT_PLAN_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include "torrent.h"

#define GROUPS_MAX 32

enum protocol { PROTO_SYN, PROTO_UDP };

/* Neighbours that send evenly, each at the same rate. */
struct group {
	char address[INET6_ADDRSTRLEN];
	unsigned int count, pps;
};

struct request {
	const char *interface;
	const char *times; /* file for the send time of each steady packet */
	uint64_t pps, seconds, delay, seed;
	int cpu;

	const char *flood; /* PREFIX/LEN: random within it; an address: in a row from there */
	uint64_t flood_count;
	int flood_step, flood_protocol;

	struct group groups[GROUPS_MAX];
	int group_count, protocol, port, port_step;
	int turns; /* one of the group at a time, each for a second */

	const char *destination4, *destination6;
	uint8_t source_mac[6], destination_mac[6]; /* of steady packets */
};

struct plan {
	struct torrent_flood flood;
	uint8_t flood_frame[TORRENT_FRAME_BYTES], steady_frame[TORRENT_FRAME_BYTES];
	struct torrent_steady *sources;
	struct torrent_due *dues;
	uint32_t source_count, due_count;
	bool v6; /* the steady ones */
};

void die(const char *what) __attribute__((noreturn));
void usage(const char *what) __attribute__((noreturn));

/* Ends the process when the request makes no sense. */
void plan_make(const struct request *request, struct plan *out);

#endif
