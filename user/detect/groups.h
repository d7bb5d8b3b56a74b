/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which group of the configuration a source belongs to. Two steps: which groups hold its address is
 * looked up once and kept with the source; which of those is meant, by what it does in an interval.
 */
#ifndef FWGEN_DETECT_GROUPS_H
#define FWGEN_DETECT_GROUPS_H

#include <stddef.h>
#include <stdint.h>
#include "abi.h"
#include "model/config.h"

_Static_assert(CONFIG_GROUPS_MAX <= 32, "a bit for each in 32");

#define GROUP_SETS 256 /* a source names its one by a byte */

/* From this address on, up to the next range, sources are in these groups. */
struct group_range {
	struct address start;
	uint32_t groups;
};

struct groups {
	unsigned int count;
	uint32_t without_sources; /* bit per group that holds every source */
	uint32_t without_ports;	  /* bit per group that whatever it does is meant by */
	uint32_t *by_port;	  /* bit per group that names the port; NULL: none names any */
	unsigned int port_count[CONFIG_GROUPS_MAX];
	struct group_range *ranges[2]; /* IPv4, IPv6; in order */
	size_t range_count[2];
	/* The combinations that there are, but for very many of them; [0] is none of them. */
	uint32_t sets[GROUP_SETS];
	unsigned int set_count;
};

/* Keeps no pointer to config. Returns 0 or -ENOMEM. */
int groups_make(const struct config *config, struct groups *out);
void groups_free(struct groups *groups);

/* The combination's place in sets, or 0: then the groups must be asked for each time. */
uint8_t groups_find_set(const struct groups *groups, uint32_t in);

/* The groups that hold all of the prefix, a bit for each. */
uint32_t groups_of(const struct groups *groups, const struct address *address, uint8_t prefix_len);

/*
 * The group that is meant, from 1, or 0: the first that names no ports, or of whose ports the last
 * one tried is, while no more ports than it names were tried. in: what groups_of said; last: what
 * came of it the last time, which holds while nothing new is tried (the packets belong to what was
 * tried then).
 */
unsigned int groups_choose(const struct groups *groups, uint32_t in,
			   const struct table_entry *entry, unsigned int last);

#endif
