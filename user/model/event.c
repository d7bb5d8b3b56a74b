/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of events and the ring of the last ones. Writing them anywhere is record/'s. */
#include "model/event.h"

#include <netinet/in.h>
#include <stdio.h>

#define COUNT(names) (sizeof(names) / sizeof((names)[0]))

static const char *const types[] = {
	[EVENT_FINDING] = "finding", [EVENT_RULE] = "rule",	[EVENT_ALARM] = "alarm",
	[EVENT_CONFIG] = "config",   [EVENT_SYSTEM] = "system",
};
_Static_assert(COUNT(types) == EVENT_TYPE_COUNT, "each event type has a name");

static const char *const severities[] = {
	[SEVERITY_INFO] = "info",
	[SEVERITY_NOTICE] = "notice",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_CRITICAL] = "critical",
};
_Static_assert(COUNT(severities) == SEVERITY_COUNT, "each severity has a name");

const char *event_type_name(enum event_type type)
{
	return (size_t)type < COUNT(types) ? types[type] : "?";
}

const char *severity_name(enum severity severity)
{
	return (size_t)severity < COUNT(severities) ? severities[severity] : "?";
}

const char *protocol_format(uint8_t protocol, char buf[8])
{
	const char *name = protocol == IPPROTO_TCP	? "tcp"
			   : protocol == IPPROTO_UDP	? "udp"
			   : protocol == IPPROTO_ICMP	? "icmp"
			   : protocol == IPPROTO_ICMPV6 ? "icmpv6"
							: NULL;

	if (name)
		snprintf(buf, 8, "%s", name);
	else if (protocol)
		snprintf(buf, 8, "%u", protocol);
	else
		buf[0] = '\0';
	return buf;
}

void event_ring_add(struct event_ring *ring, const struct event *event)
{
	ring->items[ring->added++ % EVENT_RING_SIZE] = *event;
}
