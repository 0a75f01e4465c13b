/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's part of logs.db. */
#pragma once
#include "store/sqlite.h"

/* The migration that makes the tables. */
extern const char ledger_schema[];

/* Statements of the writer's connection; of the reader's only db is set. */
struct ledger_sql {
    struct sqlite3 *db;
    struct sqlite3_stmt *add, *sum, *balance;
    int64_t version; /* PRAGMA data_version as last seen */
};

/* False: see sqlite3_errmsg. */
bool ledger_sql_prepare(struct ledger_sql *l, struct sqlite3 *db);
void ledger_sql_done(struct ledger_sql *l);
/* What else the ledger does is in backend.h and ledger.h. */
