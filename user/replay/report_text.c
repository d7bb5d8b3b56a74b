// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For people: what was found, when on the capture's clock, on what evidence, which rule would have
 * followed and what that would have stopped; then the sums.
 */
#include <inttypes.h>
#include <stdlib.h>
#include "base/address.h"
#include "cli/columns.h"
#include "cli/escape.h"
#include "cli/units.h"
#include "replay/report.h"

#define TOP_SOURCES 10

static void print_begin(FILE *out, const char *file, const char *link)
{
	char *name = escape_text(file);

	fprintf(out, "%s (%s)\n\n", name ? name : "", link);
	free(name);
}

static const char *verb_of(const struct rule_change *change)
{
	bool limits = change->rule.action == ACTION_LIMIT;

	switch (change->kind) {
	case RULE_ALARMED:
		return "alarm about";
	case RULE_OBSERVED:
		return limits ? "would limit" : "would block";
	case RULE_REFUSED:
		return "not blocked:";
	case RULE_ALARM_OVER:
		return "end of the alarm about";
	case RULE_CROWDED:
		return "no room for all, among them";
	case RULE_ALSO_FOUND:
		return "also found, blocked already:";
	default:
		return limits ? "limit" : "block";
	}
}

static void print_head(FILE *out, const struct decision *decision)
{
	const struct rule *rule = &decision->change->rule;
	char at[MOMENT_TEXT], source[PREFIX_TEXT];

	fprintf(out, "%s  frame %" PRIu64 "  %s %s", moment_format(decision->at, at),
		decision->frame, verb_of(decision->change), prefix_format(&rule->prefix, source));
}

static void print_decision(FILE *out, const char *file, const struct decision *decision)
{
	const struct rule *rule = &decision->change->rule;
	char command[RULE_COMMAND_TEXT], classes[CLASSES_TEXT];
	int64_t left_ns = rule->expires.boot_ns - decision->at.boot_ns;

	(void)file;
	print_head(out, decision);
	if (rule->action == ACTION_LIMIT)
		fprintf(out, " to %u packets/s", rule->limit_pps);
	if (decision->change->kind != RULE_ALARMED && decision->change->kind != RULE_ALSO_FOUND) {
		if (rule->classes != CLASS_ALL)
			fprintf(out, ", %s only", classes_format(rule->classes, classes));
		fprintf(out, " for %lld s", left_ns / NS_PER_SECOND);
	}
	fprintf(out, "\n    %s (%s): %s\n", detector_name(rule->detector),
		evidence_name(rule->evidence), rule->reason);
	if (decision->change->kind != RULE_ALARMED && decision->change->kind != RULE_ALSO_FOUND)
		fprintf(out, "    %s\n", rule_command(rule, command));
}

static void print_told(FILE *out, const struct decision *decision)
{
	const struct rule_change *change = decision->change;

	print_head(out, decision);
	if (change->kind == RULE_ALARM_OVER || change->kind == RULE_CROWDED)
		fputc('.', out);
	else if (change->refused_why == REFUSED_PROTECTED)
		fprintf(out, " is protected as %s", change->protected_as);
	else
		fputs(": there are as many blocks as response.max_unproven_blocks allows", out);
	fprintf(out, "\n    %s (%s): %s\n", detector_name(change->rule.detector),
		evidence_name(change->rule.evidence), change->rule.reason);
}

static void print_ended(FILE *out, const struct rule *rule, struct moment at,
			const struct blocked *stopped)
{
	char until[MOMENT_TEXT], source[PREFIX_TEXT], bytes[UNITS_TEXT];

	fprintf(out, "%s  end of the %s for %s, which would have stopped %" PRIu64 " packets, %s\n",
		moment_format(at, until), rule->action == ACTION_LIMIT ? "limit" : "block",
		prefix_format(&rule->prefix, source), stopped->packets,
		units_bytes((double)stopped->bytes, bytes));
}

static void print_sources(FILE *out, const struct tally *tally)
{
	static const struct column titles[] = { { "SOURCE", false },
						{ "PACKETS", true },
						{ "STOPPED", true } };
	size_t shown = tally->count < TOP_SOURCES ? tally->count : TOP_SOURCES;
	struct columns *columns = columns_new(titles, 3);
	char address[ADDRESS_TEXT];

	for (size_t i = 0; columns && i < shown; i++) {
		const struct tally_source *source = &tally->places[i];

		columns_add(columns, INK_PLAIN, "%s", address_format(&source->address, address));
		columns_add(columns, INK_PLAIN, "%" PRIu64, source->packets);
		columns_add(columns, INK_PLAIN, "%" PRIu64, source->dropped);
	}
	if (columns && shown) {
		fputc('\n', out);
		columns_print(columns, out, false);
	}
	if (tally->count > shown || tally->omitted)
		fprintf(out, "... and %" PRIu64 " more sources\n",
			(uint64_t)(tally->count - shown) + tally->omitted);
	columns_free(&columns);
}

static void print_late(FILE *out, const struct summary *summary)
{
	if (summary->late)
		fprintf(out,
			"%" PRIu64 " frames are older than one before them, by up to %.3f s: taken "
			"as of the same time\n",
			summary->late, (double)summary->late_most_ns / NS_PER_SECOND);
}

static void print_summary(FILE *out, const char *file, const struct summary *summary)
{
	char from[MOMENT_TEXT], to[MOMENT_TEXT], bytes[UNITS_TEXT], duration[UNITS_TEXT];
	int64_t ns = summary->last.wall_ns - summary->first.wall_ns;

	(void)file;
	fprintf(out, "%s%" PRIu64 " packets, %s", summary->decisions ? "\n" : "", summary->frames,
		units_bytes((double)summary->bytes, bytes));
	if (summary->frames)
		fprintf(out, ", %s from %s to %s", units_duration(ns / NS_PER_SECOND, duration),
			moment_format(summary->first, from), moment_format(summary->last, to));
	fprintf(out, "\n%" PRIu64 " malformed, %" PRIu64 " not IP\n", summary->malformed,
		summary->not_ip);
	print_late(out, summary);
	fprintf(out, "%" PRIu64 " decision%s, which would have stopped %" PRIu64 " packets, %s\n",
		summary->decisions, summary->decisions == 1 ? "" : "s", summary->dropped,
		units_bytes((double)summary->dropped_bytes, bytes));
	print_sources(out, summary->sources);
	fputc('\n', out);
}

const struct report_ops report_text = {
	.begin = print_begin,
	.decision = print_decision,
	.told = print_told,
	.ended = print_ended,
	.summary = print_summary,
};
