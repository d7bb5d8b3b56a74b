/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a destination's entry belongs to which kind of flood. How much is much: victim.c. */
#include "detect/victim_kind.h"

#include <netinet/in.h>
#include <stdbool.h>
#include "base/address.h"
#include "entry.h"

static uint64_t reflected(const struct table_entry *entry)
{
	return entry->amplifier < entry->udp ? entry->amplifier : entry->udp;
}

static uint64_t unasked(enum victim_kind kind, const struct table_entry *entry)
{
	switch (kind) {
	case VICTIM_SYN:
		return entry->syn;
	case VICTIM_SYN_ACK:
		return entry->syn_ack;
	case VICTIM_STRAY:
		return (uint64_t)entry->stray + entry->odd_flags;
	case VICTIM_REFLECTION:
		return reflected(entry);
	case VICTIM_UDP:
		return entry->udp - reflected(entry);
	case VICTIM_ICMP:
		return entry->icmp;
	case VICTIM_OTHER:
		return entry->other;
	case VICTIM_KINDS:
		break;
	}
	return 0;
}

struct victim_count victim_count(enum victim_kind kind, const struct table_entry *entry)
{
	struct victim_count count = { .tried = unasked(kind, entry) };

	if (kind == VICTIM_SYN)
		count.settled = entry->established;
	/* where SYN-ACKs could not be seen a first ACK ends a handshake if there was a SYN */
	if (kind == VICTIM_STRAY && entry->assumed) {
		count.tried += entry->established;
		count.settled = entry->syn;
	}
	return count;
}

static enum victim_kind tcp_kind_of(uint8_t flags)
{
	if (table_odd_flags(flags))
		return VICTIM_STRAY;
	if (!(flags & TCP_SYN))
		return VICTIM_STRAY;
	return flags & TCP_ACK ? VICTIM_SYN_ACK : VICTIM_SYN;
}

/* Whether a destination's entry counts it as unasked: the samples must be of what is counted. */
static bool is_counted(const struct packet_sample *sample)
{
	switch (sample->relation) {
	case RELATION_UNASKED:
	case RELATION_UNKNOWN:
	case RELATION_ASSUMED:
		return true;
	case RELATION_RELATED:
		return sample->protocol != IPPROTO_TCP;
	default:
		return false;
	}
}

enum victim_kind victim_kind_of(const struct packet_sample *sample)
{
	if (!is_counted(sample))
		return VICTIM_KINDS;
	switch (sample->protocol) {
	case IPPROTO_TCP:
		return tcp_kind_of(sample->tcp_flags);
	case IPPROTO_UDP:
		return VICTIM_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return VICTIM_ICMP;
	default:
		return VICTIM_OTHER;
	}
}

enum victim_kind victim_kind_sampled(enum victim_kind kind)
{
	return kind == VICTIM_REFLECTION ? VICTIM_UDP : kind;
}

uint32_t victim_classes(enum victim_kind kind)
{
	static const uint32_t classes[VICTIM_KINDS] = {
		[VICTIM_SYN] = CLASS_SYN,     [VICTIM_SYN_ACK] = CLASS_TCP,
		[VICTIM_STRAY] = CLASS_TCP,   [VICTIM_REFLECTION] = CLASS_UDP,
		[VICTIM_UDP] = CLASS_UDP,     [VICTIM_ICMP] = CLASS_ICMP,
		[VICTIM_OTHER] = CLASS_OTHER,
	};

	return classes[kind];
}

uint8_t victim_protocol(enum victim_kind kind, const struct table_entry *entry)
{
	if (victim_classes(kind) & (CLASS_SYN | CLASS_TCP))
		return IPPROTO_TCP;
	if (victim_classes(kind) & CLASS_UDP)
		return IPPROTO_UDP;
	if (kind == VICTIM_ICMP)
		return address_is_ipv4(&entry->address) ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	return entry->last_protocol;
}
