/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is flooded, by how many, with what. A host is, when
 *  - more unasked packets of one kind (victim_kind.h) went to it than a limit allows,
 *  - from many sources: those that have much of it alone are the other detectors' and not counted,
 *  - and a multiple of what is usual there.
 *
 * What is usual is a weighted mean of the last ten minutes, from zero: who is silent has a past,
 * too. While a flood lasts it is learned a hundred times slower, so that it is told of for hours.
 * Learned at the ordinary pace all the same is what was there when fwgen came, since that may be
 * how this host lives, and what the host answers. The latter is not even told of in the first
 * minute, when nothing else is known of a busy name server.
 */
#ifndef FWGEN_DETECT_VICTIM_H
#define FWGEN_DETECT_VICTIM_H

#include "detect/victim_common.h"
#include "detect/victim_rate.h"
#include "model/finding.h"
#include "model/sample.h"

/* A destination over a limit, before it is known by how many. */
struct suspect {
	const struct table_entry *entry;
	enum victim_kind kind;
	uint32_t every;	  /* one packet in so many was counted */
	uint64_t packets; /* of this interval */
	uint64_t counts[CONFIG_LIMITS_MAX];
};

struct victims {
	bool enabled;
	struct victim_limits limits;
	struct victim_table table;
	struct victim_packets packets;
	struct suspect *suspects;
	size_t suspect_count, suspect_capacity;
	uint32_t floods; /* first of the records with a flood that lasts */
	bool begun;
	int64_t first_ns; /* once begun: what was before is not known */
};

/* Returns 0 or -ENOMEM. */
int victims_init(struct victims *victims, const struct config *config);
void victims_done(struct victims *victims);
/* New limits: what is usual stays, counting begins anew. */
void victims_configure(struct victims *victims, const struct config *config);
/*
 * Appends a finding for each host that is flooded, in each interval, and one with lasted_ns when a
 * flood has been over for half a minute. Returns 0 or -ENOMEM.
 */
int victims_judge(struct victims *victims, const struct interval *interval,
		  struct finding_list *out);
uint64_t victims_bytes(const struct victims *victims);

#endif
