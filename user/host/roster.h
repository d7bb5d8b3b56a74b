/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who this box talks to and must go on talking to, as readings of sockets, sessions and files find
 * them: an address stays for some minutes after it was seen last, so that a session that breaks off
 * can be begun again. Bounded by source, so that no source crowds out another. Private to host/.
 */
#ifndef FWGEN_HOST_ROSTER_H
#define FWGEN_HOST_ROSTER_H

#include <stdbool.h>
#include <stdint.h>
#include "base/clock.h"
#include "model/protected.h"

#define ROSTER_GRACE_NS	  (5 * 60 * NS_PER_SECOND)
#define ROSTER_SOURCE_MAX 256

enum roster_source {
	ROSTER_SSH,
	ROSTER_TIME,
	ROSTER_LEASE,
	ROSTER_ROUTING,
	ROSTER_VPN,
	ROSTER_SOURCES
};

/* What a source is called when it is full. */
const char *roster_source_name(enum roster_source source);

struct roster_entry {
	struct address address;
	enum roster_source source;
	char reason[64];
	uint32_t token; /* 0, or what must be seen in two readings in a row before it counts */
	bool counts;
	uint64_t reading; /* the last one that saw it */
	int64_t seen_ns;
};

struct roster {
	struct roster_entry items[ROSTER_SOURCES * ROSTER_SOURCE_MAX];
	size_t count;
	size_t by_source[ROSTER_SOURCES];
	uint64_t reading;
	int64_t now_ns;
	bool changed;			  /* since roster_begin: who counts, or why */
	uint64_t refused[ROSTER_SOURCES]; /* in this reading: no room */
};

/* A reading begins, at this time (CLOCK_BOOTTIME). */
void roster_begin(struct roster *roster, int64_t now_ns);
/*
 * The reading saw this address. A token tells one connection from the next: it has to be there in
 * two readings in a row. Loopback and unspecified addresses are left out. When the source is full,
 * the one that was seen longest ago makes room, unless this reading saw all of them.
 */
void roster_see(struct roster *roster, enum roster_source source, const struct address *address,
		uint32_t token, const char *reason);
/* The reading ends: who was not seen for ROSTER_GRACE_NS leaves. Returns whether anything changed.
 */
bool roster_end(struct roster *roster);
/* Appends all that count. Returns 0 or -ENOMEM. */
int roster_protect(const struct roster *roster, struct protected_list *out);

#endif
