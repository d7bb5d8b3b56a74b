/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What daemon and helper say to each other: packets (SOCK_SEQPACKET) of whole text lines.
 *
 *   daemon:  set ID MEMBER KIND DEADLINE_NS WEIGHT | unset MEMBER KIND | sync | synced
 *            | stop keep|remove
 *   helper:  ready | failed ERRNO TEXT | state enforced|unenforced MEMBERS REPAIRS PACKETS TEXT
 *            | note TEXT | stopped ERRNO
 *
 * Between "sync" and "synced" every member that is wanted is set; what else is in the sets goes.
 * Deadlines are CLOCK_BOOTTIME. Where not all have room those of more WEIGHT come first. PACKETS is
 * how many of the daemon's are dealt with.
 */
#ifndef FWGEN_ENFORCE_MESSAGE_H
#define FWGEN_ENFORCE_MESSAGE_H

#include "enforce/ruleset.h"

#define MESSAGE_PACKET_BYTES 16384
#define MESSAGE_LINE_BYTES   320
#define MESSAGE_TEXT	     160

enum message_type {
	MESSAGE_SET,
	MESSAGE_UNSET,
	MESSAGE_SYNC,
	MESSAGE_SYNCED,
	MESSAGE_STOP,
	MESSAGE_READY,
	MESSAGE_FAILED,
	MESSAGE_STATE,
	MESSAGE_NOTE,
	MESSAGE_STOPPED,
};

struct message {
	enum message_type type;
	/* SET, UNSET */
	struct ruleset_member member;
	uint32_t rule_id;
	int64_t deadline_ns;
	unsigned int weight;
	/* STOP */
	bool keep;
	/* FAILED, STOPPED: 0 or -errno */
	int error;
	/* STATE */
	bool enforced;
	uint64_t members, repairs, packets;
	/* FAILED, STATE, NOTE */
	char text[MESSAGE_TEXT];
};

/* Writes one line with its newline. Returns its length, below MESSAGE_LINE_BYTES. */
size_t message_format(const struct message *message, char buf[MESSAGE_LINE_BYTES]);
/* Reads the line at *cursor (NUL-terminated text) and moves it. 1, 0 at the end, or -EBADMSG. */
int message_next(const char **cursor, struct message *out);

#endif
