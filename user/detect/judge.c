/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting detectors: windows plus this interval against the limits, and what a finding says. A
 * provisional judgement takes the same steps on copies of the windows, so that it cannot come to
 * another result than the drained interval will. Ports and hosts are in judge_spread.c.
 */
#include "detect/judge.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include "base/address.h"
#include "base/clock.h"

#define DOMINANT_SHARE 8 /* one packet in so many */

static uint32_t class_of(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return CLASS_TCP;
	case IPPROTO_UDP:
		return CLASS_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return CLASS_ICMP;
	default:
		return CLASS_OTHER;
	}
}

/*
 * Which packets make the interval what it is, where all of them were counted: the kinds that are
 * one in eight or more. What has no counter of its own is taken for the protocol that came last,
 * and so are answers, which weigh as little as packet_flood has them weigh.
 */
static uint32_t dominant(const struct table_entry *entry)
{
	uint64_t known = (uint64_t)entry->syn + entry->udp + entry->icmp + entry->other;
	uint64_t unasked = entry->packets > entry->answers ? entry->packets - entry->answers : 0;
	uint64_t answers = entry->answers / ANSWERS_PER_PACKET, all = unasked + answers;
	const struct {
		uint64_t count;
		uint32_t classes;
	} kinds[] = {
		{ entry->syn, CLASS_SYN },
		{ entry->udp, CLASS_UDP },
		{ entry->icmp, CLASS_ICMP },
		{ entry->fragments, CLASS_FRAGMENT },
		{ entry->other, CLASS_OTHER },
		{ answers + (unasked > known ? unasked - known : 0),
		  class_of(entry->last_protocol) },
	};
	uint32_t classes = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].count && kinds[i].count * DOMINANT_SHARE >= all)
			classes |= kinds[i].classes;
	return classes ? classes : class_of(entry->last_protocol);
}

/* The packets to blame, of those that the detector counts. */
static uint32_t classes_present(const struct table_entry *entry, uint32_t classes)
{
	bool tcp = entry->syn_ack || entry->stray || entry->odd_flags;
	uint32_t present = (entry->syn ? CLASS_SYN : 0) | (tcp ? CLASS_TCP : 0) |
			   (entry->udp ? CLASS_UDP : 0) | (entry->icmp ? CLASS_ICMP : 0);

	if (classes == CLASS_ALL)
		return dominant(entry);
	return classes & present ? classes & present : classes;
}

/* The one protocol that all the classes belong to, as far as the entry shows, or 0. */
static uint8_t protocol_of(const struct table_entry *entry, uint32_t classes)
{
	bool any = classes == CLASS_ALL || classes == CLASS_FRAGMENT;

	if (classes == CLASS_UDP || (any && entry->udp == entry->packets))
		return IPPROTO_UDP;
	if (classes == CLASS_ICMP || (any && entry->icmp == entry->packets))
		return address_is_ipv4(&entry->address) ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	if (any && !entry->udp && !entry->icmp && !entry->other)
		return entry->last_protocol;
	return classes & ~(uint32_t)(CLASS_SYN | CLASS_TCP) ? 0 : IPPROTO_TCP;
}

/*
 * Whether a handshake within the limit's window was only assumed: the other side's packets were not
 * seen. Whole seconds, in doubt one more.
 */
static bool was_assumed(const struct judgement *judgement, const struct limit *limit)
{
	const struct source *source = judgement->source;

	if (judge_assumes(judgement->entry))
		return true;
	return source && source->assumed_s &&
	       judgement->time.end_ns / NS_PER_SECOND - source->assumed_s <=
		       1 + limit->seconds * 66 / 64;
}

/* An interval that took longer than a second, after a stall or in a capture, has as much of it. */
static uint64_t of_a_second(const struct judgement *judgement, uint64_t n)
{
	int64_t duration_ns = judgement->time.end_ns - judgement->time.start_ns;

	if (duration_ns <= NS_PER_SECOND)
		return n;
	return (uint64_t)((double)n * (double)NS_PER_SECOND / (double)duration_ns);
}

int judge_report(struct judgement *judgement, const struct plan_limit *limit, uint64_t count,
		 uint64_t recent, const struct spread *spread)
{
	const struct table_entry *entry = judgement->entry;
	uint32_t counted = limit->ops->classes;
	uint8_t len = entry->prefix_len ? entry->prefix_len : PREFIX_LEN_FULL;
	struct finding finding = {
		.at = judgement->at,
		.source = { .address = address_masked(&entry->address, len), .len = len },
		.detector = limit->id,
		.evidence = limit->ops->proves && !was_assumed(judgement, &limit->limit)
				    ? EVIDENCE_PROVEN
				    : EVIDENCE_UNPROVEN,
		.count = count,
		.recent = of_a_second(judgement, recent),
		.what = limit->ops->what,
		.once = limit->ops->distinct || limit->ops->proves,
		.limit = limit->limit,
		.classes = classes_present(entry, counted),
		.renews_only = limit->ops->renews_only,
		.provisional = judgement->provisional,
		.established = (judgement->source && judgement->source->established) ||
			       entry_exchanges(entry),
		.has_destination = len == PREFIX_LEN_FULL && /* else it has members there */
				   (entry->last_address.halves[0] || entry->last_address.halves[1]),
	};

	finding.protocol = protocol_of(entry, counted == CLASS_ALL ? counted : finding.classes);

	if (finding.has_destination)
		finding.destination = entry->last_address;
	if (finding.protocol == IPPROTO_TCP || finding.protocol == IPPROTO_UDP)
		finding.port = entry->last_port;
	if (spread) {
		finding.hosts = (uint32_t)(spread->hosts[TRY_TCP] + spread->hosts[TRY_OTHER]);
		finding.ports = (uint32_t)(spread->ports[TRY_TCP] + spread->ports[TRY_OTHER]);
		if (finding.hosts == 1) /* then the larger bitmap says how many */
			finding.ports = (uint32_t)spread->targets;
	}
	memcpy(finding.group, judgement->plan->group, sizeof(finding.group));
	if (limit->ops->describe)
		limit->ops->describe(entry, &finding);
	if (!limit->ops->renews_only)
		judgement->fired |= 1u << limit->id;
	return finding_list_add(judgement->out, &finding);
}

static int keep_count(struct judgement *judgement, unsigned int which, struct window *window,
		      uint64_t n)
{
	const struct window_shape *shape = &judgement->plan->counting[which].shape;
	int r;

	if (window && !n && window_empty(window))
		judgement->emptied = true;
	if (!n || window_share(shape, &judgement->time) > 1)
		return 0; /* longer than the window: it will be of the past at the next look */
	if (!window) {
		if (!judgement->source->watched && !window_worth(shape, &judgement->time, n))
			return 0;
		r = tracker_add_window(judgement->tracker, judgement->source, (uint8_t)which,
				       &window);
		if (r)
			return r == -ENOSPC ? 0 : r;
		window->plan = (uint8_t)judgement->number;
	}
	window_add(window, shape, &judgement->time, n);
	return 0;
}

static int judge_count(struct judgement *judgement, unsigned int which, struct window *window)
{
	const struct plan_limit *limit = &judgement->plan->counting[which];
	uint64_t n = limit->ops->count(judgement->entry), past = 0;
	uint64_t share = window_share(&limit->shape, &judgement->time);
	struct window copy;
	int r = 0;

	if (!n && !window)
		return 0;
	if (window && judgement->provisional) {
		copy = *window;
		window = &copy;
	}
	if (window) {
		window_advance(window, &limit->shape, &judgement->time);
		if (limit->ops->answerable)
			window_take_back(window, &limit->shape, judgement->answered);
		past = window_past(window, &limit->shape);
	}
	past = share > 1 ? (n + share - 1) / share : past + n;
	peaks_note(judgement->counts, limit, n ? past : 0);
	if (n && past > limit->limit.count)
		r = judge_report(judgement, limit, past, n, NULL);
	if (!r && !judgement->provisional)
		r = keep_count(judgement, which, window, n);
	return r;
}

static bool keep_filled(void *context, struct window *window)
{
	(void)context;
	return !window_empty(window);
}

static bool keep_all(void *context, struct spread_window *window)
{
	(void)context;
	(void)window;
	return true;
}

/* The source's windows of its plan. Those of its other groups only grow older. */
static void list_windows(const struct judgement *judgement, struct window *windows[PLAN_LIMITS_MAX])
{
	struct window *window = tracker_window(judgement->tracker, judgement->source->windows);

	for (; window; window = tracker_window(judgement->tracker, window->next)) {
		if (window->plan == judgement->number)
			windows[window->which] = window;
		else if (!judgement->provisional)
			window_advance(
				window,
				&judgement->plans[window->plan].counting[window->which].shape,
				&judgement->time);
	}
}

int judge_counts(struct judgement *judgement)
{
	struct window *windows[PLAN_LIMITS_MAX] = { 0 };
	int r;

	if (judgement->source)
		list_windows(judgement, windows);
	for (unsigned int i = 0; i < judgement->plan->counting_count; i++) {
		r = judge_count(judgement, i, windows[i]);
		if (r)
			return r;
	}
	if (judgement->emptied)
		tracker_filter(judgement->tracker, judgement->source, keep_filled, keep_all, NULL);
	return 0;
}
