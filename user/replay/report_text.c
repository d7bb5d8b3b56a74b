// SPDX-License-Identifier: GPL-2.0-or-later
/* What was found, for people: each decision with its time, evidence and command, then the sums. */
#include <inttypes.h>
#include "base/address.h"
#include "replay/report.h"

#define TOP_SOURCES 10

static void print_begin(FILE *out, const char *file, const char *link)
{
	fprintf(out, "%s: %s\n", file, link);
}

static const char *verb_of(const struct rule_change *change)
{
	if (change->kind == RULE_ALARMED)
		return "alarm";
	if (change->kind == RULE_OBSERVED)
		return change->rule.action == ACTION_LIMIT ? "would limit" : "would block";
	return change->rule.action == ACTION_LIMIT ? "limit" : "block";
}

static void print_decision(FILE *out, const char *file, const struct decision *decision)
{
	const struct rule *rule = &decision->change->rule;
	char at[MOMENT_TEXT], source[PREFIX_TEXT], command[RULE_COMMAND_TEXT];

	(void)file;
	fprintf(out, "%s  frame %-8" PRIu64 " %s %s: %s, %s\n    %s\n",
		moment_format(decision->at, at), decision->frame, verb_of(decision->change),
		prefix_format(&rule->prefix, source), detector_name(rule->detector),
		evidence_name(rule->evidence), rule->reason);
	if (decision->change->kind != RULE_ALARMED)
		fprintf(out, "    %s\n", rule_command(rule, command));
}

static void print_ended(FILE *out, const struct rule *rule, struct moment at,
			const struct blocked *stopped)
{
	char text[MOMENT_TEXT], source[PREFIX_TEXT];

	fprintf(out,
		"%s  end of the block of %s: it would have stopped %" PRIu64 " packets, %" PRIu64
		" bytes\n",
		moment_format(at, text), prefix_format(&rule->prefix, source), stopped->packets,
		stopped->bytes);
}

static void print_summary(FILE *out, const char *file, const struct summary *summary)
{
	char from[MOMENT_TEXT], to[MOMENT_TEXT];

	(void)file;
	fprintf(out, "%" PRIu64 " packets, %" PRIu64 " bytes", summary->frames, summary->bytes);
	if (summary->frames)
		fprintf(out, ", %s to %s", moment_format(summary->first, from),
			moment_format(summary->last, to));
	fprintf(out, "\n%" PRIu64 " decisions; %" PRIu64 " packets would have been stopped\n",
		summary->decisions, summary->dropped);
}

const struct report_ops report_text = {
	.begin = print_begin,
	.decision = print_decision,
	.ended = print_ended,
	.summary = print_summary,
};
