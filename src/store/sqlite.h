/* SPDX-License-Identifier: Apache-2.0 */
/* What the SQLite back-ends share: opening, migrating, and the few forms of statement they use. */
#pragma once
#include "store/backend.h"

#include <sqlite3.h>

/* One database: its file's name, and the statements that bring version N to N + 1. */
struct sqlite_schema {
    const char *file;
    const char *const *migrations;
    size_t n_migrations;
};

/*
 * Opens DIR/file for use by one thread at a time, migrates it unless only reading. NULL with *ret_why
 * set (thread-local).
 */
struct sqlite3 *sqlite_open(const char *dir, const struct sqlite_schema *schema, enum db_mode mode,
                            const char **ret_why);
/* E_OK, or E_DB. */
enum err sqlite_run(struct sqlite3 *db, const char *sql) MUST_CHECK;
/* A statement that is kept; NULL: see sqlite3_errmsg. */
struct sqlite3_stmt *sqlite_prepare(struct sqlite3 *db, const char *sql);
/* Runs a statement that yields no rows and makes it ready for the next time. */
enum err sqlite_once(struct sqlite3_stmt *st) MUST_CHECK;
/* Runs a bound statement and frees it (NULL: E_DB). What broke a constraint says what was wrong: E_AGAIN, it
 * is there already; E_NOT_FOUND, no row was changed, or what it refers to is not there. */
enum err sqlite_finish(struct sqlite3 *db, struct sqlite3_stmt *st) MUST_CHECK;
/* One number; fallback when there is no row. */
int64_t sqlite_number(struct sqlite3 *db, const char *sql, int64_t fallback);

/* No text (p == NULL or empty) becomes NULL and the other way round. Bound texts are not copied. */
void sqlite_bind_str(struct sqlite3_stmt *st, int at, struct str s);
/* Here no text is the empty one: for columns that are never NULL. */
void sqlite_bind_text(struct sqlite3_stmt *st, int at, struct str s);
/* To parameters that follow each other, the first of them `at`. */
void sqlite_bind_numbers(struct sqlite3_stmt *st, int at, const int64_t *v, size_t n);
void sqlite_bind_blob(struct sqlite3_stmt *st, int at, const void *p, size_t n);
/* Into a; false past its cap. */
bool sqlite_str(struct sqlite3_stmt *st, int column, struct arena *a, struct str *ret);
