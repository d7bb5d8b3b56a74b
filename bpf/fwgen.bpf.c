// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The XDP program: what is this packet, is its source blocked, count it, wake the poller when its
 * source crossed a mark, drop or pass. No policy: limits, blocks and marks come from userspace.
 */
#include "maps.bpf.h"
#include <linux/pkt_cls.h>

/* Set before load; userspace changes it through its mapping. */
struct sensor_control sensor SEC(".data.sensor");

/* A zero that the verifier cannot see, since it is in memory that userspace could write. */
#define PACKET_OPAQUE(x) ((x) ^ *(volatile __u32 *)&sensor.always_zero)
/* clang may not conclude that the mask is needless: the verifier has not followed its proof. */
#define PACKET_BOUND(x)                           \
	({                                        \
		__u64 bounded = (x);              \
		asm volatile("" : "+r"(bounded)); \
		bounded & 0x7fff;                 \
	})

#include "parse.h"
#include "table.h"
#include "verdict.bpf.h"

/*
 * The number becomes unknown to the verifier, here: without the second line clang puts the xor off
 * to where the number is used, and carries along what is known of it.
 */
#define FORGET(number)                              \
	do {                                        \
		__u64 forgotten = (number) ^ zero;  \
		asm volatile("" : "+r"(forgotten)); \
		(number) = forgotten;               \
	} while (0)

/* What the parser found becomes unknown to the verifier: see PACKET_OPAQUE. */
static __always_inline void forget(struct packet *packet)
{
	__u32 zero = PACKET_OPAQUE(0);

	FORGET(packet->source.halves[0]);
	FORGET(packet->source.halves[1]);
	FORGET(packet->destination.halves[0]);
	FORGET(packet->destination.halves[1]);
	FORGET(packet->classes);
	FORGET(packet->flags);
	FORGET(packet->bytes);
	FORGET(packet->protocol);
	FORGET(packet->tcp_flags);
	FORGET(packet->icmp_type);
	FORGET(packet->source_port);
	FORGET(packet->destination_port);
	FORGET(packet->network_offset);
	FORGET(packet->upper_offset);
}

static __always_inline void wake(struct table_totals *totals, const struct table_entry *entry,
				 __u32 epoch, __u32 cpu)
{
	struct wake_record *record;

	if (totals->wakes >= sensor.marks.per_interval) {
		totals->wakes_lost++;
		return;
	}
	record = bpf_ringbuf_reserve(&wakes, sizeof(*record), 0);
	if (!record) {
		totals->wakes_lost++;
		return;
	}
	totals->wakes++;
	record->epoch = epoch;
	record->cpu = cpu;
	record->entry = *entry;
	bpf_ringbuf_submit(record, 0);
}

/* An IPv6 source inside a hot prefix is counted as that prefix. */
static __always_inline void apply_hot_prefix(struct table_subject *subject)
{
	subject->member = subject->address;
	TABLE_ROLLED
	for (__u32 i = 0; i < 8; i++) {
		struct prefix key = {};
		__u32 len;

		if (i >= sensor.hot_lengths)
			break;
		len = sensor.hot_length[i] & 63; /* /64 is written as 0: the upper half whole */
		key.address.halves[0] = subject->address.halves[0];
		key.len = 64;
		if (len) {
			key.address.halves[0] &= __builtin_bswap64(~0ULL << (64 - len));
			key.len = len;
		}
		if (!bpf_map_lookup_elem(&hot_prefixes, &key))
			continue;
		subject->address = key.address;
		subject->prefix_len = key.len;
		return;
	}
}

/*
 * What the packet is to its destination. A blocked source's is not looked into, and notes nothing:
 * its TCP counts as wanted, so that only what it would be blocked for keeps its block alive. What a
 * limit of the destination stopped is looked at as if it had passed: its source may be anybody.
 */
static __always_inline __u32 relation_of(const struct packet *packet, struct xdp_md *ctx,
					 int blocked)
{
	/* read anew: the ones that the parser used are bounded differently on each of its paths */
	void *data = (void *)(long)*(volatile __u32 *)&ctx->data;
	void *end = (void *)(long)*(volatile __u32 *)&ctx->data_end;

	if (packet_likely(packet->classes & CLASS_SYN))
		return RELATION_UNASKED;
	if (packet_unlikely(blocked))
		return packet->classes & CLASS_TCP ? RELATION_ANSWER : RELATION_UNASKED;
	return PACKET_OPAQUE(contact_relation(&contact_notes, packet, data, end));
}

static __always_inline void count_source(const struct packet *packet, struct xdp_md *ctx,
					 struct table_totals *totals, __u32 table, __u32 epoch,
					 __u32 cpu, enum verdict verdict)
{
	struct table_subject subject = { .address = packet->source,
					 .peer = packet->destination,
					 .prefix_len = PREFIX_LEN_FULL };
	__u32 bucket_index, index, news, relation;
	struct table_bucket bucket;
	struct table_entry *entry;
	__u64 hash;

	if (packet_unlikely(sensor.hot_lengths) && packet->flags & PACKET_IPV6)
		apply_hot_prefix(&subject);
	hash = hash_address(&sensor.keys[epoch & 1], &subject.address);
	bucket_index = table_bucket_index(hash, sensor.bucket_mask);
	index = table * (sensor.bucket_mask + 1) + bucket_index;
	bucket.header = bpf_map_lookup_elem(&source_headers, &index);
	bucket.entries = bpf_map_lookup_elem(&source_entries, &index);
	if (!bucket.header || !bucket.entries)
		return;
	entry = table_claim(&bucket, totals, bucket_index, epoch, hash, &subject, packet->bytes);
	if (!entry) {
		totals->relation = RELATION_UNKNOWN; /* not worth a look: one of very many */
		return;
	}
	relation = relation_of(packet, ctx, verdict == VERDICT_BLOCKED);
	totals->relation = relation;
	news = table_add(entry, &subject, packet, &sensor, relation, verdict != VERDICT_PASS);
	if (packet_likely(verdict != VERDICT_BLOCKED) &&
	    packet_unlikely(table_wakes(entry, packet, news, &sensor.marks)))
		wake(totals, entry, epoch, cpu);
}

SEC("xdp")
int fwgen_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 cpu = bpf_get_smp_processor_id(), epoch, slot, table;
	struct table_totals *totals;
	enum packet_status status;
	struct packet packet;
	enum verdict dropped = VERDICT_PASS;

	status = packet_parse(data, end, end - data, &packet);
	packet.interface = ctx->ingress_ifindex;
	forget(&packet);
	if (packet_likely(status == PACKET_IP))
		dropped = PACKET_OPAQUE(verdict(ctx, &packet));

	slot = sensor.cpu_slot[cpu & (CPUS_MAX - 1)];
	if (packet_unlikely(slot == SLOT_NONE)) {
		sensor.cpu_wanted[cpu & (CPUS_MAX - 1)] = 1;
		sensor.overflow_packets[cpu & (CPUS_MAX - 1)]++;
		return dropped ? XDP_DROP : XDP_PASS;
	}
	epoch = *(volatile __u32 *)&sensor.epoch;
	table = (slot - 1) * 2 + (epoch & 1);
	totals = bpf_map_lookup_elem(&source_totals, &table);
	if (packet_unlikely(!totals))
		return dropped ? XDP_DROP : XDP_PASS;
	table_begin(totals, epoch);
	if (packet_unlikely(status != PACKET_IP)) {
		if (status == PACKET_TRUNCATED) {
			totals->packets++;
			totals->bytes += packet.bytes;
			totals->other++;
			totals->malformed++;
		} else {
			totals->not_ip++;
		}
		return XDP_PASS;
	}
	table_count_totals(totals, &packet, dropped != VERDICT_PASS);
	forget(&packet);
	count_source(&packet, ctx, totals, table, epoch, cpu, dropped);
	if (packet_unlikely(!(totals->packets & (sensor.destination_every - 1)))) {
		/* a constant index is a jump */
		if (dropped)
			bpf_tail_call(ctx, &programs, PROGRAM_DROPPED);
		bpf_tail_call(ctx, &programs, PROGRAM_PASSED);
	}
	return dropped ? XDP_DROP : XDP_PASS;
}

/*
 * Who is hit: the same table, by destination. Programs of their own, entered by a tail call for one
 * packet in many: they parse the frame once more, so that the others need not keep theirs in memory
 * for it, and have a stack of their own. If the epoch has turned in between, it is the next one's.
 */
static __always_inline void keep_sample(const struct packet *packet, __u32 relation, void *data,
					void *end, struct table_totals *totals, __u32 table)
{
	__u32 index = table * PACKET_SAMPLES + (totals->packets & (PACKET_SAMPLES - 1));
	struct packet_sample *sample = bpf_map_lookup_elem(&packet_samples, &index);

	if (sample)
		packet_sample_fill(sample, packet, relation, data, end);
}

static __always_inline void count_destination(struct xdp_md *ctx, int dropped)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 cpu = bpf_get_smp_processor_id(), slot = sensor.cpu_slot[cpu & (CPUS_MAX - 1)];
	__u32 epoch = *(volatile __u32 *)&sensor.epoch, table, bucket_index, index;
	struct table_subject subject = { .prefix_len = PREFIX_LEN_FULL, .is_destination = 1 };
	struct table_totals *totals, *source;
	struct table_bucket bucket;
	struct table_entry *entry;
	struct packet packet;
	__u64 hash;

	table = (slot - 1) * 2 + (epoch & 1);
	totals = bpf_map_lookup_elem(&destination_totals, &table);
	source = bpf_map_lookup_elem(&source_totals, &table);
	if (!totals || !source || packet_parse(data, end, end - data, &packet) != PACKET_IP)
		return;
	forget(&packet);
	subject.address = packet.destination;
	subject.peer = packet.source;
	table_begin(totals, epoch);
	keep_sample(&packet, source->relation, data, end, totals, table);
	table_count_totals(totals, &packet, dropped);
	hash = hash_address(&sensor.keys[epoch & 1], &subject.address);
	bucket_index = table_bucket_index(hash, sensor.destination_bucket_mask);
	index = table * (sensor.destination_bucket_mask + 1) + bucket_index;
	bucket.header = bpf_map_lookup_elem(&destination_headers, &index);
	bucket.entries = bpf_map_lookup_elem(&destination_entries, &index);
	if (!bucket.header || !bucket.entries)
		return;
	entry = table_claim(&bucket, totals, bucket_index, epoch, hash, &subject, packet.bytes);
	if (entry)
		table_add(entry, &subject, &packet, &sensor, source->relation, dropped);
}

SEC("xdp")
int fwgen_passed(struct xdp_md *ctx)
{
	count_destination(ctx, 0);
	return XDP_PASS;
}

SEC("xdp")
int fwgen_dropped(struct xdp_md *ctx)
{
	count_destination(ctx, 1);
	return XDP_DROP;
}

static __always_inline enum packet_status parse_leaving(struct __sk_buff *skb,
							struct packet *packet)
{
	return packet_parse((void *)(long)skb->data, (void *)(long)skb->data_end, skb->len, packet);
}

/* Headers are at the front of an skb's memory, but for rare ones: then so much of it is brought
 * there. */
#define HEADERS_PULLED 128

static __always_inline enum packet_status pull_and_parse(struct __sk_buff *skb,
							 struct packet *packet)
{
	bpf_skb_pull_data(skb, skb->len < HEADERS_PULLED ? skb->len : HEADERS_PULLED);
	return parse_leaving(skb, packet);
}

/*
 * What leaves: notes to whom, for the direction of what comes back. On the interface's tc egress
 * hook; passes everything, and leaves the verdict to other classifiers there. What goes back where
 * it came from is not noted: somebody outside, who sends what seems to come from inside and to be
 * for himself, would be known as asked by that host.
 */
SEC("tc")
int fwgen_egress(struct __sk_buff *skb)
{
	struct packet packet;
	enum packet_status status;

	if (skb->ingress_ifindex == skb->ifindex)
		return TC_ACT_UNSPEC;
	status = parse_leaving(skb, &packet);
	if (packet_unlikely(status != PACKET_IP || packet.flags & PACKET_CUT))
		status = pull_and_parse(skb, &packet);
	if (packet_unlikely(status != PACKET_IP))
		return TC_ACT_UNSPEC;
	packet.interface = skb->ifindex;
	forget(&packet);
	contact_note(&contact_notes, &packet, (void *)(long)skb->data, (void *)(long)skb->data_end);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
