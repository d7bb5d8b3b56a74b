/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule as a command line, and lists of changes. The command is for people: what fwgen itself
 * tells the kernel goes through sets (enforce/), which say the same in a form nobody would type.
 */
#include "model/rule.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/address.h"
#include "base/array.h"
#include "model/event.h"

#define CLASS_ANY_TCP (CLASS_SYN | CLASS_TCP)

/*
 * What matches a class. The parts that one command cannot say exactly: iptables' -f misses a
 * datagram's first fragment, without which the rest is useless; "other" reads the first next-header
 * of IPv6 only (extension headers count as not other).
 */
static const struct {
	uint32_t classes;
	const char *four, *six;
} matches[] = {
	{ CLASS_ALL, "", "" },
	{ CLASS_ANY_TCP, " -p tcp", " -p tcp" },
	{ CLASS_SYN, " -p tcp --tcp-flags SYN,ACK SYN", " -p tcp --tcp-flags SYN,ACK SYN" },
	{ CLASS_TCP, " -p tcp ! --tcp-flags SYN,ACK SYN", " -p tcp ! --tcp-flags SYN,ACK SYN" },
	{ CLASS_UDP, " -p udp", " -p udp" },
	{ CLASS_ICMP, " -p icmp", " -p icmpv6" },
	{ CLASS_FRAGMENT, " -f", " -m frag" },
	{ CLASS_OTHER, " -m u32 --u32 '6&0xff=0,2:5,7:16,18:255'",
	  " -m u32 --u32 '3&0xff=1:5,7:16,18:42,45:50,52:57,59,61:255'" },
};

struct block_key rule_key(const struct rule *rule)
{
	return (struct block_key){ .address = rule->prefix.address,
				   .len = rule->prefix.len,
				   .port = rule->port,
				   .protocol = rule->protocol,
				   .kind = rule->to_destination ? BLOCK_DESTINATION
								: BLOCK_SOURCE };
}

uint32_t protocol_classes(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? CLASS_UDP : CLASS_ANY_TCP;
}

uint8_t classes_protocol(uint32_t classes)
{
	if (classes == CLASS_UDP)
		return IPPROTO_UDP;
	return classes & CLASS_ANY_TCP && !(classes & ~(uint32_t)CLASS_ANY_TCP) ? IPPROTO_TCP : 0;
}

uint8_t rule_destination_protocol(const struct prefix *destination, uint32_t classes)
{
	if (classes == CLASS_ICMP)
		return address_is_ipv4(&destination->address) ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	return classes_protocol(classes);
}

bool rule_limits_destination(const struct rule *rule)
{
	bool has_class = rule->classes == CLASS_SYN || rule->classes == CLASS_UDP ||
			 rule->classes == CLASS_ICMP;

	return has_class && rule->prefix.len == PREFIX_LEN_FULL && rule->action == ACTION_LIMIT &&
	       rule->limit_pps && !(rule->port && rule->classes == CLASS_ICMP);
}

struct command {
	char *buf;
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void append(struct command *to, const char *format,
							 ...)
{
	size_t room = RULE_COMMAND_TEXT - to->used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(to->buf + to->used, room, format, args);
	va_end(args);
	if (n > 0)
		to->used += (size_t)n < room ? (size_t)n : room - 1;
}

static void append_command(struct command *to, const struct rule *rule, const char *four,
			   const char *six)
{
	/* /0 of IPv6 has no mapped form: the length tells the family, as base/address does. */
	bool is_six =
		rule->prefix.len < PREFIX_LEN_MAPPED || !address_is_ipv4(&rule->prefix.address);
	char source[PREFIX_TEXT];

	append(to, "%s%s -t raw -I PREROUTING -s %s%s", to->used ? "; " : "",
	       is_six ? "ip6tables" : "iptables", prefix_format(&rule->prefix, source),
	       is_six ? six : four);
	/* One name, so that the commands of one rule share one bucket. */
	if (rule->action == ACTION_LIMIT)
		append(to, " -m hashlimit --hashlimit-above %u/sec --hashlimit-name fwgen%u",
		       rule->limit_pps, rule->id);
	append(to, " -j DROP");
}

/* One bucket for all that is sent there, or to that service. */
static void append_destination(struct command *to, const struct rule *rule)
{
	const char *protocol = rule->classes == CLASS_SYN   ? "tcp --tcp-flags SYN,ACK SYN"
			       : rule->classes == CLASS_UDP ? "udp"
							    : "icmp";
	bool four = address_is_ipv4(&rule->prefix.address);
	char destination[PREFIX_TEXT], port[16] = "";

	if (!four && rule->classes == CLASS_ICMP)
		protocol = "icmpv6";
	if (rule->port)
		snprintf(port, sizeof(port), " --dport %u", rule->port);
	append(to,
	       "%s -t raw -I PREROUTING -d %s -p %s%s -m hashlimit --hashlimit-above %u/sec"
	       " --hashlimit-mode dstip%s --hashlimit-name fwgen%u -j DROP",
	       four ? "iptables" : "ip6tables", prefix_format(&rule->prefix, destination), protocol,
	       port, rule->limit_pps, rule->port ? ",dstport" : "", rule->id);
}

const char *rule_command(const struct rule *rule, char buf[RULE_COMMAND_TEXT])
{
	struct command to = { .buf = buf };
	uint32_t left = rule->classes & CLASS_ALL;
	char protocol[8], match[40];

	buf[0] = '\0';
	if (rule->to_destination) {
		append_destination(&to, rule);
		return buf;
	}
	if (rule->port) {
		snprintf(match, sizeof(match), " -p %s --dport %u",
			 protocol_format(rule->protocol, protocol), rule->port);
		append_command(&to, rule, match, match);
		return buf;
	}
	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		if (!left || (left & matches[i].classes) != matches[i].classes)
			continue;
		append_command(&to, rule, matches[i].four, matches[i].six);
		left &= ~matches[i].classes;
	}
	return buf;
}

int rule_change_list_add(struct rule_change_list *list, const struct rule_change *change)
{
	struct rule_change *items =
		array_room(list->items, list->count, &list->capacity, sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	list->items[list->count++] = *change;
	return 0;
}

void rule_change_list_free(struct rule_change_list *list)
{
	free(list->items);
	*list = (struct rule_change_list){ 0 };
}
