/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts for ipset: kinds, names of sets, members, their lines. Values come in as numbers and
 * addresses and are formatted here, so nothing a packet or a config file says reaches a command as
 * it was. The chain is ruleset_chain.c, reading what the tools list ruleset_read.c; running them is
 * netfilter.c.
 */
#include "enforce/ruleset.h"
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS		"4096" /* a set's first size; it grows with its members */
#define DEFAULT_TIMEOUT "600"  /* for members that somebody adds by hand, in seconds */

static const struct {
	uint32_t class;
	const char *name;
} class_names[] = {
	{ CLASS_ALL, "all" },
	{ RULESET_PORT, "port" },
	{ CLASS_SYN, "syn" },
	{ CLASS_TCP, "tcp" },
	{ CLASS_UDP, "udp" },
	{ CLASS_ICMP, "icmp" },
	{ CLASS_FRAGMENT, "frag" },
	{ CLASS_OTHER, "other" },
	{ RULESET_TO | CLASS_SYN, "tosyn" },
	{ RULESET_TO | CLASS_UDP, "toudp" },
	{ RULESET_TO | CLASS_ICMP, "toicmp" },
	{ RULESET_TO | RULESET_PORT | CLASS_SYN, "tosynport" },
	{ RULESET_TO | RULESET_PORT | CLASS_UDP, "toudpport" },
};

#define CLASS_NAMES (sizeof(class_names) / sizeof(class_names[0]))
_Static_assert(CLASS_NAMES == RULESET_KINDS_PER_RULE + 7, "a name for each packet class");

static const char *class_name(uint32_t class)
{
	for (size_t i = 0; i < CLASS_NAMES; i++) {
		if (class_names[i].class == class)
			return class_names[i].name;
	}
	return NULL;
}

static unsigned int destination_kind(const struct rule *rule, uint32_t limit,
				     struct ruleset_kind *out)
{
	*out = (struct ruleset_kind){ RULESET_TO | rule->classes, limit };
	if (rule->port)
		out->classes |= RULESET_PORT;
	return limit && rule->prefix.len == PREFIX_LEN_FULL && class_name(out->classes);
}

unsigned int ruleset_kinds(const struct rule *rule, struct ruleset_kind out[RULESET_KINDS_PER_RULE])
{
	uint32_t limit = 0, classes = rule->classes & CLASS_ALL;
	unsigned int n = 0;

	if (rule->action == ACTION_LIMIT)
		limit = rule->limit_pps < RULESET_LIMIT_MAX ? rule->limit_pps : RULESET_LIMIT_MAX;
	else if (rule->action != ACTION_DROP)
		return 0;
	if (rule->to_destination)
		return destination_kind(rule, limit, &out[0]);
	if (rule->port) {
		out[0] = (struct ruleset_kind){ RULESET_PORT, limit };
		return 1;
	}
	if (classes == CLASS_ALL) {
		out[0] = (struct ruleset_kind){ CLASS_ALL, limit };
		return 1;
	}
	for (uint32_t bit = 1; bit < CLASS_ALL; bit <<= 1) {
		if (classes & bit)
			out[n++] = (struct ruleset_kind){ bit, limit };
	}
	return n;
}

bool ruleset_kind_equal(const struct ruleset_kind *a, const struct ruleset_kind *b)
{
	return a->classes == b->classes && a->limit_pps == b->limit_pps;
}

const char *ruleset_kind_format(const struct ruleset_kind *kind, char buf[RULESET_KIND_TEXT])
{
	const char *class = class_name(kind->classes);

	if (!kind->limit_pps)
		snprintf(buf, RULESET_KIND_TEXT, "%s", class);
	else if (kind->classes == CLASS_ALL)
		snprintf(buf, RULESET_KIND_TEXT, "l%u", kind->limit_pps);
	else
		snprintf(buf, RULESET_KIND_TEXT, "%s-l%u", class, kind->limit_pps);
	return buf;
}

static int parse_limit(const char *text, uint32_t *out)
{
	char *end;
	unsigned long value;

	if (text[0] != 'l' || text[1] < '1' || text[1] > '9')
		return -EINVAL;
	errno = 0;
	value = strtoul(text + 1, &end, 10);
	if (errno || *end || value > RULESET_LIMIT_MAX)
		return -EINVAL;
	*out = value;
	return 0;
}

int ruleset_kind_parse(const char *text, struct ruleset_kind *out)
{
	struct ruleset_kind kind = { CLASS_ALL, 0 };
	size_t len = strcspn(text, "-");

	for (size_t i = 0; i < CLASS_NAMES; i++) {
		if (strlen(class_names[i].name) != len || memcmp(text, class_names[i].name, len))
			continue;
		kind.classes = class_names[i].class;
		if (!text[len]) {
			*out = kind;
			return kind.classes & RULESET_TO ? -EINVAL : 0;
		}
		if (kind.classes == CLASS_ALL)
			return -EINVAL;
		text += len + 1;
		break;
	}
	if (parse_limit(text, &kind.limit_pps))
		return -EINVAL;
	*out = kind;
	return 0;
}

const char *ruleset_set_name(const struct ruleset_set *set, char buf[RULESET_NAME])
{
	char kind[RULESET_KIND_TEXT];
	bool plain = set->kind.classes == CLASS_ALL && !set->kind.limit_pps;

	snprintf(buf, RULESET_NAME, "fwgen%c%s%s%s", set->ipv6 ? '6' : '4', set->net ? "net" : "",
		 plain ? "" : "-", plain ? "" : ruleset_kind_format(&set->kind, kind));
	return buf;
}

int ruleset_set_parse(const char *name, struct ruleset_set *out)
{
	struct ruleset_set set = { .kind = { CLASS_ALL, 0 } };

	if (strncmp(name, "fwgen", 5) != 0 || (name[5] != '4' && name[5] != '6'))
		return -EINVAL;
	set.ipv6 = name[5] == '6';
	name += 6;
	set.net = strncmp(name, "net", 3) == 0;
	if (set.net)
		name += 3;
	if (*name &&
	    (*name != '-' || strcmp(name, "-all") == 0 || ruleset_kind_parse(name + 1, &set.kind)))
		return -EINVAL;
	if (ruleset_set_index(&set) >= ruleset_kind_sets(&set.kind))
		return -EINVAL;
	*out = set;
	return 0;
}

unsigned int ruleset_kind_sets(const struct ruleset_kind *kind)
{
	return kind->classes & RULESET_TO ? RULESET_SETS_PER_KIND / 2 : RULESET_SETS_PER_KIND;
}

struct ruleset_set ruleset_set_at(const struct ruleset_kind *kind, unsigned int i)
{
	return (struct ruleset_set){ .kind = *kind, .ipv6 = i & 1, .net = i & 2 };
}

unsigned int ruleset_set_index(const struct ruleset_set *set)
{
	return (set->ipv6 ? 1 : 0) + (set->net ? 2 : 0);
}

struct ruleset_set ruleset_set_of(const struct ruleset_member *member)
{
	const struct prefix *prefix = &member->prefix;
	bool ipv4 = prefix->len >= PREFIX_LEN_MAPPED && address_is_ipv4(&prefix->address);

	return (struct ruleset_set){ .kind = member->kind,
				     .ipv6 = !ipv4,
				     .net = prefix->len != PREFIX_LEN_FULL };
}

const char *ruleset_member_format(const struct ruleset_member *member,
				  char buf[RULESET_MEMBER_TEXT])
{
	size_t len = strlen(prefix_format(&member->prefix, buf));

	if (member->port)
		snprintf(buf + len, RULESET_MEMBER_TEXT - len, ",%s:%u",
			 member->protocol == IPPROTO_UDP ? "udp" : "tcp", member->port);
	return buf;
}

int ruleset_member_parse(const char *text, struct ruleset_member *out)
{
	char prefix[PREFIX_TEXT], protocol[4] = "";
	size_t len = strcspn(text, ",");
	struct prefix parsed;
	unsigned int port = 0;
	int end = 0;

	if (len >= sizeof(prefix))
		return -EINVAL;
	memcpy(prefix, text, len);
	prefix[len] = '\0';
	if (prefix_parse(prefix, &parsed))
		return -EINVAL;
	if (text[len] && (sscanf(text + len, ",%3[a-z]:%5u%n", protocol, &port, &end) != 2 ||
			  text[len + end] || !port || port > UINT16_MAX ||
			  (strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0)))
		return -EINVAL;
	out->prefix = parsed;
	out->port = (uint16_t)port;
	out->protocol = !port ? 0 : *protocol == 'u' ? IPPROTO_UDP : IPPROTO_TCP;
	return 0;
}

bool ruleset_prefix_valid(const struct prefix *prefix)
{
	static const struct address mapped_zero = { .bytes = { [10] = 0xff, [11] = 0xff } };
	static const struct address zero;

	if (prefix->len == 0 || prefix->len > PREFIX_LEN_FULL)
		return false;
	if (prefix->len == PREFIX_LEN_MAPPED && address_is_ipv4(&prefix->address))
		return false;
	return prefix->len < PREFIX_LEN_FULL || (!address_equal(&prefix->address, &zero) &&
						 !address_equal(&prefix->address, &mapped_zero));
}

bool ruleset_interface_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= IF_NAMESIZE || strchr("-!", name[0]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isgraph((unsigned char)name[i]) || strchr("\"'\\/", name[i]))
			return false;
	}
	return name[len - 1] != '+'; /* iptables: any interface that starts like this */
}

uint32_t ruleset_timeout(int64_t deadline_ns, int64_t now_ns)
{
	int64_t seconds;

	if (deadline_ns <= now_ns)
		return 1;
	seconds = (deadline_ns - now_ns - 1) / NS_PER_SECOND + 1;
	return seconds < RULESET_TIMEOUT_MAX ? seconds : RULESET_TIMEOUT_MAX;
}

void ruleset_write_create(FILE *out, const struct ruleset_set *set)
{
	char name[RULESET_NAME];

	fprintf(out,
		"create %s hash:%s%s family %s hashsize " BUCKETS
		" maxelem %d timeout " DEFAULT_TIMEOUT " counters comment\n",
		ruleset_set_name(set, name), set->net ? "net" : "ip",
		set->kind.classes & RULESET_PORT ? ",port" : "", set->ipv6 ? "inet6" : "inet",
		RULESET_MAXELEM);
}

static void write_member(FILE *out, const char *verb, const struct ruleset_member *member)
{
	struct ruleset_set set = ruleset_set_of(member);
	char name[RULESET_NAME], text[RULESET_MEMBER_TEXT];

	fprintf(out, "%s %s %s", verb, ruleset_set_name(&set, name),
		ruleset_member_format(member, text));
}

void ruleset_write_add(FILE *out, const struct ruleset_member *member, uint32_t rule_id,
		       uint32_t timeout_s)
{
	write_member(out, "add", member);
	fprintf(out, " timeout %u comment \"%u\"\n", timeout_s, rule_id);
}

void ruleset_write_del(FILE *out, const struct ruleset_member *member)
{
	write_member(out, "del", member);
	fputc('\n', out);
}
