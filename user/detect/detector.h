/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a detector is to the driver. A new one is a file with one struct detector_ops and a line in
 * the table of plan.c. Two kinds: counting detectors add a number of each interval up over a
 * window; spread detectors look at what was tried within one. A detector that knows its attack by
 * more than one number has a struct for each, chained by `also`.
 */
#ifndef FWGEN_DETECT_DETECTOR_H
#define FWGEN_DETECT_DETECTOR_H

#include "abi.h"
#include "detect/spread.h"
#include "model/detector.h"
#include "model/finding.h"

#define MARK_NEVER UINT32_MAX

/* Packets of exchanges that the other side takes part in: so many weigh as one that nobody wanted.
 */
#define ANSWERS_PER_PACKET 256

struct detector_ops {
	/* Exactly one of these two. */
	uint64_t (*count)(const struct table_entry *entry);
	uint64_t (*distinct)(const struct spread *spread); /* 0: not the shape of this attack */

	/* The next number, held against the detector's shortest limit only; NULL: no more. */
	const struct detector_ops *also;
	/* The limit of this number, from the detector's one; NULL: the same. */
	uint64_t (*limit)(uint64_t count);
	/* What is counted, for people; NULL: what the detector's name stands for. */
	const char *what;

	uint32_t classes;  /* the packets that it counts */
	unsigned int bits; /* spread detectors: the size of the bitmap they count in, or 0 */
	bool answerable;   /* counts SYNs: ACKs of later intervals take them back */
	bool proves;	   /* counts completed handshakes: proven, unless one was assumed */
	bool renews_only;  /* says of who was found already that he goes on */

	/* Says more in a finding, or something else; NULL: nothing more. */
	void (*describe)(const struct table_entry *entry, struct finding *finding);

	/* Lowers the marks so that no interval passes count unnoticed; NULL: others' marks do. */
	void (*mark)(uint64_t count, struct wake_marks *marks);
};

extern const struct detector_ops packet_flood_ops, byte_flood_ops, syn_flood_ops, udp_flood_ops,
	icmp_flood_ops, fragment_flood_ops, port_scan_ops, host_sweep_ops, stealth_scan_ops,
	brute_force_ops, reflection_ops, malformed_ops, unauthorized_ops;

static inline void mark_lower(uint32_t *mark, uint64_t value)
{
	if (value < *mark)
		*mark = (uint32_t)value;
}

/*
 * SYNs whose exchange did not get established. Where the other side's packets are seen, only an ACK
 * that has the number of its SYN-ACK takes a SYN back, so forged ACKs hide nothing. Where they are
 * not, each flow's first ACK does, and forged ACKs beside forged SYNs hide those (packet_flood
 * counts both).
 */
static inline uint64_t entry_unanswered(const struct table_entry *entry)
{
	return entry->syn > entry->established ? entry->syn - entry->established : 0;
}

/*
 * Whether the source takes part in exchanges: handshakes of which both sides were seen, packets
 * that answer or are answered. Nobody gets this far with a forged address where both ways are seen.
 */
static inline bool entry_exchanges(const struct table_entry *entry)
{
	return entry->answers || (entry->established && !entry->assumed);
}

/*
 * By how much packets of some kind outnumber all others of their source. Answers that nobody asked
 * for and flows without a beginning are seen in peace as well, where what leaves takes another way
 * at times, or after a long silence; but then other packets of the same exchanges come with them.
 * The price: who sends as many harmless packets besides hides an attack of this kind.
 */
static inline uint64_t entry_excess(const struct table_entry *entry, uint64_t n)
{
	return 2 * n > entry->packets ? 2 * n - entry->packets : 0;
}

#endif
