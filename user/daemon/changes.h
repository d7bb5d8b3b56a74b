/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a list of rule changes means: drop map, iptables, record, events. Private to daemon/. */
#ifndef FWGEN_DAEMON_CHANGES_H
#define FWGEN_DAEMON_CHANGES_H

#include "daemon/state.h"

/* All with the decision lock held. */

/* Findings to changes, and these into effect. Empties both lists. */
void daemon_judge(struct daemon *daemon, struct judgement *judgement, struct moment now);
/* Carries the changes out and empties the list. */
void daemon_carry_out(struct daemon *daemon, struct rule_change_list *changes, struct moment now);
/* Tells the enforcers the whole desired ruleset. */
void daemon_sync(struct daemon *daemon, struct moment now);
/* Every rule in force, access.deny's last. The caller frees *out. Returns 0 or -ENOMEM. */
int daemon_ruleset(const struct daemon *daemon, struct rule **out, size_t *count);

#endif
