// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What time is it in jiffies? Userspace cannot ask, and the deadlines of blocks are in jiffies,
 * which cost the XDP program nothing. Run by BPF_PROG_TEST_RUN, never attached.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 jiffies_now;
__u64 boot_ns_now;

SEC("xdp")
int fwgen_jiffies(struct xdp_md *ctx __attribute__((unused)))
{
	jiffies_now = bpf_jiffies64();
	boot_ns_now = bpf_ktime_get_boot_ns();
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
