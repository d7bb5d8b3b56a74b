// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The half of torrent that runs in the kernel, once for each frame: whose turn it is, the frame,
 * off to the wire. Frames come back used, so all of one is written each time.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "torrent.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} wire SEC(".maps");

/* Sizes of 1 are set before load. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct torrent_due);
} dues SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct torrent_steady);
} steadies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} times SEC(".maps");

/* The request. */
struct torrent_flood flood;
__u64 flood_frame[TORRENT_FRAME_BYTES / 8];
__u64 steady_frame[TORRENT_FRAME_BYTES / 8];
__u32 per_second = 1;
__u32 due_count;
__u32 turns;
__u32 keep_times;

/* Where it is. */
__u32 delay; /* seconds of flood alone that are left */
__u32 turn;
__u32 position, cursor;
__u32 next_at = ~0U; /* dues[cursor] is due then */
__u64 flood_sent, steady_sent, random_state;

static __always_inline __u64 random_next(void)
{
	__u64 z = (random_state += 0x9e3779b97f4a7c15ULL); /* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static __always_inline void copy_frame(__u64 *to, const __u64 *from)
{
	for (int i = 0; i < TORRENT_LENGTH / 8; i++)
		to[i] = from[i];
	*(__u16 *)&to[TORRENT_LENGTH / 8] = (__u16)from[TORRENT_LENGTH / 8];
}

/* The next one of a row: base + i * 2^step. */
static __always_inline void number_row(struct torrent_number *out)
{
	__u64 i = flood_sent, high = 0, low = 0;
	__u32 step = flood.step;

	if (flood.count)
		i %= flood.count;
	if (step >= 64) {
		high = i << ((step - 64) & 63);
	} else {
		low = i << (step & 63);
		if (step)
			high = i >> ((64 - step) & 63);
	}
	out->low = flood.base.low + low;
	out->high = flood.base.high + high + (out->low < low);
}

static __always_inline void write_number(void *address, struct torrent_number number)
{
	__u64 high = bpf_cpu_to_be64(number.high), low = bpf_cpu_to_be64(number.low);

	for (int i = 0; i < 8; i += 2, high >>= 16, low >>= 16) {
		*(__u16 *)(address + i) = (__u16)high;
		*(__u16 *)(address + i + 8) = (__u16)low;
	}
}

static __always_inline void fill_flood(void *frame)
{
	struct torrent_number source;

	copy_frame(frame, flood_frame);
	if (flood.vary.low) {
		source.high = flood.base.high | (random_next() & flood.vary.high);
		source.low = flood.base.low | (random_next() & flood.vary.low);
	} else {
		number_row(&source);
	}
	flood_sent++;
	if (flood.v6)
		write_number(frame + 22, source);
	else
		*(__u32 *)(frame + 26) = bpf_htonl((__u32)source.low);
}

static __always_inline void find_next(void)
{
	__u32 i = cursor;
	struct torrent_due *due = i < due_count && !delay ? bpf_map_lookup_elem(&dues, &i) : 0;

	next_at = due ? due->at : ~0U;
}

static __always_inline void next_second(void)
{
	position = 0;
	cursor = 0;
	if (delay)
		delay--;
	else if (turns)
		turn++;
	find_next();
}

static __always_inline void note_time(void)
{
	__u32 i = (__u32)steady_sent;
	__u64 *time = keep_times ? bpf_map_lookup_elem(&times, &i) : 0;

	if (time)
		*time = bpf_ktime_get_boot_ns();
}

static __always_inline void fill_steady(void *frame)
{
	__u32 i = cursor;
	struct torrent_due *due = bpf_map_lookup_elem(&dues, &i);
	struct torrent_steady *source;

	copy_frame(frame, steady_frame);
	cursor++;
	find_next();
	if (!due)
		return;
	i = due->steady + turn;
	source = bpf_map_lookup_elem(&steadies, &i);
	if (!source)
		return;
	if (source->v6) {
		for (int at = 0; at < 16; at += 2)
			*(__u16 *)(frame + 22 + at) = *(__u16 *)(source->address + at);
		*(__u16 *)(frame + 56) = bpf_htons(source->port);
	} else {
		*(__u32 *)(frame + 26) = *(__u32 *)source->address;
		*(__u16 *)(frame + 36) = bpf_htons(source->port);
	}
	source->port += source->port_step;
	source->sent++;
	note_time();
	steady_sent++;
}

SEC("xdp")
int torrent(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + TORRENT_LENGTH > end)
		return XDP_ABORTED;
	if (position == next_at)
		fill_steady(data);
	else
		fill_flood(data);
	if (++position == per_second)
		next_second();
	return bpf_redirect_map(&wire, 0, 0);
}

char LICENSE[] SEC("license") = "GPL";
