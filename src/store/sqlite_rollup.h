/* SPDX-License-Identifier: Apache-2.0 */
/* The roll-ups' part of logs.db: sums by minute and by hour, and how many rows a gateway had when. */
#pragma once
#include "store/rollup.h"
#include "store/sqlite.h"

/* The migration that makes the tables. */
extern const char rollup_schema[];
/* The one that adds what the cache saved, there and to rows. */
extern const char saved_schema[];

/* Values of the column `span`, in minutes; `at` is the first minute. */
enum { SPAN_MINUTE = 1, SPAN_HOUR = 60 };

/* How a column of sums takes what comes to it: function(what is there, what comes). */
struct sum_column {
    const char *name, *function; /* "add_up", "add_times", SQLite's own */
};
/* A statement that adds a row to a table: the values of all its columns, the first n_key of which find the
 * row that may be there, then these. After rollup_sql_prepare, which defines the functions. NULL: see
 * sqlite3_errmsg. */
struct sqlite3_stmt *prepare_sums(struct sqlite3 *db, const char *table, size_t n_key,
                                  const struct sum_column *sums, size_t n);

/* Statements of the writer's connection. */
struct rollup_sql {
    struct sqlite3 *db;
    struct sqlite3_stmt *add, *count, *size;
};

/* False: see sqlite3_errmsg. */
bool rollup_sql_prepare(struct rollup_sql *r, struct sqlite3 *db);
void rollup_sql_done(struct rollup_sql *r);

/* Both within the caller's transaction. now_minute: when it is committed. */
enum err rollup_sql_add(struct rollup_sql *r, const struct rollup *u, const struct rollup_cell *c,
                        int64_t now_minute) MUST_CHECK;
/* Notes how many rows each gateway has at this minute. */
enum err rollup_sql_sizes(struct rollup_sql *r, int64_t now_minute) MUST_CHECK;
/* Removes one gateway's next hour of what lies before a minute; E_NOT_FOUND: nothing does. */
enum err rollup_sql_trim(struct rollup_sql *r, int64_t before) MUST_CHECK;
/* The same, of one gateway. */
enum err rollup_sql_trim_gateway(struct rollup_sql *r, int64_t gateway, int64_t before) MUST_CHECK;
