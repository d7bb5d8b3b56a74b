/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits that would fit, and whom others would have stopped, for people. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include "base/json.h"
#include "cli/columns.h"
#include "cli/escape.h"
#include "cli/fields.h"
#include "cli/render_text.h"
#include "cli/units.h"

#define NAMES_SHOWN 20

/* Which traffic this is about. False: there is none. */
static bool print_span(const struct page *page, const struct json *data)
{
	char text[UNITS_TEXT];

	if (!*field_text(data, "to")) {
		fprintf(page->out, "Nothing is recorded yet: hours are, and the running one every"
				   " 5 minutes.\n");
		return false;
	}
	fprintf(page->out, "%s of traffic, %s to %s (recorded since %s)\n",
		units_duration(field_int(data, "watched_seconds"), text), field_text(data, "from"),
		field_text(data, "to"), field_text(data, "recorded_since"));
	return true;
}

static void add_name(struct columns *table, const struct json *limit)
{
	columns_add(table, INK_PLAIN, "%s %" PRId64 " s", field_text(limit, "detector"),
		    field_int(limit, "seconds"));
}

/* ---- suggest --------------------------------------------------------------------------------- */

static void add_suggestion(struct columns *table, const struct json *limit)
{
	static const char *const keys[] = { "sources", "p50", "p90",   "p99",
					    "p99_9",   "max", "found", "limit" };

	add_name(table, limit);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		columns_add(table, INK_PLAIN, "%" PRId64, field_int(limit, keys[i]));
	columns_add(table, field_true(limit, "changed") ? INK_GOOD : INK_PLAIN, "%" PRId64,
		    field_int(limit, "suggested"));
	columns_add(table, INK_PLAIN, "%s", field_text(limit, "says"));
}

/* Whether the detector has counted anything. */
static bool has_counted(const struct json *limit)
{
	return field_int(limit, "sources") || field_int(limit, "found");
}

static int print_suggestions(const struct page *page, const struct json *limits)
{
	static const struct column columns[] = {
		{ "LIMIT", false }, { "SOURCES", true },   { "HALF", true }, { "90 %", true },
		{ "99 %", true },   { "99.9 %", true },	   { "MOST", true }, { "FOUND", true },
		{ "TODAY", true },  { "SUGGESTED", true }, { "WHY", false },
	};
	struct columns *table = columns_new(columns, sizeof(columns) / sizeof(columns[0]));
	unsigned int silent = 0;
	int err;

	if (!table)
		return -ENOMEM;
	json_for_each (limit, limits) {
		if (has_counted(limit))
			add_suggestion(table, limit);
		else
			silent++;
	}
	err = columns_print(table, page->out, page->colour);
	columns_free(&table);
	if (silent)
		fprintf(page->out, "%u more limits counted nothing.\n", silent);
	return err;
}

int render_text_suggest(const struct page *page, const struct json *data)
{
	const struct json *limits = json_get(data, "limits"), *fragment;
	char *text;
	int err;

	if (!limits || json_type(limits) != JSON_ARRAY)
		return -EPROTO;
	if (!print_span(page, data))
		return 0;
	fprintf(page->out, "What sources came to at most; each counts once an hour, those that were"
			   " found apart.\n\n");
	err = print_suggestions(page, limits);
	if (err)
		return err;
	fragment = json_get(data, "fragment");
	if (!field_true(data, "enough") || !fragment || json_type(fragment) != JSON_OBJECT) {
		fprintf(page->out, "\nNothing to change: %s.\n",
			field_true(data, "enough") ? "the limits fit"
						   : field_text(data, "why_not"));
		return 0;
	}
	text = json_print_pretty(fragment);
	if (!text)
		return -ENOMEM;
	fprintf(page->out, "\nFor the configuration (try it first: fwgen whatif FILE):\n\n");
	fprintf(page->out, "%s\n", text); /* names of detectors and numbers: nothing to escape */
	free(text);
	return 0;
}

/* ---- whatif ---------------------------------------------------------------------------------- */

static void add_optional(struct columns *table, const struct json *limit, const char *key)
{
	if (json_type(json_get(limit, key)) == JSON_NUMBER)
		columns_add(table, INK_PLAIN, "%" PRId64, field_int(limit, key));
	else
		columns_add(table, INK_PLAIN, "-");
}

/* Whether anything would be otherwise, or somebody was over it. */
static bool is_worth_a_line(const struct json *limit)
{
	int64_t count, today;

	return !json_to_int(json_get(limit, "count"), &count) ||
	       !json_to_int(json_get(limit, "today"), &today) || count != today ||
	       field_int(json_get(limit, "over_today"), "source_hours");
}

static void add_difference(struct columns *table, const struct json *limit)
{
	bool differs = field_int(json_get(limit, "over"), "source_hours") !=
		       field_int(json_get(limit, "over_today"), "source_hours");

	add_name(table, limit);
	add_optional(table, limit, "today");
	add_optional(table, limit, "count");
	columns_add(table, differs ? INK_WARNING : INK_PLAIN, "%s", field_text(limit, "says"));
}

static int print_differences(const struct page *page, const struct json *limits)
{
	static const struct column columns[] = {
		{ "LIMIT", false },
		{ "TODAY", true },
		{ "NEW", true },
		{ "IN THAT TIME", false },
	};
	struct columns *table = columns_new(columns, sizeof(columns) / sizeof(columns[0]));
	unsigned int same = 0;
	int err;

	if (!table)
		return -ENOMEM;
	json_for_each (limit, limits) {
		if (is_worth_a_line(limit))
			add_difference(table, limit);
		else
			same++;
	}
	err = columns_print(table, page->out, page->colour);
	columns_free(&table);
	if (same)
		fprintf(page->out, "%u more limits are as today, with nobody over them.\n", same);
	return err;
}

static void print_source(const struct page *page, const struct json *source)
{
	const char *group = field_text(source, "group");
	char *name = escape_text(field_text(source, "source"));

	fprintf(page->out, "  %s  %" PRId64 "%s", name ? name : "?", field_int(source, "peak"),
		field_true(source, "found") ? ", was found" : "");
	free(name);
	if (*group) {
		name = escape_text(group);
		fprintf(page->out, ", would go by the limits of group %s", name ? name : "?");
		free(name);
	}
	fprintf(page->out, "%s\n",
		field_true(source, "allowed") ? ", never blocked (access.allow)" : "");
}

/* Those for whom something would be otherwise. */
static void print_names(const struct page *page, const struct json *limit, bool now)
{
	unsigned int shown = 0, more = 0;

	json_for_each (source, json_get(limit, "sources")) {

		if (field_true(source, "over") != now || field_true(source, "over_today") == now)
			continue;
		if (shown == NAMES_SHOWN) {
			more++;
			continue;
		}
		if (!shown++)
			fprintf(page->out, "\n%s %" PRId64 " s, %s:\n",
				field_text(limit, "detector"), field_int(limit, "seconds"),
				now ? "over the new limit and not over today's"
				    : "over today's limit and not over the new one");
		print_source(page, source);
	}
	if (more)
		fprintf(page->out, "  and %u more: --json has them\n", more);
}

int render_text_whatif(const struct page *page, const struct json *data)
{
	const struct json *limits = json_get(data, "limits");
	int err;

	if (!limits || json_type(limits) != JSON_ARRAY)
		return -EPROTO;
	if (!print_span(page, data))
		return 0;
	json_for_each (change, json_get(data, "changes"))
		fprintf(page->out, "%s %s\n", field_text(change, "detector"),
			field_text(change, "says"));
	fputc('\n', page->out);
	err = print_differences(page, limits);
	json_for_each (limit, limits) {
		print_names(page, limit, true);
		print_names(page, limit, false);
	}
	fprintf(page->out, "\nNothing was changed.\n");
	return err;
}
