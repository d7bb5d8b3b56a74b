/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what a capture holds of a link layer to the parser that all sensors share. */
#ifndef FWGEN_REPLAY_LINK_H
#define FWGEN_REPLAY_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include "packet.h"

/* A record of a capture. */
struct captured {
	const unsigned char *data, *end; /* what was kept of it; the capture's, until its next */
	uint32_t wire_bytes;		 /* its length when it was sent; never less than kept */
	int64_t time_ns;		 /* since 1970 */
};

/* Whether frames of this link type (DLT_* of pcap.h) can be parsed. */
bool link_known(int type);
/* What can be, for people: "Ethernet, ...". */
const char *link_known_text(void);

/*
 * Parses a frame; *out is written whole. frame->data may move on to where an Ethernet header would
 * begin: offsets in *out are from there.
 */
enum packet_status link_parse(int type, struct captured *frame, struct packet *out);

#endif
