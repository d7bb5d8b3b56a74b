/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status page for people: what matters first, tables of interfaces and enforcers, and at the
 * end what is wrong and what to do about it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "cli/columns.h"
#include "cli/fields.h"
#include "cli/render_text.h"
#include "cli/units.h"

static void print_forgotten(const struct page *page, const struct json *tracker)
{
	int64_t evicted = field_int(tracker, "evicted"), refused = field_int(tracker, "refused");

	if (evicted || refused)
		page_say(page, INK_WARNING,
			 "  no room          %" PRId64 " sources forgotten, %" PRId64
			 " windows refused",
			 evicted, refused);
}

/* What somebody should not forget that he has begun. */
static void print_pause(const struct page *page, const struct json *data)
{
	const char *until = field_text(data, "paused_until"),
		   *confirm = field_text(data, "confirm_until");
	char text[MOMENT_TEXT];

	if (*until)
		page_say(page, INK_WARNING, "  paused           until %s: nobody new is blocked%s",
			 page_time(page, until, text),
			 field_true(data, "disarmed") ? ", and BLOCKS ARE LIFTED" : "");
	if (*confirm)
		page_say(page, INK_WARNING,
			 "  on trial         the configuration: without fwgen confirm the one "
			 "before comes"
			 " back at %s",
			 page_time(page, confirm, text));
}

static void print_head(const struct page *page, const struct json *data)
{
	bool observing = !strcmp(field_text(data, "mode"), "observe");
	const char *evidence = field_text(data, "evidence"), *config = field_text(data, "config");
	char uptime[UNITS_TEXT], memory[UNITS_TEXT];

	units_duration((int64_t)field_double(data, "uptime_s"), uptime);
	units_bytes(field_double(data, "memory_bytes"), memory);
	page_say(page, observing ? INK_WARNING : INK_GOOD, "fwgen %s: %s, up %s",
		 field_text(data, "version"),
		 observing ? "observing (attacks are reported, nothing is blocked)" : "enforcing",
		 uptime);
	print_pause(page, data);
	page_say(page, INK_PLAIN, "  rules in force   %" PRId64, field_int(data, "active_rules"));
	page_say(page, INK_PLAIN, "  tracked sources  %" PRId64 ", %s of memory",
		 field_int(data, "tracked_sources"), memory);
	print_forgotten(page, json_get(data, "tracker"));
	page_say(page, INK_PLAIN, "  evidence         %s",
		 strcmp(evidence, "none") ? evidence : "none: connections are not tracked here");
	page_say(page, INK_PLAIN, "  configuration    %s", *config ? config : "built-in defaults");
	page_say(page, INK_PLAIN, "  database         %s", field_text(data, "database"));
}

static int print_interfaces(const struct page *page, const struct json *interfaces)
{
	static const struct column columns[] = {
		{ "INTERFACE", false }, { "SENSOR", false },	  { "PACKETS/S", true },
		{ "BITS/S", true },	{ "PACKETS", true },	  { "DROPPED", true },
		{ "SOURCES", true },	{ "UNATTRIBUTED", true }, { "BLIND BELOW", true },
	};
	struct columns *table = columns_new(columns, sizeof(columns) / sizeof(columns[0]));
	char text[UNITS_TEXT];
	int err;

	if (!table)
		return -ENOMEM;
	json_for_each (row, interfaces) {
		double blind = field_double(row, "blind_below_pps");

		columns_add(table, INK_PLAIN, "%s", field_text(row, "name"));
		columns_add(table, INK_PLAIN, "%s", field_text(row, "sensor"));
		columns_add(table, INK_PLAIN, "%s",
			    units_rate(field_double(row, "packets_per_second"), text));
		columns_add(table, INK_PLAIN, "%s",
			    units_rate(field_double(row, "bytes_per_second") * 8, text));
		columns_add(table, INK_PLAIN, "%" PRId64, field_int(row, "packets"));
		columns_add(table, INK_PLAIN, "%" PRId64, field_int(row, "dropped"));
		columns_add(table, INK_PLAIN, "~%" PRId64, field_int(row, "sources_estimate"));
		columns_add(table, INK_PLAIN, "%" PRId64, field_int(row, "unattributed"));
		if (blind > 0)
			columns_add(table, INK_WARNING, "%s/s", units_rate(blind, text));
		else
			columns_add(table, INK_PLAIN, "-");
	}
	err = columns_print(table, page->out, page->colour);
	columns_free(&table);
	return err;
}

static const struct {
	const char *state, *words;
	enum ink ink;
} states[] = {
	{ "enforced", "enforced", INK_GOOD },
	{ "standby", "standby: stands behind the XDP drop", INK_PLAIN },
	{ "unenforced", "NOT ENFORCED: packets of blocked sources pass", INK_BAD },
};

static void add_state(struct columns *table, const char *state)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (!strcmp(states[i].state, state)) {
			columns_add(table, states[i].ink, "%s", states[i].words);
			return;
		}
	}
	columns_add(table, INK_WARNING, "%s", state);
}

static int print_enforcers(const struct page *page, const struct json *enforcers)
{
	static const struct column columns[] = {
		{ "ENFORCER", false },
		{ "RULES", true },
		{ "REPAIRS", true },
		{ "STATE", false },
	};
	struct columns *table = columns_new(columns, sizeof(columns) / sizeof(columns[0]));
	int err;

	if (!table)
		return -ENOMEM;
	json_for_each (row, enforcers) {
		columns_add(table, INK_PLAIN, "%s", field_text(row, "name"));
		columns_add(table, INK_PLAIN, "%" PRId64, field_int(row, "rules"));
		columns_add(table, INK_PLAIN, "%" PRId64, field_int(row, "repairs"));
		add_state(table, field_text(row, "state"));
	}
	err = columns_print(table, page->out, page->colour);
	columns_free(&table);
	return err;
}

/* What somebody should look at. */
static void print_troubles(const struct page *page, const struct json *data)
{
	const struct json *record = json_get(data, "record");
	const char *failing = field_text(record, "failing");
	int64_t lost = field_int(record, "lost");

	json_for_each (row, json_get(data, "enforcers")) {
		const char *reason = field_text(row, "reason");

		if (!strcmp(field_text(row, "state"), "unenforced"))
			page_say(page, INK_BAD, "! %s does not enforce: %s",
				 field_text(row, "name"), *reason ? reason : "see the log");
		else if (*reason)
			page_say(page, INK_WARNING, "! %s: %s", field_text(row, "name"), reason);
	}
	if (*failing)
		page_say(page, INK_BAD,
			 "! the record is not written (%s): blocking goes on; free space or check "
			 "%s",
			 failing, field_text(data, "database"));
	if (lost)
		page_say(page, INK_WARNING, "! %" PRId64 " records were lost since the start",
			 lost);
	json_for_each (row, json_get(data, "interfaces")) {
		if (!strcmp(field_text(row, "direction"), "unknown"))
			page_say(page, INK_WARNING,
				 "! %s: what leaves is not seen, so answers are hardly told from"
				 " attacks: %s",
				 field_text(row, "name"), field_text(row, "direction_reason"));
		if (field_int(row, "overflow"))
			page_say(page, INK_WARNING,
				 "! %s: %" PRId64 " packets came on CPUs without a table: raise "
				 "sensor.memory_mb",
				 field_text(row, "name"), field_int(row, "overflow"));
	}
}

int render_text_status(const struct page *page, const struct json *data)
{
	int err = 0;

	if (!data || json_type(data) != JSON_OBJECT)
		return -EPROTO;
	print_head(page, data);
	if (json_size(json_get(data, "interfaces"))) {
		fputc('\n', page->out);
		err = print_interfaces(page, json_get(data, "interfaces"));
	}
	if (!err && json_size(json_get(data, "enforcers"))) {
		fputc('\n', page->out);
		err = print_enforcers(page, json_get(data, "enforcers"));
	}
	if (!err)
		print_troubles(page, data);
	return err;
}
