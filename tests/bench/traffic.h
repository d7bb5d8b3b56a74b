/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captures of mixed traffic for measuring replay: TCP in both directions with handshakes, questions
 * and answers over UDP, a flood from random sources, scanners that are found and blocked. The same
 * number of packets gives the same capture.
 */
#ifndef FWGEN_BENCH_TRAFFIC_H
#define FWGEN_BENCH_TRAFFIC_H

#include <stdint.h>
#include <stdio.h>

#define TRAFFIC_PPS 100000 /* on the capture's clock */

/* Writes so many packets as pcap, cut after TRAFFIC_SNAP bytes. Returns 0 or -errno. */
#define TRAFFIC_SNAP 96
int traffic_write(FILE *out, uint64_t packets);

/* What libpcap alone takes: reads all frames, looks at none. Returns how many. */
uint64_t traffic_read(const char *path);

#endif
