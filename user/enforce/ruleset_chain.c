/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chain and its jumps as text for `iptables-restore --noflush`: a few rules that name the sets,
 * or where there are no sets a rule for each member.
 */
#include "enforce/ruleset.h"
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#define TIME_MAX INT32_MAX /* xt_time knows no later second */

struct class_match {
	uint32_t class;
	const char *text[2]; /* IPv4, IPv6 */
};

#define TCP_SYN	  "-p tcp -m tcp --tcp-flags SYN,ACK SYN "
#define TCP_OTHER "-p tcp -m tcp ! --tcp-flags SYN,ACK SYN "

/*
 * In the chain's order: what is dropped does not count for a destination. OTHER is last: the rules
 * in front of it let the named protocols out. For IPv4, -f means every fragment but the first,
 * which is enough to keep a datagram from completing.
 */
static const struct class_match class_matches[] = {
	{ CLASS_ALL, { "", "" } },
	{ RULESET_PORT, { "", "" } },
	{ CLASS_SYN, { TCP_SYN, TCP_SYN } },
	{ CLASS_TCP, { TCP_OTHER, TCP_OTHER } },
	{ CLASS_UDP, { "-p udp ", "-p udp " } },
	{ CLASS_ICMP, { "-p icmp ", "-p ipv6-icmp " } },
	{ CLASS_FRAGMENT, { "-f ", "-m frag " } },
	{ RULESET_TO | CLASS_SYN, { TCP_SYN, TCP_SYN } },
	{ RULESET_TO | RULESET_PORT | CLASS_SYN, { TCP_SYN, TCP_SYN } },
	{ RULESET_TO | CLASS_UDP, { "-p udp ", "-p udp " } },
	{ RULESET_TO | RULESET_PORT | CLASS_UDP, { "-p udp ", "-p udp " } },
	{ RULESET_TO | CLASS_ICMP, { "-p icmp ", "-p ipv6-icmp " } },
	{ CLASS_OTHER, { "", "" } },
};

#define CLASS_MATCHES (sizeof(class_matches) / sizeof(class_matches[0]))

/*
 * Packets above the rate, of each source or to each destination. Where it stands behind the match
 * of a set, hashlimit counts its members only.
 */
static void write_limit(FILE *out, const struct ruleset_kind *kind, const char *name)
{
	const char *mode = !(kind->classes & RULESET_TO)  ? "srcip"
			   : kind->classes & RULESET_PORT ? "dstip,dstport"
							  : "dstip";

	if (!kind->limit_pps)
		return;
	fprintf(out,
		" -m hashlimit --hashlimit-above %u/sec --hashlimit-burst %u --hashlimit-mode %s"
		" --hashlimit-htable-max %d --hashlimit-name %s",
		kind->limit_pps, kind->limit_pps < 5 ? 5 : kind->limit_pps, mode, RULESET_MAXELEM,
		name);
}

/* The rules of a kind's sets in this family. */
static unsigned int write_kind(FILE *out, bool ipv6, const struct ruleset_kind *kind,
			       const char *match)
{
	unsigned int rules = 0;

	for (unsigned int i = 0; i < ruleset_kind_sets(kind); i++) {
		struct ruleset_set set = ruleset_set_at(kind, i);
		char name[RULESET_NAME];

		if (set.ipv6 != ipv6)
			continue;
		fprintf(out, "-A " RULESET_CHAIN " %s-m set --match-set %s %s%s", match,
			ruleset_set_name(&set, name), kind->classes & RULESET_TO ? "dst" : "src",
			kind->classes & RULESET_PORT ? ",dst" : "");
		write_limit(out, kind, name);
		fputs(" -j DROP\n", out);
		rules++;
	}
	return rules;
}

static void write_stop(FILE *out, int64_t stop_s)
{
	time_t time = stop_s < TIME_MAX ? stop_s : TIME_MAX;
	struct tm utc;

	if (stop_s && gmtime_r(&time, &utc))
		fprintf(out, " -m time --datestop %04d-%02d-%02dT%02d:%02d:%02d",
			utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
			utc.tm_sec);
}

/* The name of the set that it would be in does for its hashlimit. */
static void write_single(FILE *out, const struct ruleset_single *single, const char *match)
{
	const struct ruleset_member *member = &single->member;
	const struct ruleset_set set = ruleset_set_of(member);
	const char *protocol = member->protocol == IPPROTO_UDP ? "udp" : "tcp";
	char prefix[PREFIX_TEXT], name[RULESET_NAME];

	fprintf(out, "-A " RULESET_CHAIN " %s %s ", member->kind.classes & RULESET_TO ? "-d" : "-s",
		prefix_format(&member->prefix, prefix));
	if (member->port && !*match)
		fprintf(out, "-p %s -m %s ", protocol, protocol);
	else if (member->port && member->protocol == IPPROTO_UDP)
		fprintf(out, "%s-m udp ", match);
	else
		fputs(match, out);
	if (member->port)
		fprintf(out, "--dport %u ", member->port);
	fprintf(out, "-m comment --comment %u", single->rule_id);
	write_stop(out, single->stop_s);
	write_limit(out, &member->kind, ruleset_set_name(&set, name));
	fputs(" -j DROP\n", out);
}

static unsigned int write_class(FILE *out, const struct ruleset_chain *chain,
				const struct class_match *match)
{
	const char *text = match->text[chain->ipv6];
	unsigned int rules = 0;

	for (unsigned int k = 0; k < chain->kind_count && !chain->singles; k++) {
		if (chain->kinds[k].classes == match->class)
			rules += write_kind(out, chain->ipv6, &chain->kinds[k], text);
	}
	for (size_t i = 0; i < chain->single_count && chain->singles; i++) {
		const struct ruleset_member *member = &chain->singles[i].member;

		if (member->kind.classes != match->class ||
		    ruleset_set_of(member).ipv6 != chain->ipv6)
			continue;
		write_single(out, &chain->singles[i], text);
		rules++;
	}
	return rules;
}

static bool has_class(const struct ruleset_chain *chain, uint32_t class)
{
	bool has = false;

	for (unsigned int k = 0; k < chain->kind_count && !chain->singles; k++)
		has |= chain->kinds[k].classes == class;
	for (size_t i = 0; i < chain->single_count && chain->singles; i++)
		has |= chain->singles[i].member.kind.classes == class;
	return has;
}

static unsigned int write_returns(FILE *out, bool ipv6)
{
	fprintf(out,
		"-A " RULESET_CHAIN " -p tcp -j RETURN\n-A " RULESET_CHAIN
		" -p udp -j RETURN\n-A " RULESET_CHAIN " -p %s -j RETURN\n",
		ipv6 ? "ipv6-icmp" : "icmp");
	return 3;
}

/*
 * Naming connection tracking is what turns it on in this network namespace, reached or not. In raw
 * no packet is tracked yet, and none is untracked unless somebody said so.
 */
static unsigned int write_tracking(FILE *out)
{
	fputs("-A " RULESET_CHAIN " -m conntrack --ctstate UNTRACKED -j RETURN\n", out);
	return 1;
}

unsigned int ruleset_write_rules(FILE *out, const struct ruleset_chain *chain)
{
	unsigned int rules = 0;

	for (size_t m = 0; m < CLASS_MATCHES; m++) {
		if (class_matches[m].class == CLASS_OTHER && has_class(chain, CLASS_OTHER))
			rules += write_returns(out, chain->ipv6);
		rules += write_class(out, chain, &class_matches[m]);
	}
	if (chain->track_connections)
		rules += write_tracking(out);
	return rules;
}

void ruleset_write_install(FILE *out, const char *listing, const struct ruleset_chain *chain)
{
	fputs("*raw\n:" RULESET_CHAIN " - [0:0]\n", out);
	ruleset_write_rules(out, chain);
	if (!ruleset_jumps_in_place(listing, chain)) {
		ruleset_write_jump_deletes(out, listing);
		for (unsigned int i = chain->interface_count; i-- > 0;)
			fprintf(out, "-I PREROUTING -i %s -j " RULESET_CHAIN "\n",
				chain->interfaces[i]);
	}
	fputs("COMMIT\n", out);
}

unsigned int ruleset_write_remove(FILE *out, const char *listing)
{
	unsigned int removed;

	fputs("*raw\n", out);
	removed = ruleset_write_jump_deletes(out, listing);
	if (strstr(listing, "-N " RULESET_CHAIN "\n")) {
		fputs("-F " RULESET_CHAIN "\n-X " RULESET_CHAIN "\n", out);
		removed++;
	}
	fputs("COMMIT\n", out);
	return removed;
}
