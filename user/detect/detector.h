/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a detector is to the driver. A new one is a file with one struct detector_ops and a line in
 * the table of plan.c. Two kinds: counting detectors add a number of each interval up over a
 * window; spread detectors look at the ports and hosts tried within one.
 */
#ifndef FWGEN_DETECT_DETECTOR_H
#define FWGEN_DETECT_DETECTOR_H

#include "abi.h"
#include "detect/spread.h"
#include "model/detector.h"
#include "model/finding.h"

#define MARK_NEVER UINT32_MAX

struct detector_ops {
	/* Exactly one of these two. */
	uint64_t (*count)(const struct table_entry *entry);
	uint64_t (*distinct)(const struct spread *spread); /* 0: not the shape of this attack */

	uint32_t classes;  /* the packets that it counts */
	unsigned int bits; /* spread detectors: the size of the bitmap they count in */
	bool answerable;   /* counts SYNs: ACKs of the next interval take them back */

	/* Says more in a finding, or something else; NULL: nothing more. */
	void (*describe)(const struct table_entry *entry, struct finding *finding);

	/* Lowers the marks so that no interval passes count unnoticed; NULL: nothing wakes. */
	void (*mark)(uint64_t count, struct wake_marks *marks);
};

extern const struct detector_ops packet_flood_ops, byte_flood_ops, syn_flood_ops, udp_flood_ops,
	icmp_flood_ops, port_scan_ops, host_sweep_ops, unauthorized_ops;

static inline void mark_lower(uint32_t *mark, uint64_t value)
{
	if (value < *mark)
		*mark = (uint32_t)value;
}

/*
 * SYNs whose exchange did not get established, as well as one direction of traffic can tell: each
 * ACK without SYN, FIN or RST may be the end of a handshake. So a host that also has a busy
 * connection hides as many SYNs in an interval as it sends ACKs, and forged ACKs beside forged SYNs
 * hide those (packet_flood counts both). Who answers is not seen here.
 */
static inline uint64_t entry_unanswered(const struct table_entry *entry)
{
	return entry->syn > entry->established ? entry->syn - entry->established : 0;
}

#endif
