/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of the configuration decides, and the rule that it makes of a finding. */
#ifndef FWGEN_DECIDE_SETTINGS_H
#define FWGEN_DECIDE_SETTINGS_H

#include "model/config.h"
#include "model/finding.h"
#include "model/rule.h"

struct settings {
	enum mode mode;
	enum action actions[DETECTOR_COUNT];
	struct {
		char name[GROUP_NAME_TEXT];
		enum action actions[DETECTOR_COUNT];
	} groups[CONFIG_GROUPS_MAX];
	unsigned int group_count;
	uint32_t block_seconds, unproven_block_seconds, max_block_seconds;
	uint32_t escalation;
	uint32_t limit_pps;
	uint32_t max_unproven;
	char config_hash[CONFIG_HASH_TEXT];
};

void settings_read(const struct config *config, struct settings *out);

enum action settings_action(const struct settings *settings, const struct finding *finding);
/* offences: how often the source was blocked on proven evidence before. */
int64_t settings_duration_ns(const struct settings *settings, enum evidence evidence,
			     uint32_t offences);
/* All of a rule but its id, its reason and when it ends. */
void settings_draft(const struct settings *settings, const struct finding *finding,
		    struct rule *out);

#endif
