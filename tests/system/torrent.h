/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What torrent's two halves share: the program in the kernel that fills each frame, and the process
 * that plans and paces it.
 */
#ifndef FWGEN_TESTS_TORRENT_H
#define FWGEN_TESTS_TORRENT_H

#include <linux/types.h>

#define TORRENT_FRAME_BYTES 80 /* of memory; a multiple of 8 */
#define TORRENT_LENGTH	    74 /* Ethernet, IPv6, TCP: every frame has it */

/* Addresses as numbers; IPv4 is the lower 32 bits of low. */
struct torrent_number {
	__u64 high, low;
};

/* The crowd: each packet from another source. */
struct torrent_flood {
	struct torrent_number base;
	struct torrent_number vary; /* random: the bits that are; zero: sources in a row */
	__u32 step;		    /* in a row: log2 of the distance */
	__u32 v6;
	__u64 count; /* in a row: how many, then again from the first */
};

/* One of those that send evenly. */
struct torrent_steady {
	__u8 address[16]; /* as in the packet; IPv4 the first 4 */
	__u16 port;	  /* of the next packet */
	__u16 port_step;
	__u32 v6;
	__u64 sent;
};

/* Packet number `at` of each second belongs to a steady source. Sorted by `at`. */
struct torrent_due {
	__u32 at;
	__u32 steady;
};

#endif
