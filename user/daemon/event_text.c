/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words about a rule. When and how often they are said is events.c. */
#include "daemon/event_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/address.h"
#include "model/event.h"

static long long seconds_left(const struct rule *rule, struct moment at)
{
	/* up to the next whole one: 59.9 s of a minute are a minute */
	return (rule->expires.boot_ns - at.boot_ns + NS_PER_SECOND - 1) / NS_PER_SECOND;
}

/* A message that is too long loses its end, which is the reason's: the rule has it in full. */
static void __attribute__((format(printf, 3, 4)))
compose(char *buf, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(buf, size, format, args);
	va_end(args);
}

/* "192.0.2.1", "port 22/tcp of 192.0.2.1", "syn to 192.0.2.1 port 80/tcp". */
#define WHAT_TEXT (PREFIX_TEXT + CLASSES_TEXT + 40)
static const char *format_what(const struct rule *rule, char buf[WHAT_TEXT])
{
	char prefix[PREFIX_TEXT], classes[CLASSES_TEXT], protocol[8], port[24] = "";

	prefix_format(&rule->prefix, prefix);
	classes_format(rule->classes, classes);
	if (rule->port)
		snprintf(port, sizeof(port), "port %u/%s", rule->port,
			 protocol_format(rule->protocol, protocol));
	if (rule->to_destination)
		snprintf(buf, WHAT_TEXT, "%s to %s%s%s", classes, prefix, rule->port ? " " : "",
			 port);
	else if (rule->port)
		snprintf(buf, WHAT_TEXT, "%s for %s", port, prefix);
	else if (rule->classes != CLASS_ALL)
		snprintf(buf, WHAT_TEXT, "%s of %s", classes, prefix);
	else
		snprintf(buf, WHAT_TEXT, "%s", prefix);
	return buf;
}

static void describe_block(const struct rule_change *change, struct moment at, const char *verb,
			   char *buf, size_t size)
{
	const struct rule *rule = &change->rule;
	char what[WHAT_TEXT], rate[48] = "";

	if (rule->action == ACTION_LIMIT)
		snprintf(rate, sizeof(rate), " beyond %u packets/s", rule->limit_pps);
	compose(buf, size, "%s %s%s for %lld s: %s", verb, format_what(rule, what), rate,
		seconds_left(rule, at), rule->reason);
}

static void describe_removal(const struct rule_change *change, char *buf, size_t size)
{
	const struct rule *rule = &change->rule;
	char what[WHAT_TEXT], prefix[PREFIX_TEXT + 24], protocol[8];
	size_t len = strlen(prefix_format(&rule->prefix, prefix));

	if (rule->port)
		snprintf(prefix + len, sizeof(prefix) - len, " on port %u/%s", rule->port,
			 protocol_format(rule->protocol, protocol));
	if (rule->to_destination)
		snprintf(buf, size, "no longer limited, %s: %s", format_what(rule, what),
			 removed_why_name(change->removed_why));
	else if (change->removed_why == REMOVED_PROTECTED)
		snprintf(buf, size, "unblocked %s: protected as %s", prefix, change->protected_as);
	else if (change->removed_why == REMOVED_ROLLED_UP)
		snprintf(buf, size, "%s is blocked with its prefix from here on", prefix);
	else
		snprintf(buf, size, "unblocked %s: %s", prefix,
			 removed_why_name(change->removed_why));
}

static void describe_refusal(const struct rule_change *change, char *buf, size_t size)
{
	static const char *const whys[REFUSED_COUNT] = {
		[REFUSED_FULL] = "there are as many blocks as response.max_unproven_blocks, or"
				 " this box, has room for, all of them louder",
		[REFUSED_HELD] = "somebody has unblocked it a short time ago",
		[REFUSED_PAUSED] = "decisions are paused",
	};
	char what[WHAT_TEXT];

	format_what(&change->rule, what);
	if (change->refused_why == REFUSED_PROTECTED)
		compose(buf, size, "%s not blocked: protected as %s: %s", what,
			change->protected_as, change->rule.reason);
	else
		compose(buf, size, "%s not blocked: %s: %s", what, whys[change->refused_why],
			change->rule.reason);
}

/* The command that would limit the flood, where one can: it names a service and a packet class. */
static void format_advice(const struct rule_change *change, char *buf, size_t size)
{
	const struct rule *rule = &change->rule;
	struct rule limit = {
		.prefix = prefix_of(&change->destination),
		.action = ACTION_LIMIT,
		.classes = rule->classes,
		.limit_pps = limit_rate(&rule->limit),
	};
	char destination[ADDRESS_TEXT], classes[CLASSES_TEXT], port[16] = "";

	buf[0] = '\0';
	if (change->kind != RULE_ALARMED || rule->to_destination ||
	    !rule_limits_destination(&limit))
		return;
	if (change->port && rule->classes != CLASS_ICMP)
		snprintf(port, sizeof(port), " --port %u", change->port);
	snprintf(buf, size, "; to limit it: fwgen block %s --to --class %s%s --limit %u --for 10m",
		 address_format(&change->destination, destination),
		 classes_format(rule->classes, classes), port, limit.limit_pps);
}

/* "flood: 41000 unasked packets to ...; length 60 (100 %)", or "flood over after ...". */
static void describe_flood(const struct rule_change *change, char *buf, size_t size)
{
	bool over = change->kind == RULE_ALARM_OVER;
	char traits[TRAITS_TEXT], advice[160];
	size_t len;

	format_advice(change, advice, sizeof(advice));
	traits_format(change->traits, traits);
	compose(buf, size - strlen(advice), "flood%s %s%s%s", over ? "" : ":", change->rule.reason,
		*traits ? "; " : "", traits);
	len = strlen(buf);
	snprintf(buf + len, size - len, "%s", advice);
}

static void describe_alarm(const struct rule_change *change, char *buf, size_t size)
{
	char prefix[PREFIX_TEXT];

	if (change->sources)
		describe_flood(change, buf, size);
	else
		compose(buf, size, "alarm about %s: %s",
			prefix_format(&change->rule.prefix, prefix), change->rule.reason);
}

void event_text(const struct rule_change *change, struct moment at, char *buf, size_t size)
{
	bool limits = change->rule.to_destination;
	char prefix[PREFIX_TEXT];

	switch (change->kind) {
	case RULE_ADDED:
		describe_block(change, at, limits ? "limited" : "blocked", buf, size);
		break;
	case RULE_RENEWED:
		describe_block(change, at, limits ? "still limited" : "still blocked", buf, size);
		break;
	case RULE_OBSERVED:
		describe_block(change, at, limits ? "would limit" : "would block", buf, size);
		break;
	case RULE_ALSO_FOUND:
		compose(buf, size, "%s is blocked already; also found: %s",
			prefix_format(&change->rule.prefix, prefix), change->rule.reason);
		break;
	case RULE_REMOVED:
		describe_removal(change, buf, size);
		break;
	case RULE_REFUSED:
		describe_refusal(change, buf, size);
		break;
	case RULE_ALARMED:
	case RULE_ALARM_OVER:
		describe_alarm(change, buf, size);
		break;
	case RULE_CROWDED:
		compose(buf, size, "%s", change->rule.reason);
		break;
	case RULE_CHANGE_KINDS:
		break;
	}
}

static void detail_flood(const struct rule_change *change, const char *name, char *buf, size_t size)
{
	const struct rule *rule = &change->rule;
	char classes[CLASSES_TEXT], traits[TRAITS_JSON];

	compose(buf, size,
		"{\"change\":\"%s\",\"action\":\"alarm\",\"class\":\"%s\",\"observed\":%llu,"
		"\"limit_count\":%llu,\"limit_seconds\":%u,\"sources\":%llu,\"common\":%s}",
		name, classes_format(rule->classes, classes), (unsigned long long)rule->observed,
		(unsigned long long)rule->limit.count, rule->limit.seconds,
		(unsigned long long)change->sources, traits_json(change->traits, traits));
}

/* Numbers and names of our own only, so nothing needs escaping. */
void event_details(const struct rule_change *change, const char *name, char *buf, size_t size)
{
	const struct rule *rule = &change->rule;
	char classes[CLASSES_TEXT], expires[MOMENT_TEXT];

	if (change->sources && (change->kind == RULE_ALARMED || change->kind == RULE_ALARM_OVER)) {
		detail_flood(change, name, buf, size);
		return;
	}
	snprintf(buf, size,
		 "{\"change\":\"%s\",\"rule\":%u,\"action\":\"%s\",\"class\":\"%s\",\"port\":%u,"
		 "\"direction\":\"%s\",\"limit_pps\":%u,"
		 "\"evidence\":\"%s\",\"observed\":%llu,\"limit_count\":%llu,\"limit_seconds\":%u,"
		 "\"expires_at\":\"%s\"}",
		 name, rule->id, action_name(rule->action), classes_format(rule->classes, classes),
		 rule->port, rule->to_destination ? "destination" : "source",
		 rule->action == ACTION_LIMIT ? rule->limit_pps : 0, evidence_name(rule->evidence),
		 (unsigned long long)rule->observed, (unsigned long long)rule->limit.count,
		 rule->limit.seconds, moment_format(rule->expires, expires));
}
