/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in a fixture's logs.db, read beside the store. */
#pragma once
#include "tests/unit/store_fixture.h"

#include <sqlite3.h>
#include <stdio.h>

/* The first column of a statement's first row. */
static inline int64_t number(const struct fixture *f, const char *sql)
{
    char path[512];
    sqlite3 *db;
    sqlite3_stmt *st;
    snprintf(path, sizeof(path), "%s/logs.db", f->tmp.path);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}
