/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From CLOCK_BOOTTIME to jiffies, the clock of the drop map's deadlines. */
#ifndef FWGEN_ENFORCE_JIFFIES_H
#define FWGEN_ENFORCE_JIFFIES_H

#include <stdint.h>

struct jiffies_bpf;

struct jiffies_clock {
	struct jiffies_bpf *bpf;
	uint32_t hz;
	uint64_t jiffies; /* at boot_ns */
	int64_t boot_ns;
};

/* Loads the small program that reads jiffies. Returns 0 or -errno. */
int jiffies_open(struct jiffies_clock *clock);
void jiffies_close(struct jiffies_clock *clock);
/* Asks anew (microseconds): jiffies stand still while the machine sleeps, CLOCK_BOOTTIME does not.
 */
int jiffies_refresh(struct jiffies_clock *clock);
/* The first jiffy at or after a time on CLOCK_BOOTTIME. */
uint64_t jiffies_at(const struct jiffies_clock *clock, int64_t boot_ns);
/* The reverse: when that jiffy begins, a year after the clock's reading at most. */
int64_t jiffies_boot_ns(const struct jiffies_clock *clock, uint64_t jiffies);

#endif
