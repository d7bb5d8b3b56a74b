/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came of commands, and why an address is blocked, in lines for people. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "cli/columns.h"
#include "cli/fields.h"
#include "cli/render_text.h"

#define ADDRESS_SHOWN 64

/* "198.51.100.7", or with its length where it is no single address. */
static const char *prefix_text(const struct json *row, char buf[ADDRESS_SHOWN])
{
	const char *address = field_text(row, "address");
	int64_t len = field_int(row, "prefix_len");

	if (len == (strchr(address, ':') ? 128 : 32))
		snprintf(buf, ADDRESS_SHOWN, "%.45s", address);
	else
		snprintf(buf, ADDRESS_SHOWN, "%.45s/%" PRId64, address, len);
	return buf;
}

static bool is_object(const struct json *data)
{
	return data && json_type(data) == JSON_OBJECT;
}

/* ---- block ----------------------------------------------------------------------------------- */

/* "limited udp of 198.51.100.7 to 100 packets/s". */
static void describe_rule(const struct json *rule, char *buf, size_t size)
{
	bool limits = !strcmp(field_text(rule, "action"), "limit");
	bool to = !strcmp(field_text(rule, "direction"), "destination");
	const char *class = field_text(rule, "class");
	char address[ADDRESS_SHOWN], what[96] = "", rate[48] = "";
	int64_t port = field_int(rule, "port");

	if (port && strcmp(class, "all"))
		snprintf(what, sizeof(what), "%.32s to port %" PRId64 " ", class, port);
	else if (port)
		snprintf(what, sizeof(what), "port %" PRId64 " ", port);
	else if (strcmp(class, "all"))
		snprintf(what, sizeof(what), "%.48s ", class);
	if (limits)
		snprintf(rate, sizeof(rate), " to %" PRId64 " packets/s",
			 field_int(rule, "limit_pps"));
	snprintf(buf, size, "%s %s%s%s%s", limits ? "limited" : "blocked", what,
		 to	 ? "that is sent to "
		 : *what ? "of "
			 : "",
		 prefix_text(rule, address), rate);
}

static const char *where(const struct json *rule)
{
	const struct json *enforcers = json_get(rule, "enforcers");
	const char *first = json_to_string(json_first(enforcers));

	if (json_size(enforcers) > 1)
		return "in the drop map and iptables";
	if (!first)
		return "NOTHING ENFORCES IT: see fwgen status";
	return strcmp(first, "xdp") ? "in iptables" : "in the drop map";
}

static int64_t left_ns(const struct page *page, const struct json *rule)
{
	return field_int(rule, "expires_boottime_ms") * NS_PER_MS - page->now.boot_ns;
}

int render_text_block(const struct page *page, const struct json *data)
{
	const struct json *rule = json_get(data, "rule");
	int64_t blocked = field_int(data, "blocked"), failed = field_int(data, "failed");
	char what[256], until[MOMENT_TEXT], left[SPAN_TEXT];

	if (!is_object(data))
		return -EPROTO;
	if (!rule) { /* a list */
		page_say(page, failed ? INK_WARNING : INK_PLAIN,
			 "blocked %" PRId64 " addresses; lines that were not: %" PRId64, blocked,
			 failed);
		return 0;
	}
	describe_rule(rule, what, sizeof(what));
	page_say(page, INK_PLAIN, "%s as rule %" PRId64 " until %s (%s): %s%s", what,
		 field_int(rule, "id"), page_time(page, field_text(rule, "expires_at"), until),
		 span_format(left_ns(page, rule), left), where(rule),
		 field_true(data, "renewed") ? "; it was blocked already, and is for longer now"
					     : "");
	return 0;
}

/* ---- unblock, allow -------------------------------------------------------------------------- */

int render_text_unblock(const struct page *page, const struct json *data)
{
	int64_t ended = field_int(data, "ended");
	const struct json *rules = json_get(data, "rules");
	char address[ADDRESS_SHOWN], until[MOMENT_TEXT];

	if (!is_object(data))
		return -EPROTO;
	json_for_each (rule, rules)
		page_say(page, INK_PLAIN, "ended rule %" PRId64 " for %s: %s",
			 field_int(rule, "id"), prefix_text(rule, address),
			 field_text(rule, "reason"));
	if ((size_t)ended > json_size(rules))
		page_say(page, INK_PLAIN, "ended %" PRId64 " rules in all", ended);
	page_say(page, INK_PLAIN, "%s left alone until %s: what is found is told, not blocked",
		 ended == 1 ? "its source is" : "their sources are",
		 page_time(page, field_text(data, "held_until"), until));
	return 0;
}

int render_text_allow(const struct page *page, const struct json *data)
{
	bool allowed = field_true(data, "allowed"), changed = field_true(data, "changed");
	bool unrecorded = field_true(data, "unrecorded");
	int64_t ended = field_int(data, "ended");
	char address[ADDRESS_SHOWN];

	if (!is_object(data))
		return -EPROTO;
	prefix_text(data, address);
	if (!allowed)
		page_say(page, INK_PLAIN, "%s may be blocked again", address);
	else if (!changed)
		page_say(page, INK_PLAIN, "%s is allowed already", address);
	else
		page_say(page, INK_PLAIN, "%s is never blocked from now on%s%s", address,
			 unrecorded ? "" : ", also after a restart",
			 ended ? "; its rules have ended" : "");
	if (changed && unrecorded)
		page_say(page, INK_BAD,
			 "! the record is not written now: a restart may not know of this");
	return 0;
}

/* ---- reload, pause --------------------------------------------------------------------------- */

int render_text_reload(const struct page *page, const struct json *data)
{
	const char *config = field_text(data, "config"), *kept = field_text(data, "needs_restart");
	const char *until = field_text(data, "confirm_until");
	char text[MOMENT_TEXT];

	if (!is_object(data))
		return -EPROTO;
	page_say(page, INK_PLAIN, "%s is in force%s", *config ? config : "the built-in defaults",
		 field_true(data, "changed") ? "" : "; nothing changed");
	if (*kept)
		page_say(page, INK_WARNING, "needs a restart to change, and stays as it was: %s",
			 kept);
	if (*until)
		page_say(page, INK_WARNING,
			 "without fwgen confirm the configuration before comes back at %s; the file"
			 " stays as it is",
			 page_time(page, until, text));
	return 0;
}

int render_text_pause(const struct page *page, const struct json *data)
{
	const char *until = field_text(data, "paused_until");
	char text[MOMENT_TEXT];

	if (!is_object(data))
		return -EPROTO;
	if (!*until)
		page_say(page, INK_GOOD,
			 "not paused any more: blocks are in force, attackers are"
			 " blocked");
	else
		page_say(page, INK_WARNING, "paused until %s: nobody new is blocked%s",
			 page_time(page, until, text),
			 field_true(data, "disarmed")
				 ? ", and blocks are lifted until then; fwgen resume ends it"
				 : "; blocks stay; fwgen resume ends it");
	return 0;
}

/* ---- what only reads ------------------------------------------------------------------------- */

int render_text_protected(const struct page *page, const struct json *data)
{
	static const struct column columns[] = { { "NEVER BLOCKED", false }, { "WHY", false } };
	struct columns *table;
	char address[ADDRESS_SHOWN];
	int err;

	if (!data || json_type(data) != JSON_ARRAY)
		return -EPROTO;
	table = columns_new(columns, 2);
	if (!table)
		return -ENOMEM;
	json_for_each (row, data) {
		columns_add(table, INK_PLAIN, "%s", prefix_text(row, address));
		columns_add(table, INK_PLAIN, "%s", field_text(row, "reason"));
	}
	err = columns_print(table, page->out, page->colour);
	columns_free(&table);
	return err;
}

int render_text_explain(const struct page *page, const struct json *data)
{
	const struct json *sentences = json_get(data, "sentences");

	if (!is_object(data) || !sentences || json_type(sentences) != JSON_ARRAY)
		return -EPROTO;
	json_for_each (sentence, sentences) {
		const char *text = json_to_string(sentence);

		page_say(page, INK_PLAIN, "%s", text ? text : "");
	}
	return 0;
}
