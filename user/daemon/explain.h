/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why an address is blocked, or why not. Private to daemon/. */
#ifndef FWGEN_DAEMON_EXPLAIN_H
#define FWGEN_DAEMON_EXPLAIN_H

#include "daemon/state.h"
#include "model/explanation.h"

/* Gathers what is known of the prefix; *out is cleared. Takes the decision lock. */
void daemon_explain(struct daemon *daemon, const struct prefix *prefix, struct explanation *out);
/* A rule as it is shown: with its hits, and where it is. Asks the drop map. */
void daemon_show_rule(const struct daemon *daemon, const struct rule *rule,
		      const struct enforcer_status *iptables, struct rule_status *out);
/* The iptables enforcer's state, ENFORCER_UNENFORCED when it is not in use. */
void daemon_iptables_status(const struct daemon *daemon, struct enforcer_status *out);

#endif
