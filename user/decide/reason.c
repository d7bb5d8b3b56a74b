/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why there is a rule, in one sentence for the person who finds it. */
#include "decide/reason.h"

#include <inttypes.h>
#include <stdio.h>
#include "base/address.h"
#include "model/event.h"

static const char *const counted[] = {
	[DETECTOR_PACKET_FLOOD] = "packets",
	[DETECTOR_BYTE_FLOOD] = "bytes",
	[DETECTOR_SYN_FLOOD] = "SYNs without an established connection",
	[DETECTOR_UDP_FLOOD] = "UDP packets",
	[DETECTOR_ICMP_FLOOD] = "ICMP packets",
	[DETECTOR_FRAGMENT_FLOOD] = "fragments",
	[DETECTOR_PORT_SCAN] = "ports tried",
	[DETECTOR_HOST_SWEEP] = "hosts tried",
	[DETECTOR_STEALTH_SCAN] = "probes that no connection begins with",
	[DETECTOR_BRUTE_FORCE] = "connections to login services",
	[DETECTOR_REFLECTION] = "answers that nobody asked for",
	[DETECTOR_MALFORMED] = "packets that cannot be",
	[DETECTOR_UNAUTHORIZED] = "tries at a service that is reserved for others",
	[DETECTOR_VICTIM_FLOOD] = "unasked packets of many sources",
};
_Static_assert(sizeof(counted) / sizeof(counted[0]) == DETECTOR_COUNT,
	       "each detector says what it counted");

/* The other side of a scan: how many hosts the ports were on, how many ports the hosts share. */
static void format_spread(const struct finding *finding, char *buf, size_t size)
{
	bool scan = finding->detector == DETECTOR_PORT_SCAN;
	uint32_t other = scan ? finding->hosts : finding->ports;
	const char *what = scan ? "host" : "port";

	buf[0] = '\0';
	if ((scan || finding->detector == DETECTOR_HOST_SWEEP) && other)
		snprintf(buf, size, " on %" PRIu32 " %s%s", other, what, other == 1 ? "" : "s");
}

static void format_target(const struct finding *finding, char *buf, size_t size)
{
	char address[ADDRESS_TEXT], protocol[8], port[16] = "";

	buf[0] = '\0';
	if (!finding->has_destination)
		return;
	protocol_format(finding->protocol, protocol);
	if (finding->port && finding->protocol)
		snprintf(port, sizeof(port), " port %u/", finding->port);
	else if (finding->port)
		snprintf(port, sizeof(port), " port %u", finding->port);
	else if (finding->protocol)
		snprintf(port, sizeof(port), ", ");
	snprintf(buf, size, ", last to %s%s%s", address_format(&finding->destination, address),
		 port, protocol);
}

const char *reason_format(const struct finding *finding, char *buf, size_t size)
{
	char spread[32], target[ADDRESS_TEXT + 40], group[GROUP_NAME_TEXT + 8] = "";
	const char *what =
		(size_t)finding->detector < DETECTOR_COUNT ? counted[finding->detector] : "packets";

	format_spread(finding, spread, sizeof(spread));
	format_target(finding, target, sizeof(target));
	if (*finding->group)
		snprintf(group, sizeof(group), ", group %s", finding->group);
	snprintf(buf, size,
		 "%" PRIu64 " %s%s in %" PRIu32 " s (limit %" PRIu64 " in %" PRIu32 " s%s)%s",
		 finding->count, what, spread, finding->limit.seconds, finding->limit.count,
		 finding->limit.seconds, group, target);
	return buf;
}
