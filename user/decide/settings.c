/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Action and duration of a rule, from the finding and the configuration alone. Not here: whether
 * there may be a rule at all (policy.c).
 */
#include "decide/settings.h"

#include <string.h>
#include "base/address.h"
#include "base/clock.h"

void settings_read(const struct config *config, struct settings *out)
{
	*out = (struct settings){
		.mode = config->mode,
		.block_seconds = config->response.block_seconds,
		.unproven_block_seconds = config->response.unproven_block_seconds,
		.max_block_seconds = config->response.max_block_seconds,
		.escalation = config->response.escalation,
		.limit_pps = config->response.limit_packets_per_second,
		.max_unproven = config->response.max_unproven_blocks,
	};
	for (unsigned int i = 0; i < DETECTOR_COUNT; i++)
		out->actions[i] = config->detectors[i].action;
	out->group_count = config->group_count;
	for (unsigned int g = 0; g < config->group_count; g++) {
		const struct group_config *group = &config->groups[g];

		memcpy(out->groups[g].name, group->name, sizeof(out->groups[g].name));
		for (unsigned int i = 0; i < DETECTOR_COUNT; i++)
			out->groups[g].actions[i] = group->detectors[i].action;
	}
	memcpy(out->config_hash, config->hash, sizeof(out->config_hash));
}

static bool can_limit(const struct finding *finding)
{
	uint32_t classes = finding->classes;

	return finding->has_destination &&
	       (classes == CLASS_SYN || classes == CLASS_UDP || classes == CLASS_ICMP);
}

static enum action configured(const struct settings *settings, const struct finding *finding)
{
	for (unsigned int g = 0; *finding->group && g < settings->group_count; g++)
		if (!strcmp(settings->groups[g].name, finding->group))
			return settings->groups[g].actions[finding->detector];
	return settings->actions[finding->detector];
}

/*
 * Unproven evidence about a prefix is about some of its addresses: the others are only slowed. A
 * flood from everywhere can only be slowed, and only where what it sends is a service's own kind of
 * packet: who limits all packets to a host does the flood's work.
 */
enum action settings_action(const struct settings *settings, const struct finding *finding)
{
	enum action action = configured(settings, finding);

	if (finding->detector == DETECTOR_VICTIM_FLOOD)
		return action == ACTION_LIMIT && can_limit(finding) ? ACTION_LIMIT : ACTION_ALARM;
	if (action == ACTION_DROP && finding->source.len < PREFIX_LEN_FULL &&
	    finding->evidence == EVIDENCE_UNPROVEN)
		return ACTION_LIMIT;
	return action;
}

int64_t settings_duration_ns(const struct settings *settings, enum evidence evidence,
			     uint32_t offences)
{
	uint64_t seconds = settings->unproven_block_seconds;

	if (evidence == EVIDENCE_PROVEN) {
		seconds = settings->block_seconds;
		while (settings->escalation > 1 && offences &&
		       seconds < settings->max_block_seconds) {
			seconds *= settings->escalation;
			offences--;
		}
	}
	if (seconds > settings->max_block_seconds)
		seconds = settings->max_block_seconds;
	return (int64_t)(seconds ? seconds : 1) * NS_PER_SECOND;
}

void settings_draft(const struct settings *settings, const struct finding *finding,
		    struct rule *out)
{
	*out = (struct rule){
		.prefix = finding->source,
		.action = settings_action(settings, finding),
		.classes =
			finding->detector == DETECTOR_VICTIM_FLOOD ? finding->classes : CLASS_ALL,
		.detector = finding->detector,
		.evidence = finding->evidence,
		.origin = ORIGIN_DETECTOR,
		.observed = finding->count,
		.limit = finding->limit,
		.created = finding->at,
	};
	memcpy(out->config_hash, settings->config_hash, sizeof(out->config_hash));
	if (finding->detector == DETECTOR_VICTIM_FLOOD && out->action == ACTION_LIMIT) {
		out->to_destination = true;
		out->prefix = prefix_of(&finding->destination);
		out->protocol = rule_destination_protocol(&out->prefix, out->classes);
		out->port = out->classes == CLASS_ICMP ? 0 : finding->port;
		out->limit_pps = limit_rate(&finding->limit);
		return;
	}
	if (finding->port_only) {
		out->classes = protocol_classes(finding->protocol);
		out->port = finding->port;
		out->protocol = finding->protocol;
	}
	if (out->action == ACTION_LIMIT)
		out->limit_pps = settings->limit_pps;
}
