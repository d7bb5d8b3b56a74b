/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames written down byte by byte in hexadecimal, and what each is: independent of the parser and
 * of the generator.
 */
#ifndef FWGEN_TESTS_PARSE_CASES_H
#define FWGEN_TESTS_PARSE_CASES_H

#include "packet.h"

// clang-format off
/* ---- frames in hexadecimal ---------------------------------------------------------------- */

#define MACS   "020000000001020000000002"
#define SOURCE "c0000201"
#define TARGET "cb007101"
/* version and header length, total length, flags and offset, protocol */
#define IP4(first, total, fragment, protocol) \
	first "00" total "0001" fragment "40" protocol "0000" SOURCE TARGET
#define ETH4(total, fragment, protocol) MACS "0800" IP4("45", total, fragment, protocol)
#define SOURCE6 "20010db8000000000000000000000001"
#define TARGET6 "20010db8000000000000000000000002"
#define IP6(payload, next)  "60000000" payload next "40" SOURCE6 TARGET6
#define ETH6(payload, next) MACS "86dd" IP6(payload, next)
#define PORTS		    "9c400050" /* 40000 to 80 */
#define TCP(flags)	    PORTS "0000000100000000" "50" flags "04000000" "0000"
#define UDP		    PORTS "00080000"
#define PING4		    "0800000000010001"
#define PING6		    "8000000000010001"
#define EIGHT		    "0102030405060708"
/* extension headers, each in front of the protocol given */
#define OPTIONS(next)		 next "00" "010400000000"
#define AUTH(next)		 next "04" "0000" "00000001" "00000001" "000102030405060708090a0b"
#define FRAGMENT(next, fragment) next "00" fragment "00001234"

#define M   PACKET_MALFORMED
#define V6  PACKET_IPV6
#define F   PACKET_FRAGMENT
#define L   (PACKET_FRAGMENT | PACKET_LATER_FRAGMENT)
#define SYN CLASS_SYN
#define FR  CLASS_FRAGMENT

struct parse_case {
	const char *name, *frame;
	uint32_t status, flags, classes, protocol;
	uint32_t port; /* destination; 0: neither port is known */
	uint32_t detail; /* TCP flags or ICMP type */
};

static const struct parse_case link_cases[] = {
	{ "IPv4 SYN", ETH4("0028", "4000", "06") TCP("02"), PACKET_IP, 0, SYN, 6, 80, 2 },
	{ "one tag", MACS "8100" "0064" "0800" IP4("45", "0028", "0000", "06") TCP("02"),
	  PACKET_IP, 0, SYN, 6, 80, 2 },
	{ "QinQ", MACS "88a8" "0064" "8100" "0065" "86dd" IP6("0014", "06") TCP("02"), PACKET_IP,
	  V6, SYN, 6, 80, 2 },
	{ "four tags",
	  MACS "8100" "0001" "8100" "0002" "8100" "0003" "8100" "0004" "0800"
	       IP4("45", "001c", "0000", "11") UDP,
	  PACKET_IP, 0, CLASS_UDP, 17, 80, 0 },
	{ "five tags",
	  MACS "8100" "0001" "8100" "0002" "8100" "0003" "8100" "0004" "8100" "0005" "0800"
	       IP4("45", "001c", "0000", "11") UDP,
	  PACKET_NOT_IP, 0, 0, 0, 0, 0 },
	{ "a tag cut in two", MACS "8100" "0064" "08", PACKET_NOT_IP, 0, 0, 0, 0, 0 },
	{ "PPPoE, IPv4", MACS "8864" "11000001001e" "0021" IP4("45", "001c", "0000", "11") UDP,
	  PACKET_IP, 0, CLASS_UDP, 17, 80, 0 },
	{ "PPPoE in a tag, IPv6",
	  MACS "8100" "0007" "8864" "110000010032" "0057" IP6("0008", "11") UDP, PACKET_IP, V6,
	  CLASS_UDP, 17, 80, 0 },
	{ "PPPoE, LCP", MACS "8864" "110000010008" "c021" EIGHT, PACKET_NOT_IP, 0, 0, 0, 0, 0 },
	{ "PPPoE discovery", MACS "8863" "110900000004" EIGHT, PACKET_NOT_IP, 0, 0, 0, 0, 0 },
	{ "PPPoE cut", MACS "8864" "11000001001e00", PACKET_NOT_IP, 0, 0, 0, 0, 0 },
	{ "MPLS", MACS "8847" "00010140" IP4("45", "001c", "0000", "11") UDP, PACKET_NOT_IP, 0, 0,
	  0, 0, 0 },
	{ "ARP", MACS "0806" "0001080006040001" EIGHT, PACKET_NOT_IP, 0, 0, 0, 0, 0 },
	{ "an 802.3 length", MACS "0026" "424203" EIGHT, PACKET_NOT_IP, 0, 0, 0, 0, 0 },
	{ "no frame", "", PACKET_NOT_IP, 0, 0, 0, 0, 0 },
	{ "half an Ethernet header", MACS, PACKET_NOT_IP, 0, 0, 0, 0, 0 },
	{ "Ethernet alone", MACS "0800", PACKET_TRUNCATED, 0, 0, 0, 0, 0 },
};

static const struct parse_case ipv4_cases[] = {
	{ "ACK", ETH4("0028", "4000", "06") TCP("10"), PACKET_IP, 0, CLASS_TCP, 6, 80, 16 },
	{ "SYN+ACK", ETH4("0028", "0000", "06") TCP("12"), PACKET_IP, 0, CLASS_TCP, 6, 80, 18 },
	{ "SYN with ECN", ETH4("0028", "0000", "06") TCP("c2"), PACKET_IP, 0, SYN, 6, 80, 2 },
	{ "SYN+FIN", ETH4("0028", "0000", "06") TCP("03"), PACKET_IP, 0, SYN, 6, 80, 3 },
	{ "ping", ETH4("001c", "0000", "01") PING4, PACKET_IP, 0, CLASS_ICMP, 1, 0, 8 },
	{ "GRE", ETH4("001c", "0000", "2f") EIGHT, PACKET_IP, 0, CLASS_OTHER, 47, 0, 0 },
	{ "options", MACS "0800" IP4("47", "0030", "0000", "06") EIGHT TCP("02"), PACKET_IP, 0,
	  SYN, 6, 80, 2 },
	{ "all options there can be",
	  MACS "0800" IP4("4f", "0044", "0000", "11") EIGHT EIGHT EIGHT EIGHT EIGHT UDP, PACKET_IP,
	  0, CLASS_UDP, 17, 80, 0 },
	{ "options behind the end", MACS "0800" IP4("4f", "0044", "0000", "11") UDP, PACKET_IP, M,
	  CLASS_UDP, 17, 0, 0 },
	{ "Ethernet padding", ETH4("001c", "0000", "11") UDP EIGHT EIGHT "0000", PACKET_IP, 0,
	  CLASS_UDP, 17, 80, 0 },
	{ "ports in the padding", ETH4("0014", "0000", "06") TCP("02"), PACKET_IP, M, CLASS_TCP, 6,
	  0, 0 },
	{ "total length 0", ETH4("0000", "0000", "06") TCP("02"), PACKET_IP, 0, SYN, 6, 80, 2 },
	{ "total length too large", ETH4("0029", "0000", "06") TCP("02"), PACKET_IP, M, SYN, 6, 80,
	  2 },
	{ "total length under the header's", ETH4("0013", "0000", "06") TCP("02"), PACKET_IP, M,
	  SYN, 6, 80, 2 },
	{ "header length 16", MACS "0800" IP4("44", "0028", "0000", "06") TCP("02"),
	  PACKET_TRUNCATED, 0, 0, 0, 0, 0 },
	{ "version 6 in an IPv4 frame", MACS "0800" IP4("65", "0028", "0000", "06") TCP("02"),
	  PACKET_TRUNCATED, 0, 0, 0, 0, 0 },
	{ "half a header", MACS "0800" "4500001400010000", PACKET_TRUNCATED, 0, 0, 0, 0, 0 },
	{ "first fragment", ETH4("0028", "2000", "06") TCP("02"), PACKET_IP, F, SYN | FR, 6, 80,
	  2 },
	{ "first fragment too short for its flags", ETH4("001c", "2000", "06") EIGHT, PACKET_IP,
	  F | M, SYN | FR, 6, 0, 0 },
	{ "13 bytes of TCP", ETH4("0021", "2000", "06") PORTS EIGHT "50", PACKET_IP, F | M,
	  SYN | FR, 6, 0, 0 },
	{ "14 bytes of TCP", ETH4("0022", "2000", "06") PORTS EIGHT "50" "10", PACKET_IP, F | M,
	  CLASS_TCP | FR, 6, 80, 16 },
	{ "middle fragment", ETH4("0028", "2001", "06") TCP("02"), PACKET_IP, L, CLASS_TCP | FR, 6,
	  0, 0 },
	{ "last fragment", ETH4("001c", "00b9", "11") UDP, PACKET_IP, L, CLASS_UDP | FR, 17, 0,
	  0 },
	{ "last fragment of a ping", ETH4("001c", "1fff", "01") PING4, PACKET_IP, L,
	  CLASS_ICMP | FR, 1, 0, 0 },
	{ "fragment of GRE", ETH4("001c", "2000", "2f") EIGHT, PACKET_IP, F, CLASS_OTHER | FR, 47,
	  0, 0 },
	{ "reserved bit alone", ETH4("001c", "8000", "11") UDP, PACKET_IP, 0, CLASS_UDP, 17, 80,
	  0 },
	{ "TCP too short", ETH4("0021", "0000", "06") PORTS EIGHT "50", PACKET_IP, M, CLASS_TCP, 6,
	  0, 0 },
	{ "TCP without its last byte", ETH4("0027", "0000", "06") TCP("02"), PACKET_IP, M, SYN, 6,
	  80, 2 },
	{ "TCP data offset 4",
	  ETH4("0028", "0000", "06") PORTS "0000000100000000" "40" "02" "04000000" "0000",
	  PACKET_IP, M, SYN, 6, 80, 2 },
	{ "UDP too short", ETH4("001b", "0000", "11") UDP, PACKET_IP, M, CLASS_UDP, 17, 0, 0 },
	{ "ICMP too short", ETH4("0017", "0000", "01") "080000", PACKET_IP, M, CLASS_ICMP, 1, 0,
	  0 },
	{ "ICMP of 4 bytes", ETH4("0018", "0000", "01") "08000000", PACKET_IP, 0, CLASS_ICMP, 1, 0,
	  8 },
	{ "ICMPv6 over IPv4", ETH4("001c", "0000", "3a") PING6, PACKET_IP, 0, CLASS_ICMP, 58, 0,
	  128 },
	{ "hop-by-hop over IPv4 is a protocol", ETH4("0024", "0000", "00") OPTIONS("11") UDP,
	  PACKET_IP, 0, CLASS_OTHER, 0, 0, 0 },
};

static const struct parse_case ipv6_cases[] = {
	{ "SYN", ETH6("0014", "06") TCP("02"), PACKET_IP, V6, SYN, 6, 80, 2 },
	{ "ping", ETH6("0008", "3a") PING6, PACKET_IP, V6, CLASS_ICMP, 58, 0, 128 },
	{ "no next header", ETH6("0000", "3b"), PACKET_IP, V6, CLASS_OTHER, 59, 0, 0 },
	{ "39 bytes", MACS "86dd" "600000000014064020010db800000000000000000000000120010db8"
		      "0000000000000000000000", PACKET_TRUNCATED, 0, 0, 0, 0, 0 },
	{ "version 4 in an IPv6 frame", MACS "86dd" IP4("45", "0028", "0000", "06") TCP("02") EIGHT,
	  PACKET_TRUNCATED, 0, 0, 0, 0, 0 },
	{ "payload length 0", ETH6("0000", "06") TCP("02"), PACKET_IP, V6, SYN, 6, 80, 2 },
	{ "payload length too large", ETH6("0015", "06") TCP("02"), PACKET_IP, V6 | M, SYN, 6, 80,
	  2 },
	{ "ports in the padding", ETH6("0004", "11") UDP, PACKET_IP, V6 | M, CLASS_UDP, 17, 0, 0 },
	{ "hop-by-hop", ETH6("001c", "00") OPTIONS("06") TCP("02"), PACKET_IP, V6, SYN, 6, 80, 2 },
	{ "hop-by-hop of 16 bytes", ETH6("0018", "00") "11" "01" "010c00000000" EIGHT UDP,
	  PACKET_IP, V6, CLASS_UDP, 17, 80, 0 },
	{ "routing, destination options",
	  ETH6("0018", "2b") OPTIONS("3c") OPTIONS("11") UDP, PACKET_IP, V6, CLASS_UDP, 17, 80, 0 },
	{ "AH counts in fours", ETH6("0020", "33") AUTH("11") UDP, PACKET_IP, V6, CLASS_UDP, 17,
	  80, 0 },
	{ "mobility, HIP, shim6", ETH6("0020", "87") OPTIONS("8b") OPTIONS("8c") OPTIONS("11") UDP,
	  PACKET_IP, V6, CLASS_UDP, 17, 80, 0 },
	{ "ESP ends the chain", ETH6("0010", "00") OPTIONS("32") EIGHT, PACKET_IP, V6, CLASS_OTHER,
	  50, 0, 0 },
	{ "eight headers",
	  ETH6("0048", "00") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c")
		  OPTIONS("3c") OPTIONS("3c") OPTIONS("11") UDP,
	  PACKET_IP, V6, CLASS_UDP, 17, 80, 0 },
	{ "nine headers",
	  ETH6("0050", "00") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("3c")
		  OPTIONS("3c") OPTIONS("3c") OPTIONS("3c") OPTIONS("11") UDP,
	  PACKET_IP, V6 | M, CLASS_OTHER, 60, 0, 0 },
	{ "a header longer than the packet", ETH6("0010", "00") "11" "02" "010400000000" UDP,
	  PACKET_IP, V6 | M, CLASS_UDP, 17, 0, 0 },
	{ "a header longer than the packet, then nothing known",
	  ETH6("0010", "00") "2f" "02" "010400000000" EIGHT, PACKET_IP, V6 | M, CLASS_OTHER, 47, 0,
	  0 },
	{ "a header cut in two", ETH6("0004", "00") "11000104", PACKET_IP, V6 | M, CLASS_OTHER, 0,
	  0, 0 },
	{ "a header in the padding", ETH6("0004", "00") OPTIONS("11") UDP, PACKET_IP, V6 | M,
	  CLASS_OTHER, 0, 0, 0 },
	{ "atomic fragment", ETH6("001c", "2c") FRAGMENT("06", "0000") TCP("02"), PACKET_IP, V6,
	  SYN, 6, 80, 2 },
	{ "atomic fragment with reserved bits", ETH6("001c", "2c") FRAGMENT("06", "0006") TCP("02"),
	  PACKET_IP, V6, SYN, 6, 80, 2 },
	{ "first fragment", ETH6("001c", "2c") FRAGMENT("06", "0001") TCP("02"), PACKET_IP, V6 | F,
	  SYN | FR, 6, 80, 2 },
	{ "tiny first fragment", ETH6("0010", "2c") FRAGMENT("06", "0001") EIGHT, PACKET_IP,
	  V6 | F | M, SYN | FR, 6, 0, 0 },
	{ "later fragment", ETH6("001c", "2c") FRAGMENT("06", "0009") TCP("02"), PACKET_IP, V6 | L,
	  CLASS_TCP | FR, 6, 0, 0 },
	{ "last fragment behind options",
	  ETH6("0018", "00") OPTIONS("2c") FRAGMENT("11", "fff8") UDP, PACKET_IP, V6 | L,
	  CLASS_UDP | FR, 17, 0, 0 },
	{ "later fragment: what follows is no header",
	  ETH6("0018", "2c") FRAGMENT("3c", "0008") OPTIONS("11") UDP, PACKET_IP, V6 | L,
	  CLASS_OTHER | FR, 60, 0, 0 },
	{ "options behind a first fragment header",
	  ETH6("0018", "2c") FRAGMENT("3c", "0001") OPTIONS("11") UDP, PACKET_IP, V6 | F,
	  CLASS_UDP | FR, 17, 80, 0 },
	{ "an IPv4 source in an IPv6 header",
	  MACS "86dd" "60000000" "0008" "11" "40" "00000000000000000000ffffc0000201" TARGET6 UDP,
	  PACKET_TRUNCATED, 0, 0, 0, 0, 0 },
	{ "ICMP over IPv6", ETH6("0008", "01") PING4, PACKET_IP, V6, CLASS_ICMP, 1, 0, 8 },
};
// clang-format on

#endif
