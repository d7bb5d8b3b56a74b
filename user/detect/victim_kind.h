/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kinds of traffic that a host can be flooded with. Each has a past of its own: what is much
 * for a name server in SYNs is little in UDP.
 */
#ifndef FWGEN_DETECT_VICTIM_KIND_H
#define FWGEN_DETECT_VICTIM_KIND_H

#include <stdint.h>
#include "abi.h"

enum victim_kind {
	VICTIM_SYN,
	VICTIM_SYN_ACK,	   /* answers to SYNs that somebody forged */
	VICTIM_STRAY,	   /* TCP out of nowhere, and flags that cannot be */
	VICTIM_REFLECTION, /* UDP from the ports of amplifiers */
	VICTIM_UDP,	   /* all other UDP */
	VICTIM_ICMP,
	VICTIM_OTHER,
	VICTIM_KINDS
};

struct victim_count {
	uint64_t tried; /* packets that nobody asked for */
	uint64_t
		settled; /* of these, or of those just before, what came to something: handshakes */
};

/* What of the packets that a destination's entry has counted is of this kind. */
struct victim_count victim_count(enum victim_kind kind, const struct table_entry *entry);
/* The kind that a sampled packet is evidence for, VICTIM_KINDS: none. Reflected UDP is VICTIM_UDP.
 */
enum victim_kind victim_kind_of(const struct packet_sample *sample);
/* The kind that the samples of this kind's packets have. */
enum victim_kind victim_kind_sampled(enum victim_kind kind);
uint32_t victim_classes(enum victim_kind kind); /* enum packet_class */
/* IP protocol number. */
uint8_t victim_protocol(enum victim_kind kind, const struct table_entry *entry);

#endif
