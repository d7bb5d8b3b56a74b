/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the box about addresses that were blocked on unproven evidence: conntrack (where connections
 * are tracked) and this host's own sockets. A dump of conntrack takes tens of milliseconds, so it
 * runs on a thread of its own; questions wait in a bounded queue and are answered in batches.
 */
#ifndef FWGEN_HOST_PEERS_H
#define FWGEN_HOST_PEERS_H

#include <stddef.h>
#include <stdint.h>
#include "model/peer.h"

struct peers;

/* Returns 0 or -errno with a text. */
int peers_start(struct peers **out, char error[256]);
void peers_stop(struct peers **peers);

/*
 * Never waits; what does not fit is not asked, and counted. port: of which connections are counted,
 * 0: none. Thread-safe.
 */
void peers_ask(struct peers *peers, const struct address *address, uint16_t port);
/* Readable when answers wait. */
int peers_fd(const struct peers *peers);
/* Takes answers about addresses where somebody is; the others are not told. Returns how many. */
size_t peers_answers(struct peers *peers, struct peer_answer *out, size_t max);

/* Whether the kernel tracks connections in this network namespace. */
bool peers_tracking(const struct peers *peers);
uint64_t peers_lost(const struct peers *peers);

#endif
