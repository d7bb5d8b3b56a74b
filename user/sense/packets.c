// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Samples are written in a ring for each CPU and epoch, from its beginning: when there were fewer
 * packets than places, only those places are of this epoch.
 */
#include "sense/packets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int packets_map(struct packets *packets, int fd, uint32_t slots)
{
	size_t count = (size_t)slots * PACKET_SAMPLES;
	struct packets new = { .bytes = 2 * count * sizeof(*new.rings),
			       .copy = malloc(count * sizeof(*new.copy)) };
	void *at = mmap(NULL, new.bytes, PROT_READ, MAP_SHARED, fd, 0);
	int err = at == MAP_FAILED ? -errno : 0;

	if (!err && new.copy) {
		new.rings = at;
		*packets = new;
		return 0;
	}
	if (!err)
		munmap(at, new.bytes);
	free(new.copy);
	return err ? err : -ENOMEM;
}

void packets_unmap(struct packets *packets)
{
	if (packets->rings)
		munmap((void *)packets->rings, packets->bytes);
	free(packets->copy);
	*packets = (struct packets){ 0 };
}

void packets_collect(struct packets *packets, const struct tables *destinations, uint32_t epoch)
{
	packets->count = 0;
	for (uint32_t slot = 0; slot < destinations->slots; slot++) {
		size_t table = slot * 2 + (epoch & 1);
		const struct table_totals *totals = &destinations->totals[table];
		size_t n = totals->packets < PACKET_SAMPLES ? totals->packets : PACKET_SAMPLES;

		if (totals->epoch != epoch)
			continue;
		memcpy(packets->copy + packets->count, packets->rings + table * PACKET_SAMPLES,
		       n * sizeof(*packets->copy));
		packets->count += n;
	}
}
