// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What `make bench` runs through BPF_PROG_TEST_RUN: a driver that writes a new source into the
 * frame and tail-calls the program under test; a sender that puts such frames on a wire; the
 * floors, which do nothing; and the textbook counters that fwgen is compared with.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

struct counters {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 20);
	__type(key, __u32);
	__type(value, struct counters);
} lru SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 1 << 20);
	__type(key, __u32);
	__type(value, struct counters);
} lru_percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} wires SEC(".maps");

__u32 sources = 1; /* how many different ones; 0: every packet a new one */
__u32 first_source = 0x0a000000;
__u32 spread; /* 1: all over the addresses, not one beside the other */
__u32 state = 1;
__u32 wire; /* of send */

/* The source of IPv4, and bytes 4 to 7 of IPv6's: every IPv6 source is in a /64 of its own. */
#define SOURCE_OFFSET 26

static __always_inline __u32 next_source(void)
{
	__u32 x = state;

	if (sources == 1)
		return 1;
	if (sources == 0)
		return (state = x + 1) * 2654435761u;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	state = x;
	return ((__u64)x * sources) >> 32;
}

static __always_inline int write_source(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 source = first_source + next_source();

	if (data + SOURCE_OFFSET + 4 > end)
		return 0;
	*(__u32 *)(data + SOURCE_OFFSET) = bpf_htonl(spread ? source * 2654435761u : source);
	return 1;
}

SEC("xdp")
int drive(struct xdp_md *ctx)
{
	if (write_source(ctx))
		bpf_tail_call(ctx, &target, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int send(struct xdp_md *ctx)
{
	if (!write_source(ctx))
		return XDP_ABORTED;
	return bpf_redirect_map(&wires, wire, 0);
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

static __always_inline int count_in(struct xdp_md *ctx, void *map)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct counters *value, one = { 1, end - data };
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	__u32 source;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	source = ip->saddr;
	value = bpf_map_lookup_elem(map, &source);
	if (!value) {
		bpf_map_update_elem(map, &source, &one, BPF_ANY);
		return XDP_PASS;
	}
	__sync_fetch_and_add(&value->packets, 1);
	__sync_fetch_and_add(&value->bytes, one.bytes);
	return XDP_PASS;
}

SEC("xdp")
int count_lru(struct xdp_md *ctx)
{
	return count_in(ctx, &lru);
}

SEC("xdp")
int count_lru_percpu(struct xdp_md *ctx)
{
	return count_in(ctx, &lru_percpu);
}

char LICENSE[] SEC("license") = "GPL";
