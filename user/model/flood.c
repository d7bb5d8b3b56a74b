/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to do about a flood from everywhere: a limit of what is sent to the host, and for SYNs, a
 * proxy that answers them with cookies. Only words: nothing here is ever executed by fwgen.
 */
#include "model/flood.h"

#include <stdio.h>
#include <string.h>
#include "base/address.h"
#include "model/detector.h"

struct flood flood_of(const struct rule_change *change, struct moment since)
{
	struct flood flood = {
		.destination = change->destination,
		.classes = change->rule.classes,
		.port = change->port,
		.protocol = change->protocol,
		.packets = change->rule.observed,
		.sources = change->sources,
		.limit = change->rule.limit,
		.since = since,
	};

	memcpy(flood.reason, change->rule.reason, sizeof(flood.reason));
	return flood;
}

const char *flood_command(const struct flood *flood, char buf[FLOOD_COMMAND_TEXT])
{
	char address[ADDRESS_TEXT], classes[CLASSES_TEXT], port[24] = "";

	const struct rule limit = {
		.prefix = prefix_of(&flood->destination),
		.action = ACTION_LIMIT,
		.classes = flood->classes,
		.limit_pps = limit_rate(&flood->limit),
	};

	buf[0] = '\0';
	if (!rule_limits_destination(&limit))
		return buf;
	if (flood->port && flood->classes != CLASS_ICMP)
		snprintf(port, sizeof(port), " --port %u", flood->port);
	snprintf(buf, FLOOD_COMMAND_TEXT, "fwgen block %s --to --class %s%s --limit %u --for 10m",
		 address_format(&flood->destination, address),
		 classes_format(flood->classes, classes), port, limit.limit_pps);
	return buf;
}

size_t flood_synproxy(const struct flood *flood, bool local,
		      char lines[FLOOD_LINES_MAX][FLOOD_LINE_TEXT])
{
	bool four = address_is_ipv4(&flood->destination);
	const char *program = four ? "iptables" : "ip6tables", *chain = local ? "INPUT" : "FORWARD";
	char address[ADDRESS_TEXT], match[96];
	size_t n = 0;

	if (flood->classes != CLASS_SYN || !flood->port)
		return 0;
	snprintf(match, sizeof(match), "-d %s -p tcp --dport %u",
		 address_format(&flood->destination, address), flood->port);
	snprintf(lines[n++], FLOOD_LINE_TEXT,
		 "sysctl -w net.ipv4.tcp_syncookies=1 net.ipv4.tcp_timestamps=1"
		 " net.netfilter.nf_conntrack_tcp_loose=0");
	/* at the end of raw: fwgen's own jump stays first there */
	snprintf(lines[n++], FLOOD_LINE_TEXT, "%s -t raw -A PREROUTING %s --syn -j CT --notrack",
		 program, match);
	snprintf(lines[n++], FLOOD_LINE_TEXT,
		 "%s -I %s 1 %s -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --sack-perm"
		 " --timestamp --wscale 7 --mss %d",
		 program, chain, match, four ? 1460 : 1440);
	snprintf(lines[n++], FLOOD_LINE_TEXT,
		 "%s -I %s 2 %s -m conntrack --ctstate INVALID -j DROP", program, chain, match);
	return n;
}
