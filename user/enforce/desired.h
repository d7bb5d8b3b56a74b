/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The desired ruleset as the daemon's side of the iptables enforcer keeps it, and what of it the
 * helper has not been told. A rule that changes again before it is sent is sent once, so what waits
 * is bounded by the rules themselves. Not thread-safe: the caller has the lock.
 */
#ifndef FWGEN_ENFORCE_DESIRED_H
#define FWGEN_ENFORCE_DESIRED_H

#include "enforce/ruleset.h"

struct desired;

int desired_new(struct desired **out); /* 0 or -ENOMEM */
void desired_free(struct desired **desired);

/* Adds the rule or moves its deadline. Returns 0, -EINVAL when no set can hold it, or -ENOMEM. */
int desired_set(struct desired *desired, const struct rule *rule);
void desired_unset(struct desired *desired, const struct rule *rule);
/* The helper is to be told everything anew, as a sync. */
void desired_resync(struct desired *desired);

bool desired_pending(const struct desired *desired);
/* Whether a sync has begun, or is to, whose end was not sent. */
bool desired_syncing(const struct desired *desired);
/* Writes the next lines for the helper, as many whole rules as fit. Returns the length. */
size_t desired_encode(struct desired *desired, char *buf, size_t size);
/* What the last desired_encode wrote was sent. */
void desired_sent(struct desired *desired);

#endif
