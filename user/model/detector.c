/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of names that config.json, the database and the control protocol share. They are
 * contracts: a name may be added, none may change. What a detector does is detect/'s.
 */
#include "model/detector.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "abi.h"

#define COUNT(names) (sizeof(names) / sizeof((names)[0]))

static const char *const detectors[] = {
	[DETECTOR_PACKET_FLOOD] = "packet_flood", [DETECTOR_BYTE_FLOOD] = "byte_flood",
	[DETECTOR_SYN_FLOOD] = "syn_flood",	  [DETECTOR_UDP_FLOOD] = "udp_flood",
	[DETECTOR_ICMP_FLOOD] = "icmp_flood",	  [DETECTOR_FRAGMENT_FLOOD] = "fragment_flood",
	[DETECTOR_PORT_SCAN] = "port_scan",	  [DETECTOR_HOST_SWEEP] = "host_sweep",
	[DETECTOR_STEALTH_SCAN] = "stealth_scan", [DETECTOR_BRUTE_FORCE] = "brute_force",
	[DETECTOR_REFLECTION] = "reflection",	  [DETECTOR_MALFORMED] = "malformed",
	[DETECTOR_UNAUTHORIZED] = "unauthorized", [DETECTOR_VICTIM_FLOOD] = "victim_flood",
};
_Static_assert(COUNT(detectors) == DETECTOR_COUNT, "each detector has a name");

static const char *const actions[] = {
	[ACTION_DROP] = "drop",
	[ACTION_LIMIT] = "limit",
	[ACTION_ALARM] = "alarm",
};
_Static_assert(COUNT(actions) == ACTION_COUNT, "each action has a name");

static const char *const evidences[] = {
	[EVIDENCE_UNPROVEN] = "unproven",
	[EVIDENCE_PROVEN] = "proven",
};
_Static_assert(COUNT(evidences) == EVIDENCE_COUNT, "each evidence has a name");

static const char *const origins[] = {
	[ORIGIN_DETECTOR] = "detector",
	[ORIGIN_MANUAL] = "manual",
	[ORIGIN_IMPORT] = "import",
	[ORIGIN_FLEET] = "fleet",
};
_Static_assert(COUNT(origins) == ORIGIN_COUNT, "each origin has a name");

static const char *const reasons[] = {
	[REMOVED_EXPIRED] = "expired",	 [REMOVED_MANUAL] = "manual",
	[REMOVED_REPLACED] = "replaced", [REMOVED_ROLLED_UP] = "rolled_up",
	[REMOVED_SHUTDOWN] = "shutdown", [REMOVED_PROTECTED] = "protected",
};
_Static_assert(COUNT(reasons) == REMOVED_COUNT, "each reason for removal has a name");

/* By bit of enum packet_class. */
static const char *const classes_names[] = { "syn", "tcp", "udp", "icmp", "fragment", "other" };
_Static_assert((1 << COUNT(classes_names)) - 1 == CLASS_ALL, "each packet class has a name");
_Static_assert(CLASS_SYN == 1 << 0 && CLASS_TCP == 1 << 1 && CLASS_UDP == 1 << 2 &&
		       CLASS_ICMP == 1 << 3 && CLASS_FRAGMENT == 1 << 4 && CLASS_OTHER == 1 << 5,
	       "classes_names is in the order of the bits");

static int find(const char *const names[], size_t count, const char *text, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(names[i]) == len && !memcmp(names[i], text, len))
			return (int)i;
	}
	return -EINVAL;
}

const char *detector_name(enum detector_id id)
{
	if (id == DETECTOR_NONE)
		return "";
	return (size_t)id < COUNT(detectors) ? detectors[id] : "?";
}

const char *action_name(enum action action)
{
	return (size_t)action < COUNT(actions) ? actions[action] : "?";
}

const char *evidence_name(enum evidence evidence)
{
	return (size_t)evidence < COUNT(evidences) ? evidences[evidence] : "?";
}

const char *origin_name(enum origin origin)
{
	return (size_t)origin < COUNT(origins) ? origins[origin] : "?";
}

const char *removed_why_name(enum removed_why why)
{
	return (size_t)why < COUNT(reasons) ? reasons[why] : "?";
}

int detector_parse(const char *text, enum detector_id *out)
{
	int i = find(detectors, COUNT(detectors), text, strlen(text));

	if (i < 0)
		return i;
	*out = (enum detector_id)i;
	return 0;
}

int action_parse(const char *text, enum action *out)
{
	int i = find(actions, COUNT(actions), text, strlen(text));

	if (i < 0)
		return i;
	*out = (enum action)i;
	return 0;
}

int evidence_parse(const char *text, enum evidence *out)
{
	int i = find(evidences, COUNT(evidences), text, strlen(text));

	if (i < 0)
		return i;
	*out = (enum evidence)i;
	return 0;
}

int origin_parse(const char *text, enum origin *out)
{
	int i = find(origins, COUNT(origins), text, strlen(text));

	if (i < 0)
		return i;
	*out = (enum origin)i;
	return 0;
}

int removed_why_parse(const char *text, enum removed_why *out)
{
	int i = find(reasons, COUNT(reasons), text, strlen(text));

	if (i < 0)
		return i;
	*out = (enum removed_why)i;
	return 0;
}

const char *classes_format(uint32_t classes, char buf[CLASSES_TEXT])
{
	size_t used = 0;

	if ((classes & CLASS_ALL) == CLASS_ALL) {
		snprintf(buf, CLASSES_TEXT, "all");
		return buf;
	}
	buf[0] = '\0';
	for (size_t i = 0; i < COUNT(classes_names); i++) {
		if (classes & 1u << i)
			used += (size_t)snprintf(buf + used, CLASSES_TEXT - used, "%s%s",
						 used ? "," : "", classes_names[i]);
	}
	return buf;
}

int classes_parse(const char *text, uint32_t *out)
{
	uint32_t classes = 0;

	if (!strcmp(text, "all")) {
		*out = CLASS_ALL;
		return 0;
	}
	for (;;) {
		size_t len = strcspn(text, ",");
		int i = find(classes_names, COUNT(classes_names), text, len);

		if (i < 0)
			return i;
		classes |= 1u << i;
		if (!text[len])
			break;
		text += len + 1;
	}
	*out = classes;
	return 0;
}
