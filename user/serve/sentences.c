/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why an address is blocked, or why not, in sentences: first what is so now, then why, then what
 * was before, then what can be done. All of it comes from struct explanation; nothing is asked.
 */
#include "serve/sentences.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/json.h"
#include "model/explanation.h"

__attribute__((format(printf, 2, 3))) static void say(struct json *list, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return;
	json_append(list, json_new_string(text));
	free(text);
}

/* The rule for everything that comes from it, or NULL. */
static const struct rule *covering(const struct explanation *e)
{
	const struct rule *rule = &e->rules[0].rule;

	return e->rule_count && !rule->port && !rule->to_destination ? rule : NULL;
}

const char *sentences_state(const struct explanation *e)
{
	if (e->denied)
		return "denied";
	if (covering(e))
		return covering(e)->action == ACTION_LIMIT ? "limited" : "blocked";
	if (e->protected)
		return "protected";
	if (e->held_until.boot_ns)
		return "held";
	if (e->paused_until.boot_ns)
		return "paused";
	if (e->mode == MODE_OBSERVE && e->source.status.detectors)
		return "observed";
	return e->seen ? "passing" : "unseen";
}

/* ---- blocked --------------------------------------------------------------------------------- */

static void say_since(struct json *list, const struct explanation *e, const struct rule *rule,
		      const char *name)
{
	char since[MOMENT_TEXT], until[MOMENT_TEXT], left[SPAN_TEXT], what[64] = "blocked";
	char wide[PREFIX_TEXT + 40] = "", prefix[PREFIX_TEXT];

	if (rule->action == ACTION_LIMIT)
		snprintf(what, sizeof(what), "limited to %u packets/s", rule->limit_pps);
	if (!prefix_equal(&rule->prefix, &e->prefix))
		snprintf(wide, sizeof(wide), ", which is for all of %s",
			 prefix_format(&rule->prefix, prefix));
	say(list, "%s%s is %s since %s, until %s (%s left), by rule %u%s.",
	    rule->to_destination ? "What is sent to " : "", name, what,
	    local_format(rule->created, e->now, since), local_format(rule->expires, e->now, until),
	    span_format(rule->expires.boot_ns - e->now.boot_ns, left), rule->id, wide);
}

static void say_extent(struct json *list, const struct rule *rule)
{
	char classes[CLASSES_TEXT], protocol[8];

	if (rule->port)
		say(list, "Only what goes to port %u/%s is covered; everything else passes.",
		    rule->port, protocol_format(rule->protocol, protocol));
	else if (rule->classes != CLASS_ALL)
		say(list, "Only packets of class %s are covered; all others pass.",
		    classes_format(rule->classes, classes));
}

static void say_effect(struct json *list, const struct explanation *e,
		       const struct rule_status *status)
{
	char until[MOMENT_TEXT];

	if (e->disarmed)
		say(list, "Its packets pass now: blocks are lifted until %s (pause --disarm).",
		    local_format(e->paused_until, e->now, until));
	else if (status->in_xdp || status->in_iptables)
		say(list, "It has dropped %" PRIu64 " packets; it is in %s.",
		    status->packets_dropped,
		    status->in_xdp && status->in_iptables ? "the drop map and iptables"
		    : status->in_xdp			  ? "the drop map"
							  : "iptables");
	else
		say(list, "NOTHING enforces it now: fwgen status says why.");
}

static void say_evidence(struct json *list, const struct explanation *e, const struct rule *rule)
{
	char forgiven[MOMENT_TEXT];

	if (rule->origin != ORIGIN_DETECTOR)
		return;
	if (rule->evidence == EVIDENCE_PROVEN)
		say(list, "The evidence is proven: handshakes were completed, so the address is not"
			  " forged.");
	else
		say(list,
		    "The evidence is unproven, since such an address may be forged: the rule is"
		    " short, and renewed while it goes on.");
	if (e->peer && rule->evidence == EVIDENCE_UNPROVEN && rule->action == ACTION_LIMIT &&
	    rule->classes != CLASS_ALL)
		say(list,
		    "This box knows of real connections with it: only the offending packets are"
		    " limited.");
	if (e->offences > 1)
		say(list,
		    "It was blocked on proven evidence %u times, which makes each block longer;"
		    " that is forgiven at %s.",
		    e->offences, local_format(e->forgiven, e->now, forgiven));
}

static const char *config_name(const struct explanation *e)
{
	return e->config_path[0] ? e->config_path : "the built-in defaults";
}

static void say_config(struct json *list, const struct explanation *e, const char *hash)
{

	if (!*hash)
		return;
	if (!strcmp(hash, e->config_hash))
		say(list, "Decided by the configuration in force: %s (%s).", config_name(e), hash);
	else
		say(list, "Decided by an earlier configuration (%s); in force is now %s (%s).",
		    hash, config_name(e), e->config_hash);
}

static void say_rule(struct json *list, const struct explanation *e,
		     const struct rule_status *status, const char *name)
{
	const struct rule *rule = &status->rule;
	char prefix[PREFIX_TEXT];

	if (e->denied && status == &e->rules[0]) {
		say(list, "%s is blocked for good: access.deny in %s names %s.", name,
		    config_name(e), prefix_format(&rule->prefix, prefix));
		say_effect(list, e, status);
		return;
	}
	say_since(list, e, rule, name);
	if (rule->origin == ORIGIN_DETECTOR)
		say(list, "Why: %s (%s).", rule->reason, detector_name(rule->detector));
	else
		say(list, "Why: %s.", rule->reason);
	say_extent(list, rule);
	say_effect(list, e, status);
	say_evidence(list, e, rule);
	say_config(list, e, rule->config_hash);
}

/* ---- seen ------------------------------------------------------------------------------------ */

static void say_packets(struct json *list, const struct explanation *e)
{
	const struct source_seen *seen = &e->source;
	char ago[SPAN_TEXT], prefix[PREFIX_TEXT];

	say(list, "Seen last %s ago: %" PRIu64 " packets, of which %" PRIu64 " were dropped.",
	    span_format(e->now.boot_ns - seen->last_ns, ago), seen->status.packets,
	    seen->status.dropped);
	if (!prefix_equal(&seen->status.source, &e->prefix))
		say(list, "That is with all of %s, which is counted as one.",
		    prefix_format(&seen->status.source, prefix));
}

/* ---- not blocked ----------------------------------------------------------------------------- */

static void list_detectors(uint32_t detectors, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (int i = 0; i < DETECTOR_COUNT; i++) {
		if (detectors & (1u << i) && used < size)
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "",
						 detector_name(i));
	}
}

static void say_seen(struct json *list, const struct explanation *e)
{
	const struct source_seen *seen = &e->source;
	const struct running_count *nearest = &seen->running[0];
	char detectors[256];

	if (!e->seen) {
		say(list, "Nothing from it was seen lately.");
		return;
	}
	say_packets(list, e);
	if (seen->group[0])
		say(list, "Its limits are those of group %s.", seen->group);
	if (!seen->running_count)
		say(list, "It is far below every limit.");
	else if (nearest->count <= nearest->limit.count)
		say(list,
		    "It is below its limits; the nearest is %s with %" PRIu64 " of %" PRIu64
		    " in %u s.",
		    detector_name(nearest->detector), nearest->count, nearest->limit.count,
		    nearest->limit.seconds);
	else
		say(list,
		    "It is over a limit: %s with %" PRIu64 ", allowed are %" PRIu64 " in %u s.",
		    detector_name(nearest->detector), nearest->count, nearest->limit.count,
		    nearest->limit.seconds);
	list_detectors(seen->status.detectors, detectors, sizeof(detectors));
	if (*detectors)
		say(list, "It has been over the limits of: %s.", detectors);
}

static void say_why_not(struct json *list, const struct explanation *e, const char *name)
{
	char until[MOMENT_TEXT], prefix[PREFIX_TEXT];

	if (e->protected)
		say(list, "%s is never blocked: %s is protected as %s.", name,
		    prefix_format(&e->protection.prefix, prefix), e->protection.reason);
	else
		say(list, "%s is not blocked%s.", name,
		    e->rule_count ? " as a whole; for what is, see below" : "");
	if (e->held_until.boot_ns)
		say(list, "It was unblocked by hand and is left alone until %s.",
		    local_format(e->held_until, e->now, until));
	if (e->paused_until.boot_ns)
		say(list, "fwgen is paused: it blocks nobody new until %s.",
		    local_format(e->paused_until, e->now, until));
	if (e->mode == MODE_OBSERVE)
		say(list, "fwgen observes: it says what it would block, and blocks nothing.");
	say_seen(list, e);
}

/* ---- what was, what to do -------------------------------------------------------------------- */

static void say_earlier(struct json *list, const struct explanation *e)
{
	char from[MOMENT_TEXT], to[MOMENT_TEXT];
	size_t shown = e->earlier_count < EARLIER_SHOWN ? e->earlier_count : EARLIER_SHOWN;

	if (e->earlier_count)
		say(list, "Earlier rules: %zu%s", e->earlier_count,
		    shown < e->earlier_count ? ", the newest of them:" : ":");
	for (size_t i = 0; i < shown; i++) {
		const struct past_block *past = &e->earlier[i];

		say(list, "  rule %u, %s to %s, %s: %s", past->rule.id,
		    local_format(past->rule.created, e->now, from),
		    local_format(past->ended, e->now, to), removed_why_name(past->why),
		    past->rule.reason);
	}
}

static void say_flood(struct json *list, const struct explanation *e, const struct flood *flood,
		      const char *name)
{
	char lines[FLOOD_LINES_MAX][FLOOD_LINE_TEXT], command[FLOOD_COMMAND_TEXT];
	char since[MOMENT_TEXT];
	size_t n = flood_synproxy(flood, e->local, lines);

	say(list, "%s is flooded from about %" PRIu64 " sources since %s: %s.", name,
	    flood->sources, local_format(flood->since, e->now, since), flood->reason);
	if (*flood_command(flood, command))
		say(list, "To limit what reaches it: %s", command);
	if (n)
		say(list,
		    "To have this box answer its SYNs with cookies, so that only real ones get"
		    " through:");
	for (size_t i = 0; i < n; i++)
		say(list, "  %s", lines[i]);
}

struct json *sentences_of(const struct explanation *e)
{
	struct json *list = json_new_array();
	char name[PREFIX_TEXT];

	if (!list)
		return NULL;
	prefix_format(&e->prefix, name);
	if (!covering(e))
		say_why_not(list, e, name);
	for (size_t i = 0; i < e->rule_count; i++)
		say_rule(list, e, &e->rules[i], name);
	if (covering(e) && e->seen)
		say_packets(list, e);
	for (size_t i = 0; i < e->flood_count; i++)
		say_flood(list, e, &e->floods[i], name);
	say_earlier(list, e);
	return list;
}
