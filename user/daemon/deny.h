/* SPDX-License-Identifier: GPL-2.0-or-later */
/* access.deny. Private to daemon/. */
#ifndef FWGEN_DAEMON_DENY_H
#define FWGEN_DAEMON_DENY_H

#include "daemon/state.h"

/*
 * Makes the denied prefixes agree with configuration, mode and protected set, and tells the
 * enforcers when that changes something or their time runs low. With the decision lock held.
 */
void deny_update(struct daemon *daemon, struct moment now);
void deny_free(struct deny *deny);

/* Whether a rule with this id is one of access.deny's, of this run or another. */
bool deny_is_id(uint32_t id);
/* The denied prefix that is just this one, or NULL. */
const struct rule *deny_find(const struct deny *deny, const struct prefix *prefix);
/* The denied prefix that all of this one is in, or NULL. */
const struct rule *deny_covering(const struct deny *deny, const struct prefix *prefix);

#endif
