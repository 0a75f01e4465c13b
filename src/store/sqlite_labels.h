/* SPDX-License-Identifier: Apache-2.0 */
/* The labels' part of logs.db: sums by minute and by hour, like those of roll-ups. */
#pragma once
#include "store/label_bounds.h"
#include "store/sqlite.h"

/* The migration that makes the table. */
extern const char label_schema[];

/* Statements of the writer's connection. */
struct label_sql {
    struct sqlite3 *db;
    struct sqlite3_stmt *add, *names, *values;
    struct label_bounds bounds;
};

/* After rollup_sql_prepare, whose functions it uses. False: see sqlite3_errmsg. */
bool label_sql_prepare(struct label_sql *l, struct sqlite3 *db);
void label_sql_done(struct label_sql *l);

/* Writes what a batch comes to, within the caller's transaction; what lies beyond the bounds is folded. */
enum err label_sql_add(struct label_sql *l, struct labels *u) MUST_CHECK;
/* The transaction was rolled back. */
void label_sql_forget(struct label_sql *l);
/* Removes some of a gateway's labels from before a minute; E_NOT_FOUND: there are none. */
enum err label_sql_trim_gateway(struct label_sql *l, int64_t gateway, int64_t before) MUST_CHECK;
/* The same of any gateway. */
enum err label_sql_trim(struct label_sql *l, int64_t before) MUST_CHECK;
