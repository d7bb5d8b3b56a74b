/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists for people: sources, rules, events as tables, states in words. The status page is
 * render_status_text.c's; --json does not come through here.
 */
#include "cli/render_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "cli/columns.h"
#include "cli/fields.h"
#include "cli/units.h"

struct ink_of {
	const char *text;
	enum ink ink;
};

static enum ink find_ink(const struct ink_of *inks, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(inks[i].text, text))
			return inks[i].ink;
	}
	return INK_PLAIN;
}

#define INK(inks, text) find_ink(inks, sizeof(inks) / sizeof((inks)[0]), text)

/* Prints a list of objects, one row each, or a sentence when there is none. */
static int print_list(const struct page *page, const struct json *data, const char *none,
		      const struct column *columns, size_t count,
		      void (*add)(const struct page *page, struct columns *table,
				  const struct json *row))
{
	struct columns *table;
	int err;

	if (!data || json_type(data) != JSON_ARRAY)
		return -EPROTO;
	if (!json_size(data)) {
		fprintf(page->out, "%s\n", none);
		return 0;
	}
	table = columns_new(columns, count);
	if (!table)
		return -ENOMEM;
	json_for_each (row, data)
		add(page, table, row);
	err = columns_print(table, page->out, page->colour);
	columns_free(&table);
	return err;
}

#define PRINT_LIST(page, data, none, columns, add) \
	print_list(page, data, none, columns, sizeof(columns) / sizeof((columns)[0]), add)

static void add_joined(struct columns *table, enum ink ink, const struct json *row, const char *key,
		       const char *separator, const char *none)
{
	char *text = field_joined(row, key, separator);

	columns_add(table, ink, "%s", !text ? "?" : *text ? text : none);
	free(text);
}

static void add_source(const struct page *page, struct columns *table, const struct json *row)
{
	static const struct ink_of inks[] = {
		{ "blocked", INK_BAD },
		{ "limited", INK_WARNING },
		{ "protected", INK_GOOD },
	};
	const char *state = field_text(row, "state");
	char text[UNITS_TEXT];

	(void)page;
	columns_add(table, INK_PLAIN, "%s", field_text(row, "address"));
	columns_add(table, INK(inks, state), "%s", state);
	columns_add(table, INK_PLAIN, "%s",
		    units_rate(field_double(row, "packets_per_second"), text));
	columns_add(table, INK_PLAIN, "%" PRId64, field_int(row, "packets"));
	columns_add(table, INK_PLAIN, "%s", units_bytes(field_double(row, "bytes"), text));
	columns_add(table, INK_PLAIN, "%" PRId64, field_int(row, "dropped"));
	add_joined(table, INK_PLAIN, row, "detectors", ", ", "-");
}

int render_text_sources(const struct page *page, const struct json *data)
{
	static const struct column columns[] = {
		{ "SOURCE", false },   { "STATE", false }, { "PACKETS/S", true },
		{ "PACKETS", true },   { "BYTES", true },  { "DROPPED", true },
		{ "DETECTED", false },
	};

	return PRINT_LIST(page, data, "No source has been seen yet.", columns, add_source);
}

static void add_prefix(struct columns *table, const struct json *row)
{
	bool to = !strcmp(field_text(row, "direction"), "destination");
	const char *address = field_text(row, "address");
	int64_t len = field_int(row, "prefix_len");

	if (len == (strchr(address, ':') ? 128 : 32))
		columns_add(table, INK_PLAIN, "%s%s", to ? "to " : "", address);
	else
		columns_add(table, INK_PLAIN, "%s/%" PRId64, address, len);
}

static void add_time_left(const struct page *page, struct columns *table, const struct json *row)
{
	int64_t left_ms = field_int(row, "expires_boottime_ms") - page->now.boot_ns / NS_PER_MS;
	char text[UNITS_TEXT];

	if (left_ms > 0)
		columns_add(table, INK_PLAIN, "%s left",
			    units_duration((left_ms + 999) / 1000, text));
	else
		columns_add(table, INK_FAINT, "ending");
}

/* Which of its packets. */
static void add_packets(struct columns *table, const struct json *row)
{
	int64_t port = field_int(row, "port");

	if (port)
		columns_add(table, INK_PLAIN, "%s to port %" PRId64, field_text(row, "class"),
			    port);
	else
		columns_add(table, INK_PLAIN, "%s", field_text(row, "class"));
}

static void add_rule(const struct page *page, struct columns *table, const struct json *row)
{
	bool enforced = json_size(json_get(row, "enforcers")) > 0;
	const char *action = field_text(row, "action");

	columns_add(table, INK_PLAIN, "%" PRId64, field_int(row, "id"));
	add_prefix(table, row);
	if (!strcmp(action, "limit"))
		columns_add(table, INK_PLAIN, "limit %" PRId64 "/s", field_int(row, "limit_pps"));
	else
		columns_add(table, INK_PLAIN, "%s", action);
	add_packets(table, row);
	add_time_left(page, table, row);
	columns_add(table, INK_PLAIN, "%" PRId64, field_int(row, "packets_dropped"));
	add_joined(table, enforced ? INK_PLAIN : INK_BAD, row, "enforcers", "+", "NOTHING");
	columns_add(table, INK_PLAIN, "%s", field_text(row, "reason"));
}

int render_text_rules(const struct page *page, const struct json *data)
{
	static const struct column columns[] = {
		{ "RULE", true },  { "SOURCE", false }, { "ACTION", false }, { "PACKETS", false },
		{ "TIME", false }, { "DROPPED", true }, { "BY", false },     { "REASON", false },
	};

	return PRINT_LIST(page, data, "No rules are in force: nothing is blocked.", columns,
			  add_rule);
}

static void add_event(const struct page *page, struct columns *table, const struct json *row)
{
	static const struct ink_of inks[] = {
		{ "critical", INK_BAD },
		{ "warning", INK_WARNING },
		{ "info", INK_FAINT },
	};
	const char *severity = field_text(row, "severity"), *source = field_text(row, "source");

	(void)page;
	columns_add(table, INK_FAINT, "%s", field_text(row, "at"));
	columns_add(table, INK(inks, severity), "%s", severity);
	columns_add(table, INK_PLAIN, "%s", field_text(row, "type"));
	columns_add(table, INK_PLAIN, "%s", *source ? source : "-");
	columns_add(table, INK_PLAIN, "%s", field_text(row, "message"));
}

int render_text_events(const struct page *page, const struct json *data)
{
	static const struct column columns[] = {
		{ "TIME", false },   { "SEVERITY", false }, { "TYPE", false },
		{ "SOURCE", false }, { "MESSAGE", false },
	};

	return PRINT_LIST(page, data, "Nothing has happened yet.", columns, add_event);
}
