/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is worth a line in the event log and a row in the table `events`. */
#ifndef FWGEN_MODEL_EVENT_H
#define FWGEN_MODEL_EVENT_H

#include <stdbool.h>
#include "abi.h"
#include "base/clock.h"
#include "model/detector.h"

enum event_type {
	EVENT_FINDING,
	EVENT_RULE,
	EVENT_ALARM,
	EVENT_CONFIG,
	EVENT_SYSTEM,
	EVENT_TYPE_COUNT
};
enum severity {
	SEVERITY_INFO,
	SEVERITY_NOTICE,
	SEVERITY_WARNING,
	SEVERITY_CRITICAL,
	SEVERITY_COUNT
};

struct event {
	uint64_t id; /* set by the recorder; rises */
	struct moment at;
	enum event_type type;
	enum severity severity;
	bool has_source, has_destination;
	struct prefix source;
	struct address destination;
	uint16_t port;	  /* 0: none */
	uint8_t protocol; /* 0: none */
	enum detector_id detector;
	char message[384];
	char details[512]; /* a JSON object, or "" */
};

const char *event_type_name(enum event_type type);
const char *severity_name(enum severity severity);
/* "tcp", "udp", "icmp", "icmpv6", the number, or "" for 0. Returns buf. */
const char *protocol_format(uint8_t protocol, char buf[8]);

/* The last events in memory, for the verb `events`: the decision path never asks the database. */
#define EVENT_RING_SIZE 1024
struct event_ring {
	struct event items[EVENT_RING_SIZE];
	uint64_t added; /* all ever; the newest is items[(added - 1) % EVENT_RING_SIZE] */
};
void event_ring_add(struct event_ring *ring, const struct event *event);

#endif
