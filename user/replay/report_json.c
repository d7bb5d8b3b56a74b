// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines for programs; the names of the fields are a contract. Written piece by piece: a summary may
 * name a million sources. Only the file's name needs escaping: all else is numbers and words of our
 * own.
 */
#include <inttypes.h>
#include <stdlib.h>
#include "base/address.h"
#include "base/json.h"
#include "cli/escape.h"
#include "replay/report.h"

static void print_begin(FILE *out, const char *type, const char *file)
{
	struct json *name = json_new_string(file);
	char *text = json_print(name);

	fprintf(out, "{\"type\":\"%s\",\"file\":", type);
	escape_write_json(out, text ? text : "\"\"");
	free(text);
	json_free(&name);
}

/* Seconds since 1970, to the microsecond. */
static void print_time(FILE *out, const char *name, struct moment at)
{
	fprintf(out, ",\"%s\":%lld.%06lld", name, at.wall_ns / NS_PER_SECOND,
		at.wall_ns % NS_PER_SECOND / 1000);
}

static void print_decision(FILE *out, const char *file, const struct decision *decision)
{
	const struct rule_change *change = decision->change;
	const struct rule *rule = &change->rule;
	char address[ADDRESS_TEXT], classes[CLASSES_TEXT], command[RULE_COMMAND_TEXT] = "";

	/* an alarm blocks nobody */
	if (rule->action != ACTION_ALARM)
		rule_command(rule, command);
	print_begin(out, "decision", file);
	print_time(out, "time", decision->at);
	fprintf(out,
		",\"frame\":%" PRIu64 ",\"source\":\"%s\",\"prefix_len\":%u,\"detector\":\"%s\","
		"\"action\":\"%s\",\"class\":\"%s\",\"evidence\":\"%s\",\"count\":%" PRIu64
		",\"limit\":%" PRIu64 ",\"seconds\":%u",
		decision->frame, address_format(&rule->prefix.address, address),
		prefix_family_len(&rule->prefix), detector_name(rule->detector),
		action_name(rule->action), classes_format(rule->classes, classes),
		evidence_name(rule->evidence), rule->observed, rule->limit.count,
		rule->limit.seconds);
	if (change->has_destination)
		fprintf(out, ",\"destination\":\"%s\"",
			address_format(&change->destination, address));
	else
		fputs(",\"destination\":null", out);
	fprintf(out, ",\"port\":%u", change->port);
	print_time(out, "expires", rule->expires);
	fprintf(out, ",\"command\":\"%s\"}\n", command);
}

static void print_summary(FILE *out, const char *file, const struct summary *summary)
{
	char address[ADDRESS_TEXT];

	print_begin(out, "summary", file);
	fprintf(out,
		",\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"malformed\":%" PRIu64
		",\"decisions\":%" PRIu64 ",\"dropped\":%" PRIu64,
		summary->frames, summary->bytes, summary->malformed, summary->decisions,
		summary->dropped);
	if (summary->sources->omitted)
		fprintf(out, ",\"sources_omitted\":%" PRIu64, summary->sources->omitted);
	fputs(",\"sources\":[", out);
	for (size_t i = 0; i < summary->sources->count; i++) {
		const struct tally_source *source = &summary->sources->places[i];

		fprintf(out,
			"%s{\"source\":\"%s\",\"packets\":%" PRIu64 ",\"dropped\":%" PRIu64 "}",
			i ? "," : "", address_format(&source->address, address), source->packets,
			source->dropped);
	}
	fputs("]}\n", out);
}

const struct report_ops report_json = { .decision = print_decision, .summary = print_summary };
