/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What torrent's two halves share: the program in the kernel that fills each frame, and the process
 * that plans and paces it.
 */
#ifndef FWGEN_TESTS_TORRENT_H
#define FWGEN_TESTS_TORRENT_H

#include <linux/types.h>

#define TORRENT_LENGTH	    74 /* of every frame: Ethernet, IPv6, TCP */
#define TORRENT_FRAME_BYTES 80 /* of memory, in whole words */

/* An address as a number; IPv4 is the lower 32 bits of low. */
struct torrent_number {
	__u64 high, low;
};

/* The crowd: each packet from another source. */
struct torrent_flood {
	struct torrent_number base;
	struct torrent_number vary; /* the bits that are random; none: sources in a row from base */
	__u32 step;		    /* in a row: the distance, as a power of two */
	__u32 v6;
	__u64 count; /* in a row: how many, then again from base; 0: no end */
};

/* One of those that send evenly. */
struct torrent_steady {
	__u8 address[16]; /* as in the packet; IPv4 the first 4 */
	__u16 port;	  /* of the next packet */
	__u16 port_step;
	__u32 v6;
	__u64 sent;
};

/* Packet number `at` of each second is a steady source's. Sorted by `at`. */
struct torrent_due {
	__u32 at;
	__u32 steady;
};

#endif
