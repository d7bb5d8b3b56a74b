/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules in force as a packet meets them, like bpf/verdict.bpf.h does on the drop map: by
 * prefix, perhaps for one port, for some classes of packet, until a time, as a drop or a limit. And
 * what each has stopped.
 */
#ifndef FWGEN_REPLAY_BLOCKS_H
#define FWGEN_REPLAY_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include "hash.h"
#include "model/rule.h"
#include "packet.h"

struct blocked {
	struct block_key key;
	int64_t expires_ns; /* of the wall clock's moments, like all times here */
	uint32_t classes, rule_id;
	uint32_t limit_pps;	 /* 0: everything is dropped */
	int64_t tokens, last_ns; /* of a limit: in 1/NS_PER_SECOND packets, when they were added */
	uint64_t packets, bytes; /* dropped */
};

struct blocks {
	struct blocked *items;
	size_t count, capacity;
	uint32_t *slots;   /* item + 1, 0: free; probed in a line */
	size_t slot_count; /* a power of two, at least twice count */
	struct hash_key key;
	/* the prefix lengths in use, the longest first, of IPv4 and IPv6 */
	uint32_t lengths[2][PREFIX_LEN_FULL + 1], length_count[2];
	uint32_t in_use[2][PREFIX_LEN_FULL + 1]; /* items of each length */
	size_t port_count;			 /* items of one port */
};

void blocks_init(struct blocks *blocks, const struct hash_key *key);
void blocks_free(struct blocks *blocks);

/* Adds the rule, or gives the one that is there its new terms. Returns 0 or -ENOMEM. */
int blocks_put(struct blocks *blocks, const struct rule *rule);
/* Takes the rule out. Returns false when it is not there; *out is what it has stopped. */
bool blocks_remove(struct blocks *blocks, const struct rule *rule, struct blocked *out);

/* Whether the packet is to be dropped at this time; counts it then. */
bool blocks_drop(struct blocks *blocks, const struct packet *packet, int64_t now_ns);

#endif
