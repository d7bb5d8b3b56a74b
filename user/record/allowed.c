/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people allowed at run time: a table of its own, since the configuration is not ours. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/address.h"
#include "base/array.h"
#include "base/log.h"
#include "record/database.h"

int database_put_allowed(struct database *db, const struct allowed_row *row)
{
	enum database_statement which = row->add ? PUT_ALLOWED : REMOVE_ALLOWED;
	sqlite3_stmt *s = db->statements[which];
	char prefix[PREFIX_TEXT], at[MOMENT_TEXT];

	sqlite3_bind_text(s, 1, prefix_format(&row->prefix, prefix), -1, SQLITE_TRANSIENT);
	if (row->add) {
		sqlite3_bind_text(s, 2, moment_format(row->at, at), -1, SQLITE_TRANSIENT);
		sqlite3_bind_text(s, 3, row->who ? row->who : "", -1, SQLITE_TRANSIENT);
	}
	return database_run(db, which);
}

int database_load_allowed(struct database *db, struct protected_prefix **allowed, size_t *count)
{
	sqlite3_stmt *s = db->statements[LOAD_ALLOWED];
	struct protected_prefix *items = NULL, *grown;
	struct prefix prefix;
	size_t n = 0, capacity = 0;
	const char *who;
	int rc, err = 0;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		if (prefix_parse(database_column(s, 0), &prefix)) {
			log_warning("database %s: \"%.60s\" is no prefix and is not allowed",
				    db->path, database_column(s, 0));
			continue;
		}
		grown = array_room(items, n, &capacity, sizeof(*items));
		if (!grown) {
			err = -ENOMEM;
			break;
		}
		items = grown;
		items[n] = (struct protected_prefix){ .prefix = prefix };
		who = database_column(s, 1);
		snprintf(items[n].reason, sizeof(items[n].reason), "allowed by %.50s",
			 *who ? who : "hand");
		n++;
	}
	if (!err)
		err = database_errno(db, rc);
	sqlite3_reset(s);
	if (err) {
		free(items);
		return err;
	}
	*allowed = items;
	*count = n;
	return 0;
}
