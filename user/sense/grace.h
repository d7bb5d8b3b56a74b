/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting until no CPU can still be inside a program that read the old epoch: membarrier(2)
 * MEMBARRIER_CMD_GLOBAL is synchronize_rcu(), 6-35 ms, so a thread of its own waits and signals.
 */
#ifndef FWGEN_SENSE_GRACE_H
#define FWGEN_SENSE_GRACE_H

struct grace;

/* Returns 0 or -errno. Where membarrier is refused, a map-in-map update does the same. */
int grace_start(struct grace **out);
/* Begins one period; one at a time. */
void grace_request(struct grace *grace);
/* Readable (eventfd, 8 bytes to read) when the period requested last is over. */
int grace_fd(const struct grace *grace);
void grace_stop(struct grace **grace);

#endif
