/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What replay says: to people (report_text.c), or to programs, an object a line (report_json.c). */
#ifndef FWGEN_REPLAY_REPORT_H
#define FWGEN_REPLAY_REPORT_H

#include <stdio.h>
#include "model/rule.h"
#include "replay/blocks.h"
#include "replay/tally.h"

/* A new rule, one that observe mode would have made, or an alarm. */
struct decision {
	const struct rule_change *change;
	uint64_t frame;	  /* that led to it; it applies from the next */
	struct moment at; /* on the capture's clock */
};

/* One file. */
struct summary {
	uint64_t frames, bytes; /* of all link layers and protocols, as long as they were sent */
	uint64_t malformed, not_ip;
	uint64_t decisions, dropped, dropped_bytes;
	uint64_t late; /* frames older than one before them */
	int64_t late_most_ns;
	struct moment first, last;
	const struct tally *sources; /* sorted */
};

/* Whatever is NULL is not told. */
struct report_ops {
	void (*begin)(FILE *out, const char *file, const char *link);
	void (*decision)(FILE *out, const char *file, const struct decision *decision);
	/* A finding about somebody who may not be blocked; the end of an alarm. */
	void (*told)(FILE *out, const struct decision *decision);
	/* A rule's time is over, or the last file is. */
	void (*ended)(FILE *out, const struct rule *rule, struct moment at,
		      const struct blocked *stopped);
	void (*summary)(FILE *out, const char *file, const struct summary *summary);
};

extern const struct report_ops report_text, report_json;

#endif
