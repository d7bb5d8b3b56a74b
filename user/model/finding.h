/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a detector says: this source passed this limit. Not yet a rule; decide/ judges it. */
#ifndef FWGEN_MODEL_FINDING_H
#define FWGEN_MODEL_FINDING_H

#include <stdbool.h>
#include "abi.h"
#include "base/clock.h"
#include "model/detector.h"
#include "model/limit.h"
#include "model/trait.h"

struct finding {
	struct moment at;
	struct prefix source; /* one address, or the hot prefix that was counted as one */
	enum detector_id detector;
	enum evidence evidence;
	uint64_t count;		     /* what was counted */
	uint64_t recent;	     /* of it, in the running interval: a second of it at most */
	struct limit limit;	     /* the limit it passed */
	char group[GROUP_NAME_TEXT]; /* whose limit that is; "": the one for all */
	uint32_t classes;	     /* the packets to blame: enum packet_class */
	uint8_t protocol;	     /* IP protocol number, 0: several */
	uint16_t port;		     /* last destination port, 0: none */
	bool port_only; /* what goes to that port, and nothing else, may be stopped for it */
	bool has_destination;
	struct address destination; /* the last one tried */
	uint32_t ports, hosts;	    /* estimates of how many distinct ones, 0: not counted */
	const char *what; /* what was counted, a constant; NULL: what the detector stands for */
	bool once;	  /* a rule uses what was counted up: detect_forget_tries() */
	bool renews_only; /* a proven rule of this detector goes on; nothing begins with it */
	bool provisional; /* from a wake record, before the interval was drained */
	bool established; /* the source has had exchanges of its own while it was tracked */
	/* DETECTOR_VICTIM_FLOOD, whose key is its destination: */
	uint64_t sources;		   /* estimate */
	struct trait traits[TRAIT_FIELDS]; /* what its packets have in common */
	int64_t lasted_ns; /* the flood is over, count is all of its packets; 0: it goes on */
	bool usual;	   /* with lasted_ns: it goes on, but is taken for usual */
};

struct finding_list {
	struct finding *items; /* owned; grown as needed */
	size_t count, capacity;
};

/* Appends a copy. Returns 0 or -ENOMEM, the list unchanged. */
int finding_list_add(struct finding_list *list, const struct finding *finding);
void finding_list_free(struct finding_list *list);

#endif
