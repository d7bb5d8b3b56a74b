/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that are over, as far as they still matter: proven ones are offences, those that somebody
 * ended are not to come back at once. What is wrong in one row costs that row only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "record/database.h"

static int read_past(sqlite3_stmt *s, struct moment now, struct past_rule *out)
{
	struct past_rule rule = { .removed_why = REMOVED_EXPIRED };
	const char *why = database_column(s, 4);
	int64_t ended_ns;

	if (database_read_prefix(s, 0, 1, &rule.prefix) ||
	    evidence_parse(database_column(s, 3), &rule.evidence) ||
	    wall_parse(database_column(s, 5), &ended_ns) || ended_ns < 0)
		return -EINVAL;
	if (why[0] && removed_why_parse(why, &rule.removed_why))
		return -EINVAL;
	if (rule.removed_why == REMOVED_MANUAL && sqlite3_column_int(s, 6))
		rule.removed_why = REMOVED_SHUTDOWN; /* nobody spoke for this one */
	rule.to_destination = !strcmp(database_column(s, 2), "destination");
	rule.expired_ns = now.boot_ns - (now.wall_ns - ended_ns);
	*out = rule;
	return 0;
}

static void reverse(struct past_rule *rules, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct past_rule rule = rules[i];

		rules[i] = rules[n - 1 - i];
		rules[n - 1 - i] = rule;
	}
}

int database_load_past(struct database *db, struct moment now, struct past_rule **rules,
		       size_t *count)
{
	sqlite3_stmt *s = db->statements[LOAD_PAST];
	struct past_rule *items = NULL, *grown, rule;
	size_t n = 0, capacity = 0;
	int rc, err = 0;

	while (!err && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		if (read_past(s, now, &rule))
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
	reverse(items, n);
	*rules = items;
	*count = n;
	return 0;
}
