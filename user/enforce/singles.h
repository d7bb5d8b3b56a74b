/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Without ipset: a rule for each member that is wanted, as many as there is room for. Each has the
 * end of its time in it, by the wall clock (xt_time knows no other), so that it ends with nobody
 * alive to take it away.
 */
#ifndef FWGEN_ENFORCE_SINGLES_H
#define FWGEN_ENFORCE_SINGLES_H

#include "enforce/netfilter.h"
#include "enforce/wanted.h"

/* Has the chain made of the most important members. Returns 0, or -errno with a text. */
int singles_write(struct netfilter *netfilter, struct wanted *wanted, char error[NETFILTER_ERROR]);
/* Whether they should be written anew: there is room for more, or the clock was set. */
bool singles_due(const struct netfilter *netfilter, const struct wanted *wanted);

#endif
