/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to record/: tables, versions and integrity of an open database. */
#ifndef FWGEN_RECORD_SCHEMA_H
#define FWGEN_RECORD_SCHEMA_H

#include "record/database.h"
#include "record/path.h"

/*
 * Reads only. 0; -EPROTO (a newer fwgen's, or another program's) or -EUCLEAN (corrupt), both with a
 * reason; or another -errno.
 */
int schema_check(struct database *db, char why[PATH_WHY]);
/* All tables of DATABASE_VERSION, in one transaction. 0 or -errno. */
int schema_migrate(struct database *db);

#endif
