/* SPDX-License-Identifier: Apache-2.0 */
/* What the files behind logs.db share: the handle, the columns of a row, and zones. */
#pragma once
#include "store/log_filter.h"
#include "store/sqlite_analytics.h"
#include "store/sqlite_labels.h"
#include "store/sqlite_ledger.h"
#include "store/sqlite_rollup.h"

enum log_column_kind {
    COLUMN_NUMBER, /* int64_t; negative is NULL */
    COLUMN_SMALL,  /* int; negative is NULL */
    COLUMN_TEXT,   /* empty is NULL */
    COLUMN_ID,     /* the row's own id is NULL */
};
struct log_column {
    const char *name;
    enum log_column_kind kind;
    size_t at; /* in struct record */
};
extern const struct log_column log_columns[];
extern const size_t log_column_count;
/* Behind the columns in every statement: the id and the members of body_place. */
#define LOG_LAST_COLUMNS "id, segment, frame, body_at, request_length, response_length"
/* What people add: only changed, never inserted. */
#define LOG_ADDED_COLUMNS "feedback, score, note"
enum { LOG_LAST_COUNT = 6, LOG_SQL_BYTES = 8192, LOG_SQL_MAX = 1024 * 1024 };

struct log_db {
    struct sqlite3 *db;
    struct sqlite3_stmt *insert, *counter, *segment;
    struct rollup_sql rollups;
    struct label_sql labels;
    struct ledger_sql ledger;
    struct analytics analytics;
    struct sqlite3_stmt *facet, *zone, *terms, *trigrams; /* sqlite_zones.c */
    char names[1024]; /* of the columns, with commas; then LOG_LAST_COLUMNS */
    /* ---- of the one that writes ---- */
    struct zone tail; /* rows that no zone in the database covers; number -1: to be read back */
    int64_t next_seq,
        safe_seq; /* of the next row; as of the last commit: numbers below are never used again */
    struct segment_count {
        int64_t number, rows;
    } touched[8]; /* segments, and the bodies they gained in this transaction */
    size_t n_touched;
};

/* ---- sqlite_logs.c ---- */
extern const struct sqlite_schema log_schema;
/* So many more rows (fewer: negative) have their bodies in a segment. Within a transaction. */
enum err log_touch_segment(struct log_db *db, int64_t number, int64_t rows) MUST_CHECK;

/* ---- sqlite_log_read.c ---- */
/* fits(clause, value) and found(needle, value...), which statements call. */
bool log_define_functions(struct sqlite3 *db);
/* Appends ` AND ...` for each clause and the search; with `facets` only the clauses that the table facet can
 * answer. The parameters they use begin with ?9. */
void log_put_conditions(struct buf *sql, const struct log_query *q, bool facets);
/* The query must outlive the statement. */
void log_bind_conditions(struct sqlite3_stmt *st, const struct log_query *q, bool facets);
/* A row of a statement that selects names, LOG_ADDED_COLUMNS. False past the arena's cap. */
bool log_read_row(struct sqlite3_stmt *st, struct arena *a, struct log_row *row,
                  struct body_place *ret_place);
/* Rows of such a statement, `max` in the page at most. */
enum err log_read_rows(struct log_db *db, struct sqlite3_stmt *st, size_t max, struct log_page *ret,
                       struct body_place *ret_place) MUST_CHECK;
/* seq and id, the first two columns. */
struct log_ref log_ref_of(struct sqlite3_stmt *st);
/* The smallest id that can be made at this time. */
struct uuid uuid_at(int64_t ms);
/* Rows on the pages before, and on one page at most. */
int64_t log_skipped(const struct log_query *q);
int64_t log_page_size(const struct log_query *q);
/* A tail, or a list in the order of time without conditions: no need to look through the log. */
bool log_query_is_known(const struct log_query *q);
enum err log_list_known(struct log_db *db, const struct log_query *q, struct log_page *ret) MUST_CHECK;

/* ---- sqlite_zones.c ---- */
bool log_prepare_zones(struct log_db *db);
void log_finish_zones(struct log_db *db);
/* Sums up what an older version left; once, at the start. */
enum err log_build_zones(struct log_db *db) MUST_CHECK;
/* So many more rows of this kind (fewer: negative); the facet's id, and how many it has now. */
enum err log_count_facet(struct log_db *db, const struct facet *f, int64_t rows, int64_t *ret_id,
                         int64_t *ret_rows) MUST_CHECK;
/* Before a row is written: tail and next_seq are right. */
enum err log_ready_tail(struct log_db *db) MUST_CHECK;
/* A row was written as next_seq. */
enum err log_tail_add(struct log_db *db, const struct record *r) MUST_CHECK;
