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
#include "base/log.h"
#include "daemon/event_text.h"
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
	[RULE_CROWDED] = { "crowded", "alarms about too many blocks", EVENT_ALARM,
			   SEVERITY_CRITICAL },
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

/* A flood is from everywhere, a limit of what is sent to a host concerns all, and so does room. */
static bool has_source(const struct rule_change *change)
{
	return !change->sources && !change->rule.to_destination && change->kind != RULE_CROWDED;
}

static enum severity severity_of(const struct rule_change *change)
{
	if (change->kind == RULE_ALARMED && change->sources)
		return SEVERITY_CRITICAL;
	/* somebody said so, or has been told by RULE_CROWDED */
	if (change->kind == RULE_REFUSED && change->refused_why != REFUSED_PROTECTED)
		return SEVERITY_NOTICE;
	return kinds[change->kind].severity;
}

void events_rule(struct events *events, const struct rule_change *change, struct moment at)
{
	struct throttle *throttle = &events->throttles[change->kind];
	struct event event = {
		.at = at,
		.type = kinds[change->kind].type,
		.severity = severity_of(change),
		.has_source = has_source(change),
		.source = change->rule.prefix,
		.has_destination = change->has_destination,
		.destination = change->destination,
		.port = change->port,
		.protocol = change->protocol,
		.detector = change->rule.detector,
	};

	if (change->rule.to_destination) {
		event.has_destination = true;
		event.destination = change->rule.prefix.address;
		event.port = change->rule.port;
		event.protocol = change->rule.protocol;
	}
	pthread_mutex_lock(&events->lock);
	turn(events, change->kind, at);
	if (throttle->said < EVENTS_PER_SECOND) {
		throttle->said++;
		event_text(change, at, event.message, sizeof(event.message));
		event_details(change, kinds[change->kind].name, event.details,
			      sizeof(event.details));
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
