/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that every step shares: detectors, actions, classes, evidence, origins. Each enum has a
 * table of its texts, as they stand in config.json, the database and the control protocol.
 */
#ifndef FWGEN_MODEL_DETECTOR_H
#define FWGEN_MODEL_DETECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A new detector is a line here, one in detector.c, a file in detect/ and a section in config. */
enum detector_id {
	DETECTOR_PACKET_FLOOD,
	DETECTOR_BYTE_FLOOD,
	DETECTOR_SYN_FLOOD,
	DETECTOR_UDP_FLOOD,
	DETECTOR_ICMP_FLOOD,
	DETECTOR_FRAGMENT_FLOOD,
	DETECTOR_PORT_SCAN,
	DETECTOR_HOST_SWEEP,
	DETECTOR_STEALTH_SCAN,
	DETECTOR_BRUTE_FORCE,
	DETECTOR_REFLECTION,
	DETECTOR_MALFORMED,
	DETECTOR_UNAUTHORIZED,
	DETECTOR_VICTIM_FLOOD,
	DETECTOR_COUNT,
	DETECTOR_NONE = DETECTOR_COUNT, /* a manual rule, an event without one: "" */
};

enum action { ACTION_DROP, ACTION_LIMIT, ACTION_ALARM, ACTION_COUNT };
enum evidence { EVIDENCE_UNPROVEN, EVIDENCE_PROVEN, EVIDENCE_COUNT };
enum origin { ORIGIN_DETECTOR, ORIGIN_MANUAL, ORIGIN_IMPORT, ORIGIN_FLEET, ORIGIN_COUNT };
enum removed_why {
	REMOVED_EXPIRED,
	REMOVED_MANUAL,
	REMOVED_REPLACED,
	REMOVED_ROLLED_UP,
	REMOVED_SHUTDOWN,
	REMOVED_PROTECTED,
	REMOVED_COUNT
};

const char *detector_name(enum detector_id id);
const char *action_name(enum action action);
const char *evidence_name(enum evidence evidence);
const char *origin_name(enum origin origin);
const char *removed_why_name(enum removed_why why);
int detector_parse(const char *text, enum detector_id *out); /* 0 or -EINVAL; "" too */
int action_parse(const char *text, enum action *out);
int evidence_parse(const char *text, enum evidence *out);
int origin_parse(const char *text, enum origin *out);
int removed_why_parse(const char *text, enum removed_why *out);

#define GROUP_NAME_TEXT 32 /* a group of the configuration, with the NUL */

/* "all", or the class names joined by commas: "syn,udp". Classes are enum packet_class of abi.h. */
#define CLASSES_TEXT 48
const char *classes_format(uint32_t classes, char buf[CLASSES_TEXT]);
int classes_parse(const char *text, uint32_t *out);

#endif
