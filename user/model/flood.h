/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host that is flooded from everywhere, and what a person can do about it. */
#ifndef FWGEN_MODEL_FLOOD_H
#define FWGEN_MODEL_FLOOD_H

#include <stdbool.h>
#include <stddef.h>
#include "abi.h"
#include "base/clock.h"
#include "model/limit.h"
#include "model/rule.h"

struct flood {
	struct address destination;
	uint32_t classes; /* enum packet_class */
	uint16_t port;	  /* 0: several, or none */
	uint8_t protocol; /* with a port */
	uint64_t packets, sources;
	struct limit limit;
	char reason[192];    /* one sentence */
	struct moment since; /* when it was told of first */
};

/* From the change that tells of it (RULE_ALARMED, with sources). */
struct flood flood_of(const struct rule_change *change, struct moment since);

#define FLOOD_COMMAND_TEXT 160

/* The fwgen command that limits it, or "" where none can: it must be SYN, UDP or ICMP alone. */
const char *flood_command(const struct flood *flood, char buf[FLOOD_COMMAND_TEXT]);

#define FLOOD_LINES_MAX 8
#define FLOOD_LINE_TEXT 256

/*
 * SYN floods: the rules that have this box answer SYNs with cookies in the host's place (iptables,
 * SYNPROXY target), one a line, to paste. Returns how many lines, 0: it is no such flood.
 */
size_t flood_synproxy(const struct flood *flood, bool local,
		      char lines[FLOOD_LINES_MAX][FLOOD_LINE_TEXT]);

#endif
