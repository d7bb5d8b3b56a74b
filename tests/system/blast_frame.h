/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What blast sends: which frames, and what differs from one to the next. */
#ifndef FWGEN_TESTS_BLAST_FRAME_H
#define FWGEN_TESTS_BLAST_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define BATCH_MAX     64
#define FRAME_MAX     1518
#define TAGS_MAX      4
#define NS_PER_SECOND 1000000000LL

enum mode { MODE_FIXED, MODE_SEQUENTIAL, MODE_RANDOM };
enum protocol { PROTO_SYN, PROTO_ACK, PROTO_FIN, PROTO_NULL, PROTO_XMAS, PROTO_UDP, PROTO_ICMP };

/* An address with the bits that vary; IPv4 uses the first 4 bytes. */
struct range {
	uint8_t base[16];
	int family;
	int len;	/* bits that stay */
	int mode;	/* enum mode */
	uint64_t count; /* list: how many consecutive ones */
};

/* The packets, apart from how many and how fast. */
struct packets {
	struct range source, destination;
	uint8_t source_mac[6], destination_mac[6];
	int protocol; /* enum protocol */
	uint16_t source_port, destination_port;
	int source_port_mode, destination_port_mode; /* enum mode */
	uint16_t tags[TAGS_MAX];
	int tag_count;
	int length; /* of the frame, without the tags */
};

struct frames {
	uint8_t bytes[BATCH_MAX][FRAME_MAX];
	struct iovec vectors[BATCH_MAX];
	struct mmsghdr messages[BATCH_MAX];
	int ip_offset, transport_offset, length;
};

/* Reads "192.0.2.1" or "2001:db8::/32"; the mode and the count stay. False: not an address. */
bool range_parse(const char *text, struct range *out);
/* All frames of the batch, with everything that stays the same. */
void frames_prepare(struct frames *f, const struct packets *packets);
/* Makes the frame in this slot the i-th packet. */
void frames_fill(struct frames *f, const struct packets *packets, int slot, uint64_t i);

#endif
