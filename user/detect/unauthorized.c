/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A service used by somebody whom it is not for: connections to it that came to their end, UDP that
 * nobody asked for. Who may use it is judged before this (services.c): his are not counted. Only
 * that port may be closed for it, which takes nothing from anybody that he may have, so a forged
 * UDP packet does no harm.
 */
#include <netinet/in.h>
#include "detect/detector.h"
#include "model/rule.h"

static uint64_t count(const struct table_entry *entry)
{
	return entry->restricted_tries;
}

static void describe(const struct table_entry *entry, struct finding *finding)
{
	bool tcp = !entry->restricted_udp;

	finding->protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
	finding->port = entry->restricted_port;
	finding->port_only = true;
	finding->classes = protocol_classes(finding->protocol);
	if (tcp && !entry->assumed)
		finding->evidence = EVIDENCE_PROVEN;
	if (entry->last_port != entry->restricted_port)
		finding->has_destination = false; /* that was another try */
}

const struct detector_ops unauthorized_ops = {
	.count = count,
	.classes = CLASS_SYN | CLASS_TCP | CLASS_UDP,
	.describe = describe,
};
