/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why there is a rule, in one sentence for the person who finds it. */
#include "decide/reason.h"

#include <inttypes.h>
#include <stdio.h>
#include "base/address.h"
#include "base/clock.h"
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
	[DETECTOR_VICTIM_FLOOD] = "unasked packets",
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

/* Two digits: an estimate says no more. */
static uint64_t roughly(uint64_t n)
{
	uint64_t unit = 1;

	while (n / unit >= 100)
		unit *= 10;
	return (n + unit / 2) / unit * unit;
}

static void format_target(const struct finding *finding, char *buf, size_t size)
{
	const char *which = finding->detector == DETECTOR_VICTIM_FLOOD ? " to " : ", last to ";
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
	snprintf(buf, size, "%s%s%s%s", which, address_format(&finding->destination, address), port,
		 protocol);
}

/* "41000 unasked packets to 192.0.2.1 port 25565/tcp from about 19000 sources in 1 s (limit ...)".
 */
static void format_flood(const struct finding *finding, const char *target, char *buf, size_t size)
{
	uint64_t sources = roughly(finding->sources);

	if (finding->lasted_ns)
		snprintf(buf, size,
			 "%s after %lld s: %" PRIu64 " %s%s from about %" PRIu64
			 " sources at a time",
			 finding->usual ? "taken for usual" : "over",
			 (finding->lasted_ns + NS_PER_SECOND - 1) / NS_PER_SECOND, finding->count,
			 counted[DETECTOR_VICTIM_FLOOD], target, sources);
	else
		snprintf(buf, size,
			 "%" PRIu64 " %s%s from about %" PRIu64 " sources in %" PRIu32
			 " s (limit %" PRIu64 " in %" PRIu32 " s)",
			 finding->count, counted[DETECTOR_VICTIM_FLOOD], target, sources,
			 finding->limit.seconds, finding->limit.count, finding->limit.seconds);
}

const char *reason_format(const struct finding *finding, char *buf, size_t size)
{
	char spread[32], target[ADDRESS_TEXT + 40], group[GROUP_NAME_TEXT + 8] = "";
	const char *what = finding->what;

	if (!what)
		what = (size_t)finding->detector < DETECTOR_COUNT ? counted[finding->detector]
								  : "packets";

	format_spread(finding, spread, sizeof(spread));
	format_target(finding, target, sizeof(target));
	if (finding->detector == DETECTOR_VICTIM_FLOOD) {
		format_flood(finding, target, buf, size);
		return buf;
	}
	if (*finding->group)
		snprintf(group, sizeof(group), ", group %s", finding->group);
	snprintf(buf, size,
		 "%" PRIu64 " %s%s in %" PRIu32 " s (limit %" PRIu64 " in %" PRIu32 " s%s)%s",
		 finding->count, what, spread, finding->limit.seconds, finding->limit.count,
		 finding->limit.seconds, group, target);
	return buf;
}
