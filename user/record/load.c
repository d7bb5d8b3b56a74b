/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules back from the database, with the time they have left now. What is wrong in one row costs
 * that row only. Decides nothing: which of them are in force again is decide/.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/array.h"
#include "base/log.h"
#include "record/database.h"

const char *database_column(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text ? text : "";
}

int database_read_prefix(sqlite3_stmt *statement, int address, int len, struct prefix *out)
{
	char prefix[PREFIX_TEXT + 24];

	snprintf(prefix, sizeof(prefix), "%.45s/%lld", database_column(statement, address),
		 (long long)sqlite3_column_int64(statement, len));
	return prefix_parse(prefix, out);
}

/* The time left: by the boot clock within one boot, else by the wall clock, which may be wrong. */
static int64_t time_left(sqlite3_stmt *s, const char *boot_id, struct moment now, int64_t expires,
			 int64_t granted)
{
	int64_t left, boot_ms = sqlite3_column_int64(s, 18);

	if (boot_id[0] && !strcmp(database_column(s, 17), boot_id)) {
		if (boot_ms < 0)
			boot_ms = 0;
		if (boot_ms > INT64_MAX / NS_PER_MS)
			boot_ms = INT64_MAX / NS_PER_MS;
		left = boot_ms * NS_PER_MS - now.boot_ns;
	} else {
		left = expires - now.wall_ns;
		if (left > granted)
			left = granted;
	}
	return left < RULE_LONGEST_NS ? left : RULE_LONGEST_NS;
}

static int read_times(sqlite3_stmt *s, const char *boot_id, struct moment now, struct rule *rule)
{
	int64_t created, granted_at, expires, left, duration;

	if (wall_parse(database_column(s, 14), &created) ||
	    wall_parse(database_column(s, 15), &granted_at) ||
	    wall_parse(database_column(s, 16), &expires) || created < 0 || granted_at < 0 ||
	    expires < 0)
		return -EINVAL;
	left = time_left(s, boot_id, now, expires, expires > granted_at ? expires - granted_at : 0);
	duration = expires > created ? expires - created : 0;
	if (duration > RULE_LONGEST_NS)
		duration = RULE_LONGEST_NS;
	rule->expires = moment_plus(now, left);
	/* as it was told before, unless this boot's clock says otherwise by more than a rounding */
	if (llabs(rule->expires.wall_ns - expires) < NS_PER_SECOND)
		rule->expires.wall_ns = expires;
	rule->created.wall_ns = created;
	rule->created.boot_ns = rule->expires.boot_ns - duration;
	return 0;
}

/* Port and direction. Without them it would stop more than it was made for. */
static int read_reach(sqlite3_stmt *s, struct rule *rule)
{
	int64_t port = sqlite3_column_int64(s, 20);
	const char *direction = database_column(s, 21);

	if (port < 0 || port > UINT16_MAX)
		return -EINVAL;
	rule->port = (uint16_t)port;
	rule->to_destination = !strcmp(direction, "destination");
	if (rule->to_destination) {
		rule->protocol = rule_destination_protocol(&rule->prefix, rule->classes);
		return rule_limits_destination(rule) ? 0 : -EINVAL;
	}
	rule->protocol = port ? classes_protocol(rule->classes) : 0;
	return strcmp(direction, "source") || (port && !rule->protocol) ? -EINVAL : 0;
}

static int read_rule(sqlite3_stmt *s, const char *boot_id, struct moment now, struct rule *out)
{
	struct rule rule = { .detector = DETECTOR_NONE };
	int64_t id = sqlite3_column_int64(s, 0);

	if (id < 1 || id > UINT32_MAX || database_read_prefix(s, 1, 2, &rule.prefix) ||
	    action_parse(database_column(s, 3), &rule.action) || rule.action == ACTION_ALARM ||
	    classes_parse(database_column(s, 4), &rule.classes) ||
	    evidence_parse(database_column(s, 6), &rule.evidence) ||
	    origin_parse(database_column(s, 7), &rule.origin) || read_times(s, boot_id, now, &rule))
		return -EINVAL;
	rule.limit_pps = (uint32_t)sqlite3_column_int64(s, 12);
	if (read_reach(s, &rule))
		return -EINVAL;
	/* A detector that this version does not have is no reason to let its rule go. */
	if (detector_parse(database_column(s, 5), &rule.detector))
		rule.detector = DETECTOR_NONE;
	rule.id = (uint32_t)id;
	snprintf(rule.reason, sizeof(rule.reason), "%s", database_column(s, 8));
	rule.observed = (uint64_t)sqlite3_column_int64(s, 9);
	rule.limit.count = (uint64_t)sqlite3_column_int64(s, 10);
	rule.limit.seconds = (uint32_t)sqlite3_column_int64(s, 11);
	snprintf(rule.config_hash, sizeof(rule.config_hash), "%s", database_column(s, 13));
	*out = rule;
	return 0;
}

int database_load_rules(struct database *db, struct moment now, struct rule **rules, size_t *count)
{
	sqlite3_stmt *s = db->statements[LOAD_RULES];
	struct rule *items = NULL, *grown;
	size_t n = 0, capacity = 0;
	int rc = SQLITE_DONE, err = 0;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct rule rule;

		if (read_rule(s, db->boot_id, now, &rule)) {
			log_warning("database %s: rule %s cannot be read and is not restored",
				    db->path, database_column(s, 0));
			continue;
		}
		/* Taken back only because the daemon stopped: in force again while it has time. */
		if (sqlite3_column_int(s, 19) && rule.expires.boot_ns <= now.boot_ns)
			continue;
		grown = array_room(items, n, &capacity, sizeof(*items));
		if (!grown) {
			err = -ENOMEM;
			break;
		}
		items = grown;
		items[n++] = rule;
	}
	if (!err)
		err = database_errno(db, rc);
	sqlite3_reset(s);
	if (err) {
		free(items);
		return err;
	}
	*rules = items;
	*count = n;
	return 0;
}

/* When it ended, on both clocks. */
static int read_end(sqlite3_stmt *s, struct moment now, struct past_block *out)
{
	int64_t ended_ns;

	if (wall_parse(database_column(s, 22), &ended_ns) || ended_ns < 0 ||
	    removed_why_parse(database_column(s, 23), &out->why))
		return -EINVAL;
	out->ended = moment_plus(now, ended_ns - now.wall_ns);
	return 0;
}

int database_load_ended(struct database *db, struct moment now, size_t max,
			struct past_block **blocks, size_t *count)
{
	sqlite3_stmt *s = db->statements[LOAD_ENDED];
	struct past_block *items = calloc(max, sizeof(*items));
	int rc = SQLITE_DONE, err;
	size_t n = 0;

	if (!items)
		return -ENOMEM;
	sqlite3_bind_int64(s, 1, (int64_t)max);
	while (n < max && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		if (!read_rule(s, db->boot_id, now, &items[n].rule) && !read_end(s, now, &items[n]))
			n++;
	}
	err = n < max ? database_errno(db, rc) : 0;
	sqlite3_reset(s);
	if (err) {
		free(items);
		return err;
	}
	*blocks = items;
	*count = n;
	return 0;
}
