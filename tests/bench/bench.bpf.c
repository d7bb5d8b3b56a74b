// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What `make bench` runs through BPF_PROG_TEST_RUN: a driver that writes a new source into the frame
 * and tail-calls the program under test; the floor, which does nothing; and the textbook
 * counters that fwgen is compared with.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
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

__u32 sources = 1; /* how many different ones; 0: every packet a new one */
__u32 state = 1;

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

SEC("xdp")
int drive(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 source = next_source();

	if (data + 54 > end)
		return XDP_ABORTED;
	if (data[12] == 0x08)
		*(__u32 *)(data + 26) = bpf_htonl(0x0a000000 + source);
	else
		*(__u32 *)(data + 34) = bpf_htonl(source);
	bpf_tail_call(ctx, &target, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int drop(struct xdp_md *ctx)
{
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
