/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What policy.c and policy_upkeep.c change and policy_view.c reads. */
#ifndef FWGEN_DECIDE_POLICY_STATE_H
#define FWGEN_DECIDE_POLICY_STATE_H

#include "decide/memo.h"
#include "decide/rule_table.h"
#include "decide/settings.h"
#include "model/protected.h"
#include "model/rule.h"

struct policy {
	struct settings settings;
	struct rule_table table;
	struct protected_list protected_list;
	struct memo memo;
	uint32_t next_rule_id;
};

/*
 * Reports the removal, then removes. as: what the rule's prefix is protected as, or NULL. Returns 0
 * or -ENOMEM.
 */
int policy_remove(struct policy *policy, struct rule_node *node, enum removed_why why,
		  const char *as, struct rule_change_list *out);

#endif
