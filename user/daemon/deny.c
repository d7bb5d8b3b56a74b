/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * access.deny: prefixes that are dropped because the configuration says so. They are rules for the
 * enforcers and for who lists rules, but no findings lead to them, policy does not know them and
 * the database does not keep them: the configuration does. Never one that is protected.
 */
#include "daemon/deny.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/log.h"
#include "daemon/changes.h"

/* What ipset takes at most; renewed when half of it is over. */
#define DENY_NS (2147483 * NS_PER_SECOND)

/* More than access.deny may name; no other rule gets so far. */
#define DENY_IDS 65536

bool deny_is_id(uint32_t id)
{
	return id > UINT32_MAX - DENY_IDS;
}

const struct rule *deny_find(const struct deny *deny, const struct prefix *prefix)
{
	for (size_t i = 0; i < deny->count; i++) {
		if (prefix_equal(&deny->rules[i].prefix, prefix))
			return &deny->rules[i];
	}
	return NULL;
}

const struct rule *deny_covering(const struct deny *deny, const struct prefix *prefix)
{
	for (size_t i = 0; i < deny->count; i++) {
		const struct prefix *denied = &deny->rules[i].prefix;

		if (denied->len <= prefix->len && prefix_contains(denied, &prefix->address))
			return &deny->rules[i];
	}
	return NULL;
}

void deny_free(struct deny *deny)
{
	free(deny->rules);
	*deny = (struct deny){ 0 };
}

static void draft(const struct daemon *daemon, const struct prefix *prefix, size_t index,
		  struct moment now, struct rule *out)
{
	*out = (struct rule){
		.id = UINT32_MAX - (uint32_t)index,
		.prefix = *prefix,
		.action = ACTION_DROP,
		.classes = CLASS_ALL,
		.detector = DETECTOR_UNAUTHORIZED,
		.evidence = EVIDENCE_PROVEN,
		.origin = ORIGIN_MANUAL,
		.reason = "access.deny",
		.created = now,
		.expires = moment_plus(now, DENY_NS),
	};
	memcpy(out->config_hash, daemon->config->hash, sizeof(out->config_hash));
}

static int make(const struct daemon *daemon, struct moment now, struct deny *out)
{
	const struct config *config = daemon->config;
	size_t wanted = config->mode == MODE_ENFORCE ? config->access.deny_count : 0;

	out->wanted = wanted;
	if (wanted) {
		out->rules = calloc(wanted, sizeof(*out->rules));
		if (!out->rules)
			return -1;
	}
	for (size_t i = 0; i < wanted; i++) {
		const struct prefix *prefix = &config->access.deny[i];

		if (!policy_protected(daemon->policy, prefix))
			draft(daemon, prefix, i, now, &out->rules[out->count++]);
	}
	return 0;
}

/* Mostly nothing has changed, and then it stands at the same place. */
static const struct rule *previous(const struct deny *deny, const struct prefix *prefix, size_t at)
{
	if (at < deny->count && prefix_equal(&deny->rules[at].prefix, prefix))
		return &deny->rules[at];
	return deny_find(deny, prefix);
}

/* What was denied until now keeps its beginning; tells of those that are protected, once. */
static void compare(struct daemon *daemon, struct deny *fresh, bool *differs)
{
	*differs = fresh->count != daemon->deny.count || fresh->wanted != daemon->deny.wanted;
	for (size_t i = 0; i < fresh->count; i++) {
		const struct rule *old = previous(&daemon->deny, &fresh->rules[i].prefix, i);

		if (old)
			fresh->rules[i].created = old->created;
		*differs |= !old || old->id != fresh->rules[i].id;
	}
}

static bool runs_low(const struct deny *deny, struct moment now)
{
	return deny->count && deny->rules[0].expires.boot_ns - now.boot_ns < DENY_NS / 2;
}

static void tell_protected(struct daemon *daemon, size_t denied)
{
	const struct config *config = daemon->config;

	for (size_t i = 0; i < config->access.deny_count; i++) {
		const struct protected_prefix *protected =
			policy_protected(daemon->policy, &config->access.deny[i]);
		char prefix[PREFIX_TEXT];

		if (protected)
			events_say(daemon->events, EVENT_ALARM, SEVERITY_CRITICAL,
				   "access.deny: %s not blocked: protected as %s",
				   prefix_format(&config->access.deny[i], prefix),
				   protected->reason);
	}
	events_say(daemon->events, EVENT_RULE, SEVERITY_NOTICE,
		   "access.deny: %zu of %zu prefixes are blocked", denied,
		   config->access.deny_count);
}

void deny_update(struct daemon *daemon, struct moment now)
{
	struct deny fresh = { 0 };
	bool differs;

	if (!daemon->deny.count && !daemon->config->access.deny_count)
		return;
	if (make(daemon, now, &fresh)) {
		log_error("failed to block what access.deny names: out of memory");
		return;
	}
	compare(daemon, &fresh, &differs);
	if (!differs && !runs_low(&daemon->deny, now)) {
		deny_free(&fresh);
		return;
	}
	deny_free(&daemon->deny);
	daemon->deny = fresh;
	daemon_sync(daemon, now);
	if (differs)
		tell_protected(daemon, fresh.count);
}
