/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Samples of what is dropped, for people who want to see it: so few that a flood costs no more for
 * them.
 */
#ifndef FWGEN_CAPTURE_BPF_H
#define FWGEN_CAPTURE_BPF_H

#include "maps.bpf.h"
#include "packet.h"

static __always_inline int capture_wants(const struct address *address)
{
	const struct verdict_control *control = &verdict_control;

	return (address->halves[0] & control->capture_mask.halves[0]) ==
		       control->capture_address.halves[0] &&
	       (address->halves[1] & control->capture_mask.halves[1]) ==
		       control->capture_address.halves[1];
}

/* Whether this CPU has taken as many of this jiffy as it may. */
static __always_inline int capture_enough(__u64 now)
{
	__u32 zero = 0;
	struct capture_count *count = bpf_map_lookup_elem(&capture_counts, &zero);

	if (!count)
		return 1;
	if (count->jiffies != now) {
		count->jiffies = now;
		count->samples = 0;
	}
	return count->samples++ >= CAPTURE_PER_JIFFY;
}

/* Of the wanted prefix's, sent or received. */
static __always_inline void capture(struct xdp_md *ctx, const struct packet *packet, __u32 rule_id,
				    __u64 now)
{
	struct capture_record record = {
		.frame_bytes = packet->bytes,
		.captured_bytes = packet->bytes,
		.ifindex = packet->interface,
		.rule_id = rule_id,
	};

	if (!capture_wants(&packet->source) && !capture_wants(&packet->destination))
		return;
	if (capture_enough(now))
		return;
	if (record.captured_bytes > CAPTURE_BYTES)
		record.captured_bytes = CAPTURE_BYTES;
	record.boot_ns = bpf_ktime_get_boot_ns();
	bpf_perf_event_output(ctx, &captured,
			      BPF_F_CURRENT_CPU | (__u64)record.captured_bytes << 32, &record,
			      sizeof(record));
}

#endif
