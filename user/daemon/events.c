/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what happened to a line for people, a row for the database and an entry of the ring. An
 * attack from ten thousand sources makes ten thousand rules in a second: their events are bounded
 * here, so that log and disk do not become the victim. The table `rules` is complete all the same
 * (changes.c).
 */
#include "daemon/events.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/log.h"
#include "model/flood.h"
#include "record/recorder.h"

/* How a kind of change is told. */
static const struct {
	const char *name, *plural;
	enum event_type type;
	enum severity severity;
} kinds[] = {
	[RULE_ADDED] = { "added", "sources blocked", EVENT_RULE, SEVERITY_WARNING },
	[RULE_RENEWED] = { "renewed", "blocks renewed", EVENT_RULE, SEVERITY_INFO },
	[RULE_REMOVED] = { "removed", "blocks ended", EVENT_RULE, SEVERITY_NOTICE },
	[RULE_OBSERVED] = { "observed", "sources that would be blocked", EVENT_FINDING,
			    SEVERITY_WARNING },
	[RULE_REFUSED] = { "refused", "sources not blocked", EVENT_ALARM, SEVERITY_CRITICAL },
	[RULE_ALARMED] = { "alarmed", "alarms", EVENT_ALARM, SEVERITY_WARNING },
	[RULE_ALARM_OVER] = { "alarm_over", "alarms that are over", EVENT_ALARM, SEVERITY_NOTICE },
	[RULE_ALSO_FOUND] = { "also_found", "findings about who is blocked", EVENT_FINDING,
			      SEVERITY_NOTICE },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
_Static_assert(KINDS == RULE_CHANGE_KINDS, "each kind of change has its words");

struct throttle {
	int64_t second;
	unsigned int said;
	uint64_t left_out;
};

struct events {
	pthread_mutex_t lock; /* of all below */
	struct recorder *recorder;
	struct throttle throttles[KINDS];
	struct event_ring ring;
	uint64_t logged; /* of ring.added */
};

int events_new(struct recorder *recorder, struct events **out)
{
	struct events *events = calloc(1, sizeof(*events));

	if (!events)
		return -ENOMEM;
	pthread_mutex_init(&events->lock, NULL);
	events->recorder = recorder;
	*out = events;
	return 0;
}

void events_free(struct events **events)
{
	if (!*events)
		return;
	pthread_mutex_destroy(&(*events)->lock);
	free(*events);
	*events = NULL;
}

static void log_event(const struct event *event)
{
	if (event->severity == SEVERITY_CRITICAL)
		log_error("%s", event->message);
	else if (event->severity == SEVERITY_WARNING)
		log_warning("%s", event->message);
	else
		log_info("%s", event->message);
}

/* With the lock held. */
static void publish(struct events *events, struct event *event)
{
	if (events->recorder)
		recorder_event(events->recorder, event); /* gives the id */
	else
		event->id = events->ring.added + 1;
	event_ring_add(&events->ring, event);
}

/* Takes the oldest that was not logged; one that the ring has lost is passed over. */
static bool take_unlogged(struct events *events, struct event *out)
{
	const struct event_ring *ring = &events->ring;
	bool found;

	pthread_mutex_lock(&events->lock);
	if (ring->added - events->logged > EVENT_RING_SIZE)
		events->logged = ring->added - EVENT_RING_SIZE;
	found = events->logged < ring->added;
	if (found)
		*out = ring->items[events->logged++ % EVENT_RING_SIZE];
	pthread_mutex_unlock(&events->lock);
	return found;
}

void events_log(struct events *events)
{
	struct event event;

	while (take_unlogged(events, &event))
		log_event(&event);
}

void events_say(struct events *events, enum event_type type, enum severity severity,
		const char *format, ...)
{
	struct event event = {
		.at = moment_now(), .type = type, .severity = severity, .detector = DETECTOR_NONE
	};
	va_list args;

	va_start(args, format);
	vsnprintf(event.message, sizeof(event.message), format, args);
	va_end(args);
	pthread_mutex_lock(&events->lock);
	publish(events, &event);
	pthread_mutex_unlock(&events->lock);
}

/* ---- the words about a rule ------------------------------------------------------------------ */

static long long seconds_left(const struct rule *rule, struct moment at)
{
	/* up to the next whole one: 59.9 s of a minute are a minute */
	return (rule->expires.boot_ns - at.boot_ns + NS_PER_SECOND - 1) / NS_PER_SECOND;
}

static void describe_block(const struct rule_change *change, struct moment at, const char *verb,
			   char *buf, size_t size)
{
	const struct rule *rule = &change->rule;
	char prefix[PREFIX_TEXT], classes[CLASSES_TEXT], what[CLASSES_TEXT + 8] = "", rate[48] = "";
	char protocol[8];

	if (rule->port)
		snprintf(what, sizeof(what), "port %u/%s for ", rule->port,
			 protocol_format(rule->protocol, protocol));
	else if (rule->classes != CLASS_ALL)
		snprintf(what, sizeof(what), "%s of ", classes_format(rule->classes, classes));
	if (rule->action == ACTION_LIMIT)
		snprintf(rate, sizeof(rate), " beyond %u packets/s", rule->limit_pps);
	snprintf(buf, size, "%s %s%s%s%s for %lld s: %s", verb, what,
		 rule->to_destination ? "what is sent to " : "",
		 prefix_format(&rule->prefix, prefix), rate, seconds_left(rule, at), rule->reason);
}

static void describe_removal(const struct rule_change *change, char *buf, size_t size)
{
	const struct rule *rule = &change->rule;
	char prefix[PREFIX_TEXT + 24], protocol[8];
	size_t len = strlen(prefix_format(&rule->prefix, prefix));

	if (rule->port)
		snprintf(prefix + len, sizeof(prefix) - len, " on port %u/%s", rule->port,
			 protocol_format(rule->protocol, protocol));
	if (change->removed_why == REMOVED_PROTECTED)
		snprintf(buf, size, "unblocked %s: protected as %s", prefix, change->protected_as);
	else
		snprintf(buf, size, "unblocked %s: %s", prefix,
			 removed_why_name(change->removed_why));
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

static void describe_refusal(const struct rule_change *change, char *buf, size_t size)
{
	static const char *const whys[] = {
		[REFUSED_PROTECTED] = "protected as ",
		[REFUSED_FULL] = "there are as many blocks as response.max_unproven_blocks allows",
		[REFUSED_HELD] = "it was unblocked by hand a short time ago",
		[REFUSED_PAUSED] = "fwgen is paused",
	};
	char prefix[PREFIX_TEXT];

	compose(buf, size, "%s not blocked: %s%s: %s", prefix_format(&change->rule.prefix, prefix),
		whys[change->refused_why], change->protected_as, change->rule.reason);
}

static void describe_also(const struct rule_change *change, char *buf, size_t size)
{
	char prefix[PREFIX_TEXT];

	compose(buf, size, "%s is blocked already; also found: %s",
		prefix_format(&change->rule.prefix, prefix), change->rule.reason);
}

/* "flood: 41000 unasked packets to ...; length 60 (100 %)", or "flood over after ...". */
static void describe_flood(const struct rule_change *change, char *buf, size_t size)
{
	const struct flood flood = flood_of(change, (struct moment){ 0 });
	bool over = change->kind == RULE_ALARM_OVER;
	char traits[TRAITS_TEXT], command[FLOOD_COMMAND_TEXT] = "";

	traits_format(change->traits, traits);
	if (!over)
		flood_command(&flood, command);
	compose(buf, size, "flood%s %s%s%s%s%s", over ? "" : ":", change->rule.reason,
		*traits ? "; " : "", traits, *command ? "; to limit it: " : "", command);
}

static void describe(const struct rule_change *change, struct moment at, char *buf, size_t size)
{
	char prefix[PREFIX_TEXT];

	switch (change->kind) {
	case RULE_ADDED:
		describe_block(change, at, "blocked", buf, size);
		break;
	case RULE_RENEWED:
		describe_block(change, at, "still blocked", buf, size);
		break;
	case RULE_OBSERVED:
		describe_block(change, at, "would block", buf, size);
		break;
	case RULE_ALSO_FOUND:
		describe_also(change, buf, size);
		break;
	case RULE_REMOVED:
		describe_removal(change, buf, size);
		break;
	case RULE_REFUSED:
		describe_refusal(change, buf, size);
		break;
	case RULE_ALARMED:
	case RULE_ALARM_OVER:
		if (change->sources)
			describe_flood(change, buf, size);
		else
			snprintf(buf, size, "alarm about %s: %s",
				 prefix_format(&change->rule.prefix, prefix), change->rule.reason);
		break;
	case RULE_CHANGE_KINDS:
		break;
	}
}

/* Numbers and names of our own only, so nothing needs escaping. */
static void detail(const struct rule_change *change, char *buf, size_t size)
{
	const struct rule *rule = &change->rule;
	char classes[CLASSES_TEXT], expires[MOMENT_TEXT], traits[TRAITS_JSON];
	const char *name = kinds[change->kind].name;

	if (change->sources) {
		compose(buf, size,
			"{\"change\":\"%s\",\"action\":\"alarm\",\"class\":\"%s\","
			"\"observed\":%llu,\"limit_count\":%llu,\"limit_seconds\":%u,\"sources\":%"
			"llu,\"common\":%s}",
			name, classes_format(rule->classes, classes),
			(unsigned long long)rule->observed, (unsigned long long)rule->limit.count,
			rule->limit.seconds, (unsigned long long)change->sources,
			traits_json(change->traits, traits));
		return;
	}
	snprintf(buf, size,
		 "{\"change\":\"%s\",\"rule\":%u,\"action\":\"%s\",\"class\":\"%s\",\"port\":%u,"
		 "\"evidence\":\"%s\",\"observed\":%llu,\"limit_count\":%llu,\"limit_seconds\":%u,"
		 "\"expires_at\":\"%s\"}",
		 name, rule->id, action_name(rule->action), classes_format(rule->classes, classes),
		 rule->port, evidence_name(rule->evidence), (unsigned long long)rule->observed,
		 (unsigned long long)rule->limit.count, rule->limit.seconds,
		 moment_format(rule->expires, expires));
}

/* ---- bounds ---------------------------------------------------------------------------------- */

/* Closes a second that is over. With the lock held. */
static void turn(struct events *events, size_t kind, struct moment now)
{
	struct throttle *throttle = &events->throttles[kind];
	int64_t second = now.boot_ns / NS_PER_SECOND;

	if (second <= throttle->second) /* two threads: the later one has turned it */
		return;
	if (throttle->left_out) {
		struct event event = { .at = now,
				       .type = kinds[kind].type,
				       .severity = kinds[kind].severity,
				       .detector = DETECTOR_NONE };

		snprintf(event.message, sizeof(event.message),
			 "%llu more %s within a second: only the first %d are told one by one",
			 (unsigned long long)throttle->left_out, kinds[kind].plural,
			 EVENTS_PER_SECOND);
		publish(events, &event);
	}
	*throttle = (struct throttle){ .second = second };
}

void events_rule(struct events *events, const struct rule_change *change, struct moment at)
{
	struct throttle *throttle = &events->throttles[change->kind];
	struct event event = {
		.at = at,
		.type = kinds[change->kind].type,
		.severity = kinds[change->kind].severity,
		.has_source = !change->sources, /* a flood is from everywhere */
		.source = change->rule.prefix,
		.has_destination = change->has_destination,
		.destination = change->destination,
		.port = change->port,
		.protocol = change->protocol,
		.detector = change->rule.detector,
	};

	if (change->kind == RULE_ALARMED && change->sources)
		event.severity = SEVERITY_CRITICAL;
	if (change->kind == RULE_REFUSED && change->refused_why >= REFUSED_HELD)
		event.severity = SEVERITY_NOTICE; /* somebody wants it so */
	pthread_mutex_lock(&events->lock);
	turn(events, change->kind, at);
	if (throttle->said < EVENTS_PER_SECOND) {
		throttle->said++;
		describe(change, at, event.message, sizeof(event.message));
		detail(change, event.details, sizeof(event.details));
		publish(events, &event);
	} else {
		throttle->left_out++;
	}
	pthread_mutex_unlock(&events->lock);
}

void events_flush(struct events *events, struct moment now)
{
	pthread_mutex_lock(&events->lock);
	for (size_t kind = 0; kind < KINDS; kind++)
		turn(events, kind, now);
	pthread_mutex_unlock(&events->lock);
}

size_t events_last(struct events *events, struct event *out, size_t max)
{
	const struct event_ring *ring = &events->ring;
	size_t n = 0;

	pthread_mutex_lock(&events->lock);
	while (n < max && n < EVENT_RING_SIZE && n < ring->added) {
		out[n] = ring->items[(ring->added - 1 - n) % EVENT_RING_SIZE];
		n++;
	}
	pthread_mutex_unlock(&events->lock);
	return n;
}
