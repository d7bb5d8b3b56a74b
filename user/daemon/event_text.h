/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened to a rule, in a sentence for people and in JSON for machines. */
#ifndef FWGEN_DAEMON_EVENT_TEXT_H
#define FWGEN_DAEMON_EVENT_TEXT_H

#include <stddef.h>
#include "model/rule.h"

/* "blocked 192.0.2.1 for 60 s: 312 SYNs ..." */
void event_text(const struct rule_change *change, struct moment at, char *buf, size_t size);
/* A JSON object; name: what the kind of change is called in it. */
void event_details(const struct rule_change *change, const char *name, char *buf, size_t size);

#endif
