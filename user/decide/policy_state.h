/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What policy.c changes and policy_view.c reads. */
#ifndef FWGEN_DECIDE_POLICY_STATE_H
#define FWGEN_DECIDE_POLICY_STATE_H

#include "decide/memo.h"
#include "decide/rule_table.h"
#include "decide/settings.h"
#include "model/protected.h"

struct policy {
	struct settings settings;
	struct rule_table table;
	struct protected_list protected_list;
	struct memo memo;
	uint32_t next_rule_id;
};

#endif
