// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Link layers: each ends in an Ethernet type and the place where the network layer begins, from
 * where include/parse.h goes on. Header layouts: https://www.tcpdump.org/linktypes.html.
 */
#include "replay/link.h"

#include <pcap/dlt.h>
#include <stddef.h>
#include <string.h>
#include "parse.h"

#define SLL2_HEADER	20
#define LOOPBACK_HEADER 4

#ifndef DLT_LINUX_SLL2
#define DLT_LINUX_SLL2 276
#endif

/* Address families: IPv4 is 2 everywhere; IPv6 is 10 on Linux, 24, 28 and 30 on the BSDs. */
static bool is_ip_family(uint32_t family)
{
	return family == 2 || family == 10 || family == 24 || family == 28 || family == 30;
}

static enum packet_status parse_ethernet(struct captured *frame, struct packet *out)
{
	return packet_parse(frame->data, frame->end, frame->wire_bytes, out);
}

/* Linux "cooked", 16 bytes: its end is like an Ethernet header's, two bytes into it. */
static enum packet_status parse_sll(struct captured *frame, struct packet *out)
{
	enum packet_status status;

	if (frame->end - frame->data < 2)
		return PACKET_NOT_IP;
	frame->data += 2;
	status = packet_parse(frame->data, frame->end, frame->wire_bytes - 2, out);
	out->bytes = frame->wire_bytes;
	return status;
}

static enum packet_status parse_sll2(struct captured *frame, struct packet *out)
{
	uint32_t offset = SLL2_HEADER;
	uint16_t type;

	if (frame->end - frame->data < SLL2_HEADER)
		return PACKET_NOT_IP;
	type = packet_parse_tags(frame->data, frame->end, packet_read16(frame->data), &offset);
	return packet_parse_network(frame->data, frame->end, type, offset, out);
}

/* An IP header at the offset: its first four bits say which. */
static enum packet_status parse_ip(const struct captured *frame, uint32_t offset,
				   struct packet *out)
{
	uint16_t type;

	if (frame->end - frame->data <= (ptrdiff_t)offset)
		return PACKET_NOT_IP;
	type = frame->data[offset] >> 4 == 4   ? ETH_P_IP
	       : frame->data[offset] >> 4 == 6 ? ETH_P_IPV6
					       : 0;
	return packet_parse_network(frame->data, frame->end, type, offset, out);
}

static enum packet_status parse_raw(struct captured *frame, struct packet *out)
{
	return parse_ip(frame, 0, out);
}

/* BSD loopback: an address family, in the order of bytes of the machine that captured. */
static enum packet_status parse_loopback(struct captured *frame, struct packet *out)
{
	uint32_t family;

	if (frame->end - frame->data < LOOPBACK_HEADER)
		return PACKET_NOT_IP;
	family = packet_read32_raw(frame->data);
	if (!is_ip_family(family) && !is_ip_family(__builtin_bswap32(family)))
		return PACKET_NOT_IP;
	return parse_ip(frame, LOOPBACK_HEADER, out);
}

static const struct {
	int type;
	enum packet_status (*parse)(struct captured *frame, struct packet *out);
} links[] = {
	{ DLT_EN10MB, parse_ethernet }, { DLT_LINUX_SLL, parse_sll },
	{ DLT_LINUX_SLL2, parse_sll2 }, { DLT_RAW, parse_raw },
	{ DLT_IPV4, parse_raw },	{ DLT_IPV6, parse_raw },
	{ DLT_NULL, parse_loopback },	{ DLT_LOOP, parse_loopback },
};
#define LINKS (sizeof(links) / sizeof(links[0]))

static size_t find(int type)
{
	size_t i = 0;

	while (i < LINKS && links[i].type != type)
		i++;
	return i;
}

bool link_known(int type)
{
	return find(type) < LINKS;
}

const char *link_known_text(void)
{
	return "Ethernet, Linux cooked (SLL, SLL2), raw IP, BSD loopback";
}

enum packet_status link_parse(int type, struct captured *frame, struct packet *out)
{
	size_t i = find(type);

	memset(out, 0, sizeof(*out));
	out->bytes = frame->wire_bytes;
	return i < LINKS ? links[i].parse(frame, out) : PACKET_NOT_IP;
}
